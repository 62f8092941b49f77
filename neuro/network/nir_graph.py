"""A NIR graph as stateful nodes and the linear maps between them.

Nested graphs are flattened, shapes are inferred, and everything without state (affine
maps, convolutions, pooling, flattening, scaling, delays) is folded into synapses
``(post, pre, weight, delay)`` between stateful nodes, plus a constant input of each.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from neuro.errors import ShapeError, UnsupportedNodeError, did_you_mean
from neuro.network.nir_nodes import (
    LINEAR,
    STATEFUL,
    Linear,
    Shape,
    identity,
    kind_of,
    size,
)

__all__ = ["FoldedGraph", "Synapses", "fold", "strongly_connected"]

Array = NDArray[Any]


class Synapses(NamedTuple):
    """Weighted pairs with a delay in seconds (0: none)."""

    post: NDArray[np.int64]
    pre: NDArray[np.int64]
    weight: NDArray[np.float64]
    delay: NDArray[np.float64]


@dataclass(frozen=True)
class FoldedGraph:
    """What is left of a graph after folding.

    Attributes
    ----------
    nodes : dict of str to object
        Stateful nodes (inputs, neurons, thresholds, and outputs that are not simply a
        copy of one of them), by flattened name, in topological order where there is
        one.
    shapes : dict of str to tuple
        Shape of each.
    synapses : dict of (str, str) to Synapses
        Between stateful nodes, pre first.
    bias : dict of str to ndarray
        Constant input of each node that has one.
    outputs : dict of str to str
        Stateful node that an Output shows.
    cyclic : set of (str, str)
        Pairs that lie on a cycle.
    """

    nodes: dict[str, Any] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    synapses: dict[tuple[str, str], Synapses] = field(default_factory=dict)
    bias: dict[str, Array] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    cyclic: set[tuple[str, str]] = field(default_factory=set)


# -- flattening --------------------------------------------------------------------
def _flatten_graph(
    graph: Any, prefix: str = ""
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return all nodes by dotted name and the edges between them."""
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    entry: dict[str, str] = {}
    leave: dict[str, str] = {}
    for key, node in graph.nodes.items():
        name = prefix + str(key)
        if kind_of(node) != "NIRGraph":
            nodes[name] = node
            entry[str(key)] = leave[str(key)] = name
            continue
        inner, inner_edges = _flatten_graph(node, name + ".")
        ends = {
            kind: [n for n in map(str, node.nodes) if kind_of(node.nodes[n]) == kind]
            for kind in ("Input", "Output")
        }
        for kind, found in ends.items():
            if len(found) != 1:
                raise UnsupportedNodeError(
                    f"NIR graph {name!r} inside a graph has {len(found)} {kind} nodes; "
                    "edges into a nested graph are defined for exactly one"
                )
        entry[str(key)] = f"{name}.{ends['Input'][0]}"
        leave[str(key)] = f"{name}.{ends['Output'][0]}"
        inner[entry[str(key)]] = _Pass()  # an Input inside is not an input
        inner[leave[str(key)]] = _Pass()
        nodes |= inner
        edges += inner_edges
    for a, b in graph.edges:
        for end in (a, b):
            if str(end) not in entry:
                raise UnsupportedNodeError(
                    f"NIR edge ({a!r}, {b!r}): no node {end!r}"
                    f"{did_you_mean(str(end), entry)}"
                )
        edges.append((leave[str(a)], entry[str(b)]))
    return nodes, edges


class _Pass:
    """The border of a nested graph."""


LINEAR["_Pass"] = identity


