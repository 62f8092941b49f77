"""Every layout keeps the contract of ``neuro.core.Connectivity``.

A new layout adds one builder from a dense matrix to ``LAYOUTS``.
"""

import numpy as np
import pytest

from neuro.core import BinaryRows, Connectivity, Conv, Csr, Growable, Rows
from neuro.errors import ParameterError


def _csr(w):
    post, pre = np.nonzero(np.ones_like(w))
    return Csr.from_pairs(pre, post, w[post, pre], n_pre=w.shape[1], n_post=w.shape[0])


def _conv(w):
    """Write a full matrix as a 1x1 convolution over one pixel."""
    return Conv(w[:, :, None, None], (w.shape[1], 1, 1))


def _growable(w):
    """Connected where w is 1, a synapse below the threshold where it is 0."""
    layout = Growable(max(w.shape), levels=2, threshold=2)
    for row in w:
        layout.add_segment(0, np.arange(w.shape[1]), row.astype(int) + 1)
    layout.n_pre = w.shape[1]
    return layout


LAYOUTS = {
    "rows": Rows,
    "csr": _csr,
    "growable": _growable,
    "conv": _conv,
    "binary_rows": BinaryRows,
}


@pytest.fixture(params=sorted(LAYOUTS))
def layout(request):
    return LAYOUTS[request.param]


@pytest.fixture
def weights(layout, rng):
    """Random weights that the layout can hold: 0 and 1 only where it is binary."""
    low, high = (0, 2) if layout in (_growable, BinaryRows) else (-9, 10)
    return rng.integers(low, high, (7, 5)).astype(float)


class TestConnectivityContract:
    def test_is_a_connectivity(self, layout):
        c = layout(np.ones((3, 2)))
        assert isinstance(c, Connectivity)
        assert (c.n_pre, c.n_post) == (2, 3)
        assert c.nbytes > 0

    def test_adds_the_active_rows(self, layout, weights, rng):
        w = weights
        out = rng.integers(-9, 10, 7).astype(float)
        expected = out + w[:, [3, 0, 3]].sum(1)
        visits = layout(w).deliver(np.array([3, 0, 3], np.int32), out)
        np.testing.assert_array_equal(out, expected)
        assert visits == 21

    def test_nothing_active_changes_nothing(self, layout):
        out = np.arange(3.0)
        assert layout(np.ones((3, 2))).deliver(np.zeros(0, np.int32), out) == 0
        np.testing.assert_array_equal(out, [0, 1, 2])

    @pytest.mark.parametrize("bad", [-1, 2])
    def test_refuses_units_out_of_range(self, layout, bad):
        with pytest.raises(ParameterError, match="active"):
            layout(np.ones((3, 2))).deliver(np.array([bad], np.int32), np.zeros(3))
