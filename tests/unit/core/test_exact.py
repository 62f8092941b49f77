"""The exact engine over plain arrays: naive twin, closed forms, queues, windows."""

import numpy as np
import pytest

from neuro.core.exact import CellGroup, EventSource, ExactCore, SynapseGroup, psp_peak
from neuro.core.exact import engine as engine_module
from neuro.core.exact._kernels import layout as columns
from neuro.core.exact._kernels import loop
from neuro.core.exact._kernels import membrane as kernels
from neuro.errors import ParameterError, ShapeError
from tests.naive import exact as naive


def _random_case(rng, model, *, many_delays, n=6, t_end=60.0, **par):
    scale = {"lif_exp": 4.0, "lif_delta": 0.45, "if_delta": 0.4}[model]
    k = 24
    pre, post = rng.integers(0, n, k), rng.integers(0, n, k)
    w = scale * rng.uniform(-0.5, 1.0, k)
    d = rng.uniform(0.3, 6.0, k) if many_delays else rng.choice([0.7, 1.5], k)
    m = 90
    t = np.sort(rng.integers(0, int(t_end * 1000), m)) * 1000
    ch = rng.integers(0, 4, m)
    in_post = np.array([0, 1, 2, 3, 4, 5])
    in_pre = np.array([0, 1, 2, 3, 0, 1])
    w_in = scale * rng.uniform(0.3, 1.2, 6)
    values = {"v_threshold": 1.0, "t_ref": 1.3, **par}
    core = ExactCore(
        [CellGroup(n=n, model=model, **values)],
        [
            SynapseGroup(pre=in_pre, post=in_post, weight=w_in, delay=0.5, source=0),
            SynapseGroup(pre=pre, post=post, weight=w, delay=d),
        ],
        [EventSource.from_ns(t, ch, 4)],
    )
    scalar = {k: v for k, v in values.items() if np.ndim(v) == 0}
    array = {k: v for k, v in values.items() if np.ndim(v)}
    neurons = [
        naive.Neuron(model, **scalar, **{k: v[j] for k, v in array.items()})
        for j in range(n)
    ]
    arrivals = [
        (t[e] / 1e6 + 0.5, in_post[s], w_in[s])
        for e in range(m)
        for s in range(6)
        if in_pre[s] == ch[e]
    ]
    synapses = list(zip(pre.tolist(), post.tolist(), w, d, strict=True))
    return core, naive.simulate(neurons, synapses, arrivals, t_end), t_end


def _python(kernel):
    """The interpreted form, also where compilation is off."""
    return getattr(kernel, "py_func", kernel)


CASES = {
    "exp": ("lif_exp", {"tau_mem": 20.0, "tau_syn": 5.0}),
    "exp slow synapse": ("lif_exp", {"tau_mem": 5.0, "tau_syn": 12.0}),
    "exp driven": ("lif_exp", {"tau_mem": 10.0, "tau_syn": 2.0, "v_inf": 1.2}),
    "exp varied": (
        "lif_exp",
        {"tau_mem": np.linspace(5, 30, 6), "tau_syn": 4.0, "subtract": True},
    ),
    "delta": ("lif_delta", {"tau_mem": 20.0}),
    "delta driven": ("lif_delta", {"tau_mem": 15.0, "v_inf": 1.1, "keep": True}),
    "delta subtract": ("lif_delta", {"tau_mem": 15.0, "subtract": True}),
    "if": ("if_delta", {}),
    "if driven": ("if_delta", {"v_inf": 0.02, "keep": True}),
}


@pytest.mark.parametrize("many_delays", [False, True], ids=["fifo", "calendar"])
@pytest.mark.parametrize("case", CASES)
def test_equals_naive(case, many_delays, rng):
    model, par = CASES[case]
    core, expected, t_end = _random_case(rng, model, many_delays=many_delays, **par)
    assert (core._queue.head.size > 0) is many_delays
    times, indices = core.run(int(t_end * 1e6))
    want = sorted(expected)
    assert len(want) > 10
    assert indices.tolist() == [j for _, j in want]
    np.testing.assert_allclose(times, [t for t, _ in want], rtol=0, atol=1e-9)


