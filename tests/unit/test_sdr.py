import numpy as np
import pytest

from neuro import sdr
from neuro.errors import ParameterError, ShapeError


def test_dense_and_back(rng):
    bits = sdr.random_sdr(100, 10, rng=rng)
    np.testing.assert_array_equal(sdr.from_dense(sdr.to_dense(bits, 100)), bits)
    assert sdr.sparsity(bits, 100) == 0.1


def test_algebra():
    a, b = np.array([1, 4, 9], np.int32), np.array([4, 5], np.int32)
    assert sdr.overlap(a, b) == 1
    assert sdr.union(a, b).tolist() == [1, 4, 5, 9]
    assert sdr.intersection(a, b).tolist() == [4]
    assert sdr.concatenate([a, b], [10, 6]).tolist() == [1, 4, 9, 14, 15]
    assert sdr.overlaps(np.array([[1, 4], [5, 6]]), a, 10).tolist() == [2, 0]


def test_noise_keeps_the_sparsity(rng):
    bits = sdr.random_sdr(200, 40, rng=rng)
    for share, kept in ((0.0, 40), (0.25, 30), (1.0, 0)):
        noisy = sdr.noisy(bits, 200, share, rng=rng)
        assert (noisy.size, sdr.overlap(bits, noisy)) == (40, kept)


def test_false_match_probability_by_sampling(rng):
    stored = np.arange(20)
    hits = [
        sdr.overlap(sdr.random_sdr(100, 20, rng=rng), stored) >= 6 for _ in range(4000)
    ]
    expected = sdr.false_match_probability(100, 20, 20, 6)
    assert np.mean(hits) == pytest.approx(expected, abs=4 * np.sqrt(expected / 4000))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: sdr.as_sdr([1, 1], 5), ParameterError),
        (lambda: sdr.as_sdr([5], 5), ParameterError),
        (lambda: sdr.as_sdr([0.5], 5), ShapeError),
        (lambda: sdr.from_dense([0, 2]), ShapeError),
        (lambda: sdr.random_sdr(5, 6, rng=np.random.default_rng(0)), ParameterError),
        (
            lambda: sdr.noisy(np.arange(4), 5, 1.0, rng=np.random.default_rng(0)),
            ParameterError,
        ),
        (
            lambda: sdr.noisy(np.arange(4), 9, 1.5, rng=np.random.default_rng(0)),
            ParameterError,
        ),
    ],
)
def test_errors(call, error):
    with pytest.raises(error):
        call()
