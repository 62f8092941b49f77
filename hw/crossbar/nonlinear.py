"""Arrays whose cells have a nonlinear current-voltage curve: Newton on the circuit.

Each step linearises every cell at its present voltage: a conductance ``dI/dV`` and a
current source beside it, solved exactly; the step is halved while the largest
mismatch of cell currents rises.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ConvergenceError, ParameterError, ShapeError

from ..devices.iv import IVCurve
from ._nodal import Nodal
from .array import Crossbar

__all__ = ["NonlinearSolution", "solve_nonlinear"]

Floats = NDArray[np.float64]


class NonlinearSolution(NamedTuple):
    """Currents (n,), cell voltages (m, n), Newton steps, relative mismatch."""

    I: Floats  # noqa: E741
    v_device: Floats
    steps: int
    mismatch: float


def solve_nonlinear(
    xbar: Crossbar,
    V: ArrayLike,
    iv: IVCurve,
    *,
    tol: float = 1e-10,
    max_steps: int = 50,
) -> NonlinearSolution:
    """Solve one input of a driven array with nonlinear cells.

    Parameters
    ----------
    xbar : Crossbar
        Driven topology; its cells are the conductances at 0 V.
    V : array_like, shape (m,)
        Volts.
    iv : IVCurve
        Of :mod:`hw.devices`.
    tol : float
        On the mismatch of cell currents over the largest cell current.

    Raises
    ------
    ConvergenceError
        With the mismatch.
    """
    if xbar.topology != "driven":
        raise ParameterError(
            f"solve_nonlinear: topology 'driven', got {xbar.topology!r}"
        )
    v = np.asarray(V, np.float64)
    m, n = xbar.shape
    if v.shape != (m,):
        raise ShapeError(f"solve_nonlinear: V of shape ({m},), got {v.shape}")
    g0 = xbar.G
    if xbar.lines.word_zero and xbar.lines.bit_zero:
        drop = np.broadcast_to(v[:, None], (m, n)).copy()
        return NonlinearSolution(iv.current(g0, drop).sum(0), drop, 0, 0.0)
    if not xbar.lines.regular:
        raise ParameterError(
            "solve_nonlinear: needs wire resistance in both directions (or in none)"
        )
    gw, gb = xbar.lines.conductances()
    first = Nodal(g0, gw, gb, xbar.tol, xbar.max_iterations).voltages(v)
    drop = first.word - first.bit
    mismatch = np.inf
    for step in range(1, max_steps + 1):
        slope = np.maximum(iv.slope(g0, drop), 0.0)
        source = iv.current(g0, drop) - slope * drop
        found = Nodal(slope, gw, gb, xbar.tol, xbar.max_iterations).voltages(v, source)
        target = found.word - found.bit
        linear = slope * target + source
        damping = 1.0
        while True:
            trial = drop + damping * (target - drop)
            real = iv.current(g0, trial)
            scale = float(np.abs(real).max()) or 1.0
            error = float(np.abs(real - linear).max()) / scale
            if error < mismatch or damping < 1e-3:
                break
            damping /= 2
        drop, mismatch = trial, error
        if mismatch <= tol:
            return NonlinearSolution(linear.sum(0), drop, step, mismatch)
    raise ConvergenceError(
        f"solve_nonlinear: mismatch {mismatch:.3g} after {max_steps} steps, tol {tol:g}"
    )
