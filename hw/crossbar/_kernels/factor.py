"""Inverse pivots of all lines and word-line voltages; scalar, done once per array."""

import numpy as np

from neuro.compiled import kernel


@kernel
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
    behind = np.empty(m)
    width = 32  # columns of a block: rows run in the inner loop, within the cache
    for i in range(m):
        behind[i] = gw[0]
    for start in range(0, n, width):
        for i in range(m):
            e = behind[i]
            for j in range(start, min(start + width, n)):
                e = e + g[i, j]
                d = 1.0 / (e + gw[j + 1])
                dw[i, j] = d
                e = gw[j + 1] * e * d
            behind[i] = e
    above = np.full(n, gb[0])
    for i in range(m):
        ahead = gb[i + 1]
        for j in range(n):
            e = above[j] + g[i, j]
            d = 1.0 / (e + ahead)
            db[i, j] = d
            above[j] = ahead * e * d


@kernel
def factor_packed(g, gw, gb, g8, dw, db):
    """Cells and inverse pivots in the layout of ``solve_single``.

    Parameters
    ----------
    g, gw, gb
        As in ``factor``.
    g8, dw, db : float64 (blocks, n, 8)
        Written; padded rows (at the top) are zero.
    """
    m, n = g.shape
    blocks = g8.shape[0]
    pad = 8 * blocks - m
    e8 = np.empty(8)
    for b in range(blocks):
        for k in range(8):
            e8[k] = gw[0]
        for j in range(n):
            ahead = gw[j + 1]
            for k in range(8):
                i = 8 * b + k - pad
                c = g[i, j] if i >= 0 else 0.0
                g8[b, j, k] = c
                e = e8[k] + c
                d = 1.0 / (e + ahead)
                dw[b, j, k] = d
                e8[k] = ahead * e * d
    for k in range(pad):
        for j in range(n):
            dw[0, j, k] = 0.0
            db[0, j, k] = 0.0
    above = np.full(n, gb[0])
    for i in range(m):
        b, k = (i + pad) // 8, (i + pad) % 8
        ahead = gb[i + 1]
        for j in range(n):
            e = above[j] + g[i, j]
            d = 1.0 / (e + ahead)
            db[b, j, k] = d
            above[j] = ahead * e * d


@kernel
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
