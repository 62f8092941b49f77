"""Spike for spike equality with Brian2 on small networks, at the same step."""

import numpy as np
import pytest

from neuro.network import (
    FixedIndegree,
    IfDelta,
    LifAlpha,
    LifCondExp,
    LifDelta,
    LifExp,
    LifExpEI,
    Network,
    Normal,
    Population,
    Projection,
    Record,
    SpikeList,
    Uniform,
    to_brian2,
)

brian2 = pytest.importorskip("brian2")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its parser
DT = 1e-4

# model, unit of the weights, ports of excitation and inhibition
MODELS = {
    "if_delta": (IfDelta(r=40.0, t_ref=2e-3, i_e=0.4), 0.12, ("input", "input")),
    "lif_delta": (LifDelta(t_ref=2e-3, i_e=0.7), 0.12, ("input", "input")),
    "lif_delta no refractoriness": (LifDelta(i_e=0.7), 0.12, ("input", "input")),
    "lif_exp": (LifExp(t_ref=2e-3, i_e=0.7), 0.5, ("input", "input")),
    "lif_exp_ei": (LifExpEI(t_ref=2e-3, i_e=0.7), 0.5, ("exc", "inh")),
    "lif_alpha": (LifAlpha(t_ref=2e-3, i_e=0.7), 0.25, ("input", "input")),
    "lif_cond_exp": (LifCondExp(t_ref=2e-3, i_e=60e-12), 3e-9, ("exc", "inh")),
}  # fmt: skip


def _network(model, unit, ports, rng, n=60, convention="brian2"):
    sign = 1.0 if isinstance(model, LifCondExp) else -1.0
    steps, channels = np.divmod(np.sort(rng.choice(1800 * 20, 700, replace=False)), 20)
    low, high = float(np.mean(model.v_reset)), float(np.mean(model.v_threshold))
    return Network(
        SpikeList("in", 20, steps * DT, channels),
        Population("e", 45, model, init={"v": Uniform(low, high)}),
        Population("i", 15, model, init={"v": Uniform(low, high)}),
        Projection("in", "e", FixedIndegree(4), weight=Normal(unit, 0.1 * unit),
                   delay=Uniform(DT, 15.4 * DT), port=ports[0]),
        Projection("e", "e", FixedIndegree(6), weight=Normal(unit / 2, 0.1 * unit),
                   delay=Uniform(DT, 15.4 * DT), port=ports[0]),
        Projection("e", "i", FixedIndegree(8), weight=Normal(unit / 2, 0.1 * unit),
                   delay=Uniform(DT, 15.4 * DT), port=ports[0]),
        Projection("i", "e", FixedIndegree(4), weight=Normal(sign * unit, 0.1 * unit),
                   delay=Uniform(DT, 15.4 * DT), port=ports[1]),
        Record("e", ("v",), interval=DT),
        dt=DT,
        convention=convention,
    )  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_spike_trains_are_equal(name, rng):
    model, unit, ports = MODELS[name]
    net = _network(model, unit, ports, rng)
    ours = net.build(engine="grid", seed=5, precision="double").run(0.2)
    brian2.prefs.codegen.target = "numpy"
    theirs = to_brian2(net, seed=5)
    monitor = brian2.StateMonitor(
        theirs.groups["e"], "v", record=True, dt=DT * brian2.second
    )
    theirs.network.add(monitor)
    theirs.network.run(0.2 * brian2.second)
    for population in "ei":
        m = theirs.spikes[population]
        got = ours.spikes[population]
        want = np.rint(np.asarray(m.t_[:]) / DT).astype(int)
        order = np.lexsort((np.asarray(m.i[:]), want))
        assert want.size > 30, "the network is silent"
        np.testing.assert_array_equal(np.rint(got.times / DT).astype(int), want[order])
        np.testing.assert_array_equal(got.indices, np.asarray(m.i[:])[order])
    trace = ours.traces["e.v"].values
    # Brian2 records at the beginning of a step, ours is the state after it
    scale = np.abs(trace).max()
    np.testing.assert_allclose(
        trace[:-1], np.asarray(monitor.v[:]).T[1:], rtol=0, atol=1e-10 * scale
    )


def test_delay_zero_is_the_same_step(rng):
    """Brian2's order: thresholds, synapses, resets; the spike arrives before the reset."""
    net = Network(
        SpikeList("in", 1, [1e-3, 3e-3], [0, 0]),
        Population("a", 1, LifDelta()),
        Population("b", 1, LifDelta()),
        Projection("in", "a", FixedIndegree(1), weight=1.5, delay=DT),
        Projection("a", "b", FixedIndegree(1), weight=1.5),
        dt=DT,
        convention="brian2",
    )
    ours = net.build(engine="grid", precision="double").run(0.01)
    brian2.prefs.codegen.target = "numpy"
    theirs = to_brian2(net)
    theirs.network.run(0.01 * brian2.second)
    for population in "ab":
        np.testing.assert_allclose(
            ours.spikes[population].times,
            np.asarray(theirs.spikes[population].t_[:]),
            atol=1e-9,
        )
    assert ours.spikes["b"].times.size == 2
