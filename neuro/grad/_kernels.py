"""Multi-step neurons, forward and backward, one pass over memory per direction.

Arrays are (steps, outer, features, inner); `beta` has one value per feature. The inner
index is worked in blocks that stay in the first-level cache over all steps.
"""

import math

import numpy as np

from neuro.compiled import kernel

BLOCK = 1024


@kernel
def forward(x, beta, threshold, strict, zero, v_init, u, s):
    """Write potentials before reset `u` and spikes `s` of a resetting neuron."""
    steps, outer, features, inner = x.shape
    v = np.empty(BLOCK, x.dtype)
    one, nought = x.dtype.type(1), x.dtype.type(0)
    for o in range(outer):
        for f in range(features):
            b = beta[f]
            for begin in range(0, inner, BLOCK):
                size = min(BLOCK, inner - begin)
                for j in range(size):
                    v[j] = v_init
                for n in range(steps):
                    row = x[n, o, f, begin : begin + size]
                    urow = u[n, o, f, begin : begin + size]
                    srow = s[n, o, f, begin : begin + size]
                    for j in range(size):
                        w = b * v[j] + row[j]
                        fired = w > threshold if strict else w >= threshold
                        urow[j] = w
                        srow[j] = one if fired else nought
                        if zero:
                            v[j] = nought if fired else w
                        else:
                            v[j] = w - threshold if fired else w


@kernel
def backward(
    grad, u, beta, threshold, strict, zero, v_init, detach, shape, alpha, learn, gx,
    gbeta,
):  # fmt: skip
    """Write the gradient of the input current `gx`; if `learn`, add that of `beta`."""
    steps, outer, features, inner = u.shape
    gv = np.empty(BLOCK, u.dtype)
    one, nought = u.dtype.type(1), u.dtype.type(0)
    half = u.dtype.type(alpha / 2)
    scale = u.dtype.type(math.pi / 2 * alpha)
    width = u.dtype.type(alpha)
    for o in range(outer):
        for f in range(features):
            b = beta[f]
            total = 0.0
            for begin in range(0, inner, BLOCK):
                size = min(BLOCK, inner - begin)
                for j in range(size):
                    gv[j] = nought
                for n in range(steps - 1, -1, -1):
                    urow = u[n, o, f, begin : begin + size]
                    grow = grad[n, o, f, begin : begin + size]
                    out = gx[n, o, f, begin : begin + size]
                    for j in range(size):
                        w = urow[j]
                        d = w - threshold
                        fired = d > nought if strict else d >= nought
                        if shape == 0:
                            z = scale * d
                            sg = half / (one + z * z)
                        elif shape == 1:
                            sg = one / width if abs(d) < half else nought
                        else:
                            z = one + width * abs(d)
                            sg = one / (z * z)
                        gs = grow[j]
                        if not detach:
                            gs -= gv[j] * (w if zero else threshold)
                        gu = gs * sg
                        if not (zero and fired):
                            gu += gv[j]
                        out[j] = gu
                        gv[j] = b * gu
                    if learn and n > 0:
                        last = u[n - 1, o, f, begin : begin + size]
                        for j in range(size):
                            w = last[j]
                            fired = w > threshold if strict else w >= threshold
                            if fired:
                                w = nought if zero else w - threshold
                            total += out[j] * w
                    elif learn:
                        for j in range(size):
                            total += out[j] * v_init
            gbeta[f] += total
