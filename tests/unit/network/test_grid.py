"""The grid engine against its slow twin, and what its results must not depend on."""

import itertools
import warnings

import numpy as np
import pytest

from neuro.errors import ParameterError
from neuro.network import (
    Bernoulli,
    Current,
    FixedIndegree,
    FixedTotal,
    LifDelta,
    LifExp,
    Network,
    Normal,
    Pairs,
    Poisson,
    Population,
    Projection,
    Record,
    Result,
    SpikeList,
    Uniform,
)
from tests.naive import grid as naive

DT = 1e-4


def _network(rng, *, drive=True, records=()):
    """Two populations, one delay, many delays, a spike list; dyadic weights."""
    n = 60
    exp = LifExp(
        tau_mem=10e-3, tau_syn=2e-3, v_threshold=1.0, v_reset=0.0, t_ref=1e-3, i_e=1.05
    )
    delta = LifDelta(tau_mem=15e-3, v_threshold=1.0, v_reset=-0.5, t_ref=2e-3, i_e=0.9)
    m = 400
    times = np.sort(rng.integers(0, 900, m)) * DT
    parts = [
        SpikeList("in", 20, times, rng.integers(0, 20, m)),
        Population("a", n, exp, init={"v": rng.integers(0, 64, n) / 64}),
        Population("b", n + 3, delta, init={"v": rng.integers(0, 64, n + 3) / 64}),
        Projection("a", "b", FixedIndegree(8), weight=0.125, delay=1.5e-3),
        Projection("a", "a", FixedTotal(300), weight=-0.25, delay=1.5e-3),
        Projection(
            "b",
            "a",
            Pairs(rng.integers(0, n + 3, 500), rng.integers(0, n, 500)),
            weight=rng.integers(-16, 17, 500) / 64,
            delay=rng.integers(7, 40, 500) * DT,
        ),
        Projection(
            "b",
            "b",
            Bernoulli(0.1),
            weight=-0.0625,
            delay=Normal(2e-3, 1e-3, 7 * DT, 5e-3),
        ),
        Projection("in", "a", FixedIndegree(3), weight=0.5, delay=0.8e-3),
        Projection("in", "b", Bernoulli(0.2), weight=0.25, delay=0.7e-3),
    ]
    if drive:
        parts.append(Poisson("a", 800.0, 0.0625))
        parts.append(Current("b", 0.2, port="current"))
    return Network(*parts, *records, dt=DT)


def _trains(result):
    return {
        k: (np.rint(s.times / DT).astype(int).tolist(), s.indices.tolist())
        for k, s in result.spikes.items()
    }


@pytest.mark.parametrize("precision", ["single", "double"])
def test_equals_the_naive_loop_spike_for_spike(rng, precision):
    net = _network(rng, drive=False)
    expected, visits = naive.run(net, 1000, seed=5)
    result = net.build(engine="grid", seed=5, precision=precision).run(0.1)
    assert _trains(result) == expected
    assert len(expected["a"][0]) > 300
    assert len(expected["b"][0]) > 100
    for name, n in zip(net.names, visits, strict=True):
        booked = result.counts.total("synop", name)
        booked += result.counts.total("synop_zero", name)
        assert booked == n
    np.testing.assert_array_equal(
        result.spike_counts("a")[0], np.bincount(expected["a"][1], minlength=60)
    )


def test_the_batch_driver_gives_the_same_spikes(rng):
    net = _network(rng, drive=True)
    grid = net.build(engine="grid", seed=2, precision="double").run(0.05)
    batch = net.build(engine="grid", seed=2).run_samples({}, 0.05, n_samples=2)
    first = batch.spikes["a"].samples == 0
    np.testing.assert_array_equal(
        batch.spikes["a"].times[first], grid.spikes["a"].times
    )
    np.testing.assert_array_equal(
        batch.spikes["a"].indices[first], grid.spikes["a"].indices
    )
    np.testing.assert_array_equal(batch.spike_counts("b")[0], grid.spike_counts("b")[0])
    assert not np.array_equal(*batch.spike_counts("a"))  # Poisson input differs


