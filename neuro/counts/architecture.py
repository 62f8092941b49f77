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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neuro.counts.layers import LayerSpec, conv_out
from neuro.errors import ParameterError, UnsupportedNodeError, did_you_mean

__all__ = ["NetSpec", "parse_architecture", "read_architecture"]

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


@dataclass(frozen=True)
class NetSpec:
    """Layers in order, the input, and the widths.

    Parameters
    ----------
    name : str
        Name of the network.
    layers : tuple of LayerSpec
        In topological order.
    input_shape : tuple of int
        Shape of the input of one step.
    steps : int
        Time steps.
    input_class : str
        ``"binary"`` (events), ``"real"``.
    input_rate : float or None
        Non-zero entries per input unit and step.
    input_bits : int
        Bits of one input value.
    w_bits, s_bits, v_bits : int
        Defaults of the network.
    """

    name: str
    layers: tuple[LayerSpec, ...]
    input_shape: tuple[int, ...]
    steps: int = 1
    input_class: str = "binary"
    input_rate: float | None = None
    input_bits: int = 1
    w_bits: int = 32
    s_bits: int = 1
    v_bits: int = 32
    skipped: tuple[str, ...] = ()

    def layer(self, name: str) -> LayerSpec:
        """Return a layer by name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ParameterError(
            f"{self.name}: no layer {name!r}"
            f"{did_you_mean(name, [la.name for la in self.layers])}"
        )

    def with_bits(
        self,
        *,
        w_bits: int | None = None,
        s_bits: int | None = None,
        v_bits: int | None = None,
        steps: int | None = None,
    ) -> "NetSpec":
        """Return a copy with other widths on every layer, or other steps."""
        for name, value in (
            ("weight bits", w_bits),
            ("spike bits", s_bits),
            ("membrane bits", v_bits),
            ("timesteps", steps),
        ):
            if value is not None and value < 1:
                raise ParameterError(f"{self.name}: {name} must be >= 1, got {value}")
        layers = []
        for k, layer in enumerate(self.layers):
            change: dict[str, Any] = {}
            if w_bits is not None:
                change["w_bits"] = w_bits
            if v_bits is not None:
                change["v_bits"] = v_bits
            if s_bits is not None and not (k == 0 and self.input_class == "real"):
                change["a_bits"] = s_bits
            layers.append(replace(layer, **change))
        return replace(
            self,
            layers=tuple(layers),
            w_bits=w_bits or self.w_bits,
            s_bits=s_bits or self.s_bits,
            v_bits=v_bits or self.v_bits,
            steps=steps or self.steps,
        )


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


def _known(where: str, data: Mapping[str, Any], keys: Sequence[str]) -> None:
    for key in data:
        if key not in keys:
            raise ParameterError(
                f"{where}: unknown key {key!r}{did_you_mean(key, keys)}; "
                f"accepted: {', '.join(keys)}"
            )


def _positive(where: str, value: Any, *, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ParameterError(f"{where}: expected an integer >= {least}, got {value!r}")
    return int(value)


def _share(where: str, value: Any) -> float:
    ok = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not ok or not math.isfinite(value) or not 0 <= value <= 1:
        raise ParameterError(f"{where}: expected a rate in [0, 1], got {value!r}")
    return float(value)


def _tuple(where: str, value: Any, n: int, *, least: int = 1) -> tuple[int, ...]:
    values = value if isinstance(value, (list, tuple)) else [value] * n
    if len(values) != n:
        raise ParameterError(f"{where}: expected {n} numbers, got {value!r}")
    return tuple(_positive(where, v, least=least) for v in values)


def parse_architecture(
    data: Mapping[str, Any], *, where: str = "architecture", strict: bool = True
) -> NetSpec:
    """Build the layers of a parsed description; shapes are inferred."""
    _known(where, data, (*_TOP, "input", "layer"))
    entry = data.get("input")
    if not isinstance(entry, Mapping) or "shape" not in entry:
        raise ParameterError(f"{where}: [input] with 'shape' is missing")
    _known(f"{where}: [input]", entry, ("shape", "coding", "rate"))
    shape = tuple(_positive(f"{where}: input.shape", s) for s in entry["shape"])
    coding = entry.get("coding", "events")
    if coding not in _CODING:
        raise ParameterError(
            f"{where}: input.coding {coding!r}{did_you_mean(str(coding), _CODING)}; "
            f"accepted: {', '.join(_CODING)}"
        )
    widths = {
        key: _positive(f"{where}: {key}", data.get(key, default))
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
        input_rate=None if rate is None else _share(f"{where}: input.rate", rate),
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
            _known(f"{self.where}: {kind}", row, _KEYS[kind])
            if kind == "repeat":
                count = _positive(f"{self.where}: repeat.count", row.get("count", 1))
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
            rate=_share(f"{where}: rate", row["rate"]) if "rate" in row else None,
            spikes=None if spikes is None else float(spikes),
            bias=bool(row.get("bias", False)),
            w_bits=self._bits(where, row, "weight_bits"),
            a_bits=_positive(f"{where}: spike_bits", row["spike_bits"])
            if "spike_bits" in row
            else (self.input_bits if first else self.widths["spike_bits"]),
            v_bits=self._bits(where, row, "membrane_bits"),
            weight_sparsity=_share(
                f"{where}: weight_sparsity", row.get("weight_sparsity", 0.0)
            ),
        )
        spec = self._shaped(where, spec, row)
        self.layers.append(spec)
        self.shapes[name] = spec.out_shape
        self.previous = name

    def _bits(self, where: str, row: Mapping[str, Any], key: str) -> int:
        return _positive(f"{where}: {key}", row.get(key, self.widths[key]))

    def _shaped(self, where: str, spec: LayerSpec, row: Mapping[str, Any]) -> LayerSpec:
        kind, shape = spec.kind, spec.in_shape
        if kind in ("conv1d", "conv2d", "conv3d"):
            return self._conv(where, spec, row, int(kind[4]))
        if kind == "linear":
            out = _positive(f"{where}: out", row.get("out"))
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
            kernel = _tuple(f"{where}: kernel", row.get("kernel", 2), n)
            stride = _tuple(f"{where}: stride", row.get("stride", list(kernel)), n)
            pad = _tuple(f"{where}: padding", row.get("padding", 0), n, least=0)
            sizes = tuple(
                conv_out(s, k, st, p, p, 1)
                for s, k, st, p in zip(shape[1:], kernel, stride, pad, strict=True)
            )
            self._fits(where, shape, sizes)
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
            return replace(
                spec, kind="flatten", out_shape=(math.prod(shape[1:]), shape[0])
            )
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
                note={"products": _positive(f"{where}: products", products)},
            )
        return replace(spec, out_shape=shape)

    def _conv(
        self, where: str, spec: LayerSpec, row: Mapping[str, Any], n: int
    ) -> LayerSpec:
        shape = spec.in_shape
        if len(shape) != n + 1:
            raise ParameterError(
                f"{where}: {spec.kind} needs an input of {n + 1} dimensions (channels "
                f"first), got {list(shape)}"
            )
        out = _positive(f"{where}: out", row.get("out"))
        kernel = _tuple(f"{where}: kernel", row.get("kernel", 3), n)
        stride = _tuple(f"{where}: stride", row.get("stride", 1), n)
        dilation = _tuple(f"{where}: dilation", row.get("dilation", 1), n)
        pad = row.get("padding", 0)
        ends: tuple[int, ...] = ()
        if pad == "same":
            total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
            padding = tuple(t // 2 for t in total)
            ends = tuple(t - t // 2 for t in total)
        else:
            padding = _tuple(f"{where}: padding", pad, n, least=0)
        groups = _positive(f"{where}: groups", row.get("groups", 1))
        if shape[0] % groups or out % groups:
            raise ParameterError(
                f"{where}: groups = {groups} does not divide channels {shape[0]} and "
                f"{out}"
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
        self._fits(where, shape, sizes)
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

    @staticmethod
    def _fits(where: str, shape: tuple[int, ...], sizes: tuple[int, ...]) -> None:
        if min(sizes, default=1) < 1:
            raise ParameterError(
                f"{where}: the kernel is larger than its input {list(shape)}"
            )
