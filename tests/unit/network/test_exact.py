"""The exact engine behind the network description."""

import logging

import numpy as np
import pytest

from neuro.errors import ParameterError, UnsupportedNodeError
from neuro.network import (
    Adex,
    AllToAll,
    Current,
    Events,
    FixedIndegree,
    Frames,
    IfDelta,
    LifDelta,
    LifExp,
    LifExpEI,
    Network,
    Normal,
    OneToOne,
    Pairs,
    Poisson,
    Population,
    Projection,
    Record,
    SpikeList,
)
from neuro.network.exact import ExactSimulation
from neuro.network.exact_support import choose_engine, prefer_exact


def _camera(n=40, seed=0, **kw):
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, 200_000, 600))
    return Network(
        Events("camera", 20, t, rng.integers(0, 20, 600)),
        Population(
            "cells",
            n,
            LifExp(v_threshold=1.0, t_ref=2e-3),
            init={"v": Normal(0.3, 0.1)},
        ),
        Projection(
            "camera", "cells", FixedIndegree(5), weight=Normal(1.2, 0.2), delay=1e-3
        ),
        Projection(
            "cells",
            "cells",
            FixedIndegree(8),
            weight=Normal(0.1, 0.4),
            delay=Normal(2e-3, 0.4e-3, low=1e-3),
        ),
        dt=1e-3,
        **kw,
    )


def test_split_run_checkpoint_and_recording_change_nothing(tmp_path):
    net = _camera()
    whole = ExactSimulation(net, seed=3).run(0.25)
    assert whole.spikes["cells"].times.size > 20
    a = ExactSimulation(net, seed=3)
    first = a.run(0.1)
    a.checkpoint(tmp_path / "state.npz")
    b = ExactSimulation(net, seed=3)
    b.restore(tmp_path / "state.npz")
    second = b.run(0.15)
    for k in (0, 1):
        joined = np.concatenate([first.spikes["cells"][k], second.spikes["cells"][k]])
        assert joined.tobytes() == whole.spikes["cells"][k].tobytes()
    total = first.counts + second.counts
    for op in ("synop", "spike_out", "neuron_update"):
        assert total.total(op) == whole.counts.total(op)
    assert b.counts.total("synop") == whole.counts.total("synop")
    recorded = Network(
        *net.sources.values(),
        *net.populations.values(),
        *net.projections,
        Record("cells", ("v", "i_syn"), indices=[3, 5], interval=0.7e-3),
        dt=1e-3,
    )
    seen = ExactSimulation(recorded, seed=3).run(0.25)
    assert seen.spikes["cells"].times.tobytes() == whole.spikes["cells"].times.tobytes()
    assert seen.traces["cells.v"].values.shape == (357, 2)


def test_voltage_is_the_closed_form():
    net = Network(
        SpikeList("in", 1, [0.0012345], [0]),
        Population("cell", 1, LifExp(v_threshold=9.0)),
        Projection("in", "cell", OneToOne(), weight=2.0, delay=1e-4),
        Record("cell", ("v", "i_syn"), interval=5e-4),
        dt=1e-4,
    )
    trace = ExactSimulation(net).run(0.05).traces["cell.v"]
    s = np.maximum(trace.times - 0.0013345, 0)
    expected = 2.0 * 5 / (5 - 20) * (np.exp(-s / 5e-3) - np.exp(-s / 20e-3))
    np.testing.assert_allclose(trace.values[:, 0], expected, rtol=0, atol=1e-13)


def test_counts_equal_spikes_times_rows():
    net = _camera()
    result = ExactSimulation(net, seed=1).run(0.3)
    np.testing.assert_array_equal(
        result.counts.total("synop", "camera -> cells"),
        np.bincount(
            ExactSimulation(net, seed=1).weights("camera -> cells")[0], minlength=20
        )[net.sources["camera"].channels].sum(),
    )
    assert result.counts.total("spike_out") == result.spikes["cells"].times.size
    assert result.spike_counts("cells").sum() == result.spikes["cells"].times.size


def test_samples_equal_single_runs():
    net = _camera()
    rng = np.random.default_rng(5)
    samples = [
        (np.sort(rng.integers(0, 100_000, 300)), rng.integers(0, 20, 300))
        for _ in range(3)
    ]
    batch = ExactSimulation(net, seed=2).run_samples({"camera": samples}, 0.12)
    for k, (t, c) in enumerate(samples):
        alone = Network(
            Events("camera", 20, t, c),
            *net.populations.values(),
            *net.projections,
            dt=1e-3,
        )
        one = ExactSimulation(alone, seed=2).run(0.12)
        mine = batch.spikes["cells"].samples == k
        assert (
            batch.spikes["cells"].times[mine].tobytes()
            == one.spikes["cells"].times.tobytes()
        )
        assert batch.counts.per_sample("synop")[k] == one.counts.total("synop")
        np.testing.assert_array_equal(
            batch.spike_counts("cells")[k], one.spike_counts("cells")[0]
        )


