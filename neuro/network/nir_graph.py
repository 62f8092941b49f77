"""A NIR graph as stateful nodes and the linear maps between them.

Nested graphs are flattened, shapes are inferred, and everything without state (affine
maps, convolutions, pooling, flattening, scaling, delays) is folded into synapses
``(post, pre, weight, delay)`` between stateful nodes, plus a constant input of each.
Nodes are known by the name of their class in a registry, so this module does not import
``nir``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from neuro.errors import ShapeError, UnsupportedNodeError, did_you_mean

__all__ = ["FoldedGraph", "Synapses", "fold", "kind_of", "strongly_connected"]

Array = NDArray[Any]
Shape = tuple[int, ...]


class Synapses(NamedTuple):
    """Weighted pairs with a delay in seconds (0: none)."""

    post: NDArray[np.int64]
    pre: NDArray[np.int64]
    weight: NDArray[np.float64]
    delay: NDArray[np.float64]


class _Linear(NamedTuple):
    matrix: Any  # sparse, (out, in)
    bias: NDArray[np.float64] | None = None
    delay: NDArray[np.float64] | None = None  # per output


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


_STATEFUL: dict[str, Callable[[Any], Shape]] = {}
_LINEAR: dict[str, Callable[[str, Any, Shape], tuple[Shape, _Linear]]] = {}


def kind_of(node: Any) -> str:
    """Return the name of a node's class."""
    return type(node).__name__


def _stateful(*names: str) -> Callable[[Any], Any]:
    def register(shape: Callable[[Any], Shape]) -> Callable[[Any], Shape]:
        for name in names:
            _STATEFUL[name] = shape
        return shape

    return register


def _linear(*names: str) -> Callable[[Any], Any]:
    def register(make: Any) -> Any:
        for name in names:
            _LINEAR[name] = make
        return make

    return register


# -- shapes of stateful nodes ------------------------------------------------------
@_stateful("Input")
def _input_shape(node: Any) -> Shape:
    return tuple(int(x) for x in np.ravel(node.input_type["input"]))


@_stateful("LIF", "IF", "CubaLIF")
def _spiking_shape(node: Any) -> Shape:
    return np.shape(node.v_threshold)


@_stateful("LI", "CubaLI")
def _leaky_shape(node: Any) -> Shape:
    return np.shape(node.v_leak)


@_stateful("I")
def _integrator_shape(node: Any) -> Shape:
    return np.shape(node.r)


@_stateful("Threshold")
def _threshold_shape(node: Any) -> Shape:
    return np.shape(node.threshold)


# -- linear nodes ------------------------------------------------------------------
def _size(shape: Iterable[int]) -> int:
    return int(np.prod(list(shape), dtype=np.int64))


def _eye(n: int) -> Any:
    return sparse.identity(n, np.float64, format="csc")


@_linear("Output", "Identity")
def _identity(name: str, node: Any, shape: Shape) -> tuple[Shape, _Linear]:
    return shape, _Linear(_eye(_size(shape)))


@_linear("Affine", "Linear")
def _affine(name: str, node: Any, shape: Shape) -> tuple[Shape, _Linear]:
    w = np.asarray(node.weight, np.float64)
    if w.ndim < 2:
        raise ShapeError(f"NIR node {name!r}: weight must have at least 2 dimensions")
    lead, (n_out, n_in) = w.shape[:-2], w.shape[-2:]
    _need(name, shape, (*lead, n_in))
    blocks = w.reshape(-1, n_out, n_in)
    b, o, i = np.indices(blocks.shape).reshape(3, -1)
    matrix = sparse.coo_matrix(
        (blocks.ravel(), (b * n_out + o, b * n_in + i)),
        shape=(len(blocks) * n_out, len(blocks) * n_in),
    )
    bias = getattr(node, "bias", None)
    if bias is not None:
        bias = np.broadcast_to(np.asarray(bias, np.float64), (*lead, n_out)).ravel()
    return (*lead, n_out), _Linear(matrix.tocsc(), bias)


@_linear("Scale")
def _scale(name: str, node: Any, shape: Shape) -> tuple[Shape, _Linear]:
    s = np.broadcast_to(np.asarray(node.scale, np.float64), shape).ravel()
    return shape, _Linear(sparse.diags(s, format="csc"))


@_linear("Delay")
def _delay(name: str, node: Any, shape: Shape) -> tuple[Shape, _Linear]:
    d = np.broadcast_to(np.asarray(node.delay, np.float64), shape).ravel()
    if not np.isfinite(d).all() or (d < 0).any():
        at = int(np.argmax(~(np.isfinite(d) & (d >= 0))))
        raise ShapeError(f"NIR node {name!r}: delay[{at}] is {d[at]}; expected >= 0 s")
    return shape, _Linear(_eye(d.size), None, d)


@_linear("Flatten")
def _flatten(name: str, node: Any, shape: Shape) -> tuple[Shape, _Linear]:
    given = node.input_type["input"]
    rank = len(shape) if given is None else len(np.ravel(given))
    start, end = int(node.start_dim), int(node.end_dim)
    # a graph may count the batch dimension that NIR shapes do not have
    start, end = (d + rank if d < 0 else d for d in (start, end))
    if rank != len(shape) or start >= rank:
        start, end = 0, len(shape) - 1
    middle = _size(shape[start : end + 1])
    out = (*shape[:start], middle, *shape[end + 1 :])
    return out, _Linear(_eye(_size(shape)))


