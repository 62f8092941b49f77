"""Named approximations of IR drop: for comparison with other tools, and for training.

The exact solution is :class:`hw.crossbar.Crossbar`; stopped early
(``mvm(V, iterations=2)``) it is an approximation that states its residual.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ConvergenceError, ShapeError

from .. import _checks
from ._inputs import voltages

__all__ = ["cubic_drop", "fixed_point", "scale_factors"]

Floats = NDArray[np.float64]


def fixed_point(
    g: ArrayLike,
    v: ArrayLike,
    r_word: float,
    r_bit: float,
    *,
    tol: float = 1e-3,
    max_iterations: int = 100,
    relaxation: float = 1.0,
) -> tuple[Floats, float]:
    """Device voltages from cumulative drops, CrossSim's iteration.

    Converges without relaxation only while about ``r N^2 mean(G) < 1``; on a failure
    the iteration begins again with less of it: 2 % less down to 0.5, then 30 % less.

    Parameters
    ----------
    g : array_like, shape (m, n)
        Cells, siemens.
    v : array_like, shape (m,)
        Word-line voltages, volts.
    r_word, r_bit : float
        Ohms per segment.
    tol : float
        On `error`; CrossSim's default.
    max_iterations : int
        At one relaxation.
    relaxation : float
        Share of each correction that is applied, in (0.01, 1].

    Returns
    -------
    currents : ndarray, shape (n,)
        Amperes.
    error : float
        Largest change of a device voltage over the largest input.

    Raises
    ------
    ConvergenceError
        If no relaxation converges.
    """
    a = _checks.conductances("fixed_point: g", g)
    x, one = voltages(v, a.shape[0], "fixed_point: v")
    if not one:
        raise ShapeError(f"fixed_point: one input, shape ({a.shape[0]},), at a time")
    x = x[0]
    _checks.number("fixed_point: relaxation", relaxation, 0.01, 1.0, above=True)
    top = float(np.abs(x).max()) or 1.0
    error = np.inf
    while relaxation > 0.01:
        drop = np.broadcast_to(x[:, None], a.shape).copy()
        for _ in range(max_iterations):
            i = a * drop
            along = np.cumsum(np.cumsum(i[:, ::-1], 1)[:, ::-1], 1) * r_word
            down = np.cumsum(np.cumsum(i, 0)[::-1], 0)[::-1] * r_bit
            new = x[:, None] - along - down
            error = float(np.abs(new - drop).max() / top)
            if error < tol:
                return (a * drop).sum(0), error
            if not np.isfinite(error) or error > 1e6:
                break
            drop += relaxation * (new - drop)
        relaxation *= 0.98 if relaxation > 0.5 else 0.7
    raise ConvergenceError(
        f"fixed_point: error {error:.3g} at relaxation 0.01, tol {tol:g}; the array is "
        "too strongly coupled, use Crossbar"
    )


def cubic_drop(
    w: ArrayLike, x: ArrayLike, *, r_wire: float = 0.35, g_max: float = 5e-6
) -> Floats:
    """Bit-line drop of aihwkit's cubic model; for injection while training only.

    Parameters
    ----------
    w : array_like, shape (n, m)
        Weights in -1..1, ``w[post, pre]``.
    x : array_like, shape (m,) or (batch, m)
        Inputs in -1..1.
    r_wire, g_max : float
        Ohms per segment; siemens.
    """
    a, v = np.asarray(w, np.float64), np.asarray(x, np.float64)
    m = a.shape[1]
    load = m * g_max * r_wire * (np.abs(v) @ np.abs(a).T)
    c = 0.05 * load**3 - 0.2 * load**2 + 0.5 * load
    place = 1 - (1 - np.arange(m) / m) ** 2
    return np.asarray(v @ a.T - c * ((v * place) @ a.T))


def scale_factors(g: ArrayLike, g_eff: ArrayLike) -> Floats:
    """One factor per column: effective over ideal column sums.

    Parameters
    ----------
    g, g_eff : array_like, shape (m, n)
        Cells and effective conductances, siemens.

    Returns
    -------
    ndarray of float64, shape (n,)
        1 for a column without cells.
    """
    a, e = np.asarray(g, np.float64), np.asarray(g_eff, np.float64)
    total = a.sum(0)
    return np.where(total > 0, e.sum(0) / np.where(total > 0, total, 1.0), 1.0)