def test_split_run_and_checkpoint_equal_one_run(rng):
    core, _, t_end = _random_case(
        rng, "lif_exp", many_delays=True, tau_syn=5.0, tau_mem=20.0
    )
    whole = core.run(int(t_end * 1e6))
    counts = core.synops.copy()
    core.reset()
    first = core.run(17_300_001)
    state = core.to_arrays()
    core.reset()
    core.from_arrays(state)
    second = core.run(int(t_end * 1e6) - 17_300_001)
    for a, b, c in zip(whole, first, second, strict=True):
        assert a.tobytes() == np.concatenate([b, c]).tobytes()
    assert (core.synops == counts).all()


def test_calendar_and_fifo_agree(rng, monkeypatch):
    core, _, t_end = _random_case(
        rng, "lif_exp", many_delays=False, tau_syn=5.0, tau_mem=20.0
    )
    fifo = core.run(int(t_end * 1e6))
    monkeypatch.setattr(engine_module, "MAX_FIFO", 0)
    core.reset()
    assert core._queue.head.size
    calendar = core.run(int(t_end * 1e6))
    assert (fifo[1] == calendar[1]).all()
    np.testing.assert_allclose(fifo[0], calendar[0], rtol=0, atol=1e-11)


def test_pause_and_resume_changes_nothing(rng, monkeypatch):
    core, _, t_end = _random_case(
        rng, "lif_exp", many_delays=True, tau_syn=5.0, tau_mem=20.0
    )
    whole = core.run(int(t_end * 1e6))
    monkeypatch.setattr(engine_module, "_BUDGET", 7)
    core.reset()
    seen = []
    paused = core.run(int(t_end * 1e6), on_pause=seen.append)
    assert len(seen) > 5
    assert all(a.tobytes() == b.tobytes() for a, b in zip(whole, paused, strict=True))


@pytest.mark.parametrize("model", ["lif_delta", "lif_exp"])
def test_rate_is_the_closed_form(model):
    v_inf = np.array([0.5, 1.0, 1.0001, 1.3, 4.0])
    core = ExactCore(
        [
            CellGroup(
                n=5,
                model=model,
                tau_mem=20.0,
                tau_syn=5.0,
                v_inf=v_inf,
                v_threshold=1.0,
                v_reset=0.1,
                t_ref=2.0,
            )
        ]
    )
    times, indices = core.run(3_000_000_000)  # three windows
    for j, drive in enumerate(v_inf):
        t = times[indices == j]
        if drive <= 1.0:
            assert t.size == 0
            continue
        period = 2.0 + 20.0 * np.log((drive - 0.1) / (drive - 1.0))
        np.testing.assert_allclose(np.diff(t), period, rtol=1e-12, atol=1e-12)


def test_integrator_rate_is_the_closed_form():
    core = ExactCore(
        [CellGroup(n=1, model="if_delta", v_inf=0.03, v_threshold=1.0, t_ref=0.5)]
    )
    times, _ = core.run(2_000_000_000)
    np.testing.assert_allclose(np.diff(times), 1 / 0.03 + 0.5, rtol=1e-13)


@pytest.mark.parametrize("off", [0.0, 1e-12, 1e-6, 1e-3, 0.5, -0.75])
def test_psp_peak(off):
    tau_m = 20.0
    tau_s = tau_m * (1.0 + off)
    t_peak, height = psp_peak(tau_m, tau_s)
    t_ns = round(float(t_peak) * 1e6)
    core = ExactCore(
        [
            CellGroup(
                n=1, model="lif_exp", tau_mem=tau_m, tau_syn=tau_s, v_threshold=9.0
            )
        ],
        [SynapseGroup(pre=[0], post=[0], weight=2.0, delay=0.0, source=0)],
        [EventSource.from_ns([0], [0], 1)],
    )
    core.run(t_ns)
    v, i_syn, _ = core.sample(np.array([0]))
    # the peak is flat: half a nanosecond beside it costs nothing
    np.testing.assert_allclose(v, 2.0 * height, rtol=1e-12)
    np.testing.assert_allclose(i_syn, v, rtol=1e-6)  # dV/dt = 0 there
    if off == 0.0:
        assert height == pytest.approx(np.exp(-1.0), rel=1e-14)


