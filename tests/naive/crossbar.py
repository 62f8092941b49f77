"""Slow reference of the array: every node written out, solved with scipy's splu."""

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl


def assemble(g, gw, gb):
    """Nodal matrix of the driven array; word nodes first, row-major."""
    m, n = g.shape
    a = sp.lil_matrix((2 * m * n, 2 * m * n))
    for i in range(m):
        for j in range(n):
            u = i * n + j
            w = m * n + u
            a[u, u] += gw[j] + gw[j + 1] + g[i, j]
            a[w, w] += gb[i] + gb[i + 1] + g[i, j]
            a[u, w] -= g[i, j]
            a[w, u] -= g[i, j]
            if j > 0:
                a[u, u - 1] -= gw[j]
            if j < n - 1:
                a[u, u + 1] -= gw[j + 1]
            if i > 0:
                a[w, w - n] -= gb[i]
            if i < m - 1:
                a[w, w + n] -= gb[i + 1]
    return a.tocsc()


def segments(m, n, r_word, r_bit, r_source=0.0, r_sense=0.0):
    gw = np.full(n + 1, 1 / r_word)
    gb = np.full(m + 1, 1 / r_bit)
    gw[0], gw[n] = 1 / (r_word + r_source), 0.0
    gb[m], gb[0] = 1 / (r_bit + r_sense), 0.0
    return gw, gb


def solve(g, v, r_word, r_bit, r_source=0.0, r_sense=0.0):
    """Currents, word and bit voltages of one input."""
    m, n = g.shape
    gw, gb = segments(m, n, r_word, r_bit, r_source, r_sense)
    a = assemble(g, gw, gb)
    b = np.zeros(2 * m * n)
    b[np.arange(m) * n] = gw[0] * v
    lu = spl.splu(a)
    x = lu.solve(b)
    x += lu.solve(b - a @ x)
    u, w = x.reshape(2, m, n)
    return gb[m] * w[-1], u, w


def fixed_point(g, v, r_word, r_bit, steps=200):
    """Device voltages from cumulative drops, repeated."""
    drop = np.broadcast_to(v[:, None], g.shape).copy()
    for _ in range(steps):
        i = g * drop
        along = np.cumsum(np.cumsum(i[:, ::-1], 1)[:, ::-1], 1) * r_word
        down = np.cumsum(np.cumsum(i, 0)[::-1], 0)[::-1] * r_bit
        drop = v[:, None] - along - down
    return (g * drop).sum(0)


def gaussian_block(variance, key):
    """Normals of one block (at most 1024) by Box-Muller with NumPy's functions."""
    from neuro.core._kernels.bits import hash32_python, splitmix

    mixed = int(splitmix(np.uint64(int(splitmix(np.uint64(key))))))
    low, high = mixed & 0xFFFFFFFF, mixed >> 32
    half = (len(variance) + 1) // 2
    first = np.array([hash32_python(i, low, high) for i in range(half)])
    second = np.array([hash32_python(i, high, low) for i in range(half)])
    radius = np.sqrt(-2 * np.log((first + 0.5) / 2**32))
    signed = np.where(second >= 2**31, second - 2**32, second)
    angle = signed * (np.pi / 4 / 2**31)
    sine, cosine = np.sin(angle), np.cos(angle) * np.where(second & 2, -1, 1)
    swap = (second & 1).astype(bool)
    z = np.concatenate(
        [radius * np.where(swap, sine, cosine), radius * np.where(swap, cosine, sine)]
    )
    return np.sqrt(variance) * z[: len(variance)]
