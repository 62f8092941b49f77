"""Slow, obvious counting: one loop per output, kernel tap and channel."""

import itertools

import numpy as np

from neuro.counts import LayerSpec


def conv_pairs(x, layer: LayerSpec, weight=None):
    """(events that meet a weight, products without padding) of one sample and step."""
    pairs = dense = 0
    c_out, sizes = layer.out_shape[0], layer.out_shape[1:]
    per_in = layer.in_shape[0] // layer.groups
    per_out = c_out // layer.groups
    for o in range(c_out):
        for at in itertools.product(*map(range, sizes)):
            for c in range(per_in):
                for tap in itertools.product(*map(range, layer.kernel)):
                    where = [
                        a * s - p + k * d
                        for a, s, p, k, d in zip(
                            at,
                            layer.stride,
                            layer.padding,
                            tap,
                            layer.dilation,
                            strict=True,
                        )
                    ]
                    if any(
                        w < 0 or w >= n
                        for w, n in zip(where, layer.in_shape[1:], strict=True)
                    ):
                        continue
                    dense += 1
                    if weight is not None and weight[(o, c, *tap)] == 0:
                        continue
                    channel = (o // per_out) * per_in + c
                    pairs += bool(x[(channel, *where)] != 0)
    return pairs, dense


def conv_reached(x, layer: LayerSpec):
    """Whether each output has at least one event in its field."""
    found = np.zeros(layer.out_shape, bool)
    for o in range(layer.out_shape[0]):
        for at in itertools.product(*map(range, layer.out_shape[1:])):
            one = LayerSpec(
                name="one",
                kind="conv",
                in_shape=layer.in_shape,
                out_shape=layer.out_shape,
                kernel=layer.kernel,
                stride=layer.stride,
                padding=layer.padding,
                dilation=layer.dilation,
                groups=layer.groups,
            )
            found[(o, *at)] = _field(x, one, o, at)
    return found


def _field(x, layer, o, at):
    per_in = layer.in_shape[0] // layer.groups
    group = o // (layer.out_shape[0] // layer.groups)
    for c in range(per_in):
        for tap in itertools.product(*map(range, layer.kernel)):
            where = [
                a * s - p + k * d
                for a, s, p, k, d in zip(
                    at, layer.stride, layer.padding, tap, layer.dilation, strict=True
                )
            ]
            inside = all(
                0 <= w < n for w, n in zip(where, layer.in_shape[1:], strict=True)
            )
            if inside and np.any(x[(group * per_in + c, *where)] != 0):
                return True
    return False
