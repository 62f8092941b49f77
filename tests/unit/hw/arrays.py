"""Random arrays and comparisons that the array tests share."""

import numpy as np


def uniform(rng, m, n, low=1e-6, high=1e-4):
    return rng.uniform(low, high, (m, n))


def loguniform(rng, m, n, low=1e-7, high=1e-3, open_cells=0.05):
    g = np.exp(rng.uniform(np.log(low), np.log(high), (m, n)))
    g[rng.random((m, n)) < open_cells] = 0.0
    return g


def close(a, b, tol):
    assert np.abs(a - b).max() <= tol * np.abs(b).max()
