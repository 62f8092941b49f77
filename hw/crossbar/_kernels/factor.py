"""Inverse pivots of all lines and word-line voltages; scalar, done once per array."""

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy", nogil=True)
def factor(g, gw, gb, dw, db):
    """Inverse pivots of the word-line and bit-line tridiagonals.

    The pivot is the conductance to ground seen along the line behind a node plus the
    segment ahead; written this way nothing cancels.

    Parameters
    ----------
    g : float64 (m, n)
        Cells, S.
    gw : float64 (n + 1,)
        Word-line segments: source, between columns, far end (0: open), S.
    gb : float64 (m + 1,)
        Bit-line segments: top end (0: open), between rows, sense, S.
    dw, db : float64 (m, n)
        Written: inverse pivots, ohm.
    """
    m, n = g.shape
    for i in range(m):
        e = gw[0] + g[i, 0]
        for j in range(n):
            if j > 0:
                e = g[i, j] + gw[j] * e / (gw[j] + e)
            dw[i, j] = 1.0 / (e + gw[j + 1])
    behind = np.zeros(n)
    for i in range(m):
        for j in range(n):
            if i == 0:
                e = gb[0] + g[i, j]
            else:
                e = g[i, j] + gb[i] * behind[j] / (gb[i] + behind[j])
            behind[j] = e
            db[i, j] = 1.0 / (e + gb[i + 1])


@njit(cache=True, error_model="numpy", nogil=True)
def word_voltages(g, dw, gw, v, v_far, w, c, u):
    """Word-line voltages ``u = T_w^-1 (b + G w - c)`` for one input.

    Parameters
    ----------
    g, dw : float64 (m, n)
        Cells and inverse pivots.
    gw : float64 (n + 1,)
        Word-line segments.
    v, v_far : float64 (m,)
        Source voltages at column 0 and at the far end.
    w : float64 (m, n)
        Bit-line voltages.
    c : float64 (m, n)
        Extra current from word line to bit line in each cell.
    u : float64 (m, n)
        Written.
    """
    m, n = g.shape
    for i in range(m):
        a = 0.0
        for j in range(n):
            rhs = g[i, j] * w[i, j] - c[i, j]
            if j == 0:
                rhs += gw[0] * v[i]
            if j == n - 1:
                rhs += gw[n] * v_far[i]
            if j > 0:
                rhs += gw[j] * a
            a = dw[i, j] * rhs
            u[i, j] = a
        for j in range(n - 2, -1, -1):
            u[i, j] += gw[j + 1] * dw[i, j] * u[i, j + 1]
