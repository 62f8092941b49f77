"""What the command line was given: recognised, read, counted."""

import hashlib
import re
import warnings
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from neuro.counts import (
    ActivityError,
    CountWarning,
    NetSpec,
    OpCounts,
    count,
    holds_ledger,
    load_ledger,
    rate_everywhere,
    read_activity,
    spec_of,
)
from neuro.errors import DatasetError, ParameterError

from ._module_input import run_module
from ._usage import UsageError
from .estimate import load_counts

__all__ = ["Source", "count_source", "load_source", "with_bits"]

_IMPORT = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")


@dataclass(frozen=True)
class Source:
    """An input: its kind, its hash, and what was read.

    Attributes
    ----------
    kind : str
        ``run``, ``ledger``, ``nir``, ``architecture``, ``module``.
    path : str
        As given.
    sha256 : str or None
        Of the file; of ``metrics.json`` for a run.
    value : NetSpec, OpCounts, Path or str
        What was read.
    assumed : dict of str to str
        What the input leaves open and was assumed, by the option that states it.
    """

    kind: str
    path: str
    sha256: str | None
    value: Any
    assumed: Mapping[str, str] = field(default_factory=dict)

    def notes(self, args: Namespace) -> list[str]:
        """Return the assumptions that the command line leaves standing."""
        rasters = bool(args.activity) and not str(args.activity).endswith(".csv")
        return [
            text
            for option, text in self.assumed.items()
            if getattr(args, option) is None and not (option == "timesteps" and rasters)
        ]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_source(text: str, *, strict: bool = True) -> Source:
    """Recognise an input by content, then by suffix.

    Raises
    ------
    DatasetError
        If it is missing, unreadable or corrupt.
    """
    path = Path(text)
    if path.is_dir():
        counts = load_counts(path)
        return Source("run", text, _digest(path / "metrics.json"), counts)
    if not path.is_file():
        if _IMPORT.match(text):
            return Source("module", text, None, text)
        raise DatasetError(
            f"{text}: no such file or run folder; give a .nir, .npz, .toml file, the "
            "folder of a finished run, or package.module:attribute"
        )
    head = path.read_bytes()[:8]
    if head.startswith(b"\x89HDF"):
        if path.suffix != ".nir":
            raise DatasetError(f"{text}: an HDF5 file, but not named .nir")
        spec = spec_of(path, strict=strict)
        note = {"timesteps": f"{path.name} states no number of steps: T = 1 assumed"}
        return Source("nir", text, _digest(path), spec, note)
    if head.startswith(b"PK"):
        kind = "ledger" if holds_ledger(path) else "rasters"
        value = load_ledger(path) if kind == "ledger" else path
        return Source(kind, text, _digest(path), value)
    if path.suffix in (".nir", ".npz"):
        raise DatasetError(f"{text}: damaged: not a {path.suffix} file; write it anew")
    if path.suffix not in (".toml", ".yaml", ".yml"):
        raise DatasetError(
            f"{text}: cannot tell what this is; accepted: .nir, .npz, .toml, .yaml, a "
            "run folder, package.module:attribute"
        )
    try:
        spec = spec_of(path, strict=strict)
        plain = path.read_text("utf-8")
    except (ParameterError, UnicodeDecodeError) as error:
        raise DatasetError(str(error)) from None
    assumed = {}
    if "timesteps" not in plain:
        assumed["timesteps"] = f"{path.name} states no timesteps: T = 1 assumed"
    if "weight_bits" not in plain:
        assumed["wbits"] = f"{path.name} states no weight_bits: 32 assumed"
    return Source("architecture", text, _digest(path), spec, assumed)


def with_bits(
    counts: OpCounts,
    *,
    w_bits: int | None = None,
    a_bits: int | None = None,
    v_bits: int | None = None,
) -> OpCounts:
    """Return the ledger with other operand widths."""
    out = OpCounts(counts.n_samples)
    for name, info in counts.layers.items():
        change: dict[str, Any] = {}
        if w_bits is not None:
            change["w_bits"] = w_bits
        if a_bits is not None and info.input_class != "real":
            change["a_bits"] = a_bits
        if v_bits is not None:
            change["v_bits"] = v_bits
        out.layer(name, replace(info, **change))
    for layer, op, a, w, n in counts.entries():
        out.add(layer, op, n, a_bits=a, w_bits=w if w_bits is None else w_bits)
    for (layer, quantity), value in counts.measures.items():
        out.measure(layer, quantity, value)
    return out


