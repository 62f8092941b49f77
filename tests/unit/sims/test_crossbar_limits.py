import numpy as np
import pytest

from sims.crossbar_limits.run import _limit


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ([0.0, 0.002, 0.008, 0.03, 0.09], 128),
        ([0.0, -0.002, 0.0101, -0.011, -0.004], 512),  # one unlucky size
        ([0.02, 0.03, 0.04, 0.05, 0.06], 0),
        ([0.0, 0.0, 0.03, 0.001, 0.09], 64),
    ],
)
def test_limit_is_the_largest_size_of_a_rising_loss(means, expected):
    sizes = [32, 64, 128, 256, 512]
    assert _limit(sizes, np.array(means), 0.01) == expected
