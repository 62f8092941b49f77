import numpy as np
import pytest

from neuro.errors import DatasetError, ParameterError
from neuro.sparsey import (
    Hierarchy,
    LevelParameters,
    LevelSpec,
    neighbours,
    square_fields,
    whole_field,
)


def build(*, feedback, seed=0, threads=1):
    low = square_fields((8, 8), 4, stride=2)
    high = square_fields((8, 8), 8)
    return Hierarchy(
        [
            LevelSpec(
                name="v1",
                parameters=LevelParameters(n_cms=4, n_units=8, band=(1, 16)),
                fields=low,
                horizontal="own",
                feedback="v2" if feedback else None,
                feedback_fields=neighbours(low.centres, high.centres, 9)
                if feedback
                else None,
            ),
            LevelSpec(
                name="v2",
                parameters=LevelParameters(n_cms=6, n_units=8, persistence=2),
                fields=neighbours(high.centres, low.centres, 9),
                source="v1",
                horizontal="own",
            ),
        ],
        seed=seed,
        threads=threads,
    )


@pytest.fixture
def frames(rng):
    return (rng.random((12, 8, 8)) < 0.2).astype(np.uint8)


STARTS = np.arange(12) % 6 == 0


@pytest.mark.parametrize("feedback", [False, True])
def test_recognises_trained_sequences(feedback, frames):
    model = build(feedback=feedback)
    learnt = model.run(frames, starts=STARTS, learn=True)
    again = model.run(frames, starts=STARTS)
    for name in ("v1", "v2"):
        assert (learnt[name].codes == again[name].codes).mean() > 0.93
    same = (again["v2"].codes[0:6:2] == again["v2"].codes[1:6:2]).all()
    assert same  # persistence 2: pairs of frames share a code
    assert (again["v1"].signals[1] & 4 > 0).any() == feedback
    assert model.counts.layers.keys() == {"v1", "v2"}
    assert "v2" in repr(model)


def test_batches_and_single_steps_agree(frames):
    whole, stepwise = build(feedback=False), build(feedback=False)
    a = whole.run(frames, starts=STARTS, learn=True)
    for f, frame in enumerate(frames):
        b = stepwise.run(frame[None], starts=STARTS[f : f + 1], learn=True)
        for name in b:
            np.testing.assert_array_equal(a[name].codes[f], b[name].codes[0])


def test_levels_may_learn_apart(frames):
    model = build(feedback=False)
    model.run(frames, starts=STARTS, learn={"v1": True})
    assert model.levels["v1"].density()[:, 0].min() > 0
    assert model.levels["v2"].density().max() == 0


@pytest.mark.parametrize("feedback", [False, True])
def test_recalls_from_the_first_frame(feedback, frames):
    model = build(feedback=feedback)
    learnt = model.run(frames[:6], starts=STARTS[:6], learn=True)
    got = model.recall(frames[:1], 6)
    active = learnt["v1"].active
    same = (got["v1"].codes == learnt["v1"].codes).all(2)[active]
    assert same.mean() > 0.9
    pixels = model.levels["v1"].decode(got["v1"].codes)
    assert (pixels == frames[:6].reshape(6, -1)).mean() > 0.95


@pytest.mark.parametrize("feedback", [False, True])
def test_save_and_load_in_mid_stream(feedback, frames, tmp_path):
    model = build(feedback=feedback, seed=4)
    model.run(frames[:8], starts=STARTS[:8], learn=True)
    model.save(tmp_path / "h.npz")
    other = Hierarchy.load(tmp_path / "h.npz")
    a = model.run(frames[8:], starts=False, learn=True)
    b = other.run(frames[8:], starts=False, learn=True)
    for name in a:
        np.testing.assert_array_equal(a[name].codes, b[name].codes)
    assert model.counts == other.counts
    np.savez(tmp_path / "x.npz", head=np.array("{}"))
    with pytest.raises(DatasetError):
        Hierarchy.load(tmp_path / "x.npz")


def test_size_of_the_published_six_level_example():
    """64 V1 macs of 4 x 4 pixels over 32 x 32, then 25, 9, 9, 1: wiring by distance."""
    v1 = square_fields((32, 32), 4, stride=4)
    assert len(v1) == 64
    v2 = square_fields((32, 32), 8, stride=6)
    model = Hierarchy(
        [
            LevelSpec(
                name="v1", parameters=LevelParameters(n_cms=8, n_units=7), fields=v1
            ),
            LevelSpec(
                name="v2",
                parameters=LevelParameters(n_cms=8, n_units=7),
                fields=neighbours(v2.centres, v1.centres, 6.0),
                source="v1",
            ),
        ]
    )
    assert len(v2) == 25
    assert (
        model.n_weights
        == 64 * 16 * 56
        + sum(s.size for s in neighbours(v2.centres, v1.centres, 6.0).sources) * 56 * 56
    )
    assert model.shapes() == [(64, 8, 7), (25, 8, 7)]


def test_refusals():
    p, one = LevelParameters(), whole_field(4)
    with pytest.raises(ParameterError, match="at least one"):
        Hierarchy([])
    with pytest.raises(ParameterError, match="differ"):
        Hierarchy([LevelSpec(name="a", parameters=p, fields=one)] * 2)
    with pytest.raises(ParameterError, match="no earlier level"):
        Hierarchy([LevelSpec(name="a", parameters=p, fields=one, source="b")])
    with pytest.raises(ParameterError, match="no level"):
        Hierarchy(
            [
                LevelSpec(
                    name="a",
                    parameters=p,
                    fields=one,
                    feedback="b",
                    feedback_fields=one,
                )
            ]
        )