@pytest.mark.parametrize(
    "options",
    [
        {"blocks": 2},
        {"blocks": 7},
        {"window": 1},
        {"tile": 8},
        {"blocks": 3, "window": 2, "tile": 16},
        {"threads": 2, "blocks": 2},
        {"threads": 4, "blocks": 5, "window": 3},
    ],
    ids=str,
)
def test_same_bytes_whatever_blocks_window_and_threads(rng, options, monkeypatch):
    monkeypatch.setattr("neuro.network.grid_plan._THREAD_WORK_S", 1e-12)
    net = _network(rng)
    reference = _trains(net.build(engine="grid", seed=1).run(0.06))
    simulation = net.build(engine="grid", seed=1, **options)
    if "threads" in options:
        assert simulation._grid().threads == options["threads"]
    assert _trains(simulation.run(0.06)) == reference


def test_recorders_change_nothing(rng):
    seed = rng.integers(1000)
    plain = _network(np.random.default_rng(seed))
    record = Record("a", ("v", "i_syn"), indices=[3, 59], interval=5e-4)
    off = Record("b", spikes=False)
    recorded = _network(np.random.default_rng(seed), records=(record, off))
    expected = plain.build(engine="grid", seed=1).run(0.05)
    result = recorded.build(engine="grid", seed=1).run(0.05)
    assert "b" not in result.spikes
    assert _trains(result)["a"] == _trains(expected)["a"]
    np.testing.assert_array_equal(result.spike_counts("b"), expected.spike_counts("b"))
    trace = result.traces["a.v"]
    assert trace.values.shape == (100, 2)
    np.testing.assert_allclose(trace.times, np.arange(1, 101) * 5e-4)
    whole = Record("a", ("v",))
    every = _network(np.random.default_rng(seed), records=(whole,))
    values = every.build(engine="grid", seed=1, blocks=4).run(0.05).traces["a.v"].values
    np.testing.assert_array_equal(values[4::5, [3, 59]], trace.values)


def test_split_run_with_checkpoint_equals_one_run(rng, tmp_path):
    net = _network(rng)
    whole = net.build(engine="grid", seed=3).run(0.08)
    first = net.build(engine="grid", seed=3)
    a = first.run(0.0331)
    first.checkpoint(tmp_path / "state.npz")
    second = net.build(engine="grid", seed=3)
    second.restore(tmp_path / "state.npz")
    b = second.run(0.0469)
    for name in ("a", "b"):
        times = np.concatenate([a.spikes[name].times, b.spikes[name].times])
        np.testing.assert_array_equal(times, whole.spikes[name].times)
    synops = [r.counts.total("synop") for r in (a, b, whole)]
    assert synops[0] + synops[1] == synops[2]
    other = net.build(engine="grid", seed=4)
    with pytest.raises(ParameterError, match="seed"):
        other.restore(tmp_path / "state.npz")


def test_an_object_more_does_not_change_the_others(rng):
    seed = rng.integers(1000)
    net = _network(np.random.default_rng(seed))
    parts = [*net.sources.values(), *net.populations.values(), *net.projections]
    lone = Population("lone", 5, LifExp(i_e=2.0))
    more = Network(*parts, *net.drives, lone, Poisson("lone", 100.0, 0.1), dt=DT)
    expected = _trains(net.build(engine="grid", seed=1).run(0.04))
    got = _trains(more.build(engine="grid", seed=1).run(0.04))
    assert {k: got[k] for k in expected} == expected


