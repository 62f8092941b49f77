"""Kernel scatter against a dense convolution written as loops."""

import numpy as np
import pytest

from neuro.core import Conv, Csr
from neuro.core.conv import _scatter
from neuro.errors import ParameterError, ShapeError


def _dense(w, x, stride, padding, dilation, up):
    """Convolve (c, h, w) with (c_out, c, ky, kx), one product at a time."""
    x = x.repeat(up, 1).repeat(up, 2)
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    ky, kx = w.shape[2:]
    rows = (x.shape[1] - dilation * (ky - 1) - 1) // stride + 1
    columns = (x.shape[2] - dilation * (kx - 1) - 1) // stride + 1
    out = np.zeros((w.shape[0], rows, columns))
    for o in range(w.shape[0]):
        for y in range(rows):
            for z in range(columns):
                for c in range(w.shape[1]):
                    for i in range(ky):
                        for j in range(kx):
                            v = x[
                                c, y * stride + i * dilation, z * stride + j * dilation
                            ]
                            out[o, y, z] += w[o, c, i, j] * v
    return out


CASES = [
    (1, 1, 1, 1),
    (2, 1, 1, 1),
    (1, 0, 1, 1),
    (2, 2, 2, 1),
    (1, 1, 1, 2),
    (3, 1, 1, 2),
]


@pytest.mark.parametrize(("stride", "padding", "dilation", "up"), CASES)
def test_scatter_equals_dense_convolution(rng, stride, padding, dilation, up):
    w = rng.integers(-8, 9, (3, 2, 3, 3)).astype(float)
    conv = Conv(
        w, (2, 6, 5), stride=stride, padding=padding, dilation=dilation, upsample=up
    )
    spikes = rng.random((2, 6, 5)) < 0.4
    active = np.flatnonzero(spikes).astype(np.int32)
    out = np.zeros(conv.n_post)
    visited = conv.deliver(active, out)
    expected = _dense(w, spikes.astype(float), stride, padding, dilation, up)
    assert expected.shape == conv.out_shape
    np.testing.assert_array_equal(out.reshape(conv.out_shape), expected)
    ones = _dense(np.ones_like(w), spikes.astype(float), stride, padding, dilation, up)
    assert visited == ones.sum()
    assert visited == conv.fan_out()[active].sum()
    interpreted = np.zeros((conv.n_post // 3, 3))
    again = _scatter.py_func(
        conv.rows, active, (6, 5), conv.out_shape[1:], stride, padding, dilation, up,
        interpreted,
    )  # fmt: skip
    assert again == visited
    np.testing.assert_array_equal(interpreted.T.ravel(), out)


@pytest.mark.parametrize(("stride", "padding", "dilation", "up"), CASES)
def test_unrolled_synapses_deliver_the_same(rng, stride, padding, dilation, up):
    w = rng.integers(1, 9, (3, 2, 3, 3)).astype(float)
    conv = Conv(
        w, (2, 6, 5), stride=stride, padding=padding, dilation=dilation, upsample=up
    )
    pre, post, weight = conv.unrolled()
    csr = Csr.from_pairs(pre, post, weight, n_pre=conv.n_pre, n_post=conv.n_post)
    active = np.flatnonzero(rng.random(conv.n_pre) < 0.3).astype(np.int32)
    a, b = np.zeros(conv.n_post), np.zeros(conv.n_post)
    assert conv.deliver(active, a) == csr.deliver(active, b)
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("stride", "active", "synops"), [(1, 0, 8), (1, 5, 18), (2, 0, 2), (2, 5, 8)]
)
def test_worked_cases_of_border_counting(stride, active, synops):
    """A corner and an inner spike of a 4x4 map, 3x3 kernel, two output channels."""
    conv = Conv(np.ones((2, 1, 3, 3)), (1, 4, 4), stride=stride, padding=1)
    out = np.zeros(conv.n_post)
    assert conv.deliver(np.array([active], np.int32), out) == synops


def test_dense_products_include_padding():
    conv = Conv(np.ones((2, 3, 3, 3)), (3, 4, 4), padding=1)
    assert conv.dense_products == 16 * 27 * 2
    assert conv.fan_out().sum() < conv.dense_products
    np.testing.assert_array_equal(conv.weight, np.ones((2, 3, 3, 3)))


def test_wrong_shapes_say_what_is_expected():
    with pytest.raises(ShapeError, match=r"expected weight \(c_out, 2"):
        Conv(np.ones((1, 3, 3, 3)), (2, 4, 4))
    with pytest.raises(ParameterError, match="stride: expected >= 1"):
        Conv(np.ones((1, 1, 3, 3)), (1, 4, 4), stride=0)
    with pytest.raises(ShapeError, match="exceeds"):
        Conv(np.ones((1, 1, 5, 5)), (1, 4, 4))
    with pytest.raises(ShapeError, match="out must have shape"):
        Conv(np.ones((1, 1, 3, 3)), (1, 4, 4)).deliver(
            np.zeros(1, np.int32), np.zeros(3)
        )
