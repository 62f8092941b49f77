import random
import warnings

import numpy as np
import pytest

from neuro.errors import MemoryLimitError, ParameterError, ShapeError
from neuro.sparsey import (
    Decay,
    Fields,
    LabelField,
    Level,
    LevelParameters,
    SaturationWarning,
    Selection,
    Source,
    hexagonal_fields,
    neighbours,
    square_fields,
    whole_field,
)


def items(rng, n, size, count):
    x = np.zeros((count, n), np.uint8)
    for row in x:
        row[rng.choice(n, size, replace=False)] = 1
    return x


@pytest.mark.parametrize("horizontal", [None, "own", "near"])
def test_codes_do_not_depend_on_threads_or_batches(horizontal, rng):
    x = (rng.random((12, 8, 8)) < 0.3).astype(np.uint8)
    starts = np.zeros(12, np.uint8)
    starts[[0, 5]] = 1
    fields = square_fields((8, 8), 4, stride=2)
    h = (
        neighbours(fields.centres, fields.centres, 2.5, own_first=True)
        if horizontal == "near"
        else horizontal
    )
    runs = []
    for threads, parts in ((1, 1), (2, 1), (4, 3)):
        level = Level(
            LevelParameters(n_cms=4, n_units=6), fields, horizontal=h, seed=1,
            threads=threads,
        )  # fmt: skip
        codes = [
            level.run(a, starts=s, learn=True).codes
            for a, s in zip(
                np.array_split(x, parts), np.array_split(starts, parts), strict=True
            )
        ]
        runs.append((np.concatenate(codes), level.weights["U"].copy(), level.counts))
    for codes, weights, counts in runs[1:]:
        np.testing.assert_array_equal(codes, runs[0][0])
        np.testing.assert_array_equal(weights, runs[0][1])
        assert counts == runs[0][2]


def test_persistence_keeps_the_code_and_learns_what_comes(rng):
    x = items(rng, 40, 5, 6)
    level = Level(
        LevelParameters(n_cms=6, n_units=8, persistence=3), whole_field(40),
        horizontal="own",
    )  # fmt: skip
    starts = [1, 0, 0, 0, 0, 0]
    codes = level.run(x, starts=starts, learn=True).codes[:, 0]
    for a, b in ((0, 1), (1, 2), (3, 4), (4, 5)):
        np.testing.assert_array_equal(codes[a], codes[b])
    assert (codes[2] != codes[3]).any()
    computed = level.counts.total("neuron_update") // 48
    assert computed == 2
    # each of the three frames now evokes the code it was learnt with
    again = level.run(x[:3], starts=True).codes[:, 0]
    for code in again:
        np.testing.assert_array_equal(code, codes[0])


def test_start_frame_waits():
    level = Level(LevelParameters(n_cms=2, n_units=3, start_frame=2), whole_field(4))
    x = np.ones((4, 4), np.uint8)
    active = level.run(x, starts=[1, 0, 0, 0]).active[:, 0]
    assert active.tolist() == [False, False, True, True]


def test_frozen_items_keep_their_codes_and_later_ones_map_to_them(rng):
    x = items(rng, 144, 12, 60)
    level = Level(LevelParameters(freeze_u=0.25), whole_field(144), seed=2)
    codes = level.run(x, learn=True).codes[:, 0]
    assert level.frozen[0, 0]
    density = level.density()[0, 0]
    again = level.run(x).codes[:, 0]
    same = (codes == again).mean(1)
    n_before = int(np.flatnonzero(level.counts.per_sample("plastic")[:60] == 0)[0])
    assert same[:n_before].mean() > 0.97
    level.run(items(rng, 144, 12, 50), learn=True)
    assert level.density()[0, 0] == density
    np.testing.assert_array_equal(again[:n_before], level.run(x[:n_before]).codes[:, 0])


