"""Dense liquid, written as the equation: the reference of ``neuro.lsm.Liquid``."""

import numpy as np


def run(frames, w_in, w_rec, decay, v_threshold):
    """Return the raster, uint8 (samples, steps, n), float64 throughout."""
    n_samples, steps, _ = frames.shape
    n = w_in.shape[0]
    out = np.zeros((n_samples, steps, n), np.uint8)
    for k in range(n_samples):
        u, s = np.zeros(n), np.zeros(n)
        for t in range(steps):
            arriving = w_in @ frames[k, t].astype(float) + w_rec @ s
            u = decay * u * (1 - s) + arriving
            s = (u > v_threshold).astype(float)
            out[k, t] = s
    return out
