import numpy as np
import pytest

from hw.crossbar import Crossbar
from hw.crossbar._kernels import factor, gated_ladders
from neuro.errors import ConvergenceError
from tests.naive import crossbar as naive
from tests.unit.hw.arrays import close, loguniform, uniform

# --- 5: independent solver


@pytest.mark.parametrize("shape", [(3, 5), (17, 9), (16, 24), (48, 64)])
@pytest.mark.parametrize("r", [1e-3, 1.0, 1e3])
def test_against_sparse_lu(rng, shape, r):
    g, v = loguniform(rng, *shape), rng.normal(size=(9, shape[0]))
    xbar = Crossbar(g, r, 0.3 * r, 2.0, 1.0)
    expected = [naive.solve(g, x, r, 0.3 * r, 2.0, 1.0)[0] for x in v[:3]]
    close(xbar.mvm(v, method="cg")[:3], np.array(expected), 1e-8)
    for x, e in zip(v, expected, strict=False):
        close(xbar.mvm(x, method="cg"), e, 1e-8)
        close(xbar.solve(x).I, e, 1e-8)


@pytest.mark.parametrize(
    "kind", [(1e-7, 1e-3), (1e-6, 1e-2)], ids=["1e-7..1e-3", "1e-6..1e-2"]
)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (13, 1), (48, 64)])
def test_stress_set_converges(rng, kind, shape):
    for r in 10.0 ** np.arange(-3, 4):
        g, v = loguniform(rng, *shape, *kind), rng.normal(size=shape[0])
        s = Crossbar(g, r, r).solve(v)
        assert s.residual <= 1e-11
        if s.I.any():
            close(s.I, naive.solve(g, v, r, r)[0], 1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [(1e-7, 1e-3), (1e-6, 1e-2)])
@pytest.mark.parametrize("r", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("shape", [(200, 300), (1024, 512)])
def test_stress_set_converges_large(rng, kind, r, shape):
    g, v = loguniform(rng, *shape, *kind), rng.normal(size=shape[0])
    s = Crossbar(g, r, r).solve(v)
    assert s.residual <= 1e-11
    balance = s.i_device.sum() - s.I.sum()
    assert abs(balance) <= 1e-8 * np.abs(s.i_device).sum()


def test_raises_with_the_residual_when_capped(rng):
    xbar = Crossbar(loguniform(rng, 16, 16), 1e3, 1e3, max_iterations=3)
    with pytest.raises(ConvergenceError, match="residual"):
        xbar.mvm(rng.normal(size=16))
    with pytest.raises(ConvergenceError, match="residual"):
        xbar.mvm(rng.normal(size=(5, 16)))


def test_approximate_mode_reports_its_residual(rng):
    g, v = uniform(rng, 64, 64), rng.random((4, 64))
    xbar = Crossbar(g, 1.0, 1.0)
    exact = xbar.mvm(v, method="cg")
    errors = []
    for k in (1, 2, 3):
        out = xbar.mvm(v, iterations=k)
        assert xbar.last_iterations == k
        errors.append(np.abs(out / exact - 1).max())
    assert errors[0] > 1e-4
    assert errors[1] < 1e-5
    assert errors[2] < 1e-8
    assert xbar.last_residual > 1e-11


def test_unverified_and_verified_modes_agree(rng):
    """The recursion's residual is honest where it is trusted."""
    g, v = uniform(rng, 40, 40, 1e-4, 1e-3), rng.random(40)
    xbar = Crossbar(g, 10.0, 10.0)
    close(xbar.mvm(v), xbar.solve(v).I, 1e-10)


@pytest.mark.parametrize("topology", ["driven", "gated"])
def test_threads_change_nothing(rng, topology, monkeypatch):
    from hw.crossbar import _threads

    monkeypatch.setattr(_threads, "LEAST", 1)
    g = uniform(rng, 33, 21)
    v = 0.2 * (np.random.default_rng(0).random((20, 33)) < 0.4)
    found = [
        Crossbar(g, 1.0, 2.0, topology=topology, threads=k).mvm(
            v, method="cg" if topology == "driven" else "auto"
        )
        for k in (1, 2, 3)
    ]
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_small_work_stays_in_one_thread():
    from hw.crossbar._threads import LEAST, spread

    assert spread(len, range(9), 4, 10) == [9]
    assert sorted(spread(len, range(9), 4, LEAST)) == [2, 2, 2, 3]


# --- kernels


def test_interpreted_kernels_agree(rng):
    g = uniform(rng, 5, 4)
    gw, gb = naive.segments(5, 4, 3.0, 4.0)
    a, b = np.empty((2, 2, 5, 4))
    factor(g, gw, gb, *a)
    factor.py_func(g, gw, gb, *b)
    np.testing.assert_array_equal(a, b)
    gate = np.array([1, 0, 1, 1, 0], np.uint8)
    gs = np.concatenate([[0.5], gw[1:2].repeat(4), [0.0]])
    outs = []
    for f in (gated_ladders, gated_ladders.py_func):
        s, w, out = np.empty((5, 4)), np.empty((5, 4)), np.empty(4)
        f(g, gs, gb, gate, 0.2, s, w, out)
        outs.append(out)
    np.testing.assert_allclose(outs[0], outs[1], rtol=1e-14)


@pytest.mark.parametrize("m", [5, 11])
def test_interpreted_solvers_agree(rng, m):
    """The two conjugate-gradient kernels, compiled and as plain Python."""
    from hw.crossbar import _kernels

    n = 3
    g = uniform(rng, m, n, 1e-5, 1e-3)
    gw, gb = naive.segments(m, n, 30.0, 40.0)
    v = rng.normal(size=(m, 8))
    dw, db = np.empty((2, m, n))
    factor(g, gw, gb, dw, db)
    blocks = -(-m // 8)
    packed = np.empty((3, blocks, n, 8))
    results = []
    for plain in (False, True):

        def pick(kernel, plain=plain):
            return kernel.py_func if plain else kernel

        z, p, f, w = np.zeros((4, m + 2, n, 8))
        out, info = np.zeros((2, n, 8)), np.zeros((3, 8))
        with _kernels.superword():
            pick(_kernels.solve_many)(
                g, dw, db, gw, gb, v, v, 1e-12, 99, False, True, z, p, f, w, out, info
            )
        pick(_kernels.factor_packed)(g, gw, gb, *packed)
        pad = 8 * blocks - m
        rows = np.zeros((3, 8 * blocks))
        rows[:, pad:] = gb[:-1], gb[1:], v[:, 0]
        above, below, vp = rows.reshape(3, blocks, 8)
        single, note = np.zeros((2, n)), np.zeros(3)
        z, p, f, w, c = np.zeros((5, blocks, n, 8))
        with _kernels.superword():
            pick(_kernels.solve_single)(
                *packed,
                gw,
                above,
                below,
                vp,
                vp,
                1e-12,
                99,
                np.array([0, 1, 0], np.uint8),
                z,
                p,
                f,
                w,
                c,
                single,
                note,
            )
        results.append((out[0].copy(), single[0].copy(), note[2], info[2, 0]))
    exact = np.array([naive.solve(g, x, 30.0, 40.0)[0] for x in v.T])
    for out, single, _, _ in results:
        close(out.T, exact, 1e-11)
        close(single, exact[0], 1e-11)
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-12)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-12)
    assert results[0][2:] == results[1][2:]
