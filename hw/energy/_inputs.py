"""What the command line was given: recognised, read, counted."""

import hashlib
import importlib
import re
import sys
import warnings
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from neuro.counts import (
    ActivityError,
    CountWarning,
    NetSpec,
    OpCounts,
    count,
    rate_everywhere,
    read_activity,
    record,
    spec_of,
)
from neuro.errors import DatasetError, NeuroError, ParameterError

from .estimate import load_counts

__all__ = ["Source", "count_source", "load_source", "with_bits"]

_IMPORT = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")


class UsageError(NeuroError):
    """The command line itself is wrong (exit code 2)."""


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
    value : NetSpec, OpCounts or str
        What was read.
    """

    kind: str
    path: str
    sha256: str | None
    value: Any
    warnings: tuple[str, ...] = ()


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
        return Source("nir", text, _digest(path), spec_of(path, strict=strict))
    if head.startswith(b"PK"):
        return Source("ledger", text, _digest(path), count(path))
    if path.suffix in (".nir", ".npz"):
        raise DatasetError(f"{text}: damaged: not a {path.suffix} file")
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
    notes: tuple[str, ...] = ()
    if "weight_bits" not in plain:
        notes = (f"{path.name} states no weight_bits: 32 assumed",)
    return Source("architecture", text, _digest(path), spec, notes)


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
    return counts, [*source.warnings, *dict.fromkeys(found)]


def _count(source: Source, args: Namespace) -> OpCounts:
    if isinstance(source.value, OpCounts):
        for option in ("activity", "rate", "spikes_per_layer", "timesteps"):
            if getattr(args, option) is not None:
                raise UsageError(
                    f"--{option.replace('_', '-')} with {source.path}: its counts are "
                    "already measured; leave the option out"
                )
        return with_bits(
            source.value, w_bits=args.wbits, a_bits=args.sbits, v_bits=args.vbits
        )
    if source.kind == "module":
        return _run_module(source.path, args)
    spec: NetSpec = source.value.with_bits(
        w_bits=args.wbits,
        s_bits=args.sbits,
        v_bits=args.vbits,
        steps=args.timesteps,
    )
    activity = _activity(spec, args)
    return count(
        spec,
        activity,
        zero_weights=args.zero_weights,
        method=args.count or "exact",
        mode=args.mode,
        multibit=args.multibit,
        fold_scale=args.fold_scale,
        fold_bn=not args.no_fold_bn,
        time_axis=1 if args.time_axis == "1" else 0,
        steps=args.timesteps,
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


def _import(text: str) -> Any:
    name, _, attribute = text.partition(":")
    sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise DatasetError(
            f"{text}: cannot be imported ({error}); give package.module:attribute"
        ) from None
    finally:
        sys.path.remove("")
    return found


def _run_module(text: str, args: Namespace) -> OpCounts:
    from neuro.errors import optional_import

    for given, option in (
        (args.mode == "event", "--mode event"),
        (args.count == "rate", "--count rate"),
        (args.no_fold_bn, "--no-fold-bn"),
        (args.activity is not None, "--activity"),
        (args.spikes_per_layer is not None, "--spikes-per-layer"),
    ):
        if given:
            raise UsageError(
                f"{option} does not apply to a module, which is counted while it runs; "
                "leave the option out"
            )
    torch: Any = optional_import("torch", "grad")
    torch.manual_seed(args.seed)
    found = _import(text)
    if not isinstance(found, torch.nn.Module):
        if not callable(found):
            raise DatasetError(f"{text}: neither a torch module nor a callable")
        found = found()
    if not isinstance(found, torch.nn.Module):
        raise DatasetError(f"{text}: returned {type(found).__name__}, no torch module")
    x = _module_input(torch, args)
    if args.timesteps is not None and args.time_axis in ("0", "1"):
        have = x.shape[int(args.time_axis)]
        if have != args.timesteps:
            raise ActivityError(
                f"the input has T = {have} steps on axis {args.time_axis}, expected "
                f"{args.timesteps}; check --time-axis"
            )
    found.eval()
    loop = args.time_axis in ("0", "1")
    with (
        torch.no_grad(),
        record(
            found,
            time_axis="caller" if loop else None,
            zero_weights=args.zero_weights,
            multibit=args.multibit,
            fold_scale=args.fold_scale,
            w_bits=args.wbits,
            a_bits=args.sbits or 1,
            v_bits=args.vbits or 32,
        ) as recorder,
    ):
        for sub in found.modules():
            if hasattr(sub, "reset_mem"):
                sub.reset_mem()
        if loop:
            for step in x.unbind(int(args.time_axis)):
                found(step)
        else:
            found(x)
    for name, value in recorder.odd_inputs().items():
        warnings.warn(
            f"layer {name!r} is fed with values other than 0 and 1 (first: {value:g}): "
            "counted as multiply-accumulates",
            CountWarning,
            stacklevel=2,
        )
    return recorder.counts


def _module_input(torch: Any, args: Namespace) -> Any:
    if args.input is not None:
        path = Path(args.input)
        try:
            if path.suffix == ".pt":
                x = torch.load(path, weights_only=True)
            else:
                x = torch.as_tensor(np.load(path, allow_pickle=False))
        except (OSError, ValueError, RuntimeError) as error:
            raise DatasetError(f"--input {path}: cannot be read ({error})") from None
        x = x.float()
        if not bool(torch.isfinite(x).all()):
            raise ActivityError(f"--input {path}: holds NaN or infinity")
        if x.numel() == 0:
            raise ActivityError(f"--input {path}: has no samples")
        return x
    if args.input_shape is None or args.rate is None:
        raise ActivityError(
            "a module needs an input: --input FILE.npy|.pt, or --input-shape A,B,... "
            "with --rate R"
        )
    if not 0 <= args.rate <= 1:
        raise ActivityError(f"--rate {args.rate:g}: must lie in [0, 1]")
    shape = [args.batch, *args.input_shape]
    if args.time_axis in ("0", "1"):
        if args.timesteps is None:
            raise UsageError("--time-axis with --input-shape needs -T")
        shape.insert(int(args.time_axis), args.timesteps)
    rng = np.random.default_rng(args.seed)
    return torch.as_tensor((rng.random(shape) < args.rate).astype(np.float32))
