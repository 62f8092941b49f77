"""The same iteration for one input, eight word lines side by side.

Fields have the layout [block of 8 rows, column, row in block]; missing rows are padded
at the top with ``g = dw = db = 0``, which keeps them exactly at zero.
"""

import numpy as np

from neuro.compiled import kernel

from .lanes import (
    ZERO,
    add,
    full,
    load2,
    load3,
    mul,
    scale,
    store2,
    store3,
    sub,
    total,
)


@kernel
def _chain_down(rhs, d, gb, start):
    """Forward bit-line sweep through eight rows: ``f_r = d_r (rhs_r + gb_r f_r-1)``."""
    f0 = d[0] * rhs[0] + d[0] * gb[0] * start
    f1 = d[1] * rhs[1] + d[1] * gb[1] * f0
    f2 = d[2] * rhs[2] + d[2] * gb[2] * f1
    f3 = d[3] * rhs[3] + d[3] * gb[3] * f2
    f4 = d[4] * rhs[4] + d[4] * gb[4] * f3
    f5 = d[5] * rhs[5] + d[5] * gb[5] * f4
    f6 = d[6] * rhs[6] + d[6] * gb[6] * f5
    f7 = d[7] * rhs[7] + d[7] * gb[7] * f6
    return (f0, f1, f2, f3, f4, f5, f6, f7)


@kernel
def _chain_up(f, t, start):
    """Backward sweep: ``y_r = f_r + t_r y_r+1``."""
    y7 = f[7] + t[7] * start
    y6 = f[6] + t[6] * y7
    y5 = f[5] + t[5] * y6
    y4 = f[4] + t[4] * y5
    y3 = f[3] + t[3] * y4
    y2 = f[2] + t[2] * y3
    y1 = f[1] + t[1] * y2
    y0 = f[0] + t[0] * y1
    return (y0, y1, y2, y3, y4, y5, y6, y7)


@kernel
def _before(x, start):
    """The row above each lane."""
    return (start, x[0], x[1], x[2], x[3], x[4], x[5], x[6])


@kernel
def _after(x, end):
    """The row below each lane."""
    return (x[1], x[2], x[3], x[4], x[5], x[6], x[7], end)


@kernel
def _start(g, dw, db, gw, gb, gd, v, v_far, w, c, use_w, use_c, z, f, line, edge):
    """``z = T_b^-1 (b_S - S w)`` and its energy norm squared."""
    blocks, n, _ = g.shape
    for b in range(blocks):
        a = ZERO
        head = scale(gw[0], load2(v, b))
        tail = scale(gw[n], load2(v_far, b))
        above, below = load2(gb, b), load2(gd, b)
        for j in range(n):
            rhs = scale(gw[j], a) if j > 0 else head
            if j == n - 1:
                rhs = add(rhs, tail)
            if use_w:
                rhs = add(rhs, mul(load3(g, b, j), load3(w, b, j)))
            if use_c:
                rhs = sub(rhs, load3(c, b, j))
            a = mul(load3(dw, b, j), rhs)
            store2(line, j, a)
        u = ZERO
        for j in range(n - 1, -1, -1):
            u = add(load2(line, j), mul(scale(gw[j + 1], load3(dw, b, j)), u))
            gij = load3(g, b, j)
            if use_w:
                here = load3(w, b, j)
                up = w[b - 1, j, 7] if b > 0 else 0.0
                down = w[b + 1, j, 0] if b + 1 < blocks else 0.0
                rhs = mul(gij, sub(u, here))
                rhs = add(rhs, mul(above, sub(_before(here, up), here)))
                rhs = add(rhs, mul(below, sub(_after(here, down), here)))
            else:
                rhs = mul(gij, u)
            if use_c:
                rhs = add(rhs, load3(c, b, j))
            held = f[b - 1, j, 7] if b > 0 else 0.0
            store3(f, b, j, _chain_down(rhs, load3(db, b, j), above, held))
    s = ZERO
    for j in range(n):
        edge[j] = 0.0
    for b in range(blocks - 1, -1, -1):
        below = load2(gd, b)
        for j in range(n):
            t = mul(below, load3(db, b, j))
            y = _chain_up(load3(f, b, j), t, edge[j])
            store3(z, b, j, y)
            d = sub(y, _after(y, edge[j]))
            edge[j] = y[0]
            s = add(s, add(mul(load3(g, b, j), mul(y, y)), mul(below, mul(d, d))))
    return total(s)