def count_source(source: Source, args: Namespace) -> tuple[OpCounts, list[str]]:
    """Count an input with the options of the command line; return warnings too."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CountWarning)
        counts = _count(source, args)
    found = [str(w.message) for w in caught if issubclass(w.category, CountWarning)]
    silent = counts.booked("synop") and not counts.total("synop")
    if silent and not counts.total("mac") and not any("no spikes" in f for f in found):
        found.append(
            "no spikes recorded: check that hooks ran and that states were reset"
        )
    return counts, [*source.notes(args), *dict.fromkeys(found)]


def _count(source: Source, args: Namespace) -> OpCounts:
    if isinstance(source.value, OpCounts):
        # arrays of cim are priced by mode, updates of neurons are counted already
        priced = () if "cim" in (getattr(args, "model", None) or ()) else ("mode",)
        _refuse(source, args, {**_MEASURED, **_BOOKED, **dict.fromkeys(priced)})
        return with_bits(
            source.value, w_bits=args.wbits, a_bits=args.sbits, v_bits=args.vbits
        )
    if source.kind == "module":
        return run_module(source.path, args)
    rules: dict[str, Any] = {
        "zero_weights": args.zero_weights,
        "method": args.count or "exact",
        "mode": args.mode or "clocked",
        "multibit": args.multibit,
        "fold_scale": args.fold_scale,
        "fold_bn": not args.no_fold_bn,
        "time_axis": 1 if args.time_axis == "1" else 0,
        "steps": args.timesteps,
    }
    _refuse(source, args, {"input": None, "input_shape": None})
    if source.kind == "rasters":
        _refuse(source, args, _MEASURED)
        counts = count(source.value, **rules)
        return with_bits(
            counts, w_bits=args.wbits, a_bits=args.sbits, v_bits=args.vbits
        )
    spec: NetSpec = source.value.with_bits(
        w_bits=args.wbits,
        s_bits=args.sbits,
        v_bits=args.vbits,
        steps=args.timesteps,
    )
    return count(spec, _activity(spec, args), **rules)


# options that cannot act on what is already there, and the value that asks for nothing
_MEASURED = {"activity": None, "rate": None, "spikes_per_layer": None}
_BOOKED = {
    "timesteps": None,
    "count": (None, "exact"),
    "zero_weights": "count",
    "multibit": "serial",
    "fold_scale": False,
    "no_fold_bn": False,
    "input": None,
    "input_shape": None,
}


_HELD = {
    "rasters": "its activity is recorded",
    "ledger": "its activity is already counted",
    "run": "its activity is already counted",
}


def _refuse(source: Source, args: Namespace, options: Mapping[str, Any]) -> None:
    """Refuse options that would be ignored."""
    for option, neutral in options.items():
        accepted = neutral if isinstance(neutral, tuple) else (neutral,)
        if getattr(args, option, accepted[0]) not in accepted:
            name = "-T" if option == "timesteps" else f"--{option.replace('_', '-')}"
            reason = {
                "input": "only a module is run on an input",
                "input_shape": "only a module is run on an input",
            }.get(option, _HELD.get(source.kind, ""))
            raise UsageError(
                f"{name} with {source.path}: {reason}; leave the option out"
            )


def _activity(spec: NetSpec, args: Namespace) -> Any:
    given: dict[str, Any] = {}
    if args.activity:
        path = Path(args.activity)
        try:
            given = dict(read_activity(path))
        except OSError as error:
            raise DatasetError(
                f"--activity {path}: cannot be read ({error.strerror or error})"
            ) from None
    if args.spikes_per_layer is not None:
        given |= _per_layer(spec, args)
    if args.rate is not None:
        if not 0 <= args.rate <= 1:
            raise ActivityError(
                f"--rate {args.rate:g}: must lie in [0, 1]; it counts spikes per unit "
                "and step"
            )
        given = {**rate_everywhere(spec, args.rate), **given}
    return given


def _per_layer(spec: NetSpec, args: Namespace) -> Mapping[str, float]:
    layers = [
        la for la in spec.layers if la.neuron and la.neuron not in ("li", "cubali")
    ]
    if not layers:
        layers = [la for la in spec.layers if la.has_weights]
    values = args.spikes_per_layer
    if len(values) != len(layers):
        raise ActivityError(
            f"--spikes-per-layer: {len(values)} numbers for {len(layers)} spiking "
            f"layers ({', '.join(la.name for la in layers)})"
        )
    steps = args.timesteps or spec.steps
    rates = {}
    for layer, spikes in zip(layers, values, strict=True):
        rate = spikes / (steps * layer.n_out)
        if not 0 <= rate <= 1:
            raise ActivityError(
                f"--spikes-per-layer: {spikes:g} spikes in layer {layer.name!r} are "
                f"impossible with {layer.n_out} units in {steps} steps"
            )
        rates[layer.name] = rate
    return rates
