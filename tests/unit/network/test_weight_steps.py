"""Weights stored as integers: the same spikes as floats, in less memory."""

import numpy as np
import pytest

from neuro.core.connectivity import Csr
from neuro.errors import ParameterError
from neuro.network import (
    Bernoulli,
    FixedIndegree,
    LifDelta,
    LifExp,
    Network,
    Normal,
    Pairs,
    PairStdp,
    Population,
    Projection,
    SpikeList,
    Uniform,
)
from neuro.quantize import quantize_weights

DT = 1e-4
STEP = 1 / 64
N = 50


def _network(rng, step, *, largest=60, shared=-0.25, layout=False):
    """One delay, many delays, a homogeneous projection and a stream."""
    m = 600
    pre, post = rng.integers(0, N, m), rng.integers(0, N, m)
    own = rng.integers(-largest, largest + 1, m) * STEP
    many = rng.integers(-20, 22, m) * STEP
    delays = rng.integers(5, 40, m) * DT
    times = np.sort(rng.integers(0, 900, 500)) * DT
    rule, weight = Pairs(pre, post), own
    if layout:
        order = np.argsort(pre, kind="stable")
        indptr = np.searchsorted(pre[order], np.arange(N + 1))
        rule, weight = Csr(N, indptr, post[order], own[order].astype(np.float32)), None
    model = LifExp(tau_mem=10e-3, tau_syn=2e-3, t_ref=1e-3, i_e=1.1)
    return Network(
        SpikeList("in", 20, times, rng.integers(0, 20, 500)),
        Population("a", N, model, init={"v": rng.integers(0, 64, N) / 64}),
        Population("b", N, LifDelta(t_ref=2e-3, i_e=0.9)),
        Projection("a", "b", rule, weight=weight, delay=8 * DT, weight_step=step),
        Projection("b", "a", Pairs(post, pre), weight=many, delay=delays,
                   weight_step=step),
        Projection("a", "a", FixedIndegree(6), weight=shared, delay=15 * DT),
        Projection("in", "a", Bernoulli(0.2), weight=0.5, delay=7 * DT),
        dt=DT,
    )  # fmt: skip


def _trains(result):
    return [(s.times.tobytes(), s.indices.tobytes()) for s in result.spikes.values()]


@pytest.mark.parametrize(
    ("options", "stored", "ring"),
    [
        ({}, np.int8, np.int32),
        ({"layout": True}, np.int8, np.int32),
        ({"largest": 900}, np.int16, np.int32),
        ({"shared": -0.26}, np.int8, np.float32),  # no common unit
        ({"precision": "double"}, np.int8, np.float64),
        ({"blocks": 3, "window": 2}, np.int8, np.int32),
    ],
    ids=str,
)
def test_the_same_spikes_as_with_floats(options, stored, ring):
    built = {k: options[k] for k in ("precision", "blocks", "window") if k in options}
    parts = {k: v for k, v in options.items() if k not in built}
    results = []
    for step in (None, STEP):
        net = _network(np.random.default_rng(7), step, **parts)
        simulation = net.build(engine="grid", seed=1, **built)
        results.append(simulation.run(0.1))
    table, state = simulation._grid().plan.table, simulation._grid().state
    assert table.weights.dtype == stored
    assert state.ring.dtype == ring
    assert results[0].spikes["b"].times.size > 300
    assert _trains(results[0]) == _trains(results[1])
    assert results[0].counts == results[1].counts


def test_memory_is_what_is_stored(rng):
    sizes = {}
    for step in (None, STEP):
        net = _network(np.random.default_rng(7), step)
        estimate = net.memory("grid").objects["a -> b"]
        table = net.build(engine="grid")._grid().plan.table
        sizes[step] = estimate, table.weights.nbytes
    assert sizes[None][0] - sizes[STEP][0] == 600 * 3
    assert sizes[None][1] == 4 * sizes[STEP][1]
    mixed = _network(rng, STEP)
    floats = Projection("b", "b", Bernoulli(0.1), weight=Normal(0, 0.1), delay=8 * DT)
    mixed = Network(
        *mixed.sources.values(), *mixed.populations.values(), *mixed.projections,
        floats, dt=DT,
    )  # fmt: skip
    assert mixed.build(engine="grid")._grid().plan.table.weights.dtype == np.float32


def test_drawn_weights_are_rounded_and_everywhere_the_same(rng):
    def parts(weight, step):
        return Network(
            Population("a", 40, LifExp(i_e=1.3)),
            Projection("a", "a", FixedIndegree(10), weight=weight, delay=8 * DT,
                       weight_step=step),
            dt=DT,
        )  # fmt: skip

    net = parts(Normal(0.02, 0.05), 1 / 128)
    simulation = net.build(engine="grid", seed=3)
    pre, post, weight = simulation.weights("a -> a")
    np.testing.assert_array_equal(weight * 128, np.rint(weight * 128))
    assert np.unique(weight).size > 10
    given = Network(
        Population("a", 40, LifExp(i_e=1.3)),
        Projection("a", "a", Pairs(pre, post), weight=weight, delay=8 * DT),
        dt=DT,
    )
    assert _trains(simulation.run(0.1)) == _trains(given.build(engine="grid").run(0.1))
    assert (
        simulation._grid().plan.table.weights.dtype == np.int16
    )  # no bound on the draws
    bounded = parts(Uniform(-0.5, 0.5), 1 / 128).build(engine="grid")
    assert bounded._grid().plan.table.weights.dtype == np.int8


def test_quantised_weights_are_stored_as_they_are(rng):
    q = quantize_weights(rng.normal(0, 0.2, 300), 8, axis=None)
    net = Network(
        Population("a", N, LifExp(i_e=1.2)),
        Projection("a", "a", Pairs(rng.integers(0, N, 300), rng.integers(0, N, 300)),
                   weight=q.values, delay=8 * DT, weight_step=float(q.step.item())),
        dt=DT,
    )  # fmt: skip
    table = net.build(engine="grid")._grid().plan.table
    assert table.weights.dtype == np.int8
    assert (
        np.sort(table.weights[table.weights != 0]).tolist()
        == np.sort(q.levels[q.levels != 0]).tolist()
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": [0.1, 0.15]}, r"weight\[1\] = 0.15: no multiple.*0.1"),
        ({"weight": 0.15}, r"weight = 0.15: no multiple"),
        ({"weight": [0.1, 4e4]}, r"weight\[1\] = 40000: more than 32767 steps"),
        ({"weight_step": 0.0}, "expected > 0, got 0"),
        ({"weight_step": "fine"}, "expected > 0, got 'fine'"),
        ({"weight_step": np.nan}, "expected > 0, got nan"),
        ({"plasticity": PairStdp()}, "plastic weights have no step"),
    ],
)
def test_what_has_no_step_is_named(options, message):
    given = {"weight_step": 0.1, "delay": DT, **options}
    with pytest.raises(ParameterError, match=message):
        Projection("a", "a", Pairs([0, 1], [1, 0]), **given)


def test_a_layout_off_the_steps_is_named_at_the_build():
    layout = Csr(2, [0, 1, 2], [1, 0], np.array([0.25, 0.3], np.float32))
    net = Network(
        Population("a", 2, LifExp()),
        Projection("a", "a", layout, delay=DT, weight_step=0.25),
        dt=DT,
    )
    with pytest.raises(ParameterError, match=r"weight\[1\] = 0.3: no multiple"):
        net.build(engine="grid")
