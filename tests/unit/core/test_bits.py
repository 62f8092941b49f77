"""Elementary functions and views that compiled loops inline."""

import numpy as np

from neuro.compiled import kernel
from neuro.core._kernels.bits import (
    exp2_ratio,
    exp_bounded,
    log_positive,
    matrix_view,
    vector_view,
)


@kernel
def _apply(x, out):
    for i in range(x.size):
        a, b = exp2_ratio(x[i])
        out[0, i] = exp_bounded(x[i])
        out[1, i] = a / b
        out[2, i] = log_positive(abs(x[i]))


@kernel
def _views(flat):
    matrix, vector = matrix_view(flat, 3, 2, 4), vector_view(flat, 1, 5)
    matrix[1, 2] = -1.0
    vector[0] = -2.0
    return matrix.shape, vector.size


def test_elementary_functions(rng):
    x = np.concatenate([rng.uniform(-600, 600, 300), rng.uniform(-2, 2, 300)])
    out = np.zeros((3, x.size))
    _apply(x, out)
    np.testing.assert_allclose(out[0], np.exp(x), rtol=2e-15)
    np.testing.assert_allclose(out[1], np.exp2(x), rtol=2e-15)
    np.testing.assert_allclose(out[2], np.log(np.abs(x)), rtol=1e-15, atol=1e-16)


def test_arguments_out_of_range_are_clipped():
    x, out = np.array([-1e6, 1e6]), np.zeros((3, 2))
    _apply(x, out)
    assert np.isfinite(out).all()
    assert (out[:2, 0] < 1e-300).all()
    assert (out[:2, 1] > 1e300).all()


def test_views_are_of_the_array_itself():
    flat = np.arange(20.0)
    assert _views(flat) == ((2, 4), 5)
    assert flat[3 + 6] == -1.0
    assert flat[1] == -2.0
