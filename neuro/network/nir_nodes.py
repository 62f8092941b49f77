"""The nodes of NIR: shapes of those with state, matrices of the linear ones.

Nodes are known by the name of their class, in two registries; nothing here imports
``nir``.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from neuro.errors import ShapeError

__all__ = ["LINEAR", "STATEFUL", "Linear", "Shape", "identity", "kind_of", "size"]

Array = NDArray[Any]
Shape = tuple[int, ...]


class Linear(NamedTuple):
    """A linear node: matrix (out, in), bias and delay per output."""

    matrix: Any  # sparse, (out, in)
    bias: NDArray[np.float64] | None = None
    delay: NDArray[np.float64] | None = None  # per output


STATEFUL: dict[str, Callable[[Any], Shape]] = {}
LINEAR: dict[str, Callable[[str, Any, Shape], tuple[Shape, Linear]]] = {}


def kind_of(node: Any) -> str:
    """Return the name of a node's class."""
    return type(node).__name__


def _stateful(*names: str) -> Callable[[Any], Any]:
    def register(shape: Callable[[Any], Shape]) -> Callable[[Any], Shape]:
        for name in names:
            STATEFUL[name] = shape
        return shape

    return register


def _linear(*names: str) -> Callable[[Any], Any]:
    def register(make: Any) -> Any:
        for name in names:
            LINEAR[name] = make
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
def size(shape: Iterable[int]) -> int:
    """Return the number of entries."""
    return int(np.prod(list(shape), dtype=np.int64))


def _eye(n: int) -> Any:
    return sparse.identity(n, np.float64, format="csc")


@_linear("Output", "Identity")
def identity(name: str, node: Any, shape: Shape) -> tuple[Shape, Linear]:
    """Pass values on."""
    return shape, Linear(_eye(size(shape)))


@_linear("Affine", "Linear")
def _affine(name: str, node: Any, shape: Shape) -> tuple[Shape, Linear]:
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
    return (*lead, n_out), Linear(matrix.tocsc(), bias)


@_linear("Scale")
def _scale(name: str, node: Any, shape: Shape) -> tuple[Shape, Linear]:
    s = np.broadcast_to(np.asarray(node.scale, np.float64), shape).ravel()
    return shape, Linear(sparse.diags(s, format="csc"))


@_linear("Delay")
def _delay(name: str, node: Any, shape: Shape) -> tuple[Shape, Linear]:
    d = np.broadcast_to(np.asarray(node.delay, np.float64), shape).ravel()
    if not np.isfinite(d).all() or (d < 0).any():
        at = int(np.argmax(~(np.isfinite(d) & (d >= 0))))
        raise ShapeError(f"NIR node {name!r}: delay[{at}] is {d[at]}; expected >= 0 s")
    return shape, Linear(_eye(d.size), None, d)


@_linear("Flatten")
def _flatten(name: str, node: Any, shape: Shape) -> tuple[Shape, Linear]:
    given = node.input_type["input"]
    rank = len(shape) if given is None else len(np.ravel(given))
    start, end = int(node.start_dim), int(node.end_dim)
    # a graph may count the batch dimension that NIR shapes do not have
    start, end = (d + rank if d < 0 else d for d in (start, end))
    if rank != len(shape) or start >= rank:
        start, end = 0, len(shape) - 1
    middle = size(shape[start : end + 1])
    out = (*shape[:start], middle, *shape[end + 1 :])
    return out, Linear(_eye(size(shape)))


@_linear("Conv1d", "Conv2d")
def _conv(name: str, node: Any, shape: Shape) -> tuple[Shape, Linear]:
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
            np.broadcast_to(np.asarray(bias, float), w.shape[0]), size(out)
        )
    return (w.shape[0], *out), Linear(matrix, bias)


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
    size_in, size_out = size(shape[1:]), size(out)
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
def _pool(name: str, node: Any, shape: Shape) -> tuple[Shape, Linear]:
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
    value = 1.0 if kind_of(node) == "SumPool2d" else 1.0 / size(kernel)
    c = shape[0]
    w = np.full((c, 1, *kernel), value)
    matrix = _unroll(w, shape, out, stride, (1, 1), low, groups=c)
    return (c, *out), Linear(matrix)


def _tuple(value: Any, rank: int) -> Shape:
    flat = np.ravel(np.asarray(value))
    return tuple(int(x) for x in (np.repeat(flat, rank) if flat.size == 1 else flat))


def _need(name: str, got: Shape, want: Shape) -> None:
    if tuple(got) != tuple(want) and size(got) != size(want):
        raise ShapeError(f"NIR node {name!r}: expected an input {want}, got {got}")
