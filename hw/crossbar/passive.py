r"""Passive arrays with unselected lines: sneak paths and bias schemes.

With ideal wires, all cells R, one cell selected and every other line floating, the
parallel sneak path of an m x n array has resistance
:math:`R [1/(n-1) + 1/((m-1)(n-1)) + 1/(m-1)]`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError

from .. import _checks
from ._direct import Netlist
from ._lines import Lines

__all__ = ["CellRead", "read_cell", "sneak_resistance"]

Floats = NDArray[np.float64]
# voltages of the other word and bit lines, over the read voltage
_HELD = {"grounded": (0.0, 0.0), "half": (0.5, 0.5), "third": (1 / 3, 2 / 3)}


class CellRead(NamedTuple):
    """Current of the selected bit line, of the selected cell, and the rest, amperes."""

    total: float
    cell: float
    leakage: float


def sneak_resistance(m: int, n: int, r: float) -> float:
    """Parallel sneak resistance of a uniform array with ideal wires, ohms.

    Parameters
    ----------
    m, n : int
        Word and bit lines, at least 2 each.
    r : float
        Resistance of every cell, ohms.

    Examples
    --------
    >>> round(sneak_resistance(2, 2, 1e4))
    30000
    """
    _checks.number("sneak_resistance: r", r, 0.0, unit="ohm", above=True)
    if m < 2 or n < 2:
        raise ParameterError(f"sneak_resistance: m, n >= 2, got {m}, {n}")
    return r * (1 / (n - 1) + 1 / ((m - 1) * (n - 1)) + 1 / (m - 1))


def read_cell(
    G: ArrayLike,
    row: int,
    column: int,
    v_read: float,
    *,
    scheme: str = "floating",
    r_word: float = 0.0,
    r_bit: float = 0.0,
    r_source: float = 0.0,
    r_sense: float = 0.0,
) -> CellRead:
    """Read one cell of a passive array.

    Parameters
    ----------
    G : array_like, shape (m, n)
        Siemens.
    row, column : int
        Selected cell.
    v_read : float
        Volts on the selected word line; the selected bit line is at 0 V.
    scheme : {"floating", "grounded", "half", "third"}
        Other lines float; all at 0 V; all at half the read voltage; word lines at a
        third and bit lines at two thirds of it.
    r_word, r_bit, r_source, r_sense : float
        Ohms.
    """
    _checks.choice("read_cell.scheme", scheme, ("floating", *_HELD))
    g = _checks.conductances("read_cell.G", G)
    m, n = g.shape
    if not (0 <= row < m and 0 <= column < n):
        raise ParameterError(f"read_cell: no cell [{row}, {column}] in {m} x {n}")
    lines = Lines.make((m, n), r_word, r_bit, r_source, r_sense, None, None)
    v = np.zeros((1, m))
    if scheme == "floating":
        fw, fb = np.ones(m, bool), np.ones(n, bool)
        fw[row] = fb[column] = False
        v[0, row] = v_read
        words, bits, _ = Netlist([(g, 1.0)], lines, fw, fb).voltages(v)
        i = g * (words[0][0] - bits[0])
    else:
        # every line is held: superpose the word drive and the bit drive
        v[:], w = _HELD[scheme][0] * v_read, np.full((1, n), _HELD[scheme][1] * v_read)
        v[0, row], w[0, n - 1 - column] = v_read, 0.0
        words, bits, _ = Netlist([(g, 1.0)], lines).voltages(v)
        i = g * (words[0][0] - bits[0])
        if w.any():
            turned = np.ascontiguousarray(g[::-1, ::-1].T)
            words, bits, _ = Netlist([(turned, 1.0)], lines.transposed()).voltages(w)
            i = i - (turned * (words[0][0] - bits[0]))[::-1, ::-1].T
    total = float(i[:, column].sum())
    return CellRead(total, float(i[row, column]), total - float(i[row, column]))
