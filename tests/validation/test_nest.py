"""Spike trains against NEST, on the grid and off it (needs NEST; run with -m peer)."""

import numpy as np
import pytest

from neuro.network import (
    FixedIndegree,
    LifAlpha,
    LifDelta,
    LifExp,
    LifExpEI,
    Network,
    Normal,
    Population,
    Projection,
    SpikeList,
    Uniform,
    to_nest,
)
from tests.validation.nest_peer import run_nest

pytestmark = pytest.mark.peer
DT = 1e-4
MEMBRANE = {
    "tau_mem": 20e-3, "r": 80e6, "v_leak": -65e-3, "v_threshold": -50e-3,
    "v_reset": -65e-3, "t_ref": 2e-3, "i_e": 170e-12,
}  # fmt: skip
MODELS = {
    "lif_exp": (LifExp(tau_syn=5e-3, **MEMBRANE), 80e-12, ("input", "input")),
    "lif_exp_ei": (
        LifExpEI(tau_exc=3e-3, tau_inh=7e-3, **MEMBRANE), 100e-12, ("exc", "inh")),
    "lif_delta": (LifDelta(**MEMBRANE), 2e-3, ("input", "input")),
    "lif_alpha": (LifAlpha(tau_syn=2e-3, **MEMBRANE), 60e-12, ("input", "input")),
}  # fmt: skip


def network(model, unit, ports, rng, *, on_grid=True, delays=None):
    steps, channels = np.divmod(np.sort(rng.choice(9990 * 20, 3000, replace=False)), 20)
    times = (steps + 1) * DT
    if not on_grid:
        times = np.sort(times + rng.uniform(0, DT, times.size))
    delay = Uniform(DT, 15.4 * DT) if delays is None else delays
    start = {"v": Uniform(-65e-3, -52e-3)}
    return Network(
        SpikeList("in", 20, times, channels),
        Population("e", 45, model, init=start),
        Population("i", 15, model, init=start),
        Projection("in", "e", FixedIndegree(4), weight=Normal(unit, unit / 10),
                   delay=delay, port=ports[0]),
        Projection("e", "e", FixedIndegree(6), weight=Normal(unit / 2, unit / 10),
                   delay=delay, port=ports[0]),
        Projection("e", "i", FixedIndegree(8), weight=Normal(unit / 2, unit / 10),
                   delay=delay, port=ports[0]),
        Projection("i", "e", FixedIndegree(4), weight=Normal(-unit, unit / 10),
                   delay=delay, port=ports[1]),
        dt=DT,
    )  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_grid_equals_nest(name, rng, tmp_path):
    """One second, random weights and delays: every spike in the same step."""
    net = network(*MODELS[name], rng)
    ours = net.build(engine="grid", seed=5, precision="double").run(1.0)
    theirs = run_nest(to_nest(net, tmp_path, seed=5), 1000.0)
    for population in "ei":
        steps = np.rint(theirs[f"{population}/times_ms"] / (DT * 1e3)).astype(int)
        got = ours.spikes[population]
        mine = np.rint(got.times / DT).astype(int)
        # NEST reports what lies before the end of the run
        inside = mine <= steps.max() if steps.size else mine < 0
        assert steps.size > 100
        np.testing.assert_array_equal(mine[inside], steps)
        np.testing.assert_array_equal(
            got.indices[inside], theirs[f"{population}/indices"]
        )
        assert (~inside).sum() <= 3


@pytest.mark.parametrize("name", ["lif_exp", "lif_delta"])
def test_exact_equals_nest_precise(name, rng, tmp_path):
    """Off the grid: within 1e-9 ms per spike for 200 ms, then equal counts within 2 %."""
    net = network(*MODELS[name], rng, on_grid=False, delays=1.5e-3)
    ours = net.build(engine="exact", seed=5).run(1.0)
    theirs = run_nest(to_nest(net, tmp_path, seed=5, precise=True), 1000.0)
    for population in "ei":
        got = ours.spikes[population]
        times, indices = (theirs[f"{population}/{k}"] for k in ("times_ms", "indices"))
        early, mine = times < 200, got.times * 1e3 < 200
        assert early.sum() > 50
        np.testing.assert_array_equal(got.indices[mine], indices[early])
        np.testing.assert_allclose(
            got.times[mine] * 1e3, times[early], rtol=0, atol=1e-9
        )
        assert got.times.size == pytest.approx(times.size, rel=0.02)
