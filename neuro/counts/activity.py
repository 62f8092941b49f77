"""Recorded activity: rasters or rates per layer, read, checked, classified.

A raster is ``[T, batch, ...]``; a rate is the share of non-zero entries per unit and
step, a number in [0, 1]. Names are those of the layers whose *output* was recorded;
the network's own input is ``"input"``.
"""

import csv
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuro.counts.npz import read_npz
from neuro.errors import ParameterError, did_you_mean

__all__ = [
    "ActivityError",
    "CountWarning",
    "Raster",
    "Rate",
    "Signal",
    "classify",
    "normalise",
    "read_activity",
]

InputClass = Literal["binary", "ternary", "scaled", "multibit", "real"]


class ActivityError(ParameterError):
    """Recorded activity does not fit the network."""


class CountWarning(UserWarning):
    """Something about the counted activity that the user should look at."""


@dataclass(frozen=True)
class Rate:
    """Non-zero entries per unit and step, and what kind of values they are."""

    rate: float
    input_class: InputClass = "binary"


@dataclass(frozen=True)
class Raster:
    """Recorded values, shape (T, batch, *shape)."""

    values: NDArray[Any]

    @property
    def steps(self) -> int:
        """Number of steps."""
        return int(self.values.shape[0])

    @property
    def samples(self) -> int:
        """Number of samples."""
        return int(self.values.shape[1])


Signal = Rate | Raster


def classify(values: NDArray[Any]) -> tuple[InputClass, float | None]:
    """Return the class of all entries and the first one that is not 0 or 1.

    An all-zero array is ``binary``. ``scaled``: one common amplitude; ``multibit``:
    non-negative integers.
    """
    if values.dtype == bool:
        return "binary", None
    flat = values.ravel()
    odd = flat[(flat != 0) & (flat != 1)]
    if odd.size == 0:
        return "binary", None
    first = float(odd[0])
    nonzero = flat[flat != 0]
    if bool(np.isin(nonzero, (-1, 1)).all()):
        return "ternary", first
    if bool((nonzero == nonzero[0]).all()):
        return "scaled", first
    if bool((nonzero > 0).all() and (nonzero == np.rint(nonzero)).all()):
        return "multibit", first
    return "real", first


def read_activity(path: Path | str) -> dict[str, Any]:
    """Read ``.npz``, ``.h5`` (one data set per layer) or ``.csv`` (``layer,rate``).

    Raises
    ------
    ActivityError
        If the file holds something else.
    OSError
        If it cannot be read.
    """
    path = Path(path)
    if path.suffix == ".csv":
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            raise ActivityError(f"{path.name}: not a text file") from None
        rows = [r for r in csv.reader(text.splitlines()) if r]
        if not rows or [c.strip() for c in rows[0]] != ["layer", "rate"]:
            raise ActivityError(
                f"{path.name}: expected the header 'layer,rate' and one row per layer"
            )
        found: dict[str, Any] = {}
        for row in rows[1:]:
            try:
                found[row[0].strip()] = float(row[1])
            except (IndexError, ValueError):
                raise ActivityError(
                    f"{path.name}: row {row!r}: expected LAYER,RATE"
                ) from None
        return found
    if path.suffix in (".h5", ".hdf5"):
        import h5py

        with h5py.File(path, "r") as file:
            arrays: dict[str, Any] = {}

            def visit(name: str, item: Any) -> None:
                if isinstance(item, h5py.Dataset):
                    arrays[name] = item[()]

            file.visititems(visit)
            return arrays
    if path.suffix != ".npz":
        raise ActivityError(
            f"{path.name}: cannot tell what this is; accepted: .npz, .h5, .csv"
        )
    try:
        return read_npz(path)
    except ValueError as error:
        raise ActivityError(
            f"{path.name}: no npz of plain arrays, or damaged ({error}); write it "
            "with numpy.savez"
        ) from None


def normalise(
    activity: Mapping[str, Any],
    known: Iterable[str],
    *,
    steps: int | None = None,
    time_axis: int = 0,
) -> dict[str, Signal]:
    """Check names, values, and shapes.

    Parameters
    ----------
    activity : mapping of str to array or number
        As read.
    known : iterable of str
        Names the network has.
    steps : int, optional
        Required number of steps.
    time_axis : int
        0 for ``[T, batch, ...]``, 1 for ``[batch, T, ...]``.

    Raises
    ------
    ActivityError
        Unknown names (both sets and the closest suggestions), NaN or infinite values,
        a rate outside [0, 1], different T, or axes that look swapped.
    """
    names = list(known)
    unknown = [n for n in activity if n not in names]
    if unknown:
        hints = "".join(did_you_mean(n, names) for n in unknown[:1])
        raise ActivityError(
            f"activity names {', '.join(map(repr, unknown))} are not layers of the "
            f"network; network: {', '.join(names)}; activity: {', '.join(activity)}"
            f"{hints or '; rename the activity'}"
        )
    out: dict[str, Signal] = {}
    for name, value in activity.items():
        if isinstance(value, (Rate, Raster)):
            out[name] = value
            continue
        array = np.asarray(value)
        if array.dtype.kind not in "buif":
            raise ActivityError(
                f"activity {name!r}: expected numbers, got {array.dtype}"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ActivityError(
                f"activity {name!r}: holds NaN or infinity; repair the recording"
            )
        if array.ndim == 0:
            rate = float(array)
            if not 0 <= rate <= 1:
                raise ActivityError(
                    f"activity {name!r}: a rate must lie in [0, 1], got {rate:g}; it "
                    "counts spikes per unit and step"
                )
            out[name] = Rate(rate)
            continue
        if array.ndim < 3:
            raise ActivityError(
                f"activity {name!r}: expected a raster [T, batch, ...] or one rate, "
                f"got shape {array.shape}"
            )
        if time_axis == 1:
            array = np.swapaxes(array, 0, 1)
        if array.shape[1] == 0 or array.shape[0] == 0:
            raise ActivityError(
                f"activity {name!r}: no samples or no steps, shape {array.shape}"
            )
        out[name] = Raster(array)
    _same_axes(out, steps)
    if out and all(isinstance(s, Raster) and not s.values.any() for s in out.values()):
        warnings.warn(
            "no spikes recorded: check that hooks ran and that states were reset",
            CountWarning,
            stacklevel=2,
        )
    return out


def _same_axes(signals: Mapping[str, Signal], steps: int | None) -> None:
    rasters = {k: s for k, s in signals.items() if isinstance(s, Raster)}
    if not rasters:
        return
    first, head = next(iter(rasters.items()))
    if steps is not None:
        for name, s in rasters.items():
            if s.steps != steps:
                swapped = s.samples == steps
                raise ActivityError(
                    f"activity {name!r}: has T = {s.steps} steps, expected {steps}"
                    + (
                        "; axis 1 has that length: give --time-axis 1"
                        if swapped
                        else ""
                    )
                )
    for name, s in rasters.items():
        if (s.steps, s.samples) == (head.steps, head.samples):
            continue
        if (s.samples, s.steps) == (head.steps, head.samples):
            raise ActivityError(
                f"activity {name!r}: axes (T, batch) look swapped against {first!r}: "
                f"{s.values.shape[:2]} and {head.values.shape[:2]}; bring all to "
                "[T, batch, ...], or give --time-axis"
            )
        what = "T" if s.steps != head.steps else "batch"
        raise ActivityError(
            f"activity {name!r}: {what} differs from {first!r}: (T, batch) = "
            f"{s.values.shape[:2]} and {head.values.shape[:2]}"
        )
