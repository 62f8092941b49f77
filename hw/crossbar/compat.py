"""Call of badcrossbar, for an easy change."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError

from .array import Crossbar

__all__ = ["solve"]

Floats = NDArray[np.float64]


def solve(
    applied_voltages: ArrayLike,
    resistances: ArrayLike,
    r_i: float = 0.0,
    *,
    r_i_word_line: float | None = None,
    r_i_bit_line: float | None = None,
) -> Floats:
    """Output currents with the argument order and shapes of badcrossbar's ``compute``.

    Parameters
    ----------
    applied_voltages : array_like, shape (m, p)
        One column per set of inputs, volts.
    resistances : array_like, shape (m, n)
        Cells, ohms; ``inf`` for an open cell.
    r_i : float
        Resistance of every segment, ohms.
    r_i_word_line, r_i_bit_line : float, optional
        Separate values for the two kinds of line.

    Returns
    -------
    ndarray, shape (p, n)
        Amperes.

    References
    ----------
    .. [1] D. Joksas and A. Mehonic, "badcrossbar: A Python tool for computing and
       plotting currents and voltages in passive crossbar arrays", SoftwareX 12,
       100617 (2020).
    """
    r = np.asarray(resistances, np.float64)
    if r.ndim != 2 or (r <= 0).any() or np.isnan(r).any():
        raise ParameterError(
            "solve: resistances must be a matrix of values > 0 ohm (inf: open cell)"
        )
    v = np.asarray(applied_voltages, np.float64)
    if v.ndim != 2 or v.shape[0] != r.shape[0]:
        raise ShapeError(
            f"solve: voltages of shape ({r.shape[0]}, inputs), got {v.shape}"
        )
    xbar = Crossbar(
        1.0 / r,
        r_word=r_i if r_i_word_line is None else r_i_word_line,
        r_bit=r_i if r_i_bit_line is None else r_i_bit_line,
    )
    return xbar.mvm(v.T)
