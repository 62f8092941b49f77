"""Rates, potentials and moments against the formulas of the textbooks."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfcx

from neuro.network import (
    IfDelta,
    LifDelta,
    LifExp,
    Network,
    OneToOne,
    Poisson,
    Population,
    Projection,
    Record,
    SpikeList,
)

ENGINES = ["grid", "exact"]


def siegert(mean, sd, *, tau, theta, reset, t_ref, tau_syn=0.0):
    """Rate (Hz) of a LIF under white noise of the given membrane moments (Siegert 1951).

    For a synaptic time constant, threshold and reset are shifted by the first order of
    Brunel & Sergi (1998): alpha / 2 sqrt(tau_syn / tau), alpha = sqrt(2) |zeta(1/2)|.
    `sd` is sigma of the diffusion, sqrt(2) times the sd of the free membrane.
    """
    shift = 0.5 * 2.0652531522 * np.sqrt(tau_syn / tau)
    low, high = (reset - mean) / sd + shift, (theta - mean) / sd + shift
    # exp(x^2) (1 + erf x) = erfcx(-x)
    integral = quad(lambda x: erfcx(-x), low, high, limit=200)[0]
    return 1.0 / (t_ref + tau * np.sqrt(np.pi) * integral)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("model", [LifDelta, LifExp])
def test_rate_under_constant_current(engine, model):
    drive = np.array([0.9, 1.0001, 1.2, 2.0, 5.0])
    dt = 1e-4
    net = Network(
        Population("x", 5, model(tau_mem=20e-3, i_e=drive, t_ref=2e-3, v_reset=0.1)),
        dt=dt,
    )
    result = net.build(engine=engine, precision="double").run(1.0)
    for j, d in enumerate(drive):
        t = result.spikes["x"].times[result.spikes["x"].indices == j]
        if d <= 1:
            assert t.size == 0
            continue
        period = 2e-3 + 20e-3 * np.log((d - 0.1) / (d - 1))
        if engine == "exact":
            np.testing.assert_allclose(np.diff(t), period, rtol=1e-12, atol=1e-13)
        else:
            assert np.abs(np.diff(t) - period).max() <= dt * (1 + 1e-9)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("tau_syn", [20e-3, 20e-3 * (1 + 1e-6), 5e-3, 60e-3])
def test_psp_peak(engine, tau_syn):
    tau_mem = 20e-3
    dt = 1e-5
    net = Network(
        SpikeList("in", 1, [1e-3], [0]),
        Population("x", 1, LifExp(tau_mem=tau_mem, tau_syn=tau_syn, v_threshold=9.0)),
        Projection("in", "x", OneToOne(), weight=2.0, delay=1e-3),
        Record("x", ("v",), interval=dt),
        dt=dt,
    )
    trace = net.build(engine=engine, precision="double").run(0.1).traces["x.v"]
    ratio = tau_mem / tau_syn
    if abs(ratio - 1) < 1e-12:
        peak, height = tau_mem, 2.0 * np.exp(-1.0)
    else:
        peak = np.log(ratio) * tau_mem * tau_syn / (tau_mem - tau_syn)
        height = 2.0 * np.exp(-peak / tau_syn)
    k = int(np.argmax(trace.values[:, 0]))
    assert abs(trace.times[k] - 2e-3 - peak) <= dt
    assert trace.values[k, 0] == pytest.approx(height, rel=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_free_membrane_under_poisson_input(engine):
    """Mean R nu w tau_s and Campbell's variance, over neurons and time."""
    nu, w, tau_m, tau_s, n = 2000.0, 0.02, 10e-3, 4e-3, 500
    net = Network(
        Population("x", n, LifExp(tau_mem=tau_m, tau_syn=tau_s, v_threshold=np.inf)),
        Poisson("x", nu, w),
        Record("x", ("v",), interval=20e-3),
        dt=1e-4,
    )
    v = net.build(engine=engine, seed=1).run(0.5).traces["x.v"].values[4:]
    mean, variance = nu * w * tau_s, nu * w * w * tau_s**2 / (2 * (tau_m + tau_s))
    independent = v.size / 1.7  # samples 20 ms apart still correlate a little
    assert v.mean() == pytest.approx(
        mean, abs=4 * np.sqrt(variance / independent) + 2e-3 * mean
    )
    assert v.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / independent) + 0.01)