@_linear("Conv1d", "Conv2d")
def _conv(name: str, node: Any, shape: Shape) -> tuple[Shape, _Linear]:
    w = np.asarray(node.weight, np.float64)
    rank = w.ndim - 2
    if len(shape) != rank + 1:
        raise ShapeError(
            f"NIR node {name!r}: expected an input of {rank + 1} dimensions "
            f"(channels first), got {shape}"
        )
    groups = int(node.groups)
    _need(name, shape[:1], (w.shape[1] * groups,))
    kernel = w.shape[2:]
    stride, dilation = _tuple(node.stride, rank), _tuple(node.dilation, rank)
    if isinstance(node.padding, str):
        total = [
            d * (k - 1) if node.padding == "same" else 0
            for d, k in zip(dilation, kernel, strict=True)
        ]
        low, both = [t // 2 for t in total], total
    else:
        low = list(_tuple(node.padding, rank))
        both = [2 * p for p in low]
    out = tuple(
        (s + p - d * (k - 1) - 1) // st + 1
        for s, p, d, k, st in zip(
            shape[1:], both, dilation, kernel, stride, strict=True
        )
    )
    matrix = _unroll(w, shape, out, stride, dilation, low, groups)
    bias = getattr(node, "bias", None)
    if bias is not None:
        bias = np.repeat(
            np.broadcast_to(np.asarray(bias, float), w.shape[0]), _size(out)
        )
    return (w.shape[0], *out), _Linear(matrix, bias)


def _unroll(
    w: Array,
    shape: Shape,
    out: Shape,
    stride: Shape,
    dilation: Shape,
    low: Iterable[int],
    groups: int,
) -> Any:
    """Sparse matrix of a convolution: one entry per product with a real input."""
    n_out, per_group = w.shape[:2]
    o, i = np.indices((n_out, per_group)).reshape(2, -1)
    channel = i + (o // (n_out // groups)) * per_group
    here = np.indices(out).reshape(len(out), -1)
    size_in, size_out = _size(shape[1:]), _size(out)
    rows, cols, values = [], [], []
    for tap in np.ndindex(*w.shape[2:]):
        at = np.stack(
            [
                here[d] * stride[d] + tap[d] * dilation[d] - pad
                for d, pad in enumerate(low)
            ]
        )
        inside = np.all((at >= 0) & (at < np.array(shape[1:])[:, None]), axis=0)
        source = np.ravel_multi_index(tuple(at[:, inside]), shape[1:])
        target = np.flatnonzero(inside)
        rows.append((o[:, None] * size_out + target).ravel())
        cols.append((channel[:, None] * size_in + source).ravel())
        values.append(np.repeat(w[(o, i, *tap)], target.size))
    return sparse.coo_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(cols))),
        shape=(n_out * size_out, shape[0] * size_in),
    ).tocsc()


@_linear("SumPool2d", "AvgPool2d")
def _pool(name: str, node: Any, shape: Shape) -> tuple[Shape, _Linear]:
    if len(shape) != 3:
        raise ShapeError(
            f"NIR node {name!r}: expected an input (channels, height, width), "
            f"got {shape}"
        )
    kernel, stride = _tuple(node.kernel_size, 2), _tuple(node.stride, 2)
    low = _tuple(node.padding, 2)
    out = tuple(
        (s + 2 * p - k) // st + 1
        for s, p, k, st in zip(shape[1:], low, kernel, stride, strict=True)
    )
    value = 1.0 if kind_of(node) == "SumPool2d" else 1.0 / _size(kernel)
    c = shape[0]
    w = np.full((c, 1, *kernel), value)
    matrix = _unroll(w, shape, out, stride, (1, 1), low, groups=c)
    return (c, *out), _Linear(matrix)


def _tuple(value: Any, rank: int) -> Shape:
    flat = np.ravel(np.asarray(value))
    return tuple(int(x) for x in (np.repeat(flat, rank) if flat.size == 1 else flat))


def _need(name: str, got: Shape, want: Shape) -> None:
    if tuple(got) != tuple(want) and _size(got) != _size(want):
        raise ShapeError(f"NIR node {name!r}: expected an input {want}, got {got}")


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


_LINEAR["_Pass"] = _identity


def _infer(
    nodes: Mapping[str, Any], edges: Iterable[tuple[str, str]]
) -> tuple[dict[str, Shape], dict[str, _Linear]]:
    shapes: dict[str, Shape] = {}
    maps: dict[str, _Linear] = {}
    for name, node in nodes.items():
        kind = kind_of(node)
        if kind in _STATEFUL:
            shapes[name] = _STATEFUL[kind](node) or (1,)
        elif kind not in _LINEAR:
            known = sorted((_STATEFUL.keys() | _LINEAR.keys()) - {"_Pass"})
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
                shapes[b], maps[b] = _LINEAR[kind_of(nodes[b])](b, nodes[b], shapes[a])
        if len(later) == len(waiting):
            raise ShapeError(
                f"NIR node {later[0][0]!r}: its shape cannot be inferred; it has no "
                "input of known shape"
            )
        waiting = later
    for a, b in edges:
        want = maps[b].matrix.shape[1] if b in maps else _size(shapes[b])
        if _size(shapes[a]) != want:
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


def _apply(linear: _Linear, given: Synapses) -> Synapses:
    m = linear.matrix
    size = np.diff(m.indptr)[given.post]
    entry = np.repeat(np.arange(given.post.size), size)
    start = m.indptr[:-1][given.post]
    at = start[entry] + np.arange(entry.size) - np.repeat(np.cumsum(size) - size, size)
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
            index = np.arange(_size(shapes[n]))
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
    maps: Mapping[str, _Linear],
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
            (source, s), size = next(iter(found.items())), _size(shapes[n])
            if _is_copy(s, _size(shapes[source]), size) and (
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
