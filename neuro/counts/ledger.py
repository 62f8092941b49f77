r"""The ledger that every model fills: exact integer operation counts.

One count belongs to a layer, an operation, the widths of its two operands and one
sample (one inference, all its steps). Counts are ``int64``; nothing is averaged and
nothing is priced here. Two ledgers add sample by sample, which makes the sum additive
and associative: a network, a read-out and a learning rule may keep their own.

Operations
----------
``synop``          input event met a stored weight that is not zero
``synop_zero``     input event met a stored zero weight
``ac``, ``mac``    additions / multiply-accumulates done for those events
``bias``           additions of a bias
``neuron_update``  one neuron advanced by one step (or by one event)
``spike_in``       non-zero entries fed into a layer; ``spike_out`` sent out
``reset``          membrane resets
``plastic``        one weight changed by learning (read, add, write)
``grow``           one synapse created (write)
``row_drive``      crossbar rows driven; ``array_read`` arrays read;
``adc_convert``    columns converted

A booked 0 is 0; an operation that was never booked is "not counted".
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError, ShapeError, did_you_mean

__all__ = ["OPS", "LayerInfo", "OpCounts"]

SCHEMA = "neuro.counts/1"
OPS = (
    "synop",
    "synop_zero",
    "ac",
    "mac",
    "bias",
    "neuron_update",
    "spike_in",
    "spike_out",
    "reset",
    "plastic",
    "grow",
    "row_drive",
    "array_read",
    "adc_convert",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerInfo:
    """What an energy model must know of a layer besides its counts.

    Parameters
    ----------
    kind : str
        ``"linear"``, ``"conv"``, ``"projection"``, ``"segment"`` (HTM), ``"mac"``
        (Sparsey), ``"array"`` (crossbar tile), ``"population"``, ``"pool"``.
    in_shape, out_shape : tuple of int
        Shapes of one sample and step, without batch.
    kernel, stride, padding, dilation : tuple of int
        Of a convolution; empty otherwise.
    groups : int
        Convolution groups.
    weights : int
        Stored weights, biases not included.
    synapses : int
        Dense products of one step and sample, padding included; 0 if unknown.
    synapses_valid : int
        The same without products that touch zero padding; 0 if not counted apart.
    nonzero : int
        Stored weights that are not zero; -1 if unknown.
    neurons : int
        Neurons fed by the layer; 0 if none.
    steps : int
        Time steps of one sample.
    w_bits, a_bits, v_bits : int
        Widths of weight, activation and membrane.
    bias, leaky : bool
        Whether a bias is added, whether the neurons leak.
    input_class : str
        ``"binary"``, ``"ternary"``, ``"multibit"`` or ``"real"``.
    """

    kind: str = "projection"
    in_shape: tuple[int, ...] = ()
    out_shape: tuple[int, ...] = ()
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    padding: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    groups: int = 1
    weights: int = 0
    synapses: int = 0
    synapses_valid: int = 0
    nonzero: int = -1
    neurons: int = 0
    steps: int = 1
    w_bits: int = 32
    a_bits: int = 1
    v_bits: int = 32
    bias: bool = False
    leaky: bool = True
    input_class: str = "binary"

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {
            k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "LayerInfo":
        """Rebuild from :meth:`to_dict`; unknown keys are refused."""
        known = {f.name for f in fields(cls)}
        for key in data:
            if key not in known:
                raise ParameterError(
                    f"LayerInfo: unknown key {key!r}{did_you_mean(key, known)}"
                )
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in data.items()
        }
        return cls(**values)


Key = tuple[str, str, int, int]


class OpCounts:
    """Exact operation counts per layer, operation, operand widths and sample.

    Parameters
    ----------
    n_samples : int
        Samples known beforehand; grows when a later sample is booked.

    Examples
    --------
    >>> counts = OpCounts()
    >>> counts.add("hidden", "synop", 120)
    >>> counts.add("hidden", "synop", 80, sample=1)
    >>> counts.per_sample("synop")
    array([120,  80])
    """

    def __init__(self, n_samples: int = 0) -> None:
        self.layers: dict[str, LayerInfo] = {}
        self.measures: dict[tuple[str, str], float] = {}
        self._n_samples = int(n_samples)
        self._counts: dict[Key, NDArray[np.int64]] = {}

    @property
    def n_samples(self) -> int:
        """Number of samples booked or declared."""
        return self._n_samples

    def layer(self, name: str, info: LayerInfo) -> None:
        """Describe a layer; the same layer may be described again identically."""
        known = self.layers.get(name)
        if known is not None and known != info:
            raise ParameterError(
                f"OpCounts.layer: {name!r} is already described differently"
            )
        self.layers[name] = info

    def add(
        self,
        layer: str,
        op: str,
        n: int | NDArray[np.integer[Any]],
        *,
        a_bits: int = 1,
        w_bits: int = 32,
        sample: int = 0,
    ) -> None:
        """Book operations.

        Parameters
        ----------
        layer : str
            Name of the layer.
        op : str
            One of :data:`OPS`.
        n : int or ndarray of int, shape (n_samples,)
            Number of operations; an array books sample ``sample`` and following.
        a_bits, w_bits : int
            Widths of activation and weight.
        sample : int
            First sample booked.

        Raises
        ------
        ParameterError
            If `op` is unknown, `n` negative or not an integer.
        """
        if op not in OPS:
            raise ParameterError(
                f"OpCounts.add: unknown operation {op!r}{did_you_mean(op, OPS)}"
            )
        values = np.atleast_1d(np.asarray(n))
        if values.dtype.kind not in "iub" or values.ndim != 1:
            raise ShapeError(
                f"OpCounts.add: {layer}.{op}: expected an integer or a 1-D integer "
                f"array, got {values.dtype} of shape {values.shape}"
            )
        values = values.astype(np.int64)
        if values.size and values.min() < 0:
            raise ParameterError(f"OpCounts.add: {layer}.{op}: negative count")
        end = sample + values.size
        self._n_samples = max(self._n_samples, end)
        key = (layer, op, int(a_bits), int(w_bits))
        held = self._counts.get(key)
        if held is None or held.size < end:
            grown = np.zeros(max(end, self._n_samples), np.int64)
            if held is not None:
                grown[: held.size] = held
            held = self._counts[key] = grown
        held[sample:end] += values

    def measure(self, layer: str, quantity: str, value: float) -> None:
        """Add a physical quantity that hw solved, e.g. ``array_j`` in joules."""
        key = (layer, quantity)
        self.measures[key] = self.measures.get(key, 0.0) + float(value)

    def measured(self, quantity: str, layer: str | None = None) -> float | None:
        """Return the sum of a measured quantity, or None if never measured."""
        found = [
            v
            for (name, q), v in self.measures.items()
            if q == quantity and layer in (None, name)
        ]
        return float(sum(found)) if found else None

    def booked(self, op: str, layer: str | None = None) -> bool:
        """Whether `op` was ever booked (a booked 0 counts)."""
        return any(k[1] == op and layer in (None, k[0]) for k in self._counts)

    def per_sample(self, op: str, layer: str | None = None) -> NDArray[np.int64]:
        """Return counts of one operation, int64, shape (n_samples,)."""
        total = np.zeros(self._n_samples, np.int64)
        for key, n in self._counts.items():
            if key[1] == op and layer in (None, key[0]):
                total[: n.size] += n
        return total

    def total(self, op: str, layer: str | None = None) -> int:
        """Return the sum over all samples."""
        return int(self.per_sample(op, layer).sum())

    def entries(self) -> Iterable[tuple[str, str, int, int, NDArray[np.int64]]]:
        """Yield ``(layer, op, a_bits, w_bits, n)``, n int64 of shape (n_samples,)."""
        for key in sorted(self._counts):
            n = np.zeros(self._n_samples, np.int64)
            held = self._counts[key]
            n[: held.size] = held
            yield (*key, n)

    def __add__(self, other: "OpCounts") -> "OpCounts":
        if not isinstance(other, OpCounts):
            return NotImplemented
        out = OpCounts(max(self._n_samples, other._n_samples))
        for part in (self, other):
            for name, info in part.layers.items():
                out.layer(name, info)
            for layer, op, a_bits, w_bits, n in part.entries():
                out.add(layer, op, n, a_bits=a_bits, w_bits=w_bits)
            for (layer, quantity), value in part.measures.items():
                out.measure(layer, quantity, value)
        return out

    @classmethod
    def concatenate(cls, parts: Iterable["OpCounts"]) -> "OpCounts":
        """Join the samples of several ledgers one behind the other."""
        out = cls()
        start = 0
        for part in parts:
            for name, info in part.layers.items():
                out.layer(name, info)
            for layer, op, a_bits, w_bits, n in part.entries():
                out.add(layer, op, n, a_bits=a_bits, w_bits=w_bits, sample=start)
            for (layer, quantity), value in part.measures.items():
                out.measure(layer, quantity, value)
            start += part.n_samples
            out._n_samples = max(out._n_samples, start)
        return out

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OpCounts) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        names = sorted({k[0] for k in self._counts} | set(self.layers))
        return f"OpCounts({self._n_samples} samples, layers: {', '.join(names)})"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, the ``counts`` of a run record."""
        return {
            "schema": SCHEMA,
            "n_samples": self._n_samples,
            "layers": {k: self.layers[k].to_dict() for k in sorted(self.layers)},
            "entries": [
                {"layer": la, "op": op, "a_bits": a, "w_bits": w, "n": n.tolist()}
                for la, op, a, w, n in self.entries()
            ],
            "measures": [
                {"layer": la, "quantity": q, "value": self.measures[(la, q)]}
                for la, q in sorted(self.measures)
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "OpCounts":
        """Rebuild from :meth:`to_dict`.

        Raises
        ------
        ParameterError
            If the schema is unknown.
        """
        if data.get("schema") != SCHEMA:
            raise ParameterError(
                f"OpCounts.from_dict: expected schema {SCHEMA!r}, "
                f"got {data.get('schema')!r}"
            )
        out = cls(int(data["n_samples"]))
        for name, info in data["layers"].items():
            out.layer(name, LayerInfo.from_dict(info))
        for e in data["entries"]:
            out.add(
                e["layer"],
                e["op"],
                np.asarray(e["n"], np.int64),
                a_bits=e["a_bits"],
                w_bits=e["w_bits"],
            )
        for m in data["measures"]:
            out.measure(m["layer"], m["quantity"], m["value"])
        return out