@kernel
def _down(g, dw, db, gw, gb, beta, z, p, f, line):
    """Pass A; returns ``p S p`` without the last segment."""
    blocks, n, _ = g.shape
    bt = full(beta)
    s = ZERO
    for b in range(blocks):
        above = load2(gb, b)
        a = ZERO
        for j in range(n):
            q = add(load3(z, b, j), mul(bt, load3(p, b, j)))
            store3(p, b, j, q)
            d = load3(dw, b, j)
            a = add(mul(mul(d, load3(g, b, j)), q), mul(scale(gw[j], d), a))
            store2(line, j, a)
        u = ZERO
        for j in range(n - 1, -1, -1):
            gij = load3(g, b, j)
            u = add(load2(line, j), mul(scale(gw[j + 1], load3(dw, b, j)), u))
            q = load3(p, b, j)
            f_above = f[b - 1, j, 7] if b > 0 else 0.0
            p_above = p[b - 1, j, 7] if b > 0 else 0.0
            store3(f, b, j, _chain_down(mul(gij, u), load3(db, b, j), above, f_above))
            r = sub(q, _before(q, p_above))
            s = add(s, add(mul(gij, mul(q, sub(q, u))), mul(above, mul(r, r))))
    return total(s)


@kernel
def _up(g, db, gd, alpha, z, p, f, w, keep_w, edge_y, edge_z):
    """Pass B; returns ``z T_b z`` without the first segment."""
    blocks, n, _ = g.shape
    al = full(alpha)
    s = ZERO
    for j in range(n):
        edge_y[j] = 0.0
        edge_z[j] = 0.0
    for b in range(blocks - 1, -1, -1):
        below = load2(gd, b)
        for j in range(n):
            t = mul(below, load3(db, b, j))
            y = _chain_up(load3(f, b, j), t, edge_y[j])
            edge_y[j] = y[0]
            q = load3(p, b, j)
            x = sub(load3(z, b, j), mul(al, sub(q, y)))
            store3(z, b, j, x)
            d = sub(x, _after(x, edge_z[j]))
            edge_z[j] = x[0]
            s = add(s, add(mul(load3(g, b, j), mul(x, x)), mul(below, mul(d, d))))
            if keep_w:
                store3(w, b, j, add(load3(w, b, j), mul(al, q)))
    return total(s)


@kernel
def solve_single(
    g, dw, db, gw, gb, gd, v, v_far, tol, cap, flags, z, p, f, w, c, out, info
):
    """Solve for one input.

    Parameters
    ----------
    g, dw, db : float64 (blocks, n, 8)
        Cells and inverse pivots, padded rows first.
    gw : float64 (n + 1,)
        Word-line segments.
    gb, gd : float64 (blocks, 8)
        Bit-line segment above and below each row.
    v, v_far : float64 (blocks, 8)
        Source voltages.
    tol, cap : float, int
        As in ``solve_many``.
    flags : uint8 (3,)
        Start from `w`; keep `w`; use `c`.
    z, p, f, w, c : float64 (blocks, n, 8)
        Work space; `c` is an extra current from word line to bit line per cell.
    out : float64 (2, n)
        Currents of the sense end and of the top end are added.
    info : float64 (3,)
        ``rho_0`` (kept if > 0), last ``rho``, iterations (added).
    """
    blocks, n, _ = g.shape
    use_w, keep_w, use_c = flags[0] > 0, flags[1] > 0, flags[2] > 0
    line = np.empty((n, 8))
    edge_y = np.empty(n)
    edge_z = np.empty(n)
    top = 0
    while top < 7 and db[0, 0, top] == 0.0:
        top += 1
    g_top = gb[0, top]
    g_end = gd[blocks - 1, 7]
    rho = _start(
        g, dw, db, gw, gb, gd, v, v_far, w, c, use_w, use_c, z, f, line, edge_y
    )
    for j in range(n):
        rho += g_top * z[0, j, top] ** 2
    if info[0] == 0.0:
        info[0] = rho
    beta = 0.0
    count = 0
    while rho > tol * tol * info[0] and count < cap:
        energy = _down(g, dw, db, gw, gb, beta, z, p, f, line)
        for j in range(n):
            energy += g_end * p[blocks - 1, j, 7] ** 2
        if not energy > 0.0:
            break
        alpha = rho / energy
        for j in range(n):
            out[0, j] += g_end * alpha * p[blocks - 1, j, 7]
            out[1, j] += g_top * alpha * p[0, j, top]
        new = _up(g, db, gd, alpha, z, p, f, w, keep_w, edge_y, edge_z)
        for j in range(n):
            new += g_top * z[0, j, top] ** 2
        beta = new / rho
        rho = new
        count += 1
    info[1] = rho
    info[2] += count
