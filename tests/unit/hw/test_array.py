import numpy as np
import pytest

from hw.crossbar import Crossbar, solve
from hw.crossbar._kernels import factor, gated_ladders, word_voltages
from neuro.errors import ConvergenceError, ParameterError, ShapeError
from tests.naive import crossbar as naive


def uniform(rng, m, n, low=1e-6, high=1e-4):
    return rng.uniform(low, high, (m, n))


def loguniform(rng, m, n, low=1e-7, high=1e-3, open_cells=0.05):
    g = np.exp(rng.uniform(np.log(low), np.log(high), (m, n)))
    g[rng.random((m, n)) < open_cells] = 0.0
    return g


def close(a, b, tol):
    assert np.abs(a - b).max() <= tol * np.abs(b).max()


# --- 1, 2: limits and closed forms


@pytest.mark.parametrize("topology", ["driven", "gated"])
def test_no_resistance_is_a_product(rng, topology):
    g = uniform(rng, 7, 5)
    v = 0.2 * (rng.random((6, 7)) < 0.5)
    v[0] = 0.2
    xbar = Crossbar(g, topology=topology)
    close(xbar.mvm(v), v @ g, 1e-13)
    np.testing.assert_allclose(xbar.mvm(v[0]), xbar.mvm(v)[0], rtol=1e-15)
    close(xbar.mvm(v.astype(np.float32)), v @ g, 1e-6)


def test_interleaved_without_resistance(rng):
    gp, gm = uniform(rng, 2 * 7, 5).reshape(2, 7, 5)
    v = rng.normal(size=7)
    close(Crossbar((gp, gm), topology="interleaved").mvm(v), v @ (gp - gm), 1e-13)


def test_one_cell():
    xbar = Crossbar([[1e-4]], 3.0, 5.0, 7.0, 11.0)
    i = xbar.mvm([0.3])
    assert i[0] == pytest.approx(0.3 / (3 + 5 + 7 + 11 + 1e4), rel=1e-13)
    direct = xbar.solve([0.3], method="direct")
    assert direct.I[0] == pytest.approx(i[0], rel=1e-13)
    gated = Crossbar([[1e-4]], 3.0, 5.0, 7.0, 11.0, topology="gated")
    assert gated.mvm([0.3])[0] == pytest.approx(i[0], rel=1e-12)


def test_two_by_two_written_out():
    """Eight equations by hand."""
    g = np.array([[1e-3, 2e-3], [3e-3, 4e-3]])
    v = np.array([0.7, -0.2])
    rw, rb, rs, rt = 2.0, 3.0, 5.0, 7.0
    a, b, s, t = 1 / rw, 1 / rb, 1 / (rw + rs), 1 / (rb + rt)
    (g00, g01), (g10, g11) = g
    # u00 u01 u10 u11 w00 w01 w10 w11
    matrix = np.array(
        [
            [s + a + g00, -a, 0, 0, -g00, 0, 0, 0],
            [-a, a + g01, 0, 0, 0, -g01, 0, 0],
            [0, 0, s + a + g10, -a, 0, 0, -g10, 0],
            [0, 0, -a, a + g11, 0, 0, 0, -g11],
            [-g00, 0, 0, 0, b + g00, 0, -b, 0],
            [0, -g01, 0, 0, 0, b + g01, 0, -b],
            [0, 0, -g10, 0, -b, 0, b + t + g10, 0],
            [0, 0, 0, -g11, 0, -b, 0, b + t + g11],
        ]
    )
    x = np.linalg.solve(matrix, [s * v[0], 0, s * v[1], 0, 0, 0, 0, 0])
    found = Crossbar(g, rw, rb, rs, rt).solve(v)
    np.testing.assert_allclose(found.I, t * x[6:], rtol=1e-11)
    np.testing.assert_allclose(found.v_word.ravel(), x[:4], rtol=1e-11)
    np.testing.assert_allclose(found.v_bit.ravel(), x[4:], rtol=1e-10)


