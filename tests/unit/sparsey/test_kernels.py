"""Kernels against the slow reference of ``tests/naive/sparsey.py``."""

import numpy as np
import pytest

from neuro.sparsey import (
    Fields,
    General,
    JavaSigmoid,
    Level,
    LevelParameters,
    Selection,
    Source,
    neighbours,
    whole_field,
)
from neuro.sparsey import _kernels as kernels
from neuro.sparsey._kernels import choice
from neuro.sparsey.images import skeletonize
from tests.naive import sparsey as naive

RULES = {
    "separating": Selection(),
    "graded": Selection.preset("graded"),
    "general": Selection(sigmoid=General(), g_minus=0.1),
    "java": Selection(sigmoid=JavaSigmoid(), g_minus=0.1),
    "rinkus2010": Selection.preset("rinkus2010"),
    "exponents": Selection(lambda_u0=2.0, lambda_u=1.5, lambda_h=0.5, lambda_d=2.0),
    "cutoffs": Selection(min_cutoff=0.1, max_cutoff=0.8),
    "random": Selection.preset("random"),
}


def items(rng, n, size, count):
    x = np.zeros((count, n), np.uint8)
    for row in x:
        row[rng.choice(n, size, replace=False)] = 1
    return x


@pytest.mark.parametrize("name", sorted(RULES))
def test_stores_and_retrieves_as_the_reference(name, rng):
    rule = RULES[name]
    level = Level(
        LevelParameters(n_cms=3, n_units=4, selection=rule), whole_field(16), seed=3
    )
    slow = naive.NaiveMac(3, 4, rule, key=[int(k) for k in level._key])
    x = items(rng, 16, 4, 8)
    learnt, asked = level.run(x, learn=True), level.run(x)
    for f, row in enumerate(np.concatenate([x, x])):
        signals = {"U": list(np.flatnonzero(row))}
        code, g = slow.step(signals, f, learn=f < 8)
        part, at = (learnt, f) if f < 8 else (asked, f - 8)
        assert part.codes[at, 0].tolist() == code
        assert part.familiarity[at, 0] == pytest.approx(g, abs=1e-6)


@pytest.mark.parametrize("name", ["separating", "exponents"])
@pytest.mark.parametrize("own", [True, False])
def test_sequences_with_h_as_the_reference(name, own, rng):
    """Two macs side by side; H from the own mac only, or from both."""
    rule = RULES[name]
    q, k = 3, 4
    halves = (np.arange(8, dtype=np.int32), np.arange(8, 16, dtype=np.int32))
    centres = np.array([[0.0, 0.0], [0.0, 1.0]])
    level = Level(
        LevelParameters(n_cms=q, n_units=k, selection=rule),
        Fields(halves, centres, 16),
        horizontal="own" if own else neighbours(centres, centres, 2.0, own_first=True),
        seed=5,
    )
    key = [int(x) for x in level._key]
    slow = [naive.NaiveMac(q, k, rule, index=m, key=key) for m in (0, 1)]
    frames = np.concatenate([items(rng, 8, 3, 10), items(rng, 8, 3, 10)], 1)
    frames[3, :8] = 0  # a silent mac inside a sequence
    starts = np.zeros(10, np.uint8)
    starts[[0, 6]] = 1
    step = 0
    for learn in (True, False):
        activity = level.run(frames, starts=starts, learn=learn)
        codes = [None, None]
        for f in range(10):
            if starts[f]:
                codes = [None, None]
            before = list(codes)
            for m in (0, 1):
                on = list(np.flatnonzero(frames[f, halves[m]]))
                if not on:
                    codes[m] = None
                    assert (activity.codes[f, m] == -1).all()
                    continue
                signals = {"U": on}
                heard = [
                    (c if j == m else None, (j, c, before[j][c]))
                    for j in ([m] if own else [m, 1 - m])
                    if before[j] is not None
                    for c in range(q)
                ]
                if heard:
                    signals["H"] = heard
                codes[m], g = slow[m].step(signals, step, learn=learn)
                assert activity.codes[f, m].tolist() == codes[m]
                assert activity.familiarity[f, m] == pytest.approx(g, abs=1e-6)
            step += 1