def _infer(
    nodes: Mapping[str, Any], edges: Iterable[tuple[str, str]]
) -> tuple[dict[str, Shape], dict[str, Linear]]:
    shapes: dict[str, Shape] = {}
    maps: dict[str, Linear] = {}
    for name, node in nodes.items():
        kind = kind_of(node)
        if kind in STATEFUL:
            shapes[name] = STATEFUL[kind](node) or (1,)
        elif kind not in LINEAR:
            known = sorted((STATEFUL.keys() | LINEAR.keys()) - {"_Pass"})
            raise UnsupportedNodeError(
                f"NIR node {name!r} is a {kind}, which is not supported"
                f"{did_you_mean(kind, known)}; supported: {', '.join(known)}"
            )
    waiting = list(edges)
    while waiting:
        later = []
        for a, b in waiting:
            if a not in shapes:
                later.append((a, b))
            elif b not in shapes:
                shapes[b], maps[b] = LINEAR[kind_of(nodes[b])](b, nodes[b], shapes[a])
        if len(later) == len(waiting):
            raise ShapeError(
                f"NIR node {later[0][0]!r}: its shape cannot be inferred; it has no "
                "input of known shape"
            )
        waiting = later
    for a, b in edges:
        want = maps[b].matrix.shape[1] if b in maps else size(shapes[b])
        if size(shapes[a]) != want:
            raise ShapeError(
                f"NIR edge ({a!r}, {b!r}): {shapes[a]} into a node that expects "
                f"{want} values"
            )
    return shapes, maps


# -- folding -----------------------------------------------------------------------
def _join(parts: list[Synapses]) -> Synapses:
    """Add up synapses of equal ends and delay; order by (pre, delay, post)."""
    post, pre, weight, delay = (np.concatenate(x) for x in zip(*parts, strict=True))
    order = np.lexsort((post, delay, pre))
    post, pre, weight, delay = (x[order] for x in (post, pre, weight, delay))
    if post.size == 0:
        return Synapses(post, pre, weight, delay)
    new = np.ones(post.size, bool)
    new[1:] = (np.diff(post) != 0) | (np.diff(pre) != 0) | (np.diff(delay) != 0)
    first = np.flatnonzero(new)
    return Synapses(
        post[first], pre[first], np.add.reduceat(weight, first), delay[first]
    )


def _apply(linear: Linear, given: Synapses) -> Synapses:
    m = linear.matrix
    fan = np.diff(m.indptr)[given.post]
    entry = np.repeat(np.arange(given.post.size), fan)
    start = m.indptr[:-1][given.post]
    at = start[entry] + np.arange(entry.size) - np.repeat(np.cumsum(fan) - fan, fan)
    post = m.indices[at].astype(np.int64)
    delay = given.delay[entry]
    if linear.delay is not None:
        delay = delay + linear.delay[post]
    return _join(
        [Synapses(post, given.pre[entry], given.weight[entry] * m.data[at], delay)]
    )


def _order(names: list[str], edges: Iterable[tuple[str, str]]) -> list[str]:
    """Topological order as far as there is one; the rest in the given order."""
    incoming = dict.fromkeys(names, 0)
    after: dict[str, list[str]] = {n: [] for n in names}
    for a, b in edges:
        if a != b:
            incoming[b] += 1
            after[a].append(b)
    ready = [n for n in names if incoming[n] == 0]
    out = []
    while ready:
        n = ready.pop(0)
        out.append(n)
        for m in after[n]:
            incoming[m] -= 1
            if incoming[m] == 0:
                ready.append(m)
    return out + [n for n in names if n not in set(out)]


