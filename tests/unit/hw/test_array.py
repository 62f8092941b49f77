import numpy as np
import pytest

from hw.crossbar import Crossbar, solve
from hw.crossbar._kernels import factor, word_voltages
from neuro.errors import ParameterError, ShapeError
from tests.naive import crossbar as naive
from tests.unit.hw.arrays import close, loguniform, uniform

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


def test_cached_products_still_check_their_inputs(rng):
    g = uniform(rng, 6, 4)
    g[:, 0] = 0.0  # even a column that carries nothing shows NaN
    xbar = Crossbar(g, 5.0, 5.0)
    v = rng.random((3, 6))
    expected = xbar.mvm(v, method="cg")
    g_eff = xbar.effective_conductance()
    close(xbar.mvm(v), expected, 1e-10)
    for given in (v.tolist(), v.astype(np.float32), np.asfortranarray(v)):
        close(xbar.mvm(given), v @ g_eff, 1e-6)
    np.testing.assert_array_equal(xbar.mvm(v[0]), v[0] @ g_eff)
    np.testing.assert_array_equal(xbar.mvm([1, 0, 0, 0, 0, 0]), g_eff[0])
    assert xbar.mvm(np.zeros((0, 6))).shape == (0, 4)
    assert np.isfinite(xbar.mvm(np.full(6, 1e200))).all()
    for bad in (np.nan, np.inf, -np.inf):
        w = v.copy()
        w[2, 5] = bad
        # NumPy may warn of infinity times 0 before we raise
        with np.errstate(invalid="ignore"), pytest.raises(ParameterError, match="NaN"):
            xbar.mvm(w)
    for wrong in (np.ones(5), np.ones((2, 2, 6)), 1.0, np.ones(6) * 1j, ["a"] * 6):
        with pytest.raises(ShapeError, match="expected"):
            xbar.mvm(wrong)


@pytest.mark.parametrize("iterations", [0, 2.5, "2"])
def test_approximate_mode_takes_whole_numbers(rng, iterations):
    with pytest.raises(ParameterError, match="integer"):
        Crossbar(uniform(rng, 3, 3), 1.0, 1.0).mvm(np.ones(3), iterations=iterations)
    with pytest.raises(ParameterError, match="driven"):
        Crossbar(uniform(rng, 3, 3), topology="gated").mvm(np.ones(3), iterations=2)


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
