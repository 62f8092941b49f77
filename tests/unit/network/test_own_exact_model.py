"""Registered models on the exact engine: closed form, splits, errors, the cache."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from neuro.errors import ParameterError, UnsupportedNodeError
from neuro.network import (
    Current,
    Events,
    LifExp,
    Network,
    Normal,
    OneToOne,
    Population,
    Projection,
    Record,
    register_neuron,
)
from neuro.network.registry import _MODELS
from tests.unit.network.quadratic import Quadratic


def test_rate_is_the_closed_form():
    drive = np.array([0.5, 1.0, 4.0])
    net = Network(Population("x", 3, Quadratic(drive=drive)), dt=1e-3)
    result = net.build(engine="exact").run(2.0)
    root = np.sqrt(drive)
    for j in range(3):
        t = result.spikes["x"].times[result.spikes["x"].indices == j]
        period = 20e-3 / root[j] * 2 * np.arctan(10.0 / root[j])
        assert t.size > 20
        np.testing.assert_allclose(np.diff(t), period, rtol=1e-11)


def _network(*extra):
    rng = np.random.default_rng(0)
    t = np.sort(rng.integers(0, 200_000, 400))
    return Network(
        Events("in", 5, t, rng.integers(0, 5, 400)),
        Population("q", 5, Quadratic(drive=0.04), init={"v": Normal(-1.0, 0.1)}),
        Population("e", 5, LifExp(v_threshold=0.3)),
        Projection("in", "q", OneToOne(), weight=Normal(0.2, 0.02), delay=1e-3),
        Projection("q", "e", OneToOne(), weight=3.0, delay=1.5e-3),
        Projection("e", "q", OneToOne(), weight=-0.4, delay=0.7e-3),
        *extra,
        dt=1e-4,
    )


def test_runs_beside_a_built_in_model_and_splits_change_nothing(tmp_path):
    net = _network()
    whole = net.build(engine="exact", seed=2).run(0.3)
    assert min(whole.spikes[p].times.size for p in "qe") > 8
    a = net.build(engine="exact", seed=2)
    first = a.run(0.111)
    a.checkpoint(tmp_path / "x.npz")
    b = net.build(engine="exact", seed=2)
    b.restore(tmp_path / "x.npz")
    second = b.run(0.189)
    for p in "qe":
        joined = np.concatenate([first.spikes[p].times, second.spikes[p].times])
        assert joined.tobytes() == whole.spikes[p].times.tobytes()
    seen = _network(Record("q", ("v",), interval=1e-3)).build(engine="exact", seed=2)
    result = seen.run(0.3)
    assert result.spikes["q"].times.tobytes() == whole.spikes["q"].times.tobytes()
    assert np.isfinite(result.traces["q.v"].values).all()
    assert result.counts.total("synop") == whole.counts.total("synop")


def test_grid_converges_to_it():
    exact = _network().build(engine="exact", seed=2).run(0.2)
    rng = np.random.default_rng(0)
    t = np.sort(rng.integers(0, 200_000, 400))
    fine = Network(
        Events("in", 5, t, rng.integers(0, 5, 400)),
        *_network().populations.values(),
        *_network().projections,
        dt=1e-5,
    )
    grid = fine.build(engine="grid", seed=2, precision="double").run(0.2)
    for p in "qe":
        assert grid.spikes[p].indices.tolist() == exact.spikes[p].indices.tolist()
        np.testing.assert_allclose(
            grid.spikes[p].times, exact.spikes[p].times, rtol=0, atol=5e-4
        )


@pytest.mark.parametrize("other", [np.inf, 2.0], ids=["nan", "negative"])
def test_a_wrong_answer_stops_with_population_and_neuron(other):
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Broken:
        state: ClassVar[tuple[str, ...]] = ("v",)
        arrivals: ClassVar[dict[str, str]] = {"input": "v"}
        wait: Any = 1.0
        early: Any = 0.0

    def advance(params, state, dt):
        pass

    def crossing(params, state):
        return params[0] - params[1]

    def reset(params, state):
        pass

    @register_neuron(Broken, exact=(advance, crossing, reset))
    def step(params, state, inputs, spiked, dt):
        spiked[:] = 0

    broken = Broken(wait=np.array([9.0, other - 1.0]), early=np.array([0.0, other]))
    try:
        net = Network(
            Population("good", 2, LifExp()), Population("bad", 2, broken), dt=1e-3
        )
        with pytest.raises(ParameterError, match=r"'bad'.*neuron 1 is not finite"):
            net.build(engine="exact").run(0.1)
    finally:
        del _MODELS[Broken]


def test_what_is_missing_is_named():
    def f(params, state):
        return 0.0

    @dataclass(frozen=True)
    class NoRows:
        state: ClassVar[tuple[str, ...]] = ("v",)

    @dataclass(frozen=True)
    class WrongRow(NoRows):
        arrivals: ClassVar[dict[str, str]] = {"input": "u"}

    with pytest.raises(ParameterError, match=r"'arrivals' must map ports"):
        register_neuron(NoRows, exact=(f, f, f))
    with pytest.raises(ParameterError, match=r"'input' -> 'u'.*state rows: v"):
        register_neuron(WrongRow, exact=(f, f, f))
    with pytest.raises(ParameterError, match=r"\(advance, crossing, reset\)"):
        register_neuron(NoRows, exact=(f,))
    net = Network(
        Population("q", 1, Quadratic()), Current("q", 1.0, port="input"), dt=1e-3
    )
    with pytest.raises(UnsupportedNodeError, match="constant Current"):
        net.build(engine="exact")
