"""Statistics of a device as functions of its conductance; measured tables from CSV.

A curve maps conductances in siemens to standard deviations in siemens. Published fits
are in microsiemens or in ``x = G / g_ref``; they are converted here, at the boundary.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import DatasetError, ParameterError

__all__ = ["Curve", "LogFit", "Polynomial", "Saturating", "Table"]

Floats = NDArray[np.float64]
MICRO = 1e-6


@runtime_checkable
class Curve(Protocol):
    """Standard deviation against conductance, both siemens."""

    def __call__(self, g: ArrayLike) -> Floats:
        """Evaluate."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Polynomial:
    """``max(0, scale sum_k c_k (G / g_ref)^k)``.

    Parameters
    ----------
    coefficients : tuple of float
        Ascending.
    g_ref : float
        Siemens; 1e-6 for a fit in microsiemens.
    scale : float
        Siemens per unit of the fit.
    """

    coefficients: tuple[float, ...]
    g_ref: float = MICRO
    scale: float = MICRO

    def __call__(self, g: ArrayLike) -> Floats:
        """Evaluate."""
        x = np.asarray(g, np.float64) / self.g_ref
        value = np.polynomial.polynomial.polyval(x, np.array(self.coefficients))
        return np.asarray(np.maximum(self.scale * value, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturating:
    """``a (1 - exp(-G / b))``, siemens."""

    a: float
    b: float

    def __call__(self, g: ArrayLike) -> Floats:
        """Evaluate."""
        return np.asarray(self.a * -np.expm1(-np.asarray(g, np.float64) / self.b))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFit:
    """Clipped logarithm below a border, polynomial above: dimensionless fits in x.

    ``clip(slope ln x + offset, low, high)`` for ``x < border``, else ``sum c_k x^k``.
    """

    slope: float
    offset: float
    low: float
    high: float
    border: float = np.inf
    coefficients: tuple[float, ...] = (0.0,)

    def __call__(self, x: ArrayLike) -> Floats:
        """Evaluate at ``x = G / g_max``, clipped below at 1e-7."""
        z = np.maximum(np.asarray(x, np.float64), 1e-7)
        log = np.clip(self.slope * np.log(z) + self.offset, self.low, self.high)
        poly = np.polynomial.polynomial.polyval(z, np.array(self.coefficients))
        return np.asarray(np.where(z < self.border, log, poly))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Linear interpolation of measured standard deviations; raises nothing outside.

    Outside its range the end values hold; the device's own range refuses such targets.
    """

    g: tuple[float, ...]
    sigma: tuple[float, ...]

    def __call__(self, g: ArrayLike) -> Floats:
        """Evaluate."""
        return np.asarray(np.interp(np.asarray(g, float), self.g, self.sigma))


def read_columns(path: Any, needed: tuple[str, ...]) -> dict[str, Floats]:
    """Read named columns of a CSV file with a header line.

    Raises
    ------
    DatasetError
        If the file, a column or a number is missing.
    """
    where = Path(path)
    try:
        with where.open(newline="", encoding="utf-8") as stream:
            lines = [row for row in stream if row.strip() and not row.startswith("#")]
    except OSError as error:
        raise DatasetError(f"{where}: cannot be read ({error.strerror})") from None
    reader = csv.DictReader(lines)
    names = [n.strip() for n in reader.fieldnames or []]
    reader.fieldnames = names
    missing = [n for n in needed if n not in names]
    if missing:
        raise DatasetError(
            f"{where}: needs the columns {', '.join(needed)}; found "
            f"{', '.join(names) or 'none'}; missing {', '.join(missing)}"
        )
    columns: dict[str, list[float]] = {n: [] for n in names}
    for k, row in enumerate(reader, start=2):
        for n in names:
            try:
                columns[n].append(float(row[n]))
            except (TypeError, ValueError):
                raise DatasetError(
                    f"{where}, line {k}: {n} is not a number: {row[n]!r}"
                ) from None
    out = {n: np.array(v) for n, v in columns.items()}
    if not out or out[needed[0]].size == 0:
        raise DatasetError(f"{where}: no data lines")
    return out


def table_from_statistics(g: Floats, sigma: Floats) -> Table:
    """Table from sorted or unsorted pairs."""
    order = np.argsort(g)
    if (sigma < 0).any() or (g < 0).any():
        raise ParameterError("measured statistics: conductances and sigma must be >= 0")
    return Table(g=tuple(g[order].tolist()), sigma=tuple(sigma[order].tolist()))
