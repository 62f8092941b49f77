"""What each layer sends: as recorded, or derived through pooling and reshaping."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.counts.activity import ActivityError, Raster, Rate, Signal
from neuro.counts.layers import LayerSpec, dense_products, reached
from neuro.counts.netspec import NetSpec

__all__ = ["Signals", "rate_of"]

Int = NDArray[np.int64]
_PASSES = ("pool", "avgpool", "flatten", "add", "attention", "scale")


class Signals:
    """Outputs of the layers.

    Parameters
    ----------
    spec : NetSpec
        The network.
    given : mapping of str to Signal
        What was recorded, checked.
    steps : int
        Time steps.
    """

    def __init__(self, spec: NetSpec, given: Mapping[str, Signal], steps: int) -> None:
        self.spec, self.steps = spec, steps
        self.held, self._recorded = dict(given), frozenset(given)
        self.layers = {la.name: la for la in spec.layers}
        self._open: set[str] = set()

    def of(self, name: str) -> Signal:
        """Return what a layer sends.

        Raises
        ------
        ActivityError
            If it is neither recorded nor follows from what is.
        """
        if name in self.held:
            return self.held[name]
        if name in self._open:
            raise ActivityError(
                f"no activity for layer {name!r}, which feeds itself; record it"
            )
        self._open.add(name)
        self.held[name] = self._derive(name)
        self._open.discard(name)
        return self.held[name]

    def samples(self) -> int:
        """Return the samples of the rasters; 1 where only rates are known."""
        rasters = (s for s in self.held.values() if isinstance(s, Raster))
        return next((r.samples for r in rasters), 1)

    def reached(self, name: str) -> Int:
        """Return how many units of a layer an event reaches, summed over steps.

        Returns
        -------
        ndarray of int64, shape (n_samples,)
            Exact where all activity is rasters, else of independent units.
        """
        layer = self.layers[name]
        if all(isinstance(s, Raster) for s in self.held.values()):
            masks = (self._mask(name, step) for step in range(self.steps))
            return np.asarray(sum(np.count_nonzero(m, axis=1) for m in masks), np.int64)
        share = self._share(name)
        units = round(share * layer.n_out * self.steps)
        return np.full(self.samples(), units, np.int64)

    def _mask(self, name: str, step: int) -> NDArray[np.bool_]:
        """Units reached in one step, bool (n_samples, n_out)."""
        layer = self.layers[name]
        seen: NDArray[np.bool_] | None = None
        for source in layer.sources:
            if self.relays(source) and not layer.has_weights:
                found = self._mask(source, step)
            else:
                signal = self.of(source)
                x = signal.values[step] != 0  # type: ignore[union-attr]
                found = x.reshape(len(x), -1)
            seen = found if seen is None else seen | found
        if seen is None:
            raise ActivityError(f"layer {name!r} has no input")
        n = len(seen)
        if layer.has_weights:
            return reached(layer, seen.reshape(n, *layer.in_shape)).reshape(n, -1)
        if layer.kind in ("pool", "avgpool") and not layer.note.get("tokens", False):
            pooled = _pool(layer, seen.reshape(1, n, *layer.in_shape)) > 0
            return pooled.reshape(n, -1)
        return seen

    def _share(self, name: str) -> float:
        """Share of units reached per step, of independent units."""
        layer, quiet = self.layers[name], 1.0
        for source in layer.sources:
            if self.relays(source) and not layer.has_weights:
                quiet *= 1 - self._share(source)
                continue
            rate = rate_of(self.of(source))
            if layer.has_weights:
                fan_in = dense_products(layer)[0] / max(1, layer.n_out)
                quiet *= (1 - rate) ** fan_in
            else:
                quiet *= 1 - rate
        if layer.kind in ("pool", "avgpool"):
            quiet **= int(np.prod(layer.kernel))
        return 1 - quiet

    def relays(self, name: str) -> bool:
        """Whether a layer passes currents on: weights or pooling without neurons."""
        layer = self.layers.get(name)
        if layer is None or layer.neuron or name in self._recorded:
            return False
        if layer.rate is not None or layer.spikes is not None:
            return False
        if layer.has_weights:
            return True
        return layer.kind in _PASSES and any(map(self.relays, layer.sources))

    def _derive(self, name: str) -> Signal:
        if name == "input":
            if self.spec.input_class == "real":
                return Rate(
                    1.0 if self.spec.input_rate is None else self.spec.input_rate,
                    "real",
                )
            if self.spec.input_rate is not None:
                return Rate(self.spec.input_rate)
            raise ActivityError(
                "no activity for the network's input; give its raster or rate under "
                "the name 'input', or a rate for all"
            )
        layer = self.layers[name]
        if layer.rate is not None:
            return Rate(layer.rate)
        if layer.spikes is not None:
            rate = layer.spikes / (self.steps * max(1, layer.n_out))
            if rate > 1:
                raise ActivityError(
                    f"layer {name!r}: {layer.spikes:g} spikes per inference are more "
                    f"than {layer.n_out} units in {self.steps} steps can send"
                )
            return Rate(rate)
        if layer.kind in _PASSES and layer.sources:
            return _transform(layer, [self.of(s) for s in layer.sources])
        raise ActivityError(
            f"no activity for layer {name!r}; give its raster or rate, or a rate for "
            "all layers"
        )


def _transform(layer: LayerSpec, inputs: list[Signal]) -> Signal:
    first = inputs[0]
    if layer.kind == "scale":
        if isinstance(first, Raster):
            return Raster(first.values * np.asarray(layer.note["scale"]))
        return Rate(first.rate, "scaled")
    if layer.kind in ("flatten", "attention"):
        return (
            Raster(first.values.reshape(first.steps, first.samples, -1))
            if isinstance(first, Raster) and layer.kind == "flatten"
            else first
        )
    if layer.kind == "add":
        if all(isinstance(s, Raster) for s in inputs):
            total = inputs[0].values.astype(np.float64)  # type: ignore[union-attr]
            for s in inputs[1:]:
                total = total + s.values  # type: ignore[union-attr]
            return Raster(total)
        quiet = 1.0
        for s in inputs:
            quiet *= 1 - rate_of(s)
        return Rate(1 - quiet, "multibit" if len(inputs) > 1 else "binary")
    if isinstance(first, Raster):
        return Raster(_pool(layer, first.values))
    cells = int(np.prod(layer.kernel))
    # independent units: approximate, as every rate
    rate = 1 - (1 - first.rate) ** cells
    real = layer.kind == "avgpool" or first.input_class == "real"
    return Rate(rate, "real" if real else first.input_class)


def _pool(layer: LayerSpec, x: NDArray[Any]) -> NDArray[Any]:
    if layer.note.get("tokens", False):
        return np.asarray(x.mean(2))
    sums = layer.kind == "avgpool" or layer.note.get("sum", False)
    out = x.astype(np.float64) if sums else x
    for d, (k, s, p) in enumerate(
        zip(layer.kernel, layer.stride, layer.padding, strict=True)
    ):
        axis = out.ndim - len(layer.kernel) + d
        if p:
            width = [(0, 0)] * out.ndim
            width[axis] = (p, p)
            out = np.pad(out, width)
        n = (out.shape[axis] - k) // s + 1
        at = np.arange(n) * s
        parts = [np.take(out, at + tap, axis=axis) for tap in range(k)]
        total = parts[0]
        for part in parts[1:]:
            total = total + part if sums else np.maximum(total, part)
        out = total
    if layer.kind == "avgpool" and not layer.note.get("sum", False):
        out = out / np.prod(layer.kernel)
    return out


def rate_of(signal: Signal) -> float:
    """Return the share of non-zero entries per unit and step."""
    if isinstance(signal, Rate):
        return signal.rate
    return float(np.count_nonzero(signal.values) / signal.values.size)