def test_piecewise_rates_and_currents_change_on_time():
    quiet = LifDelta(tau_mem=10e-3, v_threshold=np.inf)
    net = Network(
        Population("p", 50, quiet),
        Poisson("p", [0.0, 5000.0, 0.0], 1.0, times=[0.0, 0.01, 0.02]),
        Population("c", 2, quiet),
        Current("c", [1.0, 0.0], times=[0.005, 0.015]),
        Record("p", ("v",)),
        Record("c", ("v",)),
        dt=DT,
    )
    result = net.build(engine="grid").run(0.03)
    v = result.traces["p.v"].values
    assert (v[:100] == 0).all()
    assert (v[130] > 0).all()
    assert (np.diff(v[200:], axis=0) < 0).all()
    c = result.traces["c.v"].values[:, 0]
    assert (c[:50] == 0).all()
    np.testing.assert_allclose(c[149], 1 - np.exp(-10e-3 / 10e-3), rtol=1e-12)
    np.testing.assert_allclose(c[199], c[149] * np.exp(-0.5), rtol=1e-12)


def test_poisson_counts_have_the_right_distribution():
    """Mean, variance and lag correlations of the counter-based draws."""
    from neuro.core._kernels.drives import draw_counts
    from neuro.network.drives import poisson_levels

    n, steps = 4000, 400
    bits = np.zeros(512, np.uint32)
    for mean in (0.05, 2.0):
        levels = poisson_levels(np.array([mean]))[:, 0].copy()
        x = np.zeros((steps, n), np.uint8)
        for k in range(steps):
            draw_counts(levels, np.uint64(7), k, 0, bits, x[k])
        x = x.astype(float)
        error = np.sqrt(mean / x.size)
        assert abs(x.mean() - mean) < 4 * error
        assert abs(x.var() / mean - 1) < 0.01
        z = x - mean
        for a, b in (
            (z[:, 2:], z[:, :-2]),
            (z[:, 1024:], z[:, :-1024]),
            (z[1:], z[:-1]),
        ):
            assert abs((a * b).mean()) < 4.5 * mean / np.sqrt(a.size)
        part = np.zeros(n - 1000, np.uint8)
        draw_counts(levels, np.uint64(7), 3, 1000, bits, part)
        np.testing.assert_array_equal(part, x[3, 1000:])  # blocks do not matter


def test_psp_and_rate_follow_the_closed_forms():
    tau_m, tau_s = 20e-3, 5e-3
    fi = LifDelta(tau_mem=tau_m, v_threshold=1.0, v_reset=0.0, t_ref=2e-3, i_e=1.5)
    net = Network(
        SpikeList("in", 1, [1e-3], [0]),
        Population("psp", 1, LifExp(tau_mem=tau_m, tau_syn=tau_s, v_threshold=np.inf)),
        Population("fi", 1, fi),
        Projection("in", "psp", Pairs([0], [0]), weight=1.0, delay=1e-3),
        Record("psp", ("v",)),
        dt=DT,
    )
    result = net.build(engine="grid").run(1.0)
    v = result.traces["psp.v"].values[:, 0]
    t = np.log(tau_m / tau_s) * tau_m * tau_s / (tau_m - tau_s)
    height = tau_s / (tau_m - tau_s) * (np.exp(-t / tau_m) - np.exp(-t / tau_s))
    np.testing.assert_allclose(v.max(), height, rtol=1e-4)
    assert abs((v.argmax() + 1) * DT - (2e-3 + t)) <= DT
    interval = 2e-3 + tau_m * np.log(1.5 / 0.5)
    gaps = np.diff(result.spikes["fi"].times)
    assert np.abs(gaps - interval).max() <= DT


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [Population("a", 0, LifExp())],
        [Population("a", 3, LifExp()), Projection("a", "a", Bernoulli(0), delay=DT)],
        [
            Population("a", 1, LifExp(i_e=2.0)),
            Projection("a", "a", Pairs([0], [0]), delay=DT),
        ],
        [
            Population("a", 0, LifExp()),
            Population("b", 2, LifExp()),
            Projection("a", "b", Bernoulli(0.5), delay=DT),
        ],
    ],
    ids=["nothing", "no neurons", "no synapses", "autapse", "empty source"],
)
@pytest.mark.parametrize("duration", [0.0, 0.01])
def test_degenerate_networks_run(parts, duration):
    result = Network(*parts, dt=DT).build(engine="grid").run(duration)
    assert result.duration == duration
    assert all(np.isfinite(s.times).all() for s in result.spikes.values())