def test_one_row_closed_form():
    n, r, g, v = 40, 3.0, 2e-3, 0.4
    q = np.arccosh(1 + r * g / 2)
    k = np.arange(1, n + 1)
    u = v * np.cosh((n + 0.5 - k) * q) / np.cosh((n + 0.5) * q)
    found = Crossbar(np.full((1, n), g), r_word=r).solve([v])
    np.testing.assert_allclose(found.v_word[0], u, rtol=1e-12)
    np.testing.assert_allclose(found.I, g * u, rtol=1e-12)


def test_one_column_closed_form():
    m, r, g, v = 40, 3.0, 2e-3, 0.4
    q = np.arccosh(1 + r * g / 2)
    i = v / r * (1 - np.cosh((m - 0.5) * q) / np.cosh((m + 0.5) * q))
    xbar = Crossbar(np.full((m, 1), g), r_bit=r)
    assert xbar.mvm(np.full(m, v))[0] == pytest.approx(i, rel=1e-12)
    gated = Crossbar(np.full((m, 1), g), r_bit=r, topology="gated")
    assert gated.mvm(np.full(m, v))[0] == pytest.approx(i, rel=1e-12)


README_OHM = [
    [345, 903, 755, 257, 646],
    [652, 401, 508, 166, 454],
    [442, 874, 190, 244, 635],
]


def test_published_example_of_badcrossbar():
    xbar = Crossbar(1 / np.array(README_OHM, float), r_word=0.5, r_bit=0.5)
    found = xbar.solve([2.6, 1.1, 3.3])
    assert found.i_device[0, 3] == pytest.approx(0.009856197822795888, rel=1e-12)
    out = solve(np.array([[2.6], [1.1], [3.3]]), README_OHM, 0.5)
    np.testing.assert_allclose(out[0], found.I, rtol=1e-11)


@pytest.mark.peer
def test_against_badcrossbar(rng):
    badcrossbar = pytest.importorskip("badcrossbar")
    r = 1 / uniform(rng, 20, 13)
    v = rng.random((20, 4))
    theirs = badcrossbar.compute(v, r, r_i_word_line=2.0, r_i_bit_line=1.0)
    ours = solve(v, r, r_i_word_line=2.0, r_i_bit_line=1.0)
    close(ours, np.asarray(theirs.currents.output), 1e-9)


# --- 3: Kirchhoff and energy


@pytest.mark.parametrize("r", [1e-3, 1.0, 1e3])
def test_kirchhoff_and_energy(rng, r):
    g, v = loguniform(rng, 24, 17), rng.normal(size=24)
    xbar = Crossbar(g, r, 2 * r, 3.0, 4.0, tol=1e-12)
    s = xbar.solve(v)
    gw, gb = naive.segments(24, 17, r, 2 * r, 3.0, 4.0)
    drive = np.zeros((24, 17))
    u0 = np.empty_like(g)
    dw, db = np.empty((2, 24, 17))
    factor(g, gw, gb, dw, db)
    zero = np.zeros_like(g)
    word_voltages(g, dw, gw, v, v, zero, zero, u0)
    drive = g * u0
    left = np.diff(s.v_bit, axis=0, prepend=0)
    left[0] = 0
    bit = g * (s.v_word - s.v_bit)
    bit -= gb[:-1, None] * left
    down = -np.diff(s.v_bit, axis=0, append=0)
    bit -= gb[1:, None] * down
    assert np.abs(bit).max() <= 1e-9 * np.abs(drive).max()
    a = naive.assemble(g, gw, gb)
    b = np.zeros(2 * g.size)
    b[np.arange(24) * 17] = gw[0] * v
    x = np.concatenate([s.v_word.ravel(), s.v_bit.ravel()])
    rows = (a @ x - b)[: g.size]
    assert np.abs(rows).max() <= 1e-9 * np.abs(b).max()
    source = s.i_device.sum(1)
    scale = np.abs(s.i_device).sum()
    assert abs(source.sum() - s.I.sum()) <= 1e-10 * scale
    along = np.diff(np.c_[v, s.v_word], axis=1) ** 2 @ gw[:-1]
    joule = (
        along.sum()
        + (g * (s.v_word - s.v_bit) ** 2).sum()
        + (left[1:] ** 2 * gb[1:-1, None]).sum()
        + (gb[-1] * s.v_bit[-1] ** 2).sum()
    )
    assert abs(s.power - joule) <= 1e-10 * np.abs(v[:, None] * s.i_device).sum()


