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


class CellRead(NamedTuple):
    """Current of the selected bit line, of the selected cell, and the rest, amperes."""

    total: float
    cell: float
    leakage: float


def sneak_resistance(m: int, n: int, r: float) -> float:
    """Parallel sneak resistance of a uniform array, ohms."""
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
    scheme : {"floating", "grounded", "half"}
        Other lines float; other word lines at 0 V and bit lines at 0 V; or both at half
        the read voltage.
    r_word, r_bit, r_source, r_sense : float
        Ohms.
    """
    _checks.choice("read_cell.scheme", scheme, ("floating", "grounded", "half"))
    g = _checks.conductances("read_cell.G", G)
    m, n = g.shape
    if not (0 <= row < m and 0 <= column < n):
        raise ParameterError(f"read_cell: no cell [{row}, {column}] in {m} x {n}")
    lines = Lines.make((m, n), r_word, r_bit, r_source, r_sense, None, None)
    v = np.zeros((1, m))
    if scheme == "half":
        # shift all potentials by -V/2: the selected word line is at +V/2, the selected
        # bit line at -V/2 and all others at 0: superpose word and bit drive
        one = Netlist([(g, 1.0)], lines)
        v[0, row] = v_read / 2
        words, bits, _ = one.voltages(v)
        i = g * (words[0][0] - bits[0])
        flipped = Netlist(
            [(np.ascontiguousarray(g[::-1, ::-1].T), 1.0)], lines.transposed()
        )
        w = np.zeros((1, n))
        w[0, n - 1 - column] = -v_read / 2
        words, bits, _ = flipped.voltages(w)
        back = (g[::-1, ::-1].T * (words[0][0] - bits[0]))[::-1, ::-1].T
        i = i - back
    else:
        fw, fb = np.ones(m, bool), np.ones(n, bool)
        fw[row] = fb[column] = False
        if scheme == "grounded":
            fw[:], fb[:] = False, False
        net = Netlist([(g, 1.0)], lines, fw, fb)
        v[0, row] = v_read
        words, bits, _ = net.voltages(v)
        i = g * (words[0][0] - bits[0])
    total = float(i[:, column].sum())
    return CellRead(total, float(i[row, column]), total - float(i[row, column]))
