"""Booking: from checked signals and layers to the ledger, one layer at a time."""

import warnings
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from neuro.counts.activity import (
    ActivityError,
    CountWarning,
    Raster,
    Rate,
    Signal,
    classify,
)
from neuro.counts.layers import LayerSpec, dense_products, fan_out
from neuro.counts.ledger import LayerInfo, OpCounts
from neuro.counts.netspec import NetSpec
from neuro.counts.signals import Signals, rate_of
from neuro.errors import ParameterError

__all__ = ["count_layers"]

Int = NDArray[np.int64]


def count_layers(
    spec: NetSpec,
    given: Mapping[str, Signal],
    *,
    steps: int | None = None,
    zero_weights: str = "count",
    method: str = "exact",
    mode: str = "clocked",
    multibit: str = "serial",
    fold_scale: bool = False,
    fold_bn: bool = True,
) -> OpCounts:
    """Count with checked signals; see :func:`count`."""
    rasters = [s for s in given.values() if isinstance(s, Raster)]
    n_steps = rasters[0].steps if rasters else (steps or spec.steps)
    n_samples = rasters[0].samples if rasters else 1
    counts = OpCounts(n_samples)
    signals = Signals(spec, given, n_steps)
    for layer in spec.layers:
        booking = _Booking(counts, layer, n_steps, n_samples)
        input_class = "binary"
        if layer.has_weights:
            input_class = booking.synapses(
                [signals.of(s) for s in layer.sources],
                zero_weights=zero_weights,
                method=method,
                multibit=multibit,
                fold_scale=fold_scale,
            )
            if layer.bias:
                counts.add(layer.name, "bias", booking.every(layer.n_out), a_bits=32)
            if not fold_bn and layer.kind.startswith("conv"):
                booking.norm()
        elif layer.kind == "attention":
            booking.attention(signals.of(layer.sources[0]))
        elif layer.kind in ("pool", "avgpool") and not signals.relays(layer.sources[0]):
            booking.book("spike_in", booking.events(signals.of(layer.sources[0])))
        if layer.neuron or layer.kind == "neuron":
            booking.neurons(signals, mode=mode)
        counts.layer(layer.name, layer.info(steps=n_steps, input_class=input_class))
    return counts


