"""Gated 1T1R arrays: one ladder of 2 x m nodes per column, solved directly."""

import numpy as np

from neuro.compiled import kernel


@kernel
def gated_ladders(g, gs, gb, active, v_read, s, w, out):
    """Voltages of all ladders for one pattern, block elimination from row 0 down.

    Parameters
    ----------
    g : float64 (m, n)
        Cells, S; rows that are not active are open.
    gs : float64 (m + 1,)
        Source line: feed at row 0, segments, far end (0: open), S.
    gb : float64 (m + 1,)
        Bit line: top end (0: open), segments, sense, S.
    active : uint8 (m,)
        Gates that are on.
    v_read : float
        Feed voltage.
    s, w : float64 (m, n)
        Written: source-line and bit-line voltages.
    out : float64 (n,)
        Written: sense currents.
    """
    m, n = g.shape
    k00 = np.empty(m)
    k01 = np.empty(m)
    k10 = np.empty(m)
    k11 = np.empty(m)
    for j in range(n):
        # node pair i: y_i = K_i (rhs_i + diag(gs_i, gb_i) y_i-1), K symmetric
        y0 = 0.0
        y1 = 0.0
        a00 = 0.0  # conductance seen behind the pair, without the segment to it
        a01 = 0.0
        a11 = 0.0
        for i in range(m):
            c = g[i, j] if active[i] else 0.0
            if i == 0:
                d00, d01, d11 = gs[0], 0.0, gb[0]
            else:
                # series of the pair of segments with what lies behind:
                # H = A (A + diag)^-1 diag, all terms positive
                p, q = gs[i], gb[i]
                det = (a00 + p) * (a11 + q) - a01 * a01
                d00 = p * (a00 * (a11 + q) - a01 * a01) / det
                d01 = a01 * p * q / det
                d11 = q * (a11 * (a00 + p) - a01 * a01) / det
            a00 = d00 + c
            a01 = d01 - c
            a11 = d11 + c
            # elimination: pivot block of this pair
            b00 = a00 + gs[i + 1]
            b11 = a11 + gb[i + 1]
            det = b00 * b11 - a01 * a01
            k00[i] = b11 / det
            k01[i] = -a01 / det
            k10[i] = -a01 / det
            k11[i] = b00 / det
            r0 = gs[i] * (v_read if i == 0 else y0)
            r1 = 0.0 if i == 0 else gb[i] * y1
            y0 = k00[i] * r0 + k01[i] * r1
            y1 = k10[i] * r0 + k11[i] * r1
            s[i, j] = y0
            w[i, j] = y1
        for i in range(m - 2, -1, -1):
            r0 = gs[i + 1] * s[i + 1, j]
            r1 = gb[i + 1] * w[i + 1, j]
            s[i, j] += k00[i] * r0 + k01[i] * r1
            w[i, j] += k10[i] * r0 + k11[i] * r1
        out[j] = gb[m] * w[m - 1, j] + gb[0] * w[0, j]
