"""Built-in models: propagators, convergence, resets, parameters per neuron."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neuro.errors import ParameterError
from neuro.network import (
    Adex,
    Alif,
    CubaLi,
    Current,
    IfDelta,
    Izhikevich,
    Li,
    LifAlpha,
    LifCondExp,
    LifCondExpReference,
    LifDelta,
    LifExp,
    LifExpEI,
    Network,
    Pairs,
    Population,
    Projection,
    Record,
    Relay,
    SpikeList,
    ThresholdUnit,
)
from neuro.network.models._parameters import alpha_propagator, psc_propagator
from neuro.network.registry import model_of

ALL = (
    Adex, Alif, CubaLi, IfDelta, Izhikevich, Li, LifAlpha, LifCondExp,
    LifCondExpReference, LifDelta, LifExp, LifExpEI, Relay, ThresholdUnit,
)  # fmt: skip


def _trace(model, port, weight, *, dt, duration, times=(1e-3,), init=None, row="v"):
    net = Network(
        SpikeList("in", 1, np.array(times), np.zeros(len(times), int)),
        Population("n", 1, model, init=init),
        Projection("in", "n", Pairs([0], [0]), weight=weight, delay=1e-3, port=port),
        Record("n", (row,)),
        dt=dt,
    )
    result = net.build(engine="grid", precision="double").run(duration)
    return result.traces[f"n.{row}"].values[:, 0], result


@pytest.mark.parametrize("near", [0.0, 1e-12, 1e-6, 1e-3, 0.3])
@pytest.mark.parametrize("sign", [1, -1])
def test_propagators_where_the_time_constants_are_close(near, sign):
    tau_m, dt, r = 10e-3, 1e-4, 3.0
    tau_s = tau_m * (1 + sign * near)
    x = np.linspace(0, dt, 20001)
    leak = np.exp(-(dt - x) / tau_m) * r / tau_m
    exp = np.trapezoid(leak * np.exp(-x / tau_s), x)
    alpha = np.trapezoid(leak * x * np.exp(-x / tau_s), x)
    np.testing.assert_allclose(psc_propagator(dt, tau_m, tau_s, r), exp, rtol=1e-9)
    np.testing.assert_allclose(alpha_propagator(dt, tau_m, tau_s, r), alpha, rtol=1e-8)


@pytest.mark.parametrize("model", [LifExp, LifAlpha, Alif])
def test_psp_is_exact_on_any_grid(model):
    options = {"b": 0.0} if model is Alif else {}
    m = model(tau_mem=10e-3, tau_syn=3e-3, v_threshold=np.inf, **options)
    fine, _ = _trace(m, "input", 1.0, dt=1e-4, duration=0.03)
    coarse, _ = _trace(m, "input", 1.0, dt=1e-3, duration=0.03)
    np.testing.assert_allclose(coarse, fine[9::10], rtol=1e-11, atol=1e-15)


def _reference(model, w, duration):
    def slope(t, y):
        v, g = y
        return [
            (-model.g_leak * (v - model.v_leak) - g * (v - model.e_exc)) / model.c,
            -g / model.tau_exc,
        ]

    out = solve_ivp(
        slope, (2e-3, duration), [model.v_leak, w], rtol=1e-11, atol=1e-14,
        method="DOP853",
    )  # fmt: skip
    return out.y[0, -1]


def test_conductance_models_converge_as_declared():
    w, end = 20e-9, 8e-3
    for cls, order in ((LifCondExp, 1), (LifCondExpReference, 4)):
        extra = {"substeps": 1} if order == 4 else {}
        m = cls(v_threshold=np.inf, v_reset=-60e-3, **extra)
        exact = _reference(m, w, end)
        steps = (1e-3, 0.5e-3, 0.25e-3)
        errors = [
            abs(_trace(m, "exc", w, dt=dt, duration=end)[0][-1] - exact) for dt in steps
        ]
        orders = np.log2(np.array(errors[:-1]) / errors[1:])
        assert (orders > order - 0.35).all(), (cls.__name__, errors)


def test_adex_converges_with_order_four_below_the_spike():
    m = Adex(i_e=0.4e-9)

    def slope(t, y):
        v, w = y
        grow = m.g_leak * m.delta * np.exp((v - m.v_t) / m.delta)
        dv = (-m.g_leak * (v - m.v_leak) + grow - w + m.i_e) / m.c
        return [dv, (m.a * (v - m.v_leak) - w) / m.tau_w]

    exact = solve_ivp(
        slope, (0, 0.02), [m.v_leak, 0.0], rtol=1e-12, atol=1e-16, method="DOP853"
    ).y[0, -1]
    errors = [
        abs(_trace(m, "input", 0.0, dt=dt, duration=0.02)[0][-1] - exact)
        for dt in (1e-3, 0.5e-3, 0.25e-3)
    ]
    assert (np.log2(np.array(errors[:-1]) / errors[1:]) > 3.5).all()
    _, result = _trace(Adex(i_e=1e-9), "input", 0.0, dt=1e-4, duration=0.4)
    gaps = np.diff(result.spikes["n"].times)
    assert gaps[-1] > 1.5 * gaps[0]  # it adapts


def test_izhikevich_regular_spiking_and_bursting():
    """The published parameters give spikes of which the first two are closer."""
    _, result = _trace(Izhikevich(i_e=10.0), "input", 0.0, dt=1e-3, duration=0.5)
    gaps = np.diff(result.spikes["n"].times)
    assert 5 < gaps.size < 40
    assert gaps[0] < gaps[-1]
    chattering = Izhikevich(c=-50.0, d=2.0, i_e=10.0, method="half-steps")
    _, result = _trace(chattering, "input", 0.0, dt=5e-4, duration=0.5)
    gaps = np.diff(result.spikes["n"].times)
    assert gaps.max() > 4 * gaps.min()


def test_adaptation_moves_the_threshold_or_drains_the_current():
    base = {"tau_mem": 10e-3, "i_e": 2.0, "b": 0.3, "tau_adapt": 50e-3}
    for kind in ("threshold", "current"):
        _, result = _trace(
            Alif(**base, adaptation=kind), "input", 0.0, dt=1e-4, duration=0.3
        )
        gaps = np.diff(result.spikes["n"].times)
        assert gaps[-1] > 1.2 * gaps[0], kind
        assert gaps.size > 5


def test_reset_by_subtraction_keeps_the_rest():
    m = IfDelta(v_threshold=1.0, reset="subtract")
    v, result = _trace(m, "input", 2.3, dt=1e-3, duration=0.006)
    np.testing.assert_allclose(v[1:], [1.3, 0.3, 0.3, 0.3, 0.3])
    assert np.rint(result.spikes["n"].times / 1e-3).tolist() == [2, 3]


@pytest.mark.parametrize("cls", ALL, ids=lambda c: c.__name__)
def test_per_neuron_parameters_equal_shared_ones(cls):
    model = model_of(cls())
    field = next(
        f for f in cls.__dataclass_fields__ if f in ("tau_mem", "c", "a", "v_threshold")
    ) if cls is not Relay else None  # fmt: skip
    if field is None:
        pytest.skip("no parameters")
    one = cls()
    many = cls(**{field: np.full(5, getattr(one, field), float)})
    rng = np.random.default_rng(0)
    trains = SpikeList(
        "in", 5, np.sort(rng.random(200)) * 0.02, rng.integers(0, 5, 200)
    )
    results = []
    for m in (one, many):
        net = Network(
            trains,
            Population("n", 5, m),
            Projection(
                "in", "n", Pairs(np.arange(5), np.arange(5)), weight=4e-9 if "Cond" in cls.__name__ else 0.4,
                delay=1e-3, port=model.ports[0],
            ),
            *([Current("n", 1e-10)] if "current" in model.ports else []),
            Record("n", model.state),
            dt=1e-4,
        )  # fmt: skip
        results.append(net.build(engine="grid").run(0.02))
    for name in results[0].traces:
        np.testing.assert_array_equal(
            results[0].traces[name].values, results[1].traces[name].values
        )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LifExp(tau_mem=-0.01), r"LifExp.tau_mem: expected > 0, got -0.01"),
        (lambda: LifExp(tau_syn=[1e-3, 0.0]), r"LifExp.tau_syn\[1\]: expected > 0"),
        (lambda: LifDelta(v_reset=1.0), r"v_reset: expected below v_threshold"),
        (lambda: LifDelta(i_e=np.nan), r"LifDelta.i_e: expected a finite value"),
        (lambda: LifDelta(t_ref=-1e-3), r"t_ref: expected >= 0"),
        (lambda: LifDelta(reset="soft"), r"'value' or 'subtract'"),
        (lambda: Alif(adaptation="none"), r"'threshold' or 'current'"),
        (lambda: LifCondExp(c=0.0), r"LifCondExp.c: expected > 0"),
        (lambda: Adex(v_reset=0.1), r"below v_peak"),
        (lambda: Izhikevich(method="rk4"), r"half-steps"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()
