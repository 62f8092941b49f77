"""Conjugate gradients on the Schur complement, eight inputs side by side.

Fields have the layout [row, column, input] with one row of zeros above and below, so
that the ends of a bit line need no branch.
"""

import numpy as np

from neuro.compiled import kernel

from .lanes import (
    ZERO,
    add,
    load2,
    load3,
    mul,
    scale,
    store2,
    store3,
    sub,
)


@kernel
def _start(g, dw, db, gw, gb, v, v_far, w, use_w, z, f, line, rho):
    """``z = T_b^-1 (b_S - S w)`` and its energy norm squared."""
    m, n = g.shape
    for i in range(m):
        a = ZERO
        head = scale(gw[0], load2(v, i))
        tail = scale(gw[n], load2(v_far, i))
        for j in range(n):
            rhs = scale(gw[j], a) if j > 0 else head
            if j == n - 1:
                rhs = add(rhs, tail)
            if use_w:
                rhs = add(rhs, scale(g[i, j], load3(w, i + 1, j)))
            a = scale(dw[i, j], rhs)
            store2(line, j, a)
        u = ZERO
        for j in range(n - 1, -1, -1):
            u = add(load2(line, j), scale(gw[j + 1] * dw[i, j], u))
            rhs = scale(gb[i], load3(f, i, j))
            if use_w:
                here = load3(w, i + 1, j)
                rhs = add(rhs, scale(g[i, j], sub(u, here)))
                rhs = add(rhs, scale(gb[i], sub(load3(w, i, j), here)))
                rhs = add(rhs, scale(gb[i + 1], sub(load3(w, i + 2, j), here)))
            else:
                rhs = add(rhs, scale(g[i, j], u))
            store3(f, i + 1, j, scale(db[i, j], rhs))
    s = ZERO
    for j in range(n):
        store2(line, j, ZERO)
    for i in range(m - 1, -1, -1):
        for j in range(n):
            y = add(load3(f, i + 1, j), scale(gb[i + 1] * db[i, j], load2(line, j)))
            store2(line, j, y)
            store3(z, i + 1, j, y)
            d = sub(y, load3(z, i + 2, j))
            s = add(s, add(scale(g[i, j], mul(y, y)), scale(gb[i + 1], mul(d, d))))
    for j in range(n):
        y = load3(z, 1, j)
        s = add(s, scale(gb[0], mul(y, y)))
    store2(rho, 0, s)


@kernel
def _down(g, dw, db, gw, gb, beta, z, p, f, line, energy):
    """Pass A: new direction, word-line solves, forward bit-line sweep, ``p S p``."""
    m, n = g.shape
    b = load2(beta, 0)
    s = ZERO
    for i in range(m):
        a = ZERO
        for j in range(n):
            q = add(load3(z, i + 1, j), mul(b, load3(p, i + 1, j)))
            store3(p, i + 1, j, q)
            d = dw[i, j]
            a = add(scale(d * g[i, j], q), scale(d * gw[j], a))
            store2(line, j, a)
        u = ZERO
        for j in range(n - 1, -1, -1):
            gij = g[i, j]
            u = add(load2(line, j), scale(gw[j + 1] * dw[i, j], u))
            q = load3(p, i + 1, j)
            d = db[i, j]
            store3(
                f,
                i + 1,
                j,
                add(scale(d * gij, u), scale(d * gb[i], load3(f, i, j))),
            )
            r = sub(q, load3(p, i, j))
            s = add(s, add(scale(gij, mul(q, sub(q, u))), scale(gb[i], mul(r, r))))
    for j in range(n):
        q = load3(p, m, j)
        s = add(s, scale(gb[m], mul(q, q)))
    store2(energy, 0, s)


@kernel
def _up(g, db, gb, alpha, z, p, f, w, keep_w, line, rho):
    """Pass B: backward bit-line sweep, new ``z`` and its energy norm squared."""
    m, n = g.shape
    al = load2(alpha, 0)
    s = ZERO
    for j in range(n):
        store2(line, j, ZERO)
    for i in range(m - 1, -1, -1):
        for j in range(n):
            y = add(load3(f, i + 1, j), scale(gb[i + 1] * db[i, j], load2(line, j)))
            store2(line, j, y)
            q = load3(p, i + 1, j)
            x = sub(load3(z, i + 1, j), mul(al, sub(q, y)))
            store3(z, i + 1, j, x)
            d = sub(x, load3(z, i + 2, j))
            s = add(s, add(scale(g[i, j], mul(x, x)), scale(gb[i + 1], mul(d, d))))
            if keep_w:
                store3(w, i + 1, j, add(load3(w, i + 1, j), mul(al, q)))
    for j in range(n):
        x = load3(z, 1, j)
        s = add(s, scale(gb[0], mul(x, x)))
    store2(rho, 0, s)


@kernel
def solve_many(
    g, dw, db, gw, gb, v, v_far, tol, cap, use_w, keep_w, z, p, f, w, out, info
):
    """Solve for eight inputs.

    Parameters
    ----------
    g, dw, db : float64 (m, n)
        Cells and inverse pivots.
    gw, gb : float64 (n + 1,), (m + 1,)
        Segments.
    v, v_far : float64 (m, 8)
        Source voltages.
    tol : float
        On ``sqrt(rho / rho_0)``.
    cap : int
        Iterations at most.
    use_w, keep_w : bool
        Start from `w`; keep `w` up to date.
    z, p, f, w : float64 (m + 2, n, 8)
        Work space; rows 0 and m + 1 are zeros. `w` may be (0, 0, 8) if not kept.
    out : float64 (2, n, 8)
        Currents of the sense end and of the top end are added to it.
    info : float64 (3, 8)
        Row 0: ``rho_0`` (kept if > 0), row 1: last ``rho``; [2, 0]: iterations.
    """
    m, n = g.shape
    line = np.empty((n, 8))
    rho = np.zeros((1, 8))
    new = np.zeros((1, 8))
    energy = np.zeros((1, 8))
    alpha = np.zeros((1, 8))
    beta = np.zeros((1, 8))
    _start(g, dw, db, gw, gb, v, v_far, w, use_w, z, f, line, rho)
    for k in range(8):
        if info[0, k] == 0.0:
            info[0, k] = rho[0, k]
    count = 0
    while True:
        open_lanes = 0
        for k in range(8):
            if rho[0, k] > tol * tol * info[0, k]:
                open_lanes += 1
        if open_lanes == 0 or count >= cap:
            break
        _down(g, dw, db, gw, gb, beta, z, p, f, line, energy)
        for k in range(8):
            going = rho[0, k] > tol * tol * info[0, k] and energy[0, k] > 0.0
            alpha[0, k] = rho[0, k] / energy[0, k] if going else 0.0
        for j in range(n):
            for k in range(8):
                out[0, j, k] += gb[m] * alpha[0, k] * p[m, j, k]
                out[1, j, k] += gb[0] * alpha[0, k] * p[1, j, k]
        _up(g, db, gb, alpha, z, p, f, w, keep_w, line, new)
        for k in range(8):
            beta[0, k] = new[0, k] / rho[0, k] if rho[0, k] > 0.0 else 0.0
            rho[0, k] = new[0, k]
        count += 1
    for k in range(8):
        info[1, k] = rho[0, k]
    info[2, 0] += count
