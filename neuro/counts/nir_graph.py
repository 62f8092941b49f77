"""NIR graphs as layers to be counted.

Supported nodes: Affine, Linear, Conv1d, Conv2d, Flatten, SumPool2d, AvgPool2d, Scale,
Threshold, LIF, CubaLIF, IF, LI, CubaLI, I, Delay, Input, Output and sub-graphs (their
nodes are named ``subgraph.node``). An edge from a spiking node, forwards or recurrent,
is counted with the spikes of its source.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neuro.counts.layers import LayerSpec, conv_out
from neuro.counts.netspec import NetSpec
from neuro.errors import (
    DatasetError,
    ShapeError,
    UnsupportedNodeError,
    did_you_mean,
    optional_import,
)

__all__ = ["SUPPORTED", "read_nir", "spec_of_graph"]

Shape = tuple[int, ...]
_NEURONS = {
    "LIF": "lif",
    "CubaLIF": "cubalif",
    "IF": "if",
    "LI": "li",
    "CubaLI": "cubali",
    "I": "li",
    "Threshold": "if",
}
SUPPORTED = (
    "Affine",
    "Linear",
    "Conv1d",
    "Conv2d",
    "Flatten",
    "SumPool2d",
    "AvgPool2d",
    "Scale",
    "Delay",
    "Input",
    "Output",
    "NIRGraph",
    *_NEURONS,
)


def read_nir(path: Path | str, *, strict: bool = True) -> NetSpec:
    """Read a NIR file.

    Raises
    ------
    DatasetError
        If the file is no NIR graph.
    UnsupportedNodeError
        If it holds a node that is not supported and `strict` is set.
    """
    nir = optional_import("nir", "nir")
    path = Path(path)
    try:
        graph = nir.read(path)
    except (OSError, KeyError, ValueError, TypeError, AssertionError) as error:
        raise DatasetError(f"{path.name}: not a readable NIR graph ({error})") from None
    return spec_of_graph(graph, strict=strict, name=path.stem)


def _flatten(
    graph: Any, prefix: str = ""
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    entry: dict[str, str] = {}
    leave: dict[str, str] = {}
    for name, node in graph.nodes.items():
        full = prefix + name
        if type(node).__name__ == "NIRGraph":
            inner, inner_edges = _flatten(node, f"{full}.")
            nodes |= inner
            edges += inner_edges
            own = {
                type(v).__name__: k
                for k, v in inner.items()
                if k.rpartition(".")[0] == full
            }
            entry[full] = own.get("Input", full)
            leave[full] = own.get("Output", full)
        else:
            nodes[full] = node
    for pre, post in graph.edges:
        a, b = prefix + pre, prefix + post
        edge = (leave.get(a, a), entry.get(b, b))
        if edge not in edges:
            edges.append(edge)
    return nodes, edges


def _shape_of(types: Any, key: str) -> Shape | None:
    value = (types or {}).get(key) if isinstance(types, Mapping) else None
    if value is None:
        return None
    return tuple(int(v) for v in np.asarray(value).ravel())


def _pair(value: Any, n: int) -> Shape:
    flat = np.asarray(value).ravel()
    values = [int(v) for v in flat]
    return tuple(values * n if len(values) == 1 else values)


def spec_of_graph(graph: Any, *, strict: bool = True, name: str = "nir") -> NetSpec:
    """Return the layers of a NIR graph; shapes are followed along the edges."""
    nodes, edges = _flatten(graph)
    skipped = []
    for key, node in nodes.items():
        kind = type(node).__name__
        if kind not in SUPPORTED:
            if strict:
                raise UnsupportedNodeError(
                    f"NIR node {key!r} of type {kind} is not supported"
                    f"{did_you_mean(kind, SUPPORTED)}; accepted: {', '.join(SUPPORTED)}"
                )
            skipped.append(key)
    sources: dict[str, list[str]] = {k: [] for k in nodes}
    for pre, post in edges:
        sources[post].append(pre)
    inputs = [k for k, v in nodes.items() if type(v).__name__ == "Input"]
    outer = [k for k in inputs if not sources[k]]
    if not outer:
        raise ShapeError(f"{name}: the graph has no Input node")
    shapes: dict[str, Shape] = {}
    for key in outer:
        shape = _shape_of(getattr(nodes[key], "input_type", None), "input")
        if shape is None:
            raise ShapeError(f"{name}: node {key!r} has no shape")
        shapes[key] = shape
    layers: dict[str, LayerSpec] = {}
    waiting = [k for k in nodes if k not in outer]
    while waiting:
        ready = [k for k in waiting if any(s in shapes for s in sources[k])]
        if not ready:
            # not reached from an input: nothing can be counted there
            break
        for key in ready:
            shape = next(shapes[s] for s in sources[key] if s in shapes)
            spec = _layer(key, nodes[key], shape, tuple(sources[key]))
            layers[key], shapes[key] = spec, spec.out_shape
        waiting = [k for k in waiting if k not in ready]
    for key in outer:
        if key != "input":
            layers[key] = LayerSpec(
                name=key,
                kind="flatten",
                in_shape=shapes[key],
                out_shape=shapes[key],
                sources=("input",),
            )
    dtype = next(
        (
            np.asarray(la.weight).dtype
            for la in layers.values()
            if la.weight is not None
        ),
        np.dtype(np.float32),
    )
    return NetSpec(
        name=name,
        layers=tuple(layers.values()),
        input_shape=shapes[outer[0]],
        w_bits=8 * dtype.itemsize,
        skipped=tuple(skipped),
    )


def _layer(name: str, node: Any, shape: Shape, sources: tuple[str, ...]) -> LayerSpec:
    kind = type(node).__name__
    plain = LayerSpec(
        name=name, kind="flatten", in_shape=shape, out_shape=shape, sources=sources
    )
    if kind in ("Affine", "Linear"):
        w = np.asarray(node.weight)
        bias = np.asarray(getattr(node, "bias", 0.0))
        return LayerSpec(
            name=name,
            kind="linear",
            in_shape=(*shape[:-1], w.shape[1]) if len(shape) > 1 else (w.shape[1],),
            out_shape=(*shape[:-1], w.shape[0]) if len(shape) > 1 else (w.shape[0],),
            weight=w,
            bias=bool(np.any(bias)),
            w_bits=8 * w.dtype.itemsize,
            sources=sources,
        )
    if kind in ("Conv1d", "Conv2d"):
        return _conv(name, node, shape, sources)
    if kind in ("SumPool2d", "AvgPool2d"):
        kernel = _pair(node.kernel_size, 2)
        stride = _pair(node.stride, 2)
        pad = _pair(node.padding, 2)
        out = tuple(
            conv_out(s, k, st, p, p, 1)
            for s, k, st, p in zip(shape[-2:], kernel, stride, pad, strict=True)
        )
        return LayerSpec(
            name=name,
            kind="avgpool",
            in_shape=shape,
            out_shape=(*shape[:-2], *out),
            kernel=kernel,
            stride=stride,
            padding=pad,
            dilation=(1, 1),
            sources=sources,
            note={"sum": kind == "SumPool2d"},
        )
    if kind == "Flatten":
        end = int(node.end_dim)
        start = int(node.start_dim)
        stop = len(shape) + end if end < 0 else end
        flat = math.prod(shape[start : stop + 1])
        return LayerSpec(
            name=name,
            kind="flatten",
            in_shape=shape,
            out_shape=(*shape[:start], flat, *shape[stop + 1 :]),
            sources=sources,
        )
    if kind in _NEURONS:
        return LayerSpec(
            name=name,
            kind="neuron",
            in_shape=shape,
            out_shape=shape,
            neuron=_NEURONS[kind],
            sources=sources,
        )
    if kind == "Scale":
        return LayerSpec(
            name=name,
            kind="scale",
            in_shape=shape,
            out_shape=shape,
            sources=sources,
            note={"scale": np.asarray(node.scale)},
        )
    return plain


def _conv(name: str, node: Any, shape: Shape, sources: tuple[str, ...]) -> LayerSpec:
    w = np.asarray(node.weight)
    n = w.ndim - 2
    stride, dilation = _pair(node.stride, n), _pair(node.dilation, n)
    kernel: Shape = tuple(w.shape[2:])
    ends: Shape = ()
    if isinstance(node.padding, str):
        total = [
            d * (k - 1) if node.padding == "same" else 0
            for d, k in zip(dilation, kernel, strict=True)
        ]
        padding = tuple(t // 2 for t in total)
        ends = tuple(t - t // 2 for t in total)
    else:
        padding = _pair(node.padding, n)
    if len(shape) != n + 1:
        raise ShapeError(
            f"NIR node {name!r}: a convolution of {n} dimensions is fed with shape "
            f"{list(shape)}"
        )
    sizes = tuple(
        conv_out(s, k, st, p, e, d)
        for s, k, st, p, e, d in zip(
            shape[1:], kernel, stride, padding, ends or padding, dilation, strict=True
        )
    )
    return LayerSpec(
        name=name,
        kind="conv",
        in_shape=shape,
        out_shape=(w.shape[0], *sizes),
        kernel=kernel,
        stride=stride,
        padding=padding,
        padding_end=ends,
        dilation=dilation,
        groups=int(node.groups),
        weight=w,
        bias=bool(np.any(np.asarray(getattr(node, "bias", 0.0)))),
        w_bits=8 * w.dtype.itemsize,
        sources=sources,
    )
