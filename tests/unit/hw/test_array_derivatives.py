import numpy as np
import pytest

from hw.crossbar import Crossbar
from tests.unit.hw.arrays import close, uniform

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
