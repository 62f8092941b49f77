"""Checks of arguments, one line per mistake."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError, did_you_mean

__all__ = ["choice", "conductances", "fraction", "integer", "number"]


def number(
    name: str,
    value: float,
    low: float = -np.inf,
    high: float = np.inf,
    *,
    unit: str = "",
    above: bool = False,
) -> float:
    """Return `value` as a float within ``low..high`` (``low`` excluded if `above`)."""
    try:
        out = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name}: expected a number, got {value!r}") from None
    if not (low < out if above else low <= out) or not out <= high:
        sign = ">" if above else ">="
        bound = f"{sign} {low:g}" if high == np.inf else f"{low:g}..{high:g}"
        raise ParameterError(
            f"{name}: expected {bound}{f' {unit}' * bool(unit)}, got {value!r}"
        )
    return out


def fraction(name: str, value: float) -> float:
    """Return `value` as a float in 0..1, with a hint where percent was meant."""
    if isinstance(value, int | float) and 1 < value <= 100:
        raise ParameterError(
            f"{name}: expected a fraction 0..1, got {value!r}; "
            f"for {value} percent write {value / 100:g}"
        )
    return number(name, value, 0.0, 1.0)


def choice(name: str, value: str, accepted: tuple[str, ...]) -> str:
    """Return `value` if it is one of `accepted`."""
    if value not in accepted:
        raise ParameterError(
            f"{name}: got {value!r}, accepted: {', '.join(accepted)}"
            f"{did_you_mean(str(value), accepted)}"
        )
    return value


def conductances(name: str, g: ArrayLike) -> NDArray[np.float64]:
    """Return a matrix of finite conductances >= 0 S; the message names the cell.

    Raises
    ------
    ShapeError
        If it is not two-dimensional or empty.
    ParameterError
        If a cell is negative, NaN or infinite.
    """
    try:
        out = np.ascontiguousarray(g, dtype=np.float64)
    except (TypeError, ValueError):
        raise ShapeError(f"{name}: expected a matrix of siemens") from None
    if out.ndim != 2 or out.size == 0:
        raise ShapeError(
            f"{name}: expected shape (word lines, bit lines), both >= 1, "
            f"got {out.shape}"
        )
    if not (out.min() >= 0 and out.max() < np.inf):  # NaN fails both
        bad = ~(np.isfinite(out) & (out >= 0))
        i, j = np.argwhere(bad)[0]
        raise ParameterError(
            f"{name}[{i}, {j}]: expected a finite conductance >= 0 S, got {out[i, j]}; "
            f"{int(bad.sum())} such cells (an open cell is 0)"
        )
    return out


def integer(name: str, value: Any, low: int = 0, high: int = 2**31) -> int:
    """Return `value` as an int within ``low..high``."""
    if not isinstance(value, int | np.integer) or not low <= int(value) <= high:
        raise ParameterError(
            f"{name}: expected an integer {low}..{high}, got {value!r}"
        )
    return int(value)
