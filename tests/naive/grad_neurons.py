"""Slow, obvious form of the multi-step neuron and of its gradient."""

import numpy as np


def forward(x, beta, threshold, strict, zero, v_init):
    """(steps, n) currents, (n,) beta -> potentials before reset, spikes."""
    u, s = np.zeros_like(x), np.zeros_like(x)
    for i in range(x.shape[1]):
        v = v_init
        for n in range(x.shape[0]):
            u[n, i] = beta[i] * v + x[n, i]
            fired = u[n, i] > threshold if strict else u[n, i] >= threshold
            s[n, i] = fired
            v = u[n, i] if not fired else (0.0 if zero else u[n, i] - threshold)
    return u, s


def backward(grad, u, beta, threshold, strict, zero, v_init, detach, derivative):
    """Gradient of the currents and of beta, neuron by neuron."""
    gx, gbeta = np.zeros_like(u), np.zeros_like(beta)
    for i in range(u.shape[1]):
        gv = 0.0
        for n in range(u.shape[0] - 1, -1, -1):
            w = u[n, i]
            fired = w > threshold if strict else w >= threshold
            gs = grad[n, i]
            if not detach:
                gs += gv * -(w if zero else threshold)
            direct = 0.0 if zero and fired else 1.0
            gu = gs * derivative(w - threshold) + gv * direct
            gx[n, i] = gu
            before = v_init
            if n > 0:
                before = u[n - 1, i]
                hit = before > threshold if strict else before >= threshold
                if hit:
                    before = 0.0 if zero else before - threshold
            gbeta[i] += gu * before
            gv = beta[i] * gu
    return gx, gbeta