# --- 4: linearity, reciprocity, monotony


def test_superposition_and_scaling(rng):
    xbar = Crossbar(uniform(rng, 12, 9), 5.0, 7.0, 20.0, 10.0)
    a, b = rng.normal(size=(2, 12))
    close(xbar.mvm(2 * a - 3 * b), 2 * xbar.mvm(a) - 3 * xbar.mvm(b), 1e-10)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (9, 20), (20, 9)])
def test_routes_to_the_effective_conductance_agree(rng, shape):
    xbar = Crossbar(loguniform(rng, *shape, low=1e-6), 4.0, 3.0, 5.0, 2.0)
    rows = xbar.effective_conductance("rows")
    assert (rows >= -1e-14 * rows.max()).all()
    for method in ("columns", "recursion", "direct", "auto"):
        close(xbar.effective_conductance(method), rows, 1e-9)
    v = rng.normal(size=(3, shape[0]))
    close(xbar.mvm(v, method="cg"), v @ rows, 1e-9)
    y = rng.normal(size=shape[1])
    fresh = Crossbar(xbar.G, 4.0, 3.0, 5.0, 2.0)
    close(fresh.rmvm(y), y @ rows.T, 1e-9)
    close(xbar.rmvm(y), y @ rows.T, 1e-9)


def test_transposition_needs_both_orders_reversed(rng):
    g = uniform(rng, 8, 6)
    one = Crossbar(g, 40.0, 30.0, 10.0, 20.0).effective_conductance()
    two = Crossbar(g[::-1, ::-1].T, 30.0, 40.0, 20.0, 10.0).effective_conductance()
    close(two, one[::-1, ::-1].T, 1e-10)
    wrong = Crossbar(g.T, 30.0, 40.0, 20.0, 10.0).effective_conductance()
    assert np.abs(wrong - one.T).max() > 1e-4 * one.max()


def test_power_never_rises_with_resistance(rng):
    g, v = uniform(rng, 10, 8), rng.random(10)
    base = Crossbar(g, 2.0, 2.0, 3.0, 3.0).solve(v).power
    lower = g.copy()
    lower[3, 4] *= 0.5
    for args in ((4.0, 2.0, 3.0, 3.0), (2.0, 4.0, 3.0, 3.0), (2.0, 2.0, 6.0, 3.0)):
        assert Crossbar(g, *args).solve(v).power < base
    assert Crossbar(lower, 2.0, 2.0, 3.0, 3.0).solve(v).power < base


def test_error_is_first_order_in_resistance(rng):
    g, v = uniform(rng, 10, 8), rng.random(10)
    e = [np.abs(Crossbar(g, r, r).mvm(v) - v @ g).max() for r in (1e-3, 1e-4)]
    assert e[0] / e[1] == pytest.approx(10, rel=1e-3)


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


# --- 6: derivatives


@pytest.mark.parametrize("r", [0.0, 20.0])
def test_adjoint_gradients(rng, r):
    g, v, x = uniform(rng, 5, 4), rng.normal(size=(2, 5)), rng.normal(size=(2, 4))
    xbar = Crossbar(g, r, 2 * r, r, r, tol=1e-13)
    dg, dv = xbar.vjp(v, x)

    def loss(g, v):
        return (xbar.with_conductance(g).mvm(v) * x).sum()

    for k in np.ndindex(5, 4):
        h = 1e-4 * g[k]
        up, down = g.copy(), g.copy()
        up[k] += h
        down[k] -= h
        slope = (loss(up, v) - loss(down, v)) / (2 * h)
        assert dg[k] == pytest.approx(slope, rel=1e-6, abs=1e-6 * np.abs(dg).max())
    for k in np.ndindex(2, 5):
        up, down = v.copy(), v.copy()
        up[k] += 1e-3
        down[k] -= 1e-3
        slope = (loss(g, up) - loss(g, down)) / 2e-3
        assert dv[k] == pytest.approx(slope, rel=1e-6, abs=1e-6 * np.abs(dv).max())


def test_perturbation_is_first_order(rng):
    g, v = uniform(rng, 10, 7), rng.random(10)
    dg = 1e-4 * g * rng.normal(size=g.shape)
    xbar = Crossbar(g, 50.0, 30.0, tol=1e-13)
    exact = xbar.with_conductance(g + dg).mvm(v) - xbar.mvm(v)
    close(xbar.perturbation(v, dg), exact, 1e-3)


