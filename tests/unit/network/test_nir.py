"""Reading and writing NIR: every node, frameworks' steps, round trips on spikes."""

import itertools
import warnings

import numpy as np
import pytest

from neuro.errors import ParameterError, UnsupportedNodeError
from neuro.network import (
    Adex,
    AllToAll,
    FixedIndegree,
    Frames,
    IfDelta,
    LifDelta,
    LifExp,
    Network,
    Normal,
    OneToOne,
    Pairs,
    Poisson,
    Population,
    Projection,
    SpikeList,
    Uniform,
)
from neuro.network.nir_graph import fold
from neuro.network.nir_reader import from_nir
from neuro.network.nir_writer import to_nir, write_nir
from tests.naive import nir as naive

nir = pytest.importorskip("nir")
DT = 1e-4


def _ones(*shape):
    return np.ones(shape)


def _frames(rng, n, steps=120, p=0.2):
    return (rng.random((1, steps, n)) < p).astype(np.uint8)


def _euler_graph(rng, leak=0.0):
    """Two layers, a recurrent current-based one, and read-outs of every kind."""
    four = _ones(4)
    lif = nir.LIF(
        tau=rng.uniform(2e-3, 6e-3, 6),
        r=rng.uniform(20, 40, 6),
        v_leak=leak * _ones(6),
        v_threshold=rng.uniform(0.8, 1.2, 6),
        v_reset=rng.uniform(-0.2, 0.2, 6),
    )
    cuba = nir.CubaLIF(
        tau_syn=2e-3 * four,
        tau_mem=4e-3 * four,
        r=10 * four,
        v_leak=leak * four,
        v_threshold=four,
        w_in=rng.uniform(5, 15, 4),
    )
    return nir.NIRGraph(
        {
            "input": nir.Input(np.array([2, 3, 3])),
            "conv": nir.Conv2d(
                (3, 3), rng.normal(0.2, 0.5, (2, 2, 2, 2)), 1, 0, 1, 1, np.array([0.1, 0.0])
            ),
            "flat": nir.Flatten({"input": np.array([2, 2, 2])}, 0, -1),
            "w1": nir.Linear(rng.normal(0.3, 0.6, (6, 8))),
            "lif": lif,
            "w2": nir.Affine(rng.normal(0.2, 0.6, (4, 6)), rng.normal(0.1, 0.1, 4)),
            "cuba": cuba,
            "rec": nir.Linear(rng.normal(0, 0.4, (4, 4))),
            "scale": nir.Scale(rng.uniform(0.5, 2, 4)),
            "li": nir.LI(5e-3 * four, 3 * four, leak * four),
            "i": nir.I(100 * four),
            "threshold": nir.Threshold(0.4 * four),
            "if": nir.IF(3e3 * four, four),
            "cubali": nir.CubaLI(2e-3 * four, 3e-3 * four, 5 * four, leak * four, 4 * four),
            **{f"out {k}": nir.Output(np.array([4])) for k in range(4)},
        },
        [
            ("input", "conv"), ("conv", "flat"), ("flat", "w1"), ("w1", "lif"),
            ("lif", "w2"), ("w2", "cuba"), ("cuba", "rec"), ("rec", "cuba"),
            ("cuba", "scale"), ("scale", "li"), ("scale", "i"), ("scale", "cubali"),
            ("i", "threshold"), ("scale", "if"),
            ("li", "out 0"), ("threshold", "out 1"), ("if", "out 2"), ("cubali", "out 3"),
        ],
    )  # fmt: skip


@pytest.mark.parametrize("semantics", ["euler", "norse"])
def test_every_node_against_loops(semantics, rng):
    graph = _euler_graph(rng, leak=0.05)
    x = _frames(rng, 18)
    read = from_nir(graph, dt=DT, semantics=semantics)
    result = read.network.build(engine="grid").run_samples({"input": x}, 120 * DT)
    folded = fold(graph)
    want = naive.run(
        graph, {"input": x[0].reshape(-1, 2, 3, 3).astype(float)}, DT, semantics,
        list(folded.nodes), folded.cyclic,
    )  # fmt: skip
    spiking = ["lif", "cuba", "threshold", "if"]
    assert set(read.outputs.values()) == {"li", "threshold", "if", "cubali"}
    for name in spiking:
        got = np.zeros((120, want[name][0].size))
        s = result.spikes[name]
        got[np.rint(s.times / DT).astype(int) - 1, s.indices] = 1
        np.testing.assert_array_equal(got, want[name].reshape(120, -1), err_msg=name)
        assert got.sum() > 3, name
    for name in ("li", "cubali", "i"):
        got = result.traces[f"{name}.v"].values.reshape(120, -1)
        np.testing.assert_allclose(
            got, want[name], rtol=1e-11, atol=1e-12, err_msg=name
        )


