r"""Weight layers as counters see them: dense products and the fan-out map.

The number of (event, weight) pairs that really meet in a layer is

.. math:: \mathrm{SOP} = \sum_i 1[x_i \ne 0]\, F_i

where :math:`F_i` is the number of weights that input unit :math:`i` meets, with the
layer's own stride, padding, dilation and groups. :math:`F` depends on the layer alone,
is computed once, and makes the exact count a dot product: no second convolution.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.counts.ledger import LayerInfo
from neuro.errors import ParameterError

__all__ = ["LayerSpec", "conv_out", "dense_products", "fan_out", "reached"]

Int = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """One layer of a network that is to be counted.

    Parameters
    ----------
    name : str
        Unique name.
    kind : str
        ``conv`` (any dimension), ``conv_transpose``, ``linear``, ``pool`` (max or
        sum), ``avgpool``, ``flatten``, ``add``, ``attention``, ``neuron``,
        ``projection``.
    in_shape, out_shape : tuple of int
        Shape of one sample and step, channels first.
    kernel, stride, padding, dilation : tuple of int
        One entry per spatial dimension.
    padding_end : tuple of int
        Padding behind the last pixel where it differs; empty: as in front.
    groups : int
        Convolution groups.
    bias : bool
        Whether a bias is added at each step.
    weight : ndarray or None
        Weights, ``(C_out, C_in/g, *kernel)`` or ``(out, in)``; needed only to tell
        zero weights.
    fan : ndarray of int64 or None
        Fan-out of each input unit where the connectivity is given directly.
    n_weights : int or None
        Stored weights where there is no array; computed if None.
    neuron : str
        ``"lif"``, ``"if"``, ``"li"`` ... or empty: neurons fed by this layer.
    w_bits, a_bits, v_bits : int
        Widths of weight, input and membrane.
    sources : tuple of str
        Layers whose output is fed in; ``"input"`` is the network's input.
    rate, spikes : float or None
        Output: non-zero entries per unit and step, or per inference.
    weight_sparsity : float
        Share of zero weights where there is no array.
    repeats : int
        How often the layer's product is done per step (attention: matmuls).
    """

    name: str
    kind: str
    in_shape: tuple[int, ...] = ()
    out_shape: tuple[int, ...] = ()
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    padding: tuple[int, ...] = ()
    padding_end: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    groups: int = 1
    bias: bool = False
    weight: NDArray[Any] | None = None
    fan: Int | None = None
    n_weights: int | None = None
    neuron: str = ""
    w_bits: int = 32
    a_bits: int = 1
    v_bits: int = 32
    sources: tuple[str, ...] = ()
    rate: float | None = None
    spikes: float | None = None
    weight_sparsity: float = 0.0
    repeats: int = 1
    note: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_weights(self) -> bool:
        """Whether events meet stored weights here."""
        return self.kind in ("conv", "conv_transpose", "linear", "projection")

    @property
    def n_in(self) -> int:
        """Input units."""
        return int(np.prod(self.in_shape))

    @property
    def n_out(self) -> int:
        """Output units."""
        return int(np.prod(self.out_shape))

    @property
    def weights(self) -> int:
        """Stored weights, biases not included."""
        if not self.has_weights:
            return 0
        if self.n_weights is not None:
            return self.n_weights
        if self.weight is not None:
            return int(self.weight.size)
        if self.kind == "conv":
            fan_in = self.in_shape[0] // self.groups
            return self.out_shape[0] * fan_in * int(np.prod(self.kernel))
        if self.kind == "conv_transpose":
            fan = self.out_shape[0] // self.groups
            return self.in_shape[0] * fan * int(np.prod(self.kernel))
        if self.fan is not None:
            return int(self.fan.sum())
        return self.in_shape[-1] * self.out_shape[-1]

    @property
    def nonzero(self) -> int:
        """Stored weights that are not zero; -1 if unknown."""
        if self.weight is not None:
            return int(np.count_nonzero(self.weight))
        return round(self.weights * (1 - self.weight_sparsity))

    def info(self, *, steps: int, input_class: str = "binary") -> LayerInfo:
        """Return the description for the ledger."""
        full, valid = dense_products(self)
        kind = {"neuron": "population", "avgpool": "pool"}.get(self.kind, self.kind)
        return LayerInfo(
            kind=kind,
            in_shape=self.in_shape,
            out_shape=self.out_shape,
            kernel=self.kernel,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            weights=self.weights,
            synapses=full,
            synapses_valid=valid,
            nonzero=self.nonzero if self.has_weights else -1,
            neurons=self.n_out if self.neuron else 0,
            steps=steps,
            w_bits=self.w_bits,
            a_bits=self.a_bits,
            v_bits=self.v_bits,
            bias=self.bias,
            leaky=self.neuron not in ("if", "i"),
            input_class=input_class,
        )


def conv_out(
    size: int, kernel: int, stride: int, pad: int, pad_end: int, dilation: int
) -> int:
    """Return the output size of one dimension of a convolution."""
    return (size + pad + pad_end - dilation * (kernel - 1) - 1) // stride + 1


def _hits(layer: LayerSpec) -> list[NDArray[np.bool_]]:
    """Per dimension: ``hit[position, tap]`` counts outputs that this tap reaches."""
    found = []
    sizes = layer.in_shape[1:]
    for d, size in enumerate(sizes):
        k, s = layer.kernel[d], layer.stride[d]
        p, dil = layer.padding[d], layer.dilation[d]
        n_out = layer.out_shape[1 + d]
        position = np.arange(size)[:, None]
        tap = np.arange(k)[None, :]
        if layer.kind == "conv":
            at = position + p - tap * dil
            found.append((at % s == 0) & (at >= 0) & (at // s < n_out))
        else:
            at = position * s - p + tap * dil
            found.append((at >= 0) & (at < n_out))
    return found


def fan_out(layer: LayerSpec, *, nonzero: bool = False) -> Int:
    """Weights that each input unit meets in one step.

    Parameters
    ----------
    layer : LayerSpec
        A layer with weights.
    nonzero : bool
        Count only weights that are not zero (needs ``layer.weight``).

    Returns
    -------
    ndarray of int64, shape layer.in_shape
        Pairs with zero padding are not in it.
    """
    if layer.fan is not None and not nonzero:
        return layer.fan
    if nonzero and layer.weight is None:
        raise ParameterError(
            f"layer {layer.name!r}: its weights are not known, zero weights cannot be "
            "skipped; use zero_weights='count'"
        )
    if layer.kind in ("linear", "projection"):
        if nonzero:
            w = np.asarray(layer.weight)
            per_input = np.count_nonzero(w, axis=0).astype(np.int64)
        else:
            per_input = np.full(layer.in_shape[-1], layer.out_shape[-1], np.int64)
        return np.broadcast_to(per_input, layer.in_shape).copy()
    hits = _hits(layer)
    c_in, groups = layer.in_shape[0], layer.groups
    if nonzero:
        w = np.asarray(layer.weight) != 0
        if layer.kind == "conv":
            # (C_out, C_in/g, *k) -> per input channel, summed over its outputs
            grouped = w.reshape(groups, -1, *w.shape[1:]).sum(1, dtype=np.int64)
            taps = grouped.reshape(c_in, *w.shape[2:])
        else:
            taps = w.sum(1, dtype=np.int64)
    else:
        taps = np.full((c_in, *layer.kernel), layer.out_shape[0] // groups, np.int64)
    for hit in hits:
        # contracts the first remaining tap axis, appends the position axis
        taps = np.tensordot(taps, hit.astype(np.int64), axes=([1], [1]))
    found: Int = np.asarray(taps, np.int64)
    return found


def dense_products(layer: LayerSpec) -> tuple[int, int]:
    """Products of one step and sample: with zero padding, and without.

    Returns
    -------
    full, valid : int
        ``H_out W_out C_out (C_in/g) k_h k_w`` or ``in * out``; the second leaves out
        products that touch padding.
    """
    if layer.kind == "attention":
        n = int(layer.note.get("products", 0))
        return n, n
    if not layer.has_weights:
        return 0, 0
    if layer.kind in ("conv", "conv_transpose"):
        # separable: taps that land inside, per dimension
        inside = math.prod(int(hit.sum()) for hit in _hits(layer))
        valid = inside * layer.in_shape[0] * (layer.out_shape[0] // layer.groups)
    elif layer.fan is not None:
        valid = int(layer.fan.sum())
    else:
        valid = layer.n_in * layer.out_shape[-1]
    if layer.kind == "conv":
        full = (
            layer.n_out * (layer.in_shape[0] // layer.groups) * math.prod(layer.kernel)
        )
    elif layer.kind == "conv_transpose":
        full = (
            layer.n_in * (layer.out_shape[0] // layer.groups) * math.prod(layer.kernel)
        )
    else:
        full = valid
    return full, valid


def reached(layer: LayerSpec, events: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which neurons get at least one event.

    Parameters
    ----------
    layer : LayerSpec
        A layer with weights.
    events : ndarray of bool, shape (n, *in_shape)
        Non-zero inputs, one row per sample (and step).

    Returns
    -------
    ndarray of bool, shape (n, *out_shape)
        Output units with an event in their field. An event that meets only zero
        weights reaches them too.
    """
    n = events.shape[0]
    if layer.kind in ("linear", "projection"):
        # of tokens (N, C) each row apart
        lead = layer.in_shape[:-1] if len(layer.in_shape) > 1 else ()
        rows = np.asarray(events.reshape(n, *lead, -1).any(-1))
        return np.broadcast_to(rows[..., None], (n, *lead, layer.out_shape[-1]))
    groups = layer.groups
    seen = np.asarray(events.reshape(n, groups, -1, *layer.in_shape[1:]).any(2))
    for d, hit in enumerate(_hits(layer)):
        # one dimension after the other: a field is a box
        k, s, p, dil = (
            v[d] for v in (layer.kernel, layer.stride, layer.padding, layer.dilation)
        )
        size = layer.out_shape[1 + d]
        source = np.moveaxis(seen, 2 + d, -1)
        target = np.zeros((*source.shape[:-1], size), bool)
        for tap in range(k):
            at = np.flatnonzero(hit[:, tap])
            to = (
                (at + p - tap * dil) // s
                if layer.kind == "conv"
                else at * s - p + tap * dil
            )
            target[..., to] |= source[..., at]
        seen = np.moveaxis(target, -1, 2 + d)
    each = layer.out_shape[0] // groups
    return np.repeat(seen, each, axis=1)
