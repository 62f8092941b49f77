"""Checks of what a user gives an array: cells and voltages."""

import math
import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError

from .. import _checks

__all__ = ["cell_planes", "voltages"]

Floats = NDArray[np.float64]


def cell_planes(G: ArrayLike, topology: str) -> list[Floats]:
    """Return read-only copies of the cells: one plane, or two of interleaved arrays."""
    if topology == "interleaved":
        try:
            plus, minus = G  # type: ignore[misc, str-unpack]
        except (TypeError, ValueError):
            raise ShapeError(
                "Crossbar: interleaved arrays take G = (G_plus, G_minus)"
            ) from None
        planes = [
            _checks.conductances("Crossbar.G_plus", plus),
            _checks.conductances("Crossbar.G_minus", minus),
        ]
        if planes[0].shape != planes[1].shape:
            raise ShapeError(
                f"Crossbar: G_plus {planes[0].shape} and G_minus "
                f"{planes[1].shape} must have one shape"
            )
    else:
        planes = [_checks.conductances("Crossbar.G", G)]
    high = max(float(p.max()) for p in planes)
    if high > 0.1:
        warnings.warn(
            f"Crossbar.G: {high:g} S is above 0.1 S; conductances are in siemens "
            "(1e-6 for a microsiemens)",
            stacklevel=5,
        )
    planes = [p.copy() for p in planes]
    for p in planes:
        p.flags.writeable = False
    return planes


def voltages(V: ArrayLike, size: int, name: str) -> tuple[Floats, bool]:
    """Return inputs as (batch, size), and whether a single one was given."""
    try:
        given = np.asarray(V)
        if given.dtype.kind == "c":
            raise TypeError
        v = given.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        raise ShapeError(
            f"{name}: expected real numbers, shape ({size},) or (batch, {size})"
        ) from None
    if v.ndim not in (1, 2) or v.shape[-1] != size:
        raise ShapeError(
            f"{name}: expected shape ({size},) or (batch, {size}), got {v.shape}"
        )
    flat = v.reshape(-1)
    if not math.isfinite(float(flat @ flat)) and not np.isfinite(v).all():
        raise ParameterError(f"{name}: NaN or infinite input")
    return np.ascontiguousarray(np.atleast_2d(v)), v.ndim == 1
