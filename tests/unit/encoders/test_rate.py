import numpy as np
import pytest

from neuro.encoders.rate import rate_frames
from neuro.errors import ParameterError


def test_spike_numbers_follow_the_values(rng):
    values = np.array([[0.0, 5.0, 10.0], [0.0, 0.0, 0.0]])
    frames = rate_frames(values, steps=49, rng=rng)
    np.testing.assert_array_equal(frames.sum(1), [[0, 10, 20], [0, 0, 0]])


def test_steps_are_uniform(rng):
    frames = rate_frames(np.ones((50, 20)), steps=10, max_spikes=5, rng=rng)
    share = frames.mean((0, 2))
    assert abs(share - 0.5).max() < 5 * np.sqrt(0.25 / 1000)


@pytest.mark.parametrize("bad", [{"max_spikes": 0}, {"max_spikes": 11}])
def test_bad_numbers(rng, bad):
    with pytest.raises(ParameterError, match="max_spikes"):
        rate_frames(np.ones((1, 2)), steps=10, rng=rng, **bad)


def test_negative_values(rng):
    with pytest.raises(ParameterError, match="finite"):
        rate_frames(-np.ones((1, 2)), steps=30, rng=rng)