def test_u_from_codes_and_d_as_the_reference(rng):
    rule = RULES["separating"]
    below, above = Source(4, 2, 3), Source(1, 2, 3)
    seen = Fields((np.arange(4, dtype=np.int32),), np.zeros((1, 2)), 4)
    level = Level(
        LevelParameters(n_cms=3, n_units=4, selection=rule, band=(2, 4)),
        seen,
        below=below,
        feedback=whole_field(1),
        above=above,
        seed=2,
    )
    slow = naive.NaiveMac(3, 4, rule, key=[int(x) for x in level._key])
    codes = rng.integers(0, 3, (8, 4, 2)).astype(np.int16)
    codes[rng.random((8, 4)) < 0.3] = -1
    codes[0, :3] = -1  # below the band
    feedback = rng.integers(0, 3, (8, 1, 2)).astype(np.int16)
    feedback[2] = -1
    for learn, step in ((True, 0), (False, 8)):
        activity = level.run(below=codes, above=feedback, learn=learn)
        for f in range(8):
            on = [m for m in range(4) if codes[f, m, 0] >= 0]
            if not 2 <= len(on) <= 4:
                assert activity.codes[f, 0, 0] == -1
                continue
            signals = {"U": [(m, q, codes[f, m, q]) for m in on for q in range(2)]}
            if feedback[f, 0, 0] >= 0:
                signals["D"] = [(q, feedback[f, 0, q]) for q in range(2)]
            code, g = slow.step(signals, step + f, learn=learn)
            assert activity.codes[f, 0].tolist() == code
            assert activity.familiarity[f, 0] == pytest.approx(g, abs=1e-6)


def test_freezing_as_the_reference(rng):
    level = Level(
        LevelParameters(n_cms=3, n_units=4, freeze_u=0.2), whole_field(16), seed=1
    )
    slow = naive.NaiveMac(
        3, 4, Selection(), key=[int(k) for k in level._key], freeze=0.2,
        n_synapses=16 * 12,
    )  # fmt: skip
    x = items(rng, 16, 4, 12)
    codes = level.run(x, learn=True).codes[:, 0]
    for f, row in enumerate(x):
        code, _ = slow.step({"U": list(np.flatnonzero(row))}, f, learn=True)
        assert codes[f].tolist() == code
    assert slow.frozen
    assert level.frozen[0, 0]
    assert 0.2 < level.density()[0, 0] < 0.3


def test_one_module_is_the_same_compiled_and_interpreted(rng):
    x = rng.integers(0, 2**32, 50)
    for value in x.tolist():
        assert choice.uniform(7, 11, value, 3) == choice.uniform.py_func(
            7, 11, value, 3
        )
        assert choice.uniform(7, 11, value, 3) == naive.uniform((7, 11), value, 3)
    rule = kernels.Rule(
        0, 28.0, 0.75, 0.0, 0.0, 2.0, 0.2, 2.0, 100.0, np.zeros(0), np.zeros(0),
        1.0, 1.0, 1.0, 1.0, 0, 0.0, 1.0, 0.0, 0.9, 0.3,
    )  # fmt: skip
    for v in (0.0, 0.3, 0.75, 1.0):
        a = choice.psi_fixed(v, 801.0, 0.75, rule)
        assert a == choice.psi_fixed.py_func(v, 801.0, 0.75, rule)
    assert choice.expansivity(0.6, 8, rule) == choice.expansivity.py_func(0.6, 8, rule)
    units = rng.random(6)
    best = units[:3].max()
    for hard in (True, False):
        for draw in (0.0, 0.4, 0.99):
            arguments = (units, hard, 5.0, 0.75, rule, 0, 3, draw, best)
            assert choice.pick(*arguments, np.zeros(3, np.int64)) == (
                choice.pick.py_func(*arguments, np.zeros(3, np.int64))
            )


def test_uniform_numbers_are_uniform():
    x = np.array([choice.uniform(1, 2, s, i) for s in range(100) for i in range(50)])
    assert x.mean() == pytest.approx(0.5, abs=0.015)
    assert np.histogram(x, 10, (0, 1))[0].min() > 400
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 0.05
    assert abs(np.corrcoef(x[:-50], x[50:])[0, 1]) < 0.05


def test_whole_kernel_interpreted(rng):
    """The driver itself, as Python, gives the codes of the compiled one."""
    made = [
        Level(
            LevelParameters(n_cms=2, n_units=3),
            whole_field(9),
            horizontal="own",
            seed=4,
        )
        for _ in range(2)
    ]
    x = items(rng, 9, 3, 6)
    starts = np.array([1, 0, 0, 1, 0, 0], np.uint8)
    compiled = made[0].run(x, starts=starts, learn=True)
    real = kernels.run_macs
    try:
        kernels.run_macs = real.py_func
        interpreted = made[1].run(x, starts=starts, learn=True)
    finally:
        kernels.run_macs = real
    np.testing.assert_array_equal(compiled.codes, interpreted.codes)
    assert made[0].counts == made[1].counts


def test_thinning_as_the_reference(rng):
    x = (rng.random((12, 9, 11)) < 0.6).astype(np.uint8)
    x[0] = 1
    x[1] = 0
    for image, thin in zip(x, skeletonize(x), strict=True):
        assert thin.tolist() == naive.zhang_suen(image)
