"""Error of the integrated models against an adaptive solver, as the step shrinks."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neuro.network import (
    Adex,
    LifCondExp,
    LifCondExpReference,
    Network,
    OneToOne,
    Population,
    Projection,
    Record,
    SpikeList,
)

T = 40e-3
TIMES = {"exc": [4e-3, 8e-3, 20e-3], "inh": [12e-3]}


def _conductance(model, dt):
    net = Network(
        SpikeList("e", 1, TIMES["exc"], [0, 0, 0]),
        SpikeList("i", 1, TIMES["inh"], [0]),
        Population("x", 1, model),
        Projection("e", "x", OneToOne(), weight=6e-9, delay=2e-3, port="exc"),
        Projection("i", "x", OneToOne(), weight=20e-9, delay=2e-3, port="inh"),
        Record("x", ("v",), interval=T),
        dt=dt,
    )
    return (
        net.build(engine="grid", precision="double").run(T).traces["x.v"].values[-1, 0]
    )


def _conductance_truth():
    m = LifCondExp(v_threshold=0.0)
    arrivals = sorted(
        [(t + 2e-3, 0, 6e-9) for t in TIMES["exc"]]
        + [(t + 2e-3, 1, 20e-9) for t in TIMES["inh"]]
    )
    y, t = np.array([m.v_leak, 0.0, 0.0]), 0.0

    def rhs(_, y):
        v, ge, gi = y
        dv = -m.g_leak * (v - m.v_leak) - ge * (v - m.e_exc) - gi * (v - m.e_inh)
        return [dv / m.c, -ge / m.tau_exc, -gi / m.tau_inh]

    for at, port, w in [*arrivals, (T, 0, 0.0)]:
        y = solve_ivp(rhs, (t, at), y, rtol=1e-12, atol=1e-16, method="DOP853").y[:, -1]
        y[1 + port] += w
        t = at
    return y[0]


def _order(errors, steps):
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


def test_exponential_euler_is_of_first_order():
    truth = _conductance_truth()
    steps = np.array([1e-3, 5e-4, 2.5e-4, 1.25e-4])
    errors = [
        abs(_conductance(LifCondExp(v_threshold=0.0), dt) - truth) for dt in steps
    ]
    assert _order(errors, steps) == pytest.approx(1.0, abs=0.15)
    assert errors[-1] < 1e-4


def test_rk4_is_of_fourth_order():
    truth = _conductance_truth()
    steps = np.array([1e-3, 5e-4, 2.5e-4])
    model = LifCondExpReference(v_threshold=0.0, substeps=1)
    errors = [abs(_conductance(model, dt) - truth) for dt in steps]
    assert _order(errors, steps) == pytest.approx(4.0, abs=0.4)
    finer = LifCondExpReference(v_threshold=0.0, substeps=16)
    assert abs(_conductance(finer, 1e-3) - truth) < 1e-12


def _adex(dt):
    # below the spike: the exponential term is on, no discontinuity
    net = Network(
        SpikeList("e", 1, [4e-3, 10e-3], [0, 0]),
        Population("x", 1, Adex(i_e=0.4e-9)),
        Projection("e", "x", OneToOne(), weight=0.3e-9, delay=2e-3),
        Record("x", ("v", "w"), interval=T),
        dt=dt,
    )
    traces = net.build(engine="grid", precision="double").run(T).traces
    return traces["x.v"].values[-1, 0], traces["x.w"].values[-1, 0]


def test_adex_is_of_fourth_order():
    m = Adex(i_e=0.4e-9)

    def rhs(_, y):
        v, w, i = y
        dv = -m.g_leak * (v - m.v_leak) + m.g_leak * m.delta * np.exp(
            (v - m.v_t) / m.delta
        )
        return [
            (dv - w + i + m.i_e) / m.c,
            (m.a * (v - m.v_leak) - w) / m.tau_w,
            -i / m.tau_syn,
        ]

    y, t = np.array([m.v_leak, 0.0, 0.0]), 0.0
    for at in (6e-3, 12e-3, T):
        y = solve_ivp(rhs, (t, at), y, rtol=1e-12, atol=1e-18, method="DOP853").y[:, -1]
        y[2] += 0.3e-9
        t = at
    steps = np.array([1e-3, 5e-4, 2.5e-4])
    errors = [abs(_adex(dt)[0] - y[0]) for dt in steps]
    assert y[0] > m.v_t - 4 * m.delta, "the exponential term must matter"
    assert _order(errors, steps) == pytest.approx(4.0, abs=0.4)
    assert _adex(2.5e-4)[1] == pytest.approx(y[1], rel=1e-8)