@pytest.mark.slow
def test_rate_under_white_noise_is_siegerts():
    """Delta synapses off the grid: the diffusion limit, within 2 %."""
    tau, theta, reset, t_ref, j, n = 20e-3, 20.0, 10.0, 2e-3, 0.1, 150
    for mean, sd in ((15.0, 5.0), (22.0, 3.0)):
        up, down = (0.5 * (sd**2 / j**2 + s * mean / j) / tau for s in (1, -1))
        net = Network(
            Population(
                "x",
                n,
                LifDelta(tau_mem=tau, v_threshold=theta, v_reset=reset, t_ref=t_ref),
            ),
            Poisson("x", up, j, name="up"),
            Poisson("x", down, -j, name="down"),
            dt=1e-4,
        )
        simulation = net.build(engine="exact", seed=2)
        simulation.run(0.2)
        rate = simulation.run(1.5).spike_counts("x").sum() / n / 1.5
        want = siegert(mean, sd, tau=tau, theta=theta, reset=reset, t_ref=t_ref)
        assert rate == pytest.approx(want, rel=0.02)


@pytest.mark.parametrize(
    "engine", ["grid", pytest.param("exact", marks=pytest.mark.slow)]
)
def test_rate_under_filtered_noise(engine):
    """Exponential synapses: Siegert with the Brunel-Sergi shift, within 2 %.

    The shift is of first order in sqrt(tau_s / tau) = 0.07; at tau_s = 0.5 ms its own
    error is about 3 %.
    """
    tau, tau_s, theta, reset, t_ref = 20e-3, 0.1e-3, 20.0, 10.0, 2e-3
    # the exact engine draws a second of arrivals at once: fewer neurons for longer
    n, duration = (500, 2.0) if engine == "grid" else (50, 20.0)
    mean, sd, j = 18.0, 4.0, 0.1
    w = j * tau / tau_s  # current jump whose charge moves the membrane by j
    up, down = (0.5 * (sd**2 / j**2 + s * mean / j) / tau for s in (1, -1))
    net = Network(
        Population(
            "x", n,
            LifExp(tau_mem=tau, tau_syn=tau_s, v_threshold=theta, v_reset=reset, t_ref=t_ref),
        ),
        Poisson("x", up, w, name="up"),
        Poisson("x", down, -w, name="down"),
        dt=1e-5,
    )  # fmt: skip
    simulation = net.build(engine=engine, seed=3)
    simulation.run(0.2)
    rate = simulation.run(duration).spike_counts("x").sum() / n / duration
    want = siegert(
        mean, sd, tau=tau, theta=theta, reset=reset, t_ref=t_ref, tau_syn=tau_s
    )
    assert rate == pytest.approx(want, rel=0.02)


@pytest.mark.parametrize("engine", ENGINES)
def test_integrator_counts_its_input(engine):
    n_in, theta = 1000, 7.0
    net = Network(
        SpikeList("in", 1, np.arange(1, n_in + 1) * 1e-4, np.zeros(n_in, int)),
        Population("x", 1, IfDelta(v_threshold=theta)),
        Projection("in", "x", OneToOne(), weight=1.0, delay=1e-4),
        dt=1e-4,
    )
    times = net.build(engine=engine, precision="double").run(0.2).spikes["x"].times
    want = (np.arange(1, n_in // 7 + 1) * 7 + 1) * 1e-4
    np.testing.assert_allclose(times, want, atol=1e-12)
