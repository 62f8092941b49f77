"""Spike for spike equality with Brian2 on small networks, at the same step."""

import numpy as np
import pytest

from neuro.network import (
    Adex,
    Alif,
    FixedIndegree,
    IfDelta,
    Izhikevich,
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
BOTH = ("input", "input")

# model of a population of n neurons, unit of the weights, ports of excitation, inhibition
MODELS = {
    "if_delta": (lambda n: IfDelta(r=40.0, t_ref=2e-3, i_e=0.4), 0.12, BOTH),
    "lif_delta": (lambda n: LifDelta(t_ref=2e-3, i_e=0.7), 0.12, BOTH),
    "lif_delta no refractoriness": (lambda n: LifDelta(i_e=0.7), 0.12, BOTH),
    "lif_delta subtract": (lambda n: LifDelta(i_e=0.7, reset="subtract"), 0.12, BOTH),
    "lif_exp": (lambda n: LifExp(t_ref=2e-3, i_e=0.7), 0.5, BOTH),
    "plif": (
        lambda n: LifExp(tau_mem=np.linspace(8e-3, 30e-3, n), t_ref=2e-3, i_e=0.7),
        0.5, BOTH,
    ),
    "lif_exp_ei": (lambda n: LifExpEI(t_ref=2e-3, i_e=0.7), 0.5, ("exc", "inh")),
    "lif_alpha": (lambda n: LifAlpha(t_ref=2e-3, i_e=0.7), 0.25, BOTH),
    "alif, threshold": (lambda n: Alif(t_ref=2e-3, i_e=0.8), 0.5, BOTH),
    "alif, current": (
        lambda n: Alif(t_ref=2e-3, i_e=0.8, adaptation="current"), 0.5, BOTH,
    ),
    "lif_cond_exp": (
        lambda n: LifCondExp(t_ref=2e-3, i_e=60e-12), 3e-9, ("exc", "inh"),
    ),
    "adex": (
        lambda n: Adex(t_ref=2e-3, i_e=0.6e-9, tau_syn=5e-3), 0.4e-9, BOTH,
    ),
    "izhikevich, half-steps": (lambda n: Izhikevich(i_e=6.0), 20.0, BOTH),
    "izhikevich, euler": (lambda n: Izhikevich(i_e=6.0, method="euler"), 20.0, BOTH),
}  # fmt: skip


def _start(model):
    """Range of initial voltages."""
    if isinstance(model, Izhikevich):
        return -65.0, -45.0
    if isinstance(model, Adex):
        return model.v_leak, model.v_t
    return float(np.mean(model.v_reset)), float(np.mean(model.v_threshold))


def _network(make, unit, ports, rng, convention="brian2"):
    sign = 1.0 if isinstance(make(1), LifCondExp) else -1.0
    steps, channels = np.divmod(np.sort(rng.choice(1800 * 20, 700, replace=False)), 20)
    init = {"v": Uniform(*_start(make(1)))}
    delay = Uniform(DT, 15.4 * DT)

    def edges(pre, post, degree, weight, port):
        return Projection(
            pre,
            post,
            FixedIndegree(degree),
            delay=delay,
            port=port,
            weight=Normal(weight, 0.1 * unit),
        )

    return Network(
        SpikeList("in", 20, steps * DT, channels),
        Population("e", 45, make(45), init=init),
        Population("i", 15, make(15), init=init),
        edges("in", "e", 4, unit, ports[0]),
        edges("e", "e", 6, unit / 2, ports[0]),
        edges("e", "i", 8, unit / 2, ports[0]),
        edges("i", "e", 4, sign * unit, ports[1]),
        Record("e", ("v",), interval=DT),
        dt=DT,
        convention=convention,
    )  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_spike_trains_are_equal(name, rng):
    net = _network(*MODELS[name], rng)
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
