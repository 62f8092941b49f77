"""A torch module as input of the command line: imported, fed, counted."""

import importlib
import sys
import warnings
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from neuro.counts import ActivityError, CountWarning, OpCounts, record
from neuro.errors import DatasetError

from ._usage import UsageError

__all__ = ["run_module"]


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


def run_module(text: str, args: Namespace) -> OpCounts:
    """Run a module on its input and count it.

    ``--time-axis 0`` or ``1``: the steps on that axis are given one by one. ``none``:
    the module gets the whole input and loops itself; ``-T`` then says which axis holds
    the steps, without which layers that take all steps at once cannot be counted.

    Raises
    ------
    UsageError
        For options that do not apply to a module.
    DatasetError
        If there is no such module, or its input cannot be read.
    ActivityError
        If the input does not fit.
    """
    from neuro.errors import optional_import

    for given, option in (
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
        try:
            found = found()
        except Exception as error:  # the user's own code
            raise DatasetError(
                f"{text}: the call failed ({type(error).__name__}: {error}); give a "
                "torch module, or a function without arguments that returns one"
            ) from error
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
    inside = None if loop or args.timesteps is None else _axis_of(x, args.timesteps)
    with (
        torch.no_grad(),
        record(
            found,
            time_axis="caller" if loop else inside,
            zero_weights=args.zero_weights,
            method=args.count or "exact",
            mode=args.mode or "clocked",
            multibit=args.multibit,
            fold_scale=args.fold_scale,
            fold_bn=not args.no_fold_bn,
            membranes=True,
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
    counts: OpCounts = recorder.counts
    if not loop and inside is None:
        _not_folded(counts, x)
    for name, value in recorder.odd_inputs().items():
        warnings.warn(
            f"layer {name!r} is fed with values other than 0 and 1 (first: {value:g}): "
            "counted as multiply-accumulates",
            CountWarning,
            stacklevel=2,
        )
    return counts


def _axis_of(x: Any, steps: int) -> int:
    """Return which of the first two axes of an input holds the steps."""
    for axis in (0, 1):
        if x.ndim > axis and x.shape[axis] == steps:
            return axis
    raise ActivityError(
        f"the input has shape {list(x.shape)}: neither of its first two axes has T = "
        f"{steps} steps; check -T"
    )


def _not_folded(counts: OpCounts, x: Any) -> None:
    """Refuse a run in which layers took steps for samples."""
    lead = [int(n) for n in x.shape[:2]]
    if x.ndim > 2 and counts.n_samples == lead[0] * lead[1] and min(lead) > 1:
        raise ActivityError(
            f"the layers saw {counts.n_samples} = {lead[0]} x {lead[1]} rows at once, "
            "steps and samples together; say which axis is time with -T, or let the "
            "command loop over steps with --time-axis 0 or 1"
        )


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