def test_membrane_under_poisson_input_has_the_campbell_moments(rng):
    nu, w, tau_m, tau_s, n = 2.0, 0.3, 10.0, 4.0, 400  # nu in 1/ms
    t_end = 200.0
    m = rng.poisson(nu * t_end * n)
    t = np.sort(rng.integers(0, int(t_end * 1e6), m))
    ch = rng.integers(0, n, m)
    pairs = np.arange(n)
    core = ExactCore(
        [
            CellGroup(
                n=n, model="lif_exp", tau_mem=tau_m, tau_syn=tau_s, v_threshold=1e9
            )
        ],
        [SynapseGroup(pre=pairs, post=pairs, weight=w, delay=0.0, source=0)],
        [EventSource.from_ns(t, ch, n)],
    )
    samples = []
    core.run(100_000_000)
    for _ in range(10):
        core.run(10_000_000)
        samples.append(core.sample(pairs)[0])
    v = np.array(samples)
    mean = nu * w * tau_s
    # integral of the squared response of V to a unit jump of I
    variance = nu * w * w * tau_s**2 / (2 * (tau_m + tau_s))
    independent = n * 4  # 100 ms are about four correlation times
    assert v.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / independent))
    assert v.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / independent))


def test_inputs_at_one_time_cancel():
    def run(weights):
        core = ExactCore(
            [CellGroup(n=1, model="lif_delta", tau_mem=20.0, v_threshold=1.0)],
            [
                SynapseGroup(
                    pre=[0, 1], post=[0, 0], weight=weights, delay=0.5, source=0
                )
            ],
            [EventSource.from_ns([1_000_000, 1_000_000], [0, 1], 2)],
        )
        return core.run(10_000_000)[0].size

    assert run([1.5, 0.0]) == 1
    assert run([1.5, -1.0]) == 0
    assert run([-1.0, 1.5]) == 0


@pytest.mark.parametrize(("strict", "spikes"), [(False, 1), (True, 0)])
def test_threshold_of_delta_models_is_inclusive_unless_strict(strict, spikes):
    core = ExactCore(
        [CellGroup(n=1, model="if_delta", v_threshold=1.0, strict=strict)],
        [SynapseGroup(pre=[0], post=[0], weight=1.0, delay=0.0, source=0)],
        [EventSource.from_ns([0], [0], 1)],
    )
    assert core.run(1_000_000)[0].size == spikes


@pytest.mark.parametrize(("keep", "spikes"), [(False, 1), (True, 2)])
def test_inputs_during_refractoriness(keep, spikes):
    core = ExactCore(
        [
            CellGroup(
                n=1,
                model="lif_delta",
                tau_mem=20.0,
                v_threshold=1.0,
                t_ref=2.0,
                keep=keep,
            )
        ],
        [SynapseGroup(pre=[0], post=[0], weight=1.2, delay=0.0, source=0)],
        [EventSource.from_ns([1_000_000, 2_000_000], [0, 0], 1)],
    )
    times, _ = core.run(20_000_000)
    assert times.tolist() == [1.0, 3.0][:spikes]


def test_window_borders_and_long_delays():
    """A relay chain with delays beyond a window, events exactly on borders."""
    core = ExactCore(
        [CellGroup(n=2, model="if_delta", v_threshold=1.0)],
        [
            SynapseGroup(pre=[0], post=[0], weight=1.0, delay=0.0, source=0),
            SynapseGroup(pre=[0], post=[1], weight=1.0, delay=2500.0),
        ],
        [EventSource.from_ns(np.array([0, 1, 2]) * 1_000_000_000, [0, 0, 0], 1)],
    )
    parts = [core.run(1_000_000_000) for _ in range(5)]
    times = np.concatenate([p[0] for p in parts])
    indices = np.concatenate([p[1] for p in parts])
    assert times.tolist() == [0.0, 1000.0, 2000.0, 2500.0, 3500.0, 4500.0]
    assert indices.tolist() == [0, 0, 0, 1, 1, 1]
    assert parts[0][0].tolist() == [0.0, 1000.0]  # up to and including the end


def test_counts_visits_and_zero_weights():
    core = ExactCore(
        [CellGroup(n=3, model="if_delta", v_threshold=5.0)],
        [
            SynapseGroup(
                pre=[0, 0, 1],
                post=[0, 1, 2],
                weight=[1.0, 0.0, 1.0],
                delay=0.0,
                source=0,
            )
        ],
        [EventSource.from_ns([0, 5, 9], [0, 1, 0], 2)],
    )
    core.run(1_000_000)
    assert core.synops.tolist() == [5]
    assert core.zero_synops.tolist() == [2]
    assert core.updates(1).tolist() == [5]


