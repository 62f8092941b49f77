"""Folding of NIR graphs into synapses."""

import numpy as np
import pytest

from neuro.errors import ShapeError, UnsupportedNodeError
from neuro.network.nir_graph import fold
from tests.naive import nir as naive

nir = pytest.importorskip("nir")


def dense(folded, pre, post):
    s = folded.synapses[pre, post]
    n = [int(np.prod(folded.shapes[k])) for k in (post, pre)]
    w = np.zeros(n)
    np.add.at(w, (s.post, s.pre), s.weight)
    return w


def lif(*shape, **kw):
    one = np.ones(shape)
    values = {"tau": 0.02 * one, "r": one, "v_leak": 0 * one, "v_threshold": one} | kw
    return nir.LIF(**values)


CHAINS = {
    "conv2d": lambda r: [
        nir.Conv2d(
            (7, 6),
            r.normal(size=(3, 2, 3, 2)),
            (2, 1),
            (1, 0),
            (1, 2),
            1,
            r.normal(size=3),
        )
    ],
    "conv2d same": lambda r: [
        nir.Conv2d((7, 6), r.normal(size=(3, 2, 3, 3)), 1, "same", 1, 1, np.zeros(3))
    ],
    "conv2d groups": lambda r: [
        nir.Conv2d((7, 6), r.normal(size=(4, 1, 3, 3)), 1, 1, 1, 2, r.normal(size=4))
    ],
    "sum pool": lambda r: [
        nir.SumPool2d(np.array([2, 3]), np.array([2, 2]), np.array([1, 0]))
    ],
    "average pool": lambda r: [
        nir.AvgPool2d(np.array([2, 2]), np.array([2, 1]), np.array([0, 1]))
    ],
    "flatten affine": lambda r: [
        nir.Flatten({"input": np.array([2, 7, 6])}, 0, -1),
        nir.Affine(r.normal(size=(5, 84)), r.normal(size=5)),
        nir.Scale(r.normal(size=5)),
    ],
}


@pytest.mark.parametrize("chain", CHAINS)
def test_linear_nodes_against_loops(chain, rng):
    nodes = CHAINS[chain](rng)
    x = rng.normal(size=(2, 7, 6))
    y = x
    for node in nodes:
        y = naive.apply(node, y)
    # nir's own check takes neither groups nor kernels that are not square
    graph = nir.NIRGraph.from_list(
        nir.Input(np.array([2, 7, 6])), *nodes, lif(*y.shape), type_check=False
    )
    folded = fold(graph)
    w = dense(folded, "input", "lif")
    got = w @ x.ravel() + folded.bias.get("lif", 0.0)
    np.testing.assert_allclose(got, y.ravel(), rtol=0, atol=1e-12)
    assert folded.shapes["lif"] == y.shape


def test_conv1d_against_loops(rng):
    node = nir.Conv1d(9, rng.normal(size=(4, 2, 3)), 2, 1, 1, 1, rng.normal(size=4))
    x = rng.normal(size=(2, 9))
    y = naive.apply(node, x)
    graph = nir.NIRGraph.from_list(nir.Input(np.array([2, 9])), node, lif(*y.shape))
    folded = fold(graph)
    got = dense(folded, "input", "lif") @ x.ravel() + folded.bias["lif"]
    np.testing.assert_allclose(got, y.ravel(), rtol=0, atol=1e-12)


def test_leading_dimensions_of_an_affine(rng):
    node = nir.Affine(rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 4)))
    x = rng.normal(size=(3, 2))
    graph = nir.NIRGraph.from_list(nir.Input(np.array([3, 2])), node, lif(3, 4))
    folded = fold(graph)
    got = dense(folded, "input", "lif") @ x.ravel() + folded.bias["lif"]
    np.testing.assert_allclose(got, naive.apply(node, x).ravel(), atol=1e-13)


def test_parallel_paths_add_up_and_delays_keep_apart(rng):
    w1, w2 = rng.normal(size=(2, 3, 3))
    graph = nir.NIRGraph(
        {
            "input": nir.Input(np.array([3])),
            "a": nir.Linear(w1),
            "b": nir.Linear(w2),
            "late": nir.Delay(np.array([0.0, 0.001, 0.002])),
            "lif": lif(3),
            "output": nir.Output(np.array([3])),
        },
        [
            ("input", "a"),
            ("input", "b"),
            ("a", "lif"),
            ("b", "late"),
            ("late", "lif"),
            ("lif", "output"),
        ],
    )
    folded = fold(graph)
    s = folded.synapses["input", "lif"]
    at = (s.post == 0) & (s.delay == 0)
    np.testing.assert_allclose(s.weight[at], (w1 + w2)[0])
    for k, d in ((1, 0.001), (2, 0.002)):
        np.testing.assert_allclose(s.weight[(s.post == k) & (s.delay == d)], w2[k])
        np.testing.assert_allclose(s.weight[(s.post == k) & (s.delay == 0)], w1[k])
    assert folded.outputs == {"output": "lif"}


def test_nested_and_recurrent_graphs(rng):
    inner = nir.NIRGraph(
        {
            "in": nir.Input(np.array([2])),
            "cell": lif(2),
            "rec": nir.Affine(rng.normal(size=(2, 2)), np.array([0.5, 0.0])),
            "out": nir.Output(np.array([2])),
        },
        [("in", "cell"), ("cell", "rec"), ("rec", "cell"), ("cell", "out")],
    )
    graph = nir.NIRGraph(
        {
            "input": nir.Input(np.array([3])),
            "w": nir.Linear(rng.normal(size=(2, 3))),
            "net": inner,
            "read": nir.Linear(rng.normal(size=(4, 2))),
            "output": nir.Output(np.array([4])),
        },
        [("input", "w"), ("w", "net"), ("net", "read"), ("read", "output")],
    )
    folded = fold(graph)
    assert list(folded.nodes) == ["input", "net.cell", "output"]
    assert folded.cyclic == {("net.cell", "net.cell")}
    assert folded.bias["net.cell"].tolist() == [0.5, 0.0]
    assert folded.outputs == {"output": "output"}
    np.testing.assert_allclose(
        dense(folded, "net.cell", "output"), graph.nodes["read"].weight
    )


def test_unknown_nodes_are_named():
    class Sigmoid:
        pass

    graph = nir.NIRGraph(
        {
            "input": nir.Input(np.array([1])),
            "act": Sigmoid(),
            "output": nir.Output(np.array([1])),
        },
        [("input", "act"), ("act", "output")],
        type_check=False,
    )
    with pytest.raises(UnsupportedNodeError, match="'act' is a Sigmoid"):
        fold(graph)


def test_a_loop_without_neuron_is_refused():
    graph = nir.NIRGraph(
        {
            "input": nir.Input(np.array([1])),
            "a": nir.Linear(np.ones((1, 1))),
            "b": nir.Linear(np.ones((1, 1))),
            "output": nir.Output(np.array([1])),
        },
        [("input", "a"), ("a", "b"), ("b", "a"), ("b", "output")],
        type_check=False,
    )
    with pytest.raises(UnsupportedNodeError, match="cycle without a neuron"):
        fold(graph)


def test_shapes_that_do_not_fit_are_named():
    graph = nir.NIRGraph(
        {
            "input": nir.Input(np.array([3])),
            "w": nir.Linear(np.ones((2, 4))),
            "lif": lif(2),
        },
        [("input", "w"), ("w", "lif")],
        type_check=False,
    )
    with pytest.raises(ShapeError, match="'w'"):
        fold(graph)