def test_small_modules_meet_every_class(rng):
    """K too small: binary label weights saturate, class is lost."""
    kinds = items(rng, 100, 15, 10)
    y = np.arange(400) % 10
    x = kinds[y]
    for row in x:  # one of 15 active inputs elsewhere
        on, off = np.flatnonzero(row), np.flatnonzero(row == 0)
        row[rng.choice(on)], row[rng.choice(off)] = 0, 1
    right, full = {}, {}
    for k in (2, 50):
        level = Level(LevelParameters(n_cms=10, n_units=k), whole_field(100))
        field = LabelField(10, [(1, 10, k)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SaturationWarning)
            field.learn(level.run(x[:300], learn=True).codes, y[:300])
        full[k] = field.weights("binary").mean()
        right[k] = (field.predict(level.run(x[300:]).codes) == y[300:]).mean()
    assert full[2] > 0.9
    assert right[2] < 0.3  # chance .1
    assert full[50] < 0.1
    assert right[50] > 0.95


def test_global_random_state_plays_no_part(rng):
    x = items(rng, 40, 5, 20)
    found = []
    for draws in (0, 7):
        random.seed(draws)
        level = Level(LevelParameters(n_cms=4, n_units=5), whole_field(40), seed=2)
        found.append(level.run(x, learn=True).codes)
    np.testing.assert_array_equal(*found)


def test_hub_collapse_is_warned_of_and_familiarity_says_yes_to_everything(rng):
    level = Level(LevelParameters(n_cms=5, n_units=10), whole_field(100), seed=0)
    common = (rng.random((600, 100)) < np.linspace(0.02, 0.6, 100)).astype(np.uint8)
    with pytest.warns(SaturationWarning, match="hub collapse"):
        level.run(common, learn=True)
    g = level.run(
        (rng.random((50, 100)) < np.linspace(0.02, 0.6, 100)).astype(np.uint8)
    )
    assert g.familiarity.mean() > 0.97
    again = Level(LevelParameters(n_cms=5, n_units=10), whole_field(100), seed=0)
    again.set_state(level.get_state())
    again.run(common, learn=True)  # warned before it was saved: not again
    guarded = Level(
        LevelParameters(n_cms=5, n_units=10, freeze_u=0.1), whole_field(100)
    )
    guarded.run(common, learn=True)  # no warning


def test_a_weight_decays_unless_it_is_met_again():
    p = LevelParameters(n_cms=2, n_units=2, decay=Decay(), selection=Selection())
    level = Level(p, whole_field(3), seed=0)
    x = np.eye(3, dtype=np.uint8)[:1]
    code = level.run(x, learn=True).codes[0, 0]
    for age, want in (
        (1999, 1.0),
        (2000, 120 / 127),
        (2999, 120 / 127),
        (3000, 50 / 127),
        (3999, 50 / 127),
        (4000, 0.0),
    ):
        level._step = age
        g = level.run(x).familiarity[0, 0]
        assert g == pytest.approx(want, abs=1e-6)
    level = Level(p, whole_field(3), seed=0)
    level.run(x, learn=True)
    level._step = 1500
    assert (level.run(x, learn=True, soft=False).codes[0, 0] == code).all()
    level._step = 1500 + 3999
    assert level.run(x).familiarity[0, 0] == 1.0
    level._step = 1500 + 7999
    assert level.run(x).familiarity[0, 0] == pytest.approx(50 / 127)
    level = Level(p, whole_field(3), seed=0)
    for step in (0, 1500, 3000):
        level._step = step
        level.run(x, learn=True, soft=False)
    level._step = 10**6
    assert level.run(x).familiarity[0, 0] == 1.0


def test_freezing_makes_living_weights_permanent():
    p = LevelParameters(n_cms=2, n_units=2, decay=Decay(), freeze_u=0.4)
    level = Level(p, whole_field(2), seed=0)
    level.run(np.eye(2, dtype=np.uint8), learn=True)
    assert level.frozen[0, 0]
    level._step = 10**6
    assert level.run(np.eye(2, dtype=np.uint8)).familiarity.min() == 1.0


def test_ratchet_moves_the_inflection_later(rng):
    rule = Selection(ratchet_step=0.05, ratchet_max=0.9, ratchet_floor=0.01)
    level = Level(LevelParameters(n_cms=4, n_units=4, selection=rule), whole_field(30))
    level.run(items(rng, 30, 6, 40), learn=True)
    assert 0.75 < level._state.inflection[0] <= 0.9


def test_lower_bound_normaliser_is_kinder_to_large_inputs(rng):
    x = items(rng, 30, 10, 1)
    x2 = x.copy()
    x2[0, np.flatnonzero(x[0])[:5]] = 0
    x2[0, np.flatnonzero(x[0] == 0)[:5]] = 1
    got = {}
    for kind in ("count", "lower_bound"):
        p = LevelParameters(
            n_cms=3, n_units=4, band=(5, 20), selection=Selection(normalizer=kind)
        )
        level = Level(p, whole_field(30))
        level.run(x, learn=True)
        got[kind] = level.run(x2).familiarity[0, 0]
    assert got["count"] == pytest.approx(0.5)
    assert got["lower_bound"] == 1.0


def test_no_unit_hears_its_own_module(rng):
    level = Level(
        LevelParameters(n_cms=9, n_units=16), whole_field(144), horizontal="own"
    )
    assert level.n_weights == 39_168  # 144 * 144 + 144 * (144 - 16)
    level.run(items(rng, 144, 10, 10), starts=np.arange(10) == 0, learn=True)
    w = level.weights["H"][0].reshape(9, 16, 9, 16)
    assert w.sum() > 0
    for q in range(9):
        assert not w[q, :, q].any()


def test_fields():
    f = square_fields((20, 20), 6)
    assert len(f) == 225
    assert set(f.sizes) == {36}
    assert f.sources[0][:7].tolist() == [0, 1, 2, 3, 4, 5, 20]
    h = hexagonal_fields((20, 20), radius=3.0, spacing=2.0)
    d = np.sort(np.hypot(*(h.centres[:, None] - h.centres[None]).transpose(2, 0, 1)), 1)
    assert np.median(d[:, 6]) == pytest.approx(2.0, abs=1e-9)
    near = neighbours(f.centres, f.centres, 1.0, own_first=True)
    assert near.sources[16].tolist() == [16, 1, 15, 17, 31]
    with pytest.raises(ParameterError, match="do not fit"):
        square_fields((4, 4), 6)
    for radius, spacing in ((-1, 1), (1, 0), (1, np.nan)):
        with pytest.raises(ParameterError, match="hexagonal_fields"):
            hexagonal_fields((4, 4), radius=radius, spacing=spacing)
    with pytest.raises(ParameterError, match="sees nothing"):
        neighbours([[0.0, 0.0]], [[9.0, 9.0]], 1.0)
    with pytest.raises(ParameterError, match="outside"):
        Fields((np.array([9], np.int32),), np.zeros((1, 2)), 4)


def test_refusals():
    p = LevelParameters()
    one = whole_field(4)
    with pytest.raises(MemoryLimitError, match="GB"):
        Level(p, one, memory_limit_gb=1e-9)
    with pytest.raises(ParameterError, match="own"):
        Level(p, one, horizontal="self")
    with pytest.raises(ParameterError, match="together"):
        Level(p, one, feedback=one)
    with pytest.raises(ParameterError, match="fields for"):
        Level(p, one, horizontal=square_fields((4, 4), 2))
    both = Fields((np.array([0, 1], np.int32),) * 2, np.zeros((2, 2)), 2)
    with pytest.raises(ParameterError, match="own_first"):
        Level(p, square_fields((2, 4), 2, stride=2), horizontal=both)
    with pytest.raises(ParameterError, match="threads"):
        Level(p, one, threads=0)
    with pytest.raises(ParameterError, match="made for 4 macs"):
        Level(p, one, below=Source(2, 3, 4))
    upper = Level(p, whole_field(2), below=Source(2, 3, 4))
    with pytest.raises(ParameterError, match="below"):
        upper.run(np.ones((1, 2)))
    with pytest.raises(ShapeError, match="codes"):
        upper.run(below=np.zeros((1, 3, 3), np.int16))
    with pytest.raises(ParameterError, match="pixels"):
        upper.decode(np.zeros((1, 1, 24), np.int16))
    level = Level(p, one)
    with pytest.raises(ParameterError, match="frames"):
        level.run()
    for wrong in ("X", "", 8, 0, [1, 2]):
        with pytest.raises(ParameterError, match="signals"):
            level.run(np.ones((1, 4)), signals=wrong)
    with pytest.raises(ParameterError, match="starts"):
        level.run(np.ones((3, 4)), starts=[True, False])
    with pytest.raises(ShapeError, match="decode"):
        level.decode(np.zeros((1, 2, 24)))
    other = Level(LevelParameters(n_cms=3), one)
    with pytest.raises(ShapeError, match="another description"):
        level.set_state(other.get_state())
