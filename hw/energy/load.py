"""A ledger seen as work: per layer, booked operations as float64 per sample."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.counts import LayerInfo, OpCounts
from neuro.errors import ParameterError

__all__ = ["LayerLoad", "Load"]

Float = NDArray[np.float64]


@dataclass(frozen=True)
class LayerLoad:
    """Operations of one layer.

    Parameters
    ----------
    name : str
        Name in the ledger.
    info : LayerInfo
        Its description; a bare one where the ledger has none.
    ops : dict of str to ndarray of float64, shape (n_samples,)
        Booked operations only, summed over operand widths.
    widths : dict of str to list of (a_bits, w_bits, ndarray)
        The same by operand widths.
    measures : dict of str to float
        Solved physics, summed over samples.
    described : bool
        Whether the ledger describes the layer.
    """

    name: str
    info: LayerInfo
    n_samples: int
    ops: dict[str, Float]
    widths: dict[str, list[tuple[int, int, Float]]]
    measures: dict[str, float] = field(default_factory=dict)
    described: bool = True

    def booked(self, op: str) -> bool:
        """Whether the operation was booked."""
        return op in self.ops

    def get(self, *names: str) -> Float:
        """Return the sum of operations; 0 where none was booked."""
        total = np.zeros(self.n_samples)
        for op in names:
            if op in self.ops:
                total = total + self.ops[op]
        return total

    @property
    def synops(self) -> Float:
        """Synaptic events, stored zeros included if they were booked."""
        return self.get("synop", "synop_zero")

    @property
    def has_synapses(self) -> bool:
        """Whether events meet weights here; a normalisation has products only."""
        if self.info.kind == "norm":
            return False
        return self.booked("synop") or self.booked("mac") or self.booked("ac")

    @property
    def has_neurons(self) -> bool:
        """Whether neurons are advanced here."""
        return self.booked("neuron_update")

    @property
    def n_in(self) -> int:
        """Units of the input; 0 if unknown."""
        return int(np.prod(self.info.in_shape)) if self.info.in_shape else 0

    @property
    def n_out(self) -> int:
        """Units of the output; 0 if unknown."""
        if self.info.out_shape:
            return int(np.prod(self.info.out_shape))
        return self.info.neurons

    @property
    def w_bits(self) -> int:
        """Width of the stored weights: the ledger's entries, else the description."""
        found = {w for op in ("synop", "ac", "mac") for _, w, _ in self._of(op)}
        return max(found) if found else self.info.w_bits

    @property
    def a_bits(self) -> int:
        """Width of the activations fed in."""
        found = {a for op in ("synop", "mac") for a, _, _ in self._of(op)}
        return max(found) if found else self.info.a_bits

    def _of(self, op: str) -> list[tuple[int, int, Float]]:
        return self.widths.get(op, [])

    def rows(self) -> tuple[Float, bool]:
        """Return input events fed in and whether they had to be derived.

        ``spike_in`` if booked, else ``row_drive``, else synaptic events divided by
        the fan-out of a dense layer.
        """
        for op in ("spike_in", "row_drive"):
            if self.booked(op):
                return self.ops[op], False
        fan_out = self.info.synapses / self.n_in if self.n_in else 0.0
        if fan_out <= 0:
            fan_out = float(self.n_out)
        return (self.synops / fan_out if fan_out else self.synops), True


class Load:
    """All layers of a ledger."""

    def __init__(self, counts: OpCounts) -> None:
        if counts.n_samples < 1:
            raise ParameterError(
                "energy: the ledger has no samples; energy per inference is undefined"
            )
        self.n_samples = counts.n_samples
        ops: dict[str, dict[str, Float]] = {}
        widths: dict[str, dict[str, list[tuple[int, int, Float]]]] = {}
        for layer, op, a_bits, w_bits, n in counts.entries():
            x = n.astype(np.float64)
            by_op = ops.setdefault(layer, {})
            by_op[op] = by_op[op] + x if op in by_op else x
            widths.setdefault(layer, {}).setdefault(op, []).append((a_bits, w_bits, x))
        names = list(counts.layers) + [n for n in ops if n not in counts.layers]
        measured: dict[str, dict[str, float]] = {}
        for (layer, quantity), value in counts.measures.items():
            measured.setdefault(layer, {})[quantity] = value
            if layer not in names:
                names.append(layer)
        if not names:
            raise ParameterError("energy: the ledger is empty; nothing was counted")
        self.layers = [
            LayerLoad(
                name,
                counts.layers.get(name, LayerInfo()),
                self.n_samples,
                ops.get(name, {}),
                widths.get(name, {}),
                measured.get(name, {}),
                name in counts.layers,
            )
            for name in names
        ]

    def __iter__(self) -> Iterator[LayerLoad]:
        return iter(self.layers)

    def total(self, *ops: str) -> Float:
        """Return the sum over layers, shape (n_samples,)."""
        total = np.zeros(self.n_samples)
        for layer in self.layers:
            total += layer.get(*ops)
        return total

    def booked(self) -> set[str]:
        """Operations booked anywhere."""
        return {op for layer in self.layers for op in layer.ops}

    @property
    def synapses(self) -> int:
        """Dense products of one step, all layers."""
        return sum(la.info.synapses or la.info.weights for la in self.layers)

    def as_dict(self) -> dict[str, Any]:
        """Return totals per inference, for reports."""
        return {op: float(self.total(op).mean()) for op in sorted(self.booked())}