def test_a_diverging_state_stops_with_neuron_and_step():
    net = Network(
        Population("a", 3, LifDelta(v_threshold=np.inf)),
        Projection("a", "a", Bernoulli(0), delay=DT),
        Poisson("a", 1000.0, 1e308),
        dt=DT,
    )
    with pytest.raises(ParameterError, match=r"'a'.*neuron \d.*not finite"):
        net.build(engine="grid").run(1.0)


@pytest.mark.parametrize("what", ["warn", "stop", "ignore"])
def test_runaway_activity_is_said_once_and_keeps_its_data(what, caplog, recwarn):
    net = Network(
        Population("a", 20, LifDelta(v_threshold=1.0, t_ref=1e-3, i_e=30.0)), dt=DT
    )
    warnings.simplefilter("always")
    result = net.build(engine="grid", runaway=what).run(0.3)
    said = [str(w.message) for w in recwarn] + [r.getMessage() for r in caplog.records]
    assert len([m for m in said if "runaway" in m]) == (what != "ignore")
    end = 0.3 if what != "stop" else result.duration
    assert 0.1 <= end < 0.2 or what != "stop"
    assert result.spikes["a"].times.max() == pytest.approx(end, abs=3e-3)
    with pytest.raises(ParameterError, match="'warn', 'stop' or 'ignore'"):
        net.build(engine="grid", runaway="sometimes")


def test_progress_is_reported_and_reset_starts_again(rng):
    net = _network(rng)
    seen = []
    simulation = net.build(engine="grid", seed=1)
    first = simulation.run(0.05, progress=lambda *x: seen.append(x))
    assert seen[-1][0] == 1.0
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(seen))
    simulation.reset()
    assert _trains(simulation.run(0.05)) == _trains(first)
    assert "Simulation" in repr(simulation)


def test_initial_distribution_is_drawn_per_seed():
    net = Network(Population("a", 100, LifExp(), init={"v": Uniform(0, 0.5)}), dt=DT)
    a, b = net.initial("a", 0), net.initial("a", 1)
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(a, net.initial("a", 0))


def test_a_result_is_saved_and_loaded_whole(rng, tmp_path):
    net = _network(rng, records=(Record("a", ("v",), indices=[1]),))
    result = net.build(engine="grid", seed=1).run(0.03)
    result.save(tmp_path / "r.npz")
    again = Result.load(tmp_path / "r.npz")
    assert _trains(again) == _trains(result)
    assert again.counts == result.counts
    np.testing.assert_array_equal(
        again.traces["a.v"].values, result.traces["a.v"].values
    )
    np.testing.assert_array_equal(again.spike_counts("b"), result.spike_counts("b"))
    assert repr(again) == repr(result)
    np.savez(tmp_path / "x.npz", a=1)
    with pytest.raises(ParameterError, match="expected schema"):
        Result.load(tmp_path / "x.npz")


def test_an_interrupt_leaves_a_state_that_goes_on(rng):
    net = _network(rng)
    whole = net.build(engine="grid", seed=1).run(0.1)
    simulation = net.build(engine="grid", seed=1)

    def stop(share, *_):
        if share > 0.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulation.run(0.1, progress=stop)
    done = simulation.step
    assert 0 < done < 1000
    rest = simulation.run((1000 - done) * DT)
    late = whole.spikes["a"].times > (done + 0.5) * DT
    np.testing.assert_array_equal(rest.spikes["a"].times, whole.spikes["a"].times[late])
