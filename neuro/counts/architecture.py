"""Architecture files: a network's layers as TOML (or YAML), shapes inferred.

::

    name = "nmnist-conv"
    timesteps = 10
    weight_bits = 8
    spike_bits = 1

    [input]
    shape = [2, 34, 34]
    coding = "events"          # events | analog | bits8
    rate = 0.013

    [[layer]]
    type = "conv2d"
    out = 16
    kernel = 5
    padding = 2
    neuron = "lif"
    rate = 0.08                # spikes per neuron and step of this layer's output

``repeat`` (``count`` and nested ``layer`` tables) writes a block several times.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neuro.counts.layers import LayerSpec
from neuro.counts.netspec import NetSpec
from neuro.counts.shapes import known_keys, positive, shaped, share
from neuro.errors import ParameterError, UnsupportedNodeError, did_you_mean

__all__ = ["parse_architecture", "read_architecture"]

_COMMON = ("type", "name", "rate", "spikes_per_inference", "neuron", "from")
_WEIGHTED = (
    "out",
    "bias",
    "weight_bits",
    "spike_bits",
    "membrane_bits",
    "weight_sparsity",
)
_SPATIAL = ("kernel", "stride", "padding", "dilation", "groups")
_KEYS = {
    "conv1d": (*_COMMON, *_WEIGHTED, *_SPATIAL),
    "conv2d": (*_COMMON, *_WEIGHTED, *_SPATIAL),
    "conv3d": (*_COMMON, *_WEIGHTED, *_SPATIAL),
    "linear": (*_COMMON, *_WEIGHTED),
    "pool": (*_COMMON, "kernel", "stride", "padding"),
    "avgpool": (*_COMMON, "kernel", "stride", "padding"),
    "flatten": _COMMON,
    "tokens": _COMMON,
    "tokenmean": _COMMON,
    "attention": (*_COMMON, "heads", "products"),
    "add": (*_COMMON, "with"),
    "repeat": ("type", "count", "layer"),
}
_TOP = ("name", "timesteps", "weight_bits", "spike_bits", "membrane_bits")
_NEURONS = ("lif", "if", "li", "cubalif", "none")
_CODING = {"events": "binary", "analog": "real", "bits8": "real"}


def read_architecture(path: Path | str, *, strict: bool = True) -> NetSpec:
    """Read an architecture file, TOML or (where PyYAML is installed) YAML.

    Raises
    ------
    ParameterError
        If the file is not valid or has an unknown key.
    UnsupportedNodeError
        If a layer type is unknown.
    """
    path = Path(path)
    text = path.read_text("utf-8")
    if path.suffix in (".yaml", ".yml"):
        from neuro.errors import optional_import

        yaml = optional_import("yaml", "dev")
        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ParameterError(f"{path.name}: not valid YAML ({error})") from None
    else:
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ParameterError(f"{path.name}: not valid TOML ({error})") from None
    if not isinstance(data, Mapping):
        raise ParameterError(f"{path.name}: expected tables, got {type(data).__name__}")
    return parse_architecture(data, where=path.name, strict=strict)


def parse_architecture(
    data: Mapping[str, Any], *, where: str = "architecture", strict: bool = True
) -> NetSpec:
    """Build the layers of a parsed description; shapes are inferred."""
    known_keys(where, data, (*_TOP, "input", "layer"))
    entry = data.get("input")
    if not isinstance(entry, Mapping) or "shape" not in entry:
        raise ParameterError(f"{where}: [input] with 'shape' is missing")
    known_keys(f"{where}: [input]", entry, ("shape", "coding", "rate"))
    shape = tuple(positive(f"{where}: input.shape", s) for s in entry["shape"])
    coding = entry.get("coding", "events")
    if coding not in _CODING:
        raise ParameterError(
            f"{where}: input.coding {coding!r}{did_you_mean(str(coding), _CODING)}; "
            f"accepted: {', '.join(_CODING)}"
        )
    widths = {
        key: positive(f"{where}: {key}", data.get(key, default))
        for key, default in (
            ("weight_bits", 32),
            ("spike_bits", 1),
            ("membrane_bits", 32),
            ("timesteps", 1),
        )
    }
    input_bits = {
        "events": widths["spike_bits"],
        "analog": 32,
        "bits8": 8,
    }[coding]
    rows = data.get("layer", [])
    if not isinstance(rows, list) or not rows:
        raise ParameterError(f"{where}: no [[layer]]; the network is empty")
    builder = _Builder(where, widths, shape, input_bits, strict)
    builder.extend(rows)
    if not any(la.has_weights for la in builder.layers):
        raise ParameterError(f"{where}: no layer with weights; the network is empty")
    rate = entry.get("rate")
    return NetSpec(
        name=str(data.get("name", where)),
        layers=tuple(builder.layers),
        input_shape=shape,
        steps=widths["timesteps"],
        input_class=_CODING[coding],
        input_rate=None if rate is None else share(f"{where}: input.rate", rate),
        input_bits=input_bits,
        w_bits=widths["weight_bits"],
        s_bits=widths["spike_bits"],
        v_bits=widths["membrane_bits"],
        skipped=tuple(builder.skipped),
    )


class _Builder:
    """Collects layers and follows the shape."""

    def __init__(
        self,
        where: str,
        widths: Mapping[str, int],
        shape: tuple[int, ...],
        input_bits: int,
        strict: bool,
    ) -> None:
        self.where, self.widths, self.strict = where, widths, strict
        self.shape = shape
        self.shapes = {"input": shape}
        self.previous = "input"
        self.input_bits = input_bits
        self.layers: list[LayerSpec] = []
        self.skipped: list[str] = []
        self._numbers: dict[str, int] = {}

    def extend(self, rows: Sequence[Any]) -> None:
        for row in rows:
            if not isinstance(row, Mapping) or "type" not in row:
                raise ParameterError(f"{self.where}: a layer without 'type': {row!r}")
            kind = row["type"]
            if kind not in _KEYS:
                text = (
                    f"{self.where}: unsupported layer type {kind!r}"
                    f"{did_you_mean(str(kind), _KEYS)}; accepted: {', '.join(_KEYS)}"
                )
                if self.strict:
                    raise UnsupportedNodeError(text)
                self.skipped.append(str(row.get("name", kind)))
                continue
            known_keys(f"{self.where}: {kind}", row, _KEYS[kind])
            if kind == "repeat":
                count = positive(f"{self.where}: repeat.count", row.get("count", 1))
                for _ in range(count):
                    self.extend(row.get("layer", []))
            else:
                self._add(kind, row)

    def _name(self, kind: str, row: Mapping[str, Any]) -> str:
        base = str(row.get("name", kind))
        self._numbers[base] = self._numbers.get(base, 0) + 1
        if "name" in row and self._numbers[base] == 1:
            return base
        name = f"{base}{self._numbers[base]}"
        while name in self.shapes:
            self._numbers[base] += 1
            name = f"{base}{self._numbers[base]}"
        return name

    def _add(self, kind: str, row: Mapping[str, Any]) -> None:
        name = self._name(kind, row)
        where = f"{self.where}: layer {name!r}"
        source = str(row.get("from", self.previous))
        if source not in self.shapes:
            raise ParameterError(
                f"{where}: from = {source!r} is no earlier layer"
                f"{did_you_mean(source, self.shapes)}"
            )
        shape = self.shapes[source]
        neuron = str(row.get("neuron", "")).lower()
        if neuron and neuron not in _NEURONS:
            raise ParameterError(
                f"{where}: neuron {neuron!r}{did_you_mean(neuron, _NEURONS)}; "
                f"accepted: {', '.join(_NEURONS)}"
            )
        spikes = row.get("spikes_per_inference")
        if spikes is not None and not (
            isinstance(spikes, (int, float)) and math.isfinite(spikes) and spikes >= 0
        ):
            raise ParameterError(f"{where}: spikes_per_inference must be >= 0")
        first = source == "input"
        spec = LayerSpec(
            name=name,
            kind=kind,
            in_shape=shape,
            neuron="" if neuron == "none" else neuron,
            sources=(source, *([str(row["with"])] if "with" in row else [])),
            rate=share(f"{where}: rate", row["rate"]) if "rate" in row else None,
            spikes=None if spikes is None else float(spikes),
            bias=bool(row.get("bias", False)),
            w_bits=self._bits(where, row, "weight_bits"),
            a_bits=positive(f"{where}: spike_bits", row["spike_bits"])
            if "spike_bits" in row
            else (self.input_bits if first else self.widths["spike_bits"]),
            v_bits=self._bits(where, row, "membrane_bits"),
            weight_sparsity=share(
                f"{where}: weight_sparsity", row.get("weight_sparsity", 0.0)
            ),
        )
        spec = shaped(where, spec, row)
        self.layers.append(spec)
        self.shapes[name] = spec.out_shape
        self.previous = name

    def _bits(self, where: str, row: Mapping[str, Any], key: str) -> int:
        return positive(f"{where}: {key}", row.get(key, self.widths[key]))