def fold(graph: Any) -> FoldedGraph:
    """Fold a ``nir.NIRGraph``.

    Raises
    ------
    UnsupportedNodeError
        A node is unknown, or a cycle has no stateful node.
    ShapeError
        Shapes do not fit or cannot be inferred.
    """
    nodes, edges = _flatten_graph(graph)
    shapes, maps = _infer(nodes, edges)
    into: dict[str, list[str]] = {n: [] for n in nodes}
    for a, b in edges:
        into[b].append(a)
    linear = [n for n in nodes if n in maps]
    order = _order(linear, [(a, b) for a, b in edges if a in maps and b in maps])
    seen: set[str] = set()
    paths: dict[str, dict[str, Synapses]] = {}
    bias: dict[str, Array] = {}
    for n in nodes:
        if n not in maps:
            index = np.arange(size(shapes[n]))
            one, zero = np.ones(index.size), np.zeros(index.size)
            paths[n] = {n: Synapses(index, index, one, zero)}
    for n in order:
        for a in into[n]:
            if a in maps and a not in seen:
                raise UnsupportedNodeError(
                    f"NIR node {n!r} lies on a cycle without a neuron; put a stateful "
                    "node on it"
                )
        seen.add(n)
        gathered, total = _gather(into[n], paths, bias)
        paths[n] = {src: _apply(maps[n], s) for src, s in gathered.items()}
        out = None if total is None else maps[n].matrix @ total
        if maps[n].bias is not None:
            out = maps[n].bias if out is None else out + maps[n].bias
        if out is not None:
            bias[n] = np.asarray(out)
    return _collect(nodes, maps, shapes, into, paths, bias)


def _gather(
    sources: Iterable[str],
    paths: Mapping[str, Mapping[str, Synapses]],
    bias: Mapping[str, Array],
) -> tuple[dict[str, Synapses], Array | None]:
    found: dict[str, list[Synapses]] = {}
    total = None
    for a in sources:
        for src, synapses in paths[a].items():
            found.setdefault(src, []).append(synapses)
        if a in bias:
            total = bias[a] if total is None else total + bias[a]
    return {k: v[0] if len(v) == 1 else _join(v) for k, v in found.items()}, total


def _is_copy(s: Synapses, n_pre: int, n_post: int) -> bool:
    return (
        n_pre == n_post == s.post.size
        and bool((s.post == s.pre).all())
        and bool((s.weight == 1).all())
        and not s.delay.any()
    )


def _collect(
    nodes: Mapping[str, Any],
    maps: Mapping[str, Linear],
    shapes: Mapping[str, Shape],
    into: Mapping[str, list[str]],
    paths: Mapping[str, Mapping[str, Synapses]],
    bias: Mapping[str, Array],
) -> FoldedGraph:
    keep = [n for n in nodes if n not in maps]
    synapses: dict[tuple[str, str], Synapses] = {}
    constant: dict[str, Array] = {}
    outputs: dict[str, str] = {}
    for n in list(keep):
        gathered, total = _gather(into[n], paths, bias)
        synapses |= {(src, n): s for src, s in gathered.items()}
        if total is not None:
            constant[n] = total
    for n, node in nodes.items():
        if kind_of(node) != "Output":
            continue
        found = paths.get(n, {})
        if len(found) == 1 and n not in bias:
            (source, s), n_out = next(iter(found.items())), size(shapes[n])
            if _is_copy(s, size(shapes[source]), n_out) and (
                kind_of(nodes[source]) != "Input"
            ):
                outputs[n] = source
                continue
        keep.append(n)
        outputs[n] = n
        synapses |= {(src, n): s for src, s in found.items()}
        if n in bias:
            constant[n] = bias[n]
    order = _order(keep, synapses)
    return FoldedGraph(
        nodes={n: nodes[n] for n in order},
        shapes={n: shapes[n] for n in order},
        synapses=synapses,
        bias=constant,
        outputs=outputs,
        cyclic=strongly_connected(order, synapses),
    )


def strongly_connected(
    names: list[str], pairs: Iterable[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Return the pairs that lie on a cycle."""
    index = {n: k for k, n in enumerate(names)}
    pairs = list(pairs)
    if not pairs:
        return set()
    a, b = np.array([[index[x], index[y]] for x, y in pairs]).T
    graph = sparse.coo_matrix((np.ones(a.size), (a, b)), shape=(len(names),) * 2)
    _, label = connected_components(graph, connection="strong")
    return {p for p, x, y in zip(pairs, a, b, strict=True) if label[x] == label[y]}