def _continuous_graph(rng):
    n = 5
    one = _ones(n)
    return nir.NIRGraph(
        {
            "input": nir.Input(np.array([n])),
            "w": nir.Affine(rng.normal(0.02, 0.03, (n, n)), rng.uniform(0, 1.2, n)),
            "late": nir.Delay(rng.choice([0.0, 2 * DT, 7 * DT], n)),
            "lif": nir.LIF(8e-3 * one, one, 0.1 * one, one, 0.2 * one),
            "v": nir.Linear(rng.normal(4e-3, 4e-3, (n, n))),
            "cuba": nir.CubaLIF(
                3e-3 * one, 6e-3 * one, 2 * one, 0 * one, one, 0.1 * one, 1.5 * one
            ),
            "rec": nir.Linear(rng.normal(-1e-3, 1e-3, (n, n))),
            "output": nir.Output(np.array([n])),
        },
        [
            ("input", "w"), ("w", "late"), ("late", "lif"), ("lif", "v"), ("v", "cuba"),
            ("cuba", "rec"), ("rec", "cuba"), ("cuba", "output"),
        ],
    )  # fmt: skip


def test_continuous_semantics_converge_to_the_equations(rng):
    """One spike into each neuron: the written differential equation, solved by hand."""
    one = _ones(1)
    graph = nir.NIRGraph(
        {
            "input": nir.Input(np.array([1])),
            "cuba": nir.CubaLI(3e-3 * one, 8e-3 * one, 2 * one, 0.1 * one, 1.5 * one),
            "li": nir.LI(8e-3 * one, 2 * one, 0.1 * one),
            "i": nir.I(3 * one),
            **{f"o{k}": nir.Output(np.array([1])) for k in range(3)},
        },
        [("input", k) for k in ("cuba", "li", "i")]
        + [("cuba", "o0"), ("li", "o1"), ("i", "o2")],
    )
    x = np.zeros((1, 200, 1), np.uint8)
    x[0, 0] = 1  # arrives at t = DT
    built = from_nir(graph, dt=DT).network.build(engine="grid")
    result = built.run_samples({"input": x}, 200 * DT)
    t = result.traces["li.v"].times - DT
    np.testing.assert_allclose(
        result.traces["li.v"].values.ravel(),
        0.1 + 2 / 8e-3 * np.exp(-t / 8e-3),
        rtol=1e-10,
    )
    np.testing.assert_allclose(result.traces["i.v"].values.ravel(), 3.0, rtol=1e-14)
    k = 2 * 1.5 / 8e-3 * 8e-3 / (3e-3 - 8e-3)
    np.testing.assert_allclose(
        result.traces["cuba.v"].values.ravel(),
        0.1 + k * (np.exp(-t / 3e-3) - np.exp(-t / 8e-3)),
        rtol=1e-9,
        atol=1e-10,
    )


def test_a_bias_is_the_constant_input_of_the_equations():
    """CubaLIF under w_in b: v(t) of the second-order system from rest."""
    one = _ones(1)
    graph = nir.NIRGraph.from_list(
        nir.Input(np.array([1])),
        nir.Affine(np.zeros((1, 1)), np.array([0.7])),
        nir.CubaLI(3e-3 * one, 8e-3 * one, 2 * one, 0.1 * one, 1.5 * one),
    )
    x = np.zeros((1, 300, 1), np.uint8)
    result = (
        from_nir(graph, dt=DT)
        .network.build(engine="grid")
        .run_samples({"input": x}, 300 * DT)
    )
    (trace,) = result.traces.values()
    t, ts, tm, drive = trace.times, 3e-3, 8e-3, 2 * 1.5 * 0.7
    want = (
        0.1
        + drive * (1 - np.exp(-t / tm))
        - drive * ts / (ts - tm) * (np.exp(-t / ts) - np.exp(-t / tm))
    )
    np.testing.assert_allclose(trace.values.ravel(), want, rtol=1e-10, atol=1e-12)


def _spikes(result, name):
    return result.spikes[name].times.tolist(), result.spikes[name].indices.tolist()