# --- 11 and other topologies


def test_gated_equals_driven_with_all_rows_on(rng):
    g = uniform(rng, 15, 6)
    v = np.full(15, 0.2)
    gated = Crossbar(g, 0.0, 30.0, 0.0, 5.0, topology="gated")
    driven = Crossbar(g, 0.0, 30.0, 0.0, 5.0)
    close(gated.mvm(v), driven.mvm(v), 1e-12)
    v[::2] = 0.0
    a, b = gated.mvm(v), driven.mvm(v)
    assert (b < a).all()  # silent rows of the driven array sink current


@pytest.mark.parametrize("r_source", [0.0, 3.0])
@pytest.mark.parametrize("r", [1e-3, 5.0, 1e3])
def test_gated_ladder_against_dense(rng, r, r_source):
    from hw.crossbar._gated import GatedArray

    g = loguniform(rng, 12, 5)
    v = 0.3 * (rng.random((4, 12)) < 0.6)
    v[1] = 0.0
    xbar = Crossbar(g, r, 2 * r, r_source, 4.0, topology="gated")
    found = xbar.solve(v)
    array = GatedArray(g, xbar.lines, 1e-11)
    for k in range(4):
        s, w = np.empty((2, 12, 5))
        array._dense(g * (v[k] > 0)[:, None], v[k].max(), s, w)
        np.testing.assert_allclose(found.v_word[k], s, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.v_bit[k], w, rtol=1e-8, atol=1e-12)
        i = (g * (v[k] > 0)[:, None] * (s - w)).sum(0)
        np.testing.assert_allclose(found.I[k], i, rtol=1e-9, atol=1e-18)
    close(xbar.mvm(v), found.I, 1e-9)


@pytest.mark.parametrize(
    "lines", [(0.0, 2.0, 5.0, 0.0), (3.0, 0.0, 0.0, 4.0), (0.0, 0.0, 6.0, 7.0)]
)
def test_gated_limits(rng, lines):
    """Short-circuited segments are the limit of small ones."""
    g = uniform(rng, 6, 4)
    v = np.array([0.2, 0, 0.2, 0.2, 0, 0])
    exact = Crossbar(g, *lines, topology="gated").mvm(v)
    small = [max(r, 1e-6) for r in lines]
    close(Crossbar(g, *small, topology="gated").mvm(v), exact, 1e-7)


@pytest.mark.parametrize(
    "lines",
    [
        (0.0, 2.0, 0.0, 0.0),
        (2.0, 0.0, 0.0, 0.0),
        (0.0, 2.0, 5.0, 3.0),
        (2.0, 0.0, 5.0, 3.0),
        (0.0, 0.0, 5.0, 3.0),
        (0.0, 0.0, 5.0, 0.0),
    ],
)
def test_driven_limits(rng, lines):
    g, v = uniform(rng, 6, 9), rng.normal(size=(2, 6))
    xbar = Crossbar(g, *lines)
    small = [max(r, 1e-6) for r in lines]
    reference = Crossbar(g, *small).mvm(v, method="cg")
    close(xbar.mvm(v), reference, 1e-7)
    close(v @ xbar.effective_conductance(), xbar.mvm(v), 1e-10)


def test_interleaved_against_two_cell_planes(rng):
    """With wires, the pair shares its bit line; without coupling it is a difference."""
    gp, gm = uniform(rng, 2 * 8, 5).reshape(2, 8, 5)
    v = rng.random(8)
    xbar = Crossbar((gp, gm), 3.0, 0.0, topology="interleaved")
    a = Crossbar(gp, 3.0, 0.0).mvm(v) - Crossbar(gm, 3.0, 0.0).mvm(v)
    close(xbar.mvm(v), a, 1e-10)
    wired = Crossbar((gp, gm), 3.0, 3.0, topology="interleaved")
    g_eff = wired.effective_conductance()
    close(v @ g_eff, wired.mvm(v), 1e-10)
    # equal halves cancel exactly, whatever the wires
    null = Crossbar((gp, gp), 3.0, 3.0, topology="interleaved").mvm(v)
    assert np.abs(null).max() < 1e-12 * np.abs(wired.mvm(v)).max()