def test_poisson_drive_has_its_rate_and_ignores_splits():
    net = Network(
        Population("cells", 50, LifDelta(v_threshold=np.inf)),
        Poisson("cells", [100.0, 400.0], 1e-3, times=[0.0, 0.5]),
        dt=1e-3,
    )
    simulation = ExactSimulation(net, seed=4)
    first, second = simulation.run(0.5).counts, simulation.run(0.5).counts
    for counts, rate in ((first, 100.0), (second, 400.0)):
        mean = 50 * rate * 0.5
        assert abs(counts.total("synop") - mean) < 4 * np.sqrt(mean)
    whole = ExactSimulation(net, seed=4).run(1.0).counts
    assert whole.total("synop") == first.total("synop") + second.total("synop")


def test_currents_models_and_ports():
    drive = np.array([1.5, 2.0])
    net = Network(
        Population("a", 2, LifDelta(tau_mem=10e-3)),
        Population("b", 2, LifExp(tau_mem=10e-3)),
        Population("c", 2, IfDelta(r=50.0)),
        Population("d", 2, LifExpEI(tau_exc=4e-3, tau_inh=4e-3, tau_mem=10e-3)),
        *(Current(p, drive) for p in "abcd"),
        Projection("a", "d", AllToAll(), weight=1e-6, delay=1e-3, port="exc"),
        Projection("a", "d", AllToAll(), weight=-1e-6, delay=1e-3, port="inh"),
        dt=1e-3,
    )
    result = ExactSimulation(net).run(0.5)
    period = 10e-3 * np.log(drive / (drive - 1))
    for p in "abd":
        for k in range(2):
            t = result.spikes[p].times[result.spikes[p].indices == k]
            np.testing.assert_allclose(np.diff(t), period[k], rtol=1e-6)
    t = result.spikes["c"].times[result.spikes["c"].indices == 1]
    np.testing.assert_allclose(np.diff(t), 1 / 100.0, rtol=1e-12)


def test_dimensionless_time_is_steps():
    net = Network(
        SpikeList("in", 1, [3.25], [0]),
        Population("cell", 1, IfDelta()),
        Projection("in", "cell", OneToOne(), weight=1.0, delay=2.0),
        dt=1.0,
        dimensionless=True,
    )
    assert ExactSimulation(net).run(10.0).spikes["cell"].times.tolist() == [5.25]


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([Population("x", 2, Adex())], "Adex has no solution"),
        ([Population("x", 2, LifExpEI())], "tau_exc == tau_inh"),
        (
            [
                Population("x", 2, LifExp()),
                Frames("f", 2),
                Projection("f", "x", OneToOne()),
            ],
            "frames",
        ),
        (
            [Population("x", 2, LifExp()), Current("x", [1.0, 2.0], times=[0.0, 1.0])],
            "constant Current",
        ),
        (
            [
                Population("x", 2, LifExp()),
                Population("y", 2, LifExp()),
                Projection("x", "y", OneToOne()),
            ],
            "delay > 0",
        ),
    ],
)
def test_what_cannot_run_is_named(objects, message):
    with pytest.raises(UnsupportedNodeError, match=message):
        ExactSimulation(Network(*objects, dt=1e-3))


def test_auto_follows_the_crossover_and_says_so(caplog):
    def net(dt, rate):
        m = int(rate * 10 * 0.1)
        t = np.linspace(0, 100_000, m).astype(np.int64)
        return Network(
            Events("e", 10, t, np.arange(m) % 10),
            Population("x", 10, LifExp()),
            Projection("e", "x", OneToOne(), weight=0.01, delay=1e-3),
            dt=dt,
        )

    with caplog.at_level(logging.INFO, logger="neuro.network.exact_support"):
        assert choose_engine(net(1e-4, 100), "auto") == "exact"
        assert choose_engine(net(1e-4, 1000), "auto") == "grid"
        assert choose_engine(net(1e-5, 1000), "auto") == "exact"
    assert "crossover 292" in caplog.text
    silent = Network(Population("x", 1, LifExp()), dt=1e-3)
    assert prefer_exact(silent)[0] is False
    with pytest.raises(ParameterError, match="'auto', 'grid' or 'exact'"):
        choose_engine(silent, "fast")


def test_legal_degenerate_networks_run():
    for n in (0, 3):
        net = Network(
            Events("e", 1, np.zeros(0, np.int64), np.zeros(0, np.int64)),
            Population("x", n, LifExp()),
            Projection("x", "x", Pairs(np.zeros(0, int), np.zeros(0, int)), delay=1e-3),
            dt=1e-3,
        )
        result = ExactSimulation(net).run(0.01)
        assert result.spikes["x"].times.size == 0
        assert ExactSimulation(net).run(0.0).duration == 0
    loop = Network(
        Population("x", 1, LifExp(i_e=2.0)),
        Projection("x", "x", OneToOne(), weight=-0.5, delay=1e-3),
        dt=1e-3,
    )
    assert ExactSimulation(loop).run(0.5).spikes["x"].times.size > 3


def test_silent_and_empty_poisson_drives_run():
    for n, rate in ((3, 0.0), (3, [0.0, 0.0, 0.0]), (0, 10.0)):
        net = Network(Population("x", n, LifDelta()), Poisson("x", rate, 1.0), dt=1e-3)
        assert ExactSimulation(net).run(0.1).counts.total("synop") == 0
