"""Routes to the effective conductance ``I = V @ G_eff`` of a linear array.

Per word line (one solution each), per bit line (by reciprocity, on the array seen from
its sense ends), by dense algebra row by row, or by the sparse factorisation.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError

if TYPE_CHECKING:
    from .array import Crossbar

__all__ = ["ROUTES", "compute_effective"]

Floats = NDArray[np.float64]
ROUTES = ("auto", "rows", "columns", "recursion", "direct")
RECURSION_COLUMNS = 1024  # above, the dense n x n matrices cost more than iterations


def compute_effective(xbar: "Crossbar", method: str) -> Floats:
    """Return the effective conductance (m, n), siemens, by one of :data:`ROUTES`."""
    m, n = xbar.shape
    if xbar._ideal:
        return xbar._ideal_matrix().copy()
    if not xbar._iterative or method == "direct":
        xbar.last_residual = 0.0
        return xbar._direct_currents(np.eye(m))
    open_top = xbar.lines.sense_far is None
    if method == "recursion" and not open_top:
        raise ParameterError(
            "Crossbar.effective_conductance: 'recursion' needs r_sense_far=None"
        )
    if method == "recursion" or (method == "auto" and open_top and _strong(xbar)):
        return xbar._cg().recursion()
    if method == "rows" or (method == "auto" and m <= n):
        return _iterate(xbar, xbar, m)
    found = _iterate(xbar, xbar.transposed(), n)
    return np.ascontiguousarray(found[::-1, ::-1].T)


def _iterate(xbar: "Crossbar", seen: "Crossbar", inputs: int) -> Floats:
    """Solve for one volt at each input of `seen`, the array or its transposed view."""
    out, xbar.last_residual, xbar.last_iterations = seen._cg().currents(
        np.eye(inputs), threads=xbar.threads
    )
    return out


def _strong(xbar: "Crossbar") -> bool:
    """Whether a trial input needs so many iterations that dense algebra is faster."""
    m, n = xbar.shape
    if n > RECURSION_COLUMNS:
        return False
    trial = np.zeros((1, m))
    trial[0] = 1.0
    _, residual, _ = xbar._cg().currents(trial, cap=10 if min(m, n) <= 64 else 14)
    return residual > xbar.tol
