import numpy as np
import pytest

from hw.crossbar import (
    Crossbar,
    read_cell,
    sneak_resistance,
    solve_nonlinear,
)
from hw.devices import CubicIV, SinhIV
from neuro.errors import ConvergenceError, ShapeError

# --- passive arrays and nonlinear cells


@pytest.mark.parametrize("shape", [(2, 2), (5, 3), (8, 8)])
def test_sneak_path_closed_form(shape):
    r = 1e5
    found = read_cell(np.full(shape, 1 / r), 1, 1, 0.5)
    assert found.cell == pytest.approx(0.5 / r, rel=1e-10)
    assert found.leakage == pytest.approx(0.5 / sneak_resistance(*shape, r), rel=1e-9)
    grounded = read_cell(np.full(shape, 1 / r), 1, 1, 0.5, scheme="grounded")
    assert grounded.leakage == pytest.approx(0, abs=1e-15)
    half = read_cell(np.full(shape, 1 / r), 1, 1, 0.5, scheme="half")
    assert half.leakage == pytest.approx((shape[0] - 1) * 0.25 / r, rel=1e-9)
    third = read_cell(np.full(shape, 1 / r), 1, 1, 0.6, scheme="third")
    assert third.cell == pytest.approx(0.6 / r, rel=1e-9)
    assert third.leakage == pytest.approx((shape[0] - 1) * 0.2 / r, rel=1e-9)


def test_sneak_reads_with_wires(rng):
    g = rng.uniform(1e-6, 1e-4, (6, 5))
    ideal = read_cell(g, 2, 3, 0.5)
    small = read_cell(g, 2, 3, 0.5, r_word=1e-3, r_bit=1e-3)
    assert small.total == pytest.approx(ideal.total, rel=1e-5)
    wired = read_cell(g, 2, 3, 0.5, r_word=50.0, r_bit=50.0)
    assert wired.total < ideal.total
    half = read_cell(g, 2, 3, 0.5, scheme="half", r_word=50.0, r_bit=50.0)
    assert half.cell < 0.5 * g[2, 3]


@pytest.mark.parametrize("iv", [CubicIV(k3=-0.25), SinhIV(a=3.0)])
def test_newton_satisfies_kirchhoff(rng, iv):
    g, v = rng.uniform(1e-5, 1e-4, (7, 6)), rng.uniform(0, 0.5, 7)
    xbar = Crossbar(g, 20.0, 30.0, tol=1e-12)
    s = solve_nonlinear(xbar, v, iv)
    assert s.steps <= 8
    i = iv.current(g, s.v_device)
    along = np.cumsum(np.cumsum(i[:, ::-1], 1)[:, ::-1], 1) * 20.0
    down = np.cumsum(np.cumsum(i, 0)[::-1], 0)[::-1] * 30.0
    np.testing.assert_allclose(s.v_device, v[:, None] - along - down, atol=1e-9)
    np.testing.assert_allclose(s.I, i.sum(0), rtol=1e-8)
    free = solve_nonlinear(Crossbar(g), v, iv)
    np.testing.assert_allclose(free.I, sum(iv.current(g[k], v[k]) for k in range(7)))


def test_newton_mistakes(rng):
    g = rng.uniform(1e-5, 1e-4, (4, 3))
    with pytest.raises(ShapeError):
        solve_nonlinear(Crossbar(g, 1.0, 1.0), np.ones(3), SinhIV(a=1.0))
    with pytest.raises(ConvergenceError, match="mismatch"):
        solve_nonlinear(
            Crossbar(g, 20.0, 30.0), np.full(4, 0.5), SinhIV(a=3.0), max_steps=1
        )