@pytest.mark.parametrize("kind", ["continuous", "euler"])
def test_round_trip_on_spike_trains(kind, rng, tmp_path):
    graph = _continuous_graph(rng) if kind == "continuous" else _euler_graph(rng, 0.02)
    x = _frames(rng, 5 if kind == "continuous" else 18, 300)
    first = from_nir(graph, dt=DT, semantics=kind)
    a = first.network.build(engine="grid").run_samples({"input": x}, 300 * DT)
    write_nir(first.network, tmp_path / "net.nir")
    again = from_nir(tmp_path / "net.nir", dt=DT, semantics=kind)
    b = again.network.build(engine="grid").run_samples({"input": x}, 300 * DT)
    for name in ("lif", "cuba"):
        assert a.spikes[name].times.size > 20
    assert {"lif", "cuba"} <= set(a.spikes) == set(b.spikes)
    for name in a.spikes:
        assert _spikes(a, name) == _spikes(b, name)
    for name, trace in a.traces.items():  # outputs that pass real values on
        np.testing.assert_allclose(
            b.traces[name].values, trace.values, rtol=1e-9, atol=1e-12, err_msg=name
        )
    assert (kind == "euler") == bool(a.traces)


def _front(rng, rank):
    """Nodes between an input and eight neurons, with and without a nested block."""
    if rank == 1:
        return [2, 9], [
            nir.Conv1d(9, rng.normal(0.2, 0.4, (4, 2, 3)), 2, 1, 1, 1, _ones(4) / 20),
            nir.Delay(rng.choice([0.0, 3 * DT], (4, 5))),
            nir.Flatten({"input": np.array([4, 5])}, 0, -1),
            nir.Scale(rng.uniform(20, 40, 20)),
            nir.Linear(rng.normal(0.1, 0.2, (8, 20))),
        ]
    return [2, 6, 6], [
        nir.Conv2d(
            (6, 6), rng.normal(0.2, 0.3, (3, 2, 3, 3)), 1, 1, 1, 1, _ones(3) / 20
        ),
        nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        nir.AvgPool2d(np.array([2, 2]), np.array([1, 1]), np.array([0, 0])),
        nir.Flatten({"input": np.array([3, 2, 2])}, 0, -1),
        nir.Affine(rng.normal(0, 0.1, (8, 12)), rng.normal(0, 0.02, 8)),
    ]


@pytest.mark.parametrize("semantics", ["continuous", "euler", "norse"])
@pytest.mark.parametrize("rank", [1, 2])
def test_files_with_every_linear_node_and_nesting(rank, semantics, rng, tmp_path):
    """Read from a file as from memory; a block in a block equals the flat graph."""
    shape, nodes = _front(rng, rank)
    eight = _ones(8)
    w = 0.1 if semantics == "norse" else 1.0  # Norse takes r as 1
    lif = nir.LIF(5e-3 * eight, 20 * eight, 0 * eight, 0.5 * w * eight, 0 * eight)
    rec = nir.Linear(rng.normal(0, 0.5 * w, (8, 8)))
    cell = {"lif": lif, "rec": rec}
    loop = [("lif", "rec"), ("rec", "lif")]
    inner = nir.NIRGraph(
        {"in": nir.Input(np.array([8])), **cell, "out": nir.Output(np.array([8]))},
        [("in", "lif"), *loop, ("lif", "out")],
    )
    chain = {f"n{k}": node for k, node in enumerate(nodes)}
    names = ["input", *chain]
    ends = {"input": nir.Input(np.array(shape)), "output": nir.Output(np.array([8]))}
    edges = list(itertools.pairwise(names))
    flat = nir.NIRGraph(
        {**ends, **chain, **cell},
        [*edges, (names[-1], "lif"), *loop, ("lif", "output")],
        type_check=False,
    )
    nested = nir.NIRGraph(
        {**ends, **chain, "block": inner},
        [*edges, (names[-1], "block"), ("block", "output")],
        type_check=False,
    )
    nir.write(tmp_path / "nested.nir", nested)
    x = _frames(rng, int(np.prod(shape)))
    trains = []
    for graph in (flat, nested, tmp_path / "nested.nir"):
        read = from_nir(graph, dt=DT, semantics=semantics)
        shown = read.outputs["output"]
        result = read.network.build(engine="grid").run_samples({"input": x}, 120 * DT)
        trains.append(_spikes(result, shown))
    assert read.outputs == {"output": "block.lif"}
    assert trains[0] == trains[1] == trains[2]
    assert 20 < len(trains[0][0]) < 900


def test_own_networks_round_trip(rng):
    t = np.sort(rng.integers(1, 400, 150)) * DT
    net = Network(
        SpikeList("in", 6, t, rng.integers(0, 6, 150)),
        Population("a", 8, LifDelta(tau_mem=8e-3, i_e=0.3)),
        Population("b", 4, LifExp(tau_mem=6e-3, tau_syn=2e-3)),
        Population("c", 4, IfDelta(r=2.0)),
        Projection("in", "a", FixedIndegree(3), weight=Normal(0.5, 0.1), delay=3 * DT),
        Projection("a", "b", FixedIndegree(4), weight=1.5, delay=DT),
        Projection("b", "a", AllToAll(), weight=-0.1, delay=5 * DT),
        Projection("b", "c", OneToOne(), weight=0.7, delay=2 * DT),
        dt=DT,
        convention="nir",
    )
    want = net.build(seed=3, engine="grid", precision="double").run(0.05)
    graph = to_nir(net, seed=3)
    read = from_nir(graph, dt=DT, inputs={"in": net.sources["in"]})
    got = read.network.build(engine="grid", precision="double").run(0.05)
    for name in "abc":
        assert _spikes(got, name) == _spikes(want, name)
        assert want.spikes[name].times.size > 3, name