def test_both_ends_and_segment_arrays(rng):
    g, v = uniform(rng, 9, 11), rng.normal(size=(3, 9))
    rw, rb = rng.uniform(1, 20, 11), rng.uniform(1, 20, 9)
    xbar = Crossbar(g, rw, rb, 3.0, 2.0, r_source_far=4.0, r_sense_far=1.0)
    direct = np.array([xbar.solve(x, method="direct").I for x in v])
    close(xbar.mvm(v, method="cg"), direct, 1e-10)
    close(np.array([xbar.solve(x).I for x in v]), direct, 1e-10)
    close(
        xbar.effective_conductance("columns"), xbar.effective_conductance("rows"), 1e-9
    )


@pytest.mark.parametrize("kind", ["rows", "columns"])
def test_padding_rows_is_exact(rng, kind):
    """Sizes that are no multiple of eight."""
    for m in range(1, 18):
        g, v = uniform(rng, m, 3), rng.normal(size=m)
        close(
            Crossbar(g, 9.0, 8.0).mvm(v, method="cg"),
            naive.solve(g, v, 9.0, 8.0)[0],
            1e-10,
        )


# --- interface


def test_linear_operator(rng):
    xbar = Crossbar(uniform(rng, 6, 4), 5.0, 5.0)
    op = xbar.aslinearoperator()
    assert op.shape == (4, 6)
    v, y = rng.normal(size=6), rng.normal(size=4)
    close(op @ v, xbar.mvm(v), 1e-12)
    assert y @ (op @ v) == pytest.approx((op.T @ y) @ v, rel=1e-9)


def test_update_drops_the_cache(rng):
    xbar = Crossbar(uniform(rng, 6, 4), 5.0, 5.0)
    old = xbar.effective_conductance()
    g = uniform(rng, 6, 4)
    xbar.update(g)
    assert xbar.version == 1
    close(
        xbar.effective_conductance(),
        Crossbar(g, 5.0, 5.0).effective_conductance(),
        1e-12,
    )
    assert np.abs(old - xbar.effective_conductance()).max() > 0
    with pytest.raises(ShapeError):
        xbar.update(g.T)
    assert xbar.shape == (6, 4)


def test_gated_is_not_linear(rng):
    xbar = Crossbar(uniform(rng, 6, 4), topology="gated")
    for call in (
        xbar.effective_conductance,
        xbar.aslinearoperator,
        lambda: xbar.rmvm(np.ones(4)),
        lambda: xbar.mvm([0.1, 0.2, 0, 0, 0, 0]),
        lambda: xbar.mvm([-0.1, 0, 0, 0, 0, 0]),
    ):
        with pytest.raises(ParameterError, match="gate"):
            call()


@pytest.mark.parametrize(
    ("g", "options", "message"),
    [
        ([[1e-6, -1e-6]], {}, r"G\[0, 1\]"),
        ([[1e-6, np.nan]], {}, r"G\[0, 1\]"),
        ([1e-6], {}, "shape"),
        ([[1e-6]], {"r_word": -1.0}, "r_word"),
        ([[1e-6]], {"topology": "gate"}, "accepted"),
        ([[1e-6]], {"r_word": [1.0, 2.0]}, "segment"),
        ([[1e-6]], {"topology": "interleaved"}, "G_plus"),
    ],
)
def test_mistakes_are_named(g, options, message):
    with pytest.raises(ParameterError, match=message):
        Crossbar(g, **options)


def test_unit_slips_warn():
    with pytest.warns(UserWarning, match="siemens"):
        Crossbar([[10.0]])
    with pytest.warns(UserWarning, match="ohm"):
        Crossbar([[1e-6]], r_word=1e7)


def test_zero_input_and_empty_batch(rng):
    xbar = Crossbar(uniform(rng, 6, 4), 5.0, 5.0)
    assert not xbar.mvm(np.zeros(6)).any()
    assert not xbar.mvm(np.zeros((9, 6)), method="cg").any()
    assert xbar.mvm(np.zeros((0, 6))).shape == (0, 4)
    assert xbar.solve(np.zeros(6)).residual == 0.0


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