class _Booking:
    """Books one layer."""

    def __init__(
        self, counts: OpCounts, layer: LayerSpec, steps: int, samples: int
    ) -> None:
        self.counts, self.layer = counts, layer
        self.steps, self.samples = steps, samples

    def book(self, op: str, n: Int, *, a_bits: int = 1) -> None:
        """Book `n` with the layer's weight width."""
        self.counts.add(self.layer.name, op, n, a_bits=a_bits, w_bits=self.layer.w_bits)

    def every(self, units: int) -> Int:
        """`units` operations in each step."""
        return np.full(self.samples, units * self.steps, np.int64)

    def events(self, signal: Signal, units: int | None = None) -> Int:
        """Non-zero entries per sample."""
        if isinstance(signal, Raster):
            x = signal.values
            flat = x.reshape(x.shape[0], x.shape[1], -1)
            found: Int = np.count_nonzero(flat, axis=(0, 2)).astype(np.int64)
            return found
        n = self.layer.n_in if units is None else units
        return np.full(self.samples, round(signal.rate * n * self.steps), np.int64)

    def synapses(
        self,
        inputs: list[Signal],
        *,
        zero_weights: str,
        method: str,
        multibit: str,
        fold_scale: bool,
    ) -> str:
        """Book events, pairs and additions or products; return the input's class."""
        layer = self.layer
        classes = []
        for signal in inputs:
            pairs, zero = self._pairs(signal, zero_weights, method)
            self.book("synop", pairs)
            if zero is not None:
                self.book("synop_zero", zero)
                if zero_weights == "count":
                    pairs = pairs + zero
            self.book("spike_in", self.events(signal))
            kind = self._class(signal)
            classes.append(kind)
            bits = max(1, layer.a_bits)
            if kind in ("binary", "ternary") or (kind == "scaled" and fold_scale):
                self.book("ac", pairs)
            elif kind == "multibit" and bits > 1 and multibit == "serial":
                self.book("ac", bits * pairs, a_bits=bits)
            else:
                width = bits if bits > 1 else 32
                self.book("mac", pairs, a_bits=width)
        for kind in ("real", "scaled", "multibit", "ternary"):
            if kind in classes:
                if kind == "scaled":
                    return "binary" if fold_scale else "real"
                return kind
        return "binary"

    def _class(self, signal: Signal) -> str:
        layer = self.layer
        if isinstance(signal, Rate):
            if layer.a_bits > 1 and signal.input_class == "binary":
                return "multibit"
            return signal.input_class
        kind, first = classify(signal.values)
        if kind in ("scaled", "real", "multibit") and layer.a_bits > 1:
            steps = signal.values[signal.values != 0]
            unit = float(np.abs(steps).min()) if steps.size else 1.0
            levels = steps / unit
            if (
                (steps > 0).all()
                and np.allclose(levels, np.rint(levels), rtol=0, atol=1e-6)
                and levels.max() < 2**layer.a_bits
            ):
                return "multibit"
        if kind not in ("binary", "ternary") and layer.a_bits == 1:
            warnings.warn(
                f"layer {layer.name!r} is fed with values other than 0 and 1 (first: "
                f"{first:g}): counted as multiply-accumulates",
                CountWarning,
                stacklevel=5,
            )
        return kind

    def _pairs(
        self, signal: Signal, zero_weights: str, method: str
    ) -> tuple[Int, Int | None]:
        layer = self.layer
        full, _ = dense_products(layer)
        if isinstance(signal, Rate) or method == "rate":
            if isinstance(signal, Raster):
                share = self.events(signal) / (self.steps * layer.n_in)
            else:
                share = np.full(self.samples, signal.rate)
            exact = share * full * self.steps
            total = np.rint(exact).astype(np.int64)
            if layer.weight_sparsity:
                zero = np.rint(exact * layer.weight_sparsity).astype(np.int64)
                return total - zero, zero
            return total, None
        x = signal.values
        if int(np.prod(x.shape[2:])) != layer.n_in:
            raise ActivityError(
                f"layer {layer.name!r}: expects an input of shape "
                f"{list(layer.in_shape)} ({layer.n_in} units), the activity that feeds "
                f"it has {list(x.shape[2:])}"
            )
        # events per input unit over all steps, then one dot product
        seen = np.count_nonzero(x.reshape(x.shape[0], x.shape[1], -1), axis=0)
        seen = seen.astype(np.int64)
        total = seen @ fan_out(layer).reshape(-1)
        if layer.weight is None:
            if zero_weights == "skip":
                raise ParameterError(
                    f"layer {layer.name!r}: its weights are not known, zero weights "
                    "cannot be skipped; use zero weights 'count'"
                )
            return total, None
        met: Int = seen @ fan_out(layer, nonzero=True).reshape(-1)
        return met, total - met

    def norm(self) -> None:
        """Book one product per output of a normalisation that is not folded."""
        name = f"{self.layer.name} norm"
        info = LayerInfo(
            kind="norm", out_shape=self.layer.out_shape, steps=self.steps, leaky=False
        )
        self.counts.layer(name, info)
        self.counts.add(name, "mac", self.every(self.layer.n_out), a_bits=32)

    def attention(self, signal: Signal) -> None:
        """Book the products between spikes, scaled by the input's rate."""
        full, _ = dense_products(self.layer)
        n = np.full(self.samples, round(rate_of(signal) * full * self.steps), np.int64)
        self.book("synop", n)
        self.book("ac", n)

    def neurons(self, signals: Signals, *, mode: str) -> None:
        """Book updates, spikes and resets."""
        layer = self.layer
        updates = self.every(layer.n_out)
        if mode == "event":
            updates = np.minimum(signals.reached(layer.name), updates)
        self.book("neuron_update", updates)
        if layer.neuron in ("li", "cubali"):
            return
        try:
            out = signals.of(layer.name)
        except ActivityError:
            if any(layer.name in la.sources for la in signals.spec.layers):
                raise
            warnings.warn(
                f"no activity for the output of the last layer {layer.name!r}: its "
                "spikes and resets are not counted",
                CountWarning,
                stacklevel=4,
            )
            return
        sent = self.events(out, layer.n_out)
        self.book("spike_out", sent)
        self.book("reset", sent)
