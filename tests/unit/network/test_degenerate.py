"""Every legal network runs, however little is in it, on both engines."""

import numpy as np
import pytest

from neuro.network import (
    AllToAll,
    Bernoulli,
    Events,
    Frames,
    LifDelta,
    LifExp,
    Network,
    Normal,
    OneToOne,
    Pairs,
    PairStdp,
    Poisson,
    Population,
    Projection,
    Record,
    Result,
    SpikeList,
)

DT = 1e-4
NONE = np.zeros(0, int)
DRIVEN = LifExp(i_e=2.0)


def _a(n, model=None):
    return Population("a", n, LifExp() if model is None else model)


def _loop(rule, **kwargs):
    return Projection("a", "a", rule, **{"weight": 0.1, "delay": DT, **kwargs})


CASES = {
    "nothing": (),
    "empty population": (_a(0),),
    "empty ends": (
        _a(0), Population("b", 3, LifExp()),
        Projection("a", "b", Bernoulli(0.5), delay=DT),
        Projection("b", "a", Bernoulli(0.5), delay=DT),
    ),
    "no synapses": (_a(3), _loop(Pairs(NONE, NONE))),
    "no synapses, drawn": (
        _a(3), _loop(Pairs(NONE, NONE), weight=Normal(0, 1), delay=Normal(2e-3, 1e-3)),
    ),
    "one neuron with an autapse": (_a(1, DRIVEN), _loop(OneToOne())),
    "silent source": (
        SpikeList("s", 2, [], []), _a(1), Projection("s", "a", AllToAll(), delay=DT),
    ),
    "two events at time 0": (
        Events("s", 2, [0, 0], [0, 0]), _a(1, LifDelta()),
        Projection("s", "a", AllToAll(), weight=2.0, delay=DT),
    ),
    "no channels": (
        SpikeList("s", 0, [], []), _a(1), Projection("s", "a", AllToAll(), delay=DT),
    ),
    "weights of 0": (_a(2, DRIVEN), _loop(AllToAll(), weight=0.0)),
    "nobody recorded": (_a(2), Record("a", ("v",), indices=[])),
    "rate 0": (_a(2), Poisson("a", 0.0, 1.0)),
}  # fmt: skip
GRID = {
    "plastic, no synapses": (_a(2, DRIVEN), _loop(Pairs(NONE, NONE), plasticity=PairStdp())),
    "plastic, empty": (_a(0, DRIVEN), _loop(AllToAll(), plasticity=PairStdp())),
    "same step into nobody": (
        _a(2), Population("b", 0, LifExp()), Projection("a", "b", AllToAll()),
    ),
    "frames of no channels": (Frames("f", 0), _a(2), Projection("f", "a", AllToAll())),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "engine"),
    [*((n, e) for n in CASES for e in ("grid", "exact")), *((n, "grid") for n in GRID)],
)
def test_it_runs_saves_and_goes_on(name, engine, tmp_path):
    parts = {**CASES, **GRID}[name]
    net = Network(*parts, dt=DT)
    assert net.memory(engine).total >= 0
    assert repr(net) in str(net)
    inputs = {"f": np.zeros((40, 0), np.uint8)} if "f" in net.sources else None
    for duration in (0.0, 3e-3):
        simulation = net.build(engine=engine, seed=1)
        result = simulation.run(duration, inputs)
        assert result.duration == duration
        for p in net.populations.values():
            assert result.spike_counts(p.name).shape == (1, p.n)
        simulation.checkpoint(tmp_path / "c.npz")
        other = net.build(engine=engine, seed=1)
        other.restore(tmp_path / "c.npz")
        mine, theirs = simulation.run(DT, inputs), other.run(DT, inputs)
        for p in net.populations:
            assert mine.spikes[p].times.tobytes() == theirs.spikes[p].times.tobytes()
        result.save(tmp_path / "r.npz")
        assert repr(Result.load(tmp_path / "r.npz")) == repr(result)