def test_empty_networks_run():
    core = ExactCore([CellGroup(n=0, model="lif_exp", v_threshold=1.0)])
    assert core.run(2_500_000_000)[0].size == 0
    core = ExactCore([CellGroup(n=3, model="lif_exp", tau_mem=10.0, v_threshold=1.0)])
    assert core.run(0)[0].size == 0


def test_errors_name_the_place():
    with pytest.raises(ParameterError, match="event 1 at 3"):
        EventSource.from_ns([5, 3], [0, 0], 1)
    with pytest.raises(ParameterError, match="channel 4"):
        EventSource.from_ns([5], [4], 2)
    with pytest.raises(ShapeError):
        EventSource.from_ns([5], [0, 1], 2)
    with pytest.raises(ParameterError, match="delays > 0"):
        ExactCore(
            [CellGroup(n=1, model="if_delta", v_threshold=1.0)],
            [SynapseGroup(pre=[0], post=[0], weight=1.0, delay=0.0)],
        )
    with pytest.raises(ParameterError, match="if_delta"):
        CellGroup(n=1, model="adex", v_threshold=1.0)


@pytest.mark.parametrize("form", ["compiled", "py_func"])
def test_first_crossing_against_bisection(form, rng):
    solve = (
        kernels.crossing_exp if form == "compiled" else _python(kernels.crossing_exp)
    )
    found = none = 0
    for _ in range(300):
        tau_m, tau_s = rng.uniform(2, 30, 2)
        group = CellGroup(
            n=1, model="lif_exp", tau_mem=tau_m, tau_syn=tau_s, v_threshold=1.0
        )
        par = group.table()[0]
        th = rng.choice([1.0, 0.2, -0.3])
        u, g = th - rng.uniform(0.01, 2.0), rng.normal(0, 4)
        m = kernels.Membrane(
            *(par[0, getattr(columns, f.upper())] for f in kernels.Membrane._fields)
        )
        s = solve(u, g, th, m)
        grid = np.linspace(0, 200, 20001)
        value = u * np.exp(-grid / tau_m) + g * tau_s / (tau_s - tau_m) * (
            np.exp(-grid / tau_s) - np.exp(-grid / tau_m)
        )
        first = np.flatnonzero(value >= th)
        if first.size == 0:
            assert s == np.inf or s > 200 or value.max() > th - 1e-5
            none += 1
        else:
            assert grid[first[0]] - 0.0101 <= s <= grid[first[0]] + 1e-9
            at, *_ = kernels._membrane(s, u, g, m)
            assert abs(at - th) < 1e-11
            found += 1
    assert found > 60
    assert none > 60


def test_a_brief_excursion_is_found():
    """The membrane exceeds threshold by 5e-6 for less than 0.1 ms, without an event."""
    tau_m, tau_s = 20.0, 5.0
    peak = float(psp_peak(tau_m, tau_s)[1])
    for factor, spikes in ((1.0 + 5e-6, 1), (1.0 - 5e-6, 0)):
        core = ExactCore(
            [
                CellGroup(
                    n=1, model="lif_exp", tau_mem=tau_m, tau_syn=tau_s, v_threshold=1.0
                )
            ],
            [
                SynapseGroup(
                    pre=[0], post=[0], weight=factor / peak, delay=0.0, source=0
                )
            ],
            [EventSource.from_ns([0], [0], 1)],
        )
        assert core.run(100_000_000)[0].size == spikes


@pytest.mark.parametrize("many_delays", [False, True], ids=["fifo", "calendar"])
@pytest.mark.parametrize("case", ["exp driven", "delta driven"])
def test_interpreted_loop_equals_the_compiled_one(case, many_delays, rng, monkeypatch):
    model, par = CASES[case]
    core, _, _ = _random_case(rng, model, many_delays=many_delays, **par)
    compiled = core.run(25_000_000)
    counts = core.synops.copy()
    monkeypatch.setattr(loop, "run_until", _python(loop.run_until))
    core.reset()
    interpreted = core.run(25_000_000)
    assert compiled[0].size > 3
    assert all(
        a.tobytes() == b.tobytes() for a, b in zip(compiled, interpreted, strict=True)
    )
    assert (core.synops == counts).all()
