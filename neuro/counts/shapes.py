"""Shapes of described layers, and the checks of their numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from neuro.counts.layers import LayerSpec, conv_out
from neuro.errors import ParameterError, did_you_mean

__all__ = ["known_keys", "numbers", "positive", "shaped", "share"]


def known_keys(where: str, data: Mapping[str, Any], keys: Sequence[str]) -> None:
    """Refuse keys that a table does not have."""
    for key in data:
        if key not in keys:
            raise ParameterError(
                f"{where}: unknown key {key!r}{did_you_mean(key, keys)}; "
                f"accepted: {', '.join(keys)}"
            )


def positive(where: str, value: Any, *, least: int = 1) -> int:
    """Return an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ParameterError(f"{where}: expected an integer >= {least}, got {value!r}")
    return int(value)


def share(where: str, value: Any) -> float:
    """Return a number in [0, 1]."""
    ok = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not ok or not math.isfinite(value) or not 0 <= value <= 1:
        raise ParameterError(f"{where}: expected a rate in [0, 1], got {value!r}")
    return float(value)


def numbers(where: str, value: Any, n: int, *, least: int = 1) -> tuple[int, ...]:
    """Return `n` integers; one number stands for all."""
    values = value if isinstance(value, (list, tuple)) else [value] * n
    if len(values) != n:
        raise ParameterError(f"{where}: expected {n} numbers, got {value!r}")
    return tuple(positive(where, v, least=least) for v in values)


def shaped(where: str, spec: LayerSpec, row: Mapping[str, Any]) -> LayerSpec:
    """Return the layer with its output shape, kernel and strides.

    Parameters
    ----------
    where : str
        Names the layer in messages.
    spec : LayerSpec
        With the shape of its input.
    row : mapping
        Its table in the description.

    Raises
    ------
    ParameterError
        If the layer does not fit its input.
    """
    kind, shape = spec.kind, spec.in_shape
    if kind in ("conv1d", "conv2d", "conv3d"):
        return _conv(where, spec, row, int(kind[4]))
    if kind == "linear":
        out = positive(f"{where}: out", row.get("out"))
        if len(shape) == 2 and row.get("type") == "linear":
            # tokens: (N, features), one product per token
            return replace(
                spec,
                kind="linear",
                out_shape=(shape[0], out),
                n_weights=shape[1] * out,
            )
        n_in = math.prod(shape)
        return replace(spec, in_shape=(n_in,), out_shape=(out,))
    if kind in ("pool", "avgpool"):
        n = len(shape) - 1
        kernel = numbers(f"{where}: kernel", row.get("kernel", 2), n)
        stride = numbers(f"{where}: stride", row.get("stride", list(kernel)), n)
        pad = numbers(f"{where}: padding", row.get("padding", 0), n, least=0)
        sizes = tuple(
            conv_out(s, k, st, p, p, 1)
            for s, k, st, p in zip(shape[1:], kernel, stride, pad, strict=True)
        )
        _fits(where, shape, sizes)
        return replace(
            spec,
            out_shape=(shape[0], *sizes),
            kernel=kernel,
            stride=stride,
            padding=pad,
            dilation=(1,) * n,
        )
    if kind == "flatten":
        return replace(spec, out_shape=(math.prod(shape),))
    if kind == "tokens":
        # (C, H, W) -> (H W, C), the layout of transformer blocks
        return replace(spec, kind="flatten", out_shape=(math.prod(shape[1:]), shape[0]))
    if kind == "tokenmean":
        # (N, C) -> (C,): the mean over tokens, real values
        n = math.prod(shape[:-1])
        return replace(
            spec,
            kind="avgpool",
            in_shape=(shape[-1], n),
            out_shape=(shape[-1],),
            kernel=(n,),
            stride=(n,),
            padding=(0,),
            dilation=(1,),
            note={"tokens": True},
        )
    if kind == "attention":
        if len(shape) != 2 and "products" not in row:
            raise ParameterError(f"{where}: attention needs tokens (N, C)")
        products = row.get("products", 2 * shape[0] ** 2 * shape[-1])
        return replace(
            spec,
            out_shape=shape,
            note={"products": positive(f"{where}: products", products)},
        )
    return replace(spec, out_shape=shape)


def _conv(where: str, spec: LayerSpec, row: Mapping[str, Any], n: int) -> LayerSpec:
    shape = spec.in_shape
    if len(shape) != n + 1:
        raise ParameterError(
            f"{where}: {spec.kind} needs an input of {n + 1} dimensions (channels "
            f"first), got {list(shape)}"
        )
    out = positive(f"{where}: out", row.get("out"))
    kernel = numbers(f"{where}: kernel", row.get("kernel", 3), n)
    stride = numbers(f"{where}: stride", row.get("stride", 1), n)
    dilation = numbers(f"{where}: dilation", row.get("dilation", 1), n)
    pad = row.get("padding", 0)
    ends: tuple[int, ...] = ()
    if pad == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        padding = tuple(t // 2 for t in total)
        ends = tuple(t - t // 2 for t in total)
    else:
        padding = numbers(f"{where}: padding", pad, n, least=0)
    groups = positive(f"{where}: groups", row.get("groups", 1))
    if shape[0] % groups or out % groups:
        raise ParameterError(
            f"{where}: groups = {groups} does not divide channels {shape[0]} and {out}"
        )
    sizes = tuple(
        conv_out(s, k, st, p, e, d)
        for s, k, st, p, e, d in zip(
            shape[1:],
            kernel,
            stride,
            padding,
            ends or padding,
            dilation,
            strict=True,
        )
    )
    _fits(where, shape, sizes)
    return replace(
        spec,
        kind="conv",
        out_shape=(out, *sizes),
        kernel=kernel,
        stride=stride,
        padding=padding,
        padding_end=ends,
        dilation=dilation,
        groups=groups,
    )


def _fits(where: str, shape: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    if min(sizes, default=1) < 1:
        raise ParameterError(
            f"{where}: the kernel is larger than its input {list(shape)}"
        )