@pytest.mark.torch
def test_snntorch_reads_and_steps_the_same(rng):
    """Spikes of a network that snnTorch exports, from our reading of its graph."""
    torch = pytest.importorskip("torch")
    snn = pytest.importorskip("snntorch")
    from snntorch.export_nir import export_to_nir

    torch.manual_seed(0)
    options = {"init_hidden": True, "reset_mechanism": "zero", "reset_delay": False}
    beta, alpha = torch.rand(12) * 0.3 + 0.6, torch.rand(5) * 0.3 + 0.5
    model = torch.nn.Sequential(
        torch.nn.Linear(8, 12),
        snn.Leaky(beta=beta, threshold=torch.full((12,), 0.3), **options),
        torch.nn.Linear(12, 5),
        snn.Synaptic(
            alpha=alpha, beta=torch.full((5,), 0.8), threshold=torch.full((5,), 0.4),
            output=True, **options,
        ),
    )  # fmt: skip
    x = _frames(rng, 8, 60, 0.4)
    with torch.no_grad():
        out = [model(torch.tensor(f[None], dtype=torch.float32))[0] for f in x[0]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nirtorch deprecates what snnTorch calls
        graph = export_to_nir(model, torch.rand(1, 8), ignore_dims=[0])
    read = from_nir(graph, dt=1e-4, semantics="snntorch")
    (source,), (shown,) = read.inputs.values(), read.outputs.values()
    result = read.network.build(engine="grid").run_samples({source: x}, 60e-4)
    got = np.zeros((60, 5))
    s = result.spikes[shown]
    got[np.rint(s.times / 1e-4).astype(int) - 1, s.indices] = 1
    np.testing.assert_array_equal(got, torch.cat(out).numpy())
    assert got.sum() > 10


def test_an_initial_state_that_nir_cannot_say_is_warned_of():
    for model, init in ((LifDelta(), {"v": 0.3}), (LifExp(), {"v": Uniform(0, 1)})):
        with pytest.warns(UserWarning, match="'x'.*no initial state"):
            to_nir(Network(Population("x", 2, model, init=init), dt=DT))


def test_what_nir_cannot_say_is_named():
    def net(*objects, **kw):
        return Network(*objects, dt=DT, **kw)

    with pytest.raises(UnsupportedNodeError, match=r"'x'.*refractory"):
        to_nir(net(Population("x", 1, LifDelta(t_ref=1e-3))))
    with pytest.raises(UnsupportedNodeError, match=r"'x'.*subtract"):
        to_nir(net(Population("x", 1, LifDelta(reset="subtract"))))
    with pytest.raises(UnsupportedNodeError, match="Adex has no NIR node"):
        to_nir(net(Population("x", 1, Adex())))
    with pytest.raises(UnsupportedNodeError, match="Poisson drive"):
        to_nir(net(Population("x", 1, LifDelta()), Poisson("x", 10.0, 0.1)))
    with pytest.raises(UnsupportedNodeError, match="settles"):
        to_nir(net(Population("x", 1, LifExp(i_e=1.0))))
    with pytest.raises(ParameterError, match="no file"):
        from_nir("nowhere.nir")
    with pytest.raises(ParameterError, match="semantics"):
        from_nir("x", semantics="sinabs")
    graph = nir.NIRGraph.from_list(nir.Input(np.array([1])), nir.IF(_ones(1), _ones(1)))
    with pytest.raises(UnsupportedNodeError, match=r"beta 0\.9"):
        from_nir(graph, semantics="snntorch")
    with pytest.raises(ParameterError, match="no Input 'cam'"):
        from_nir(graph, inputs={"cam": Frames("cam", 1)})
    with pytest.raises(ParameterError, match="1 channels"):
        from_nir(graph, inputs={"input": Frames("cam", 2)})
    with pytest.raises(UnsupportedNodeError, match="plasticity and gains"):
        to_nir(net(
            Population("x", 1, LifDelta()),
            Projection("x", "x", Pairs([0], [0]), delay=DT, gain=[1.0]),
        ))  # fmt: skip
