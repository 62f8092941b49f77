import numpy as np
import pytest
from scipy import stats

from hw.crossbar import noisy_product, sampled_product
from hw.crossbar.noise import (
    clipped_moments,
    column_noise_variance,
    negative_share,
)

# --- 9: output-referred noise


def test_output_referred_noise_has_the_distribution_of_cells(rng):
    g = rng.uniform(1e-5, 1e-4, (12, 3))
    variance = (0.1 * g) ** 2
    v = rng.random(12)
    fast = noisy_product(np.tile(v, (40000, 1)), g, variance, np.random.default_rng(1))
    slow = sampled_product(np.tile(v, (8000, 1)), g, variance, np.random.default_rng(2))
    mean, sd = v @ g, np.sqrt((v * v) @ variance)
    np.testing.assert_allclose(fast.mean(0), mean, atol=4 * sd.max() / 200)
    np.testing.assert_allclose(fast.std(0), sd, rtol=0.02)
    for j in range(3):
        assert stats.ks_2samp(fast[:, j], slow[:, j]).pvalue > 1e-3
        assert stats.kstest((fast[:, j] - mean[j]) / sd[j], "norm").pvalue > 1e-3
    c = np.corrcoef(fast.T)
    assert np.abs(c - np.eye(3)).max() < 4 / np.sqrt(40000)
    assert negative_share(g, variance) < 1e-20
    assert negative_share(g, (2 * g) ** 2) > 0.3


def test_thermal_and_shot_noise():
    thermal = column_noise_variance([1e-4], [0.0], bandwidth_hz=1e8)
    shot = column_noise_variance([0.0], [20e-6], bandwidth_hz=1e8)
    assert np.sqrt(thermal)[0] == pytest.approx(12.9e-9, rel=5e-3)
    assert np.sqrt(shot)[0] == pytest.approx(25.3e-9, rel=5e-3)


def test_cells_that_noise_would_clip_keep_their_moments():
    g = np.array([[1e-6, 0.0, 5e-5], [2e-6, 1e-7, 1e-6]])
    sigma = np.array([[1e-6, 1e-6, 1e-6], [1e-6, 1e-6, 0.0]])
    mean, variance = clipped_moments(g, sigma)
    drawn = np.maximum(
        g + sigma * np.random.default_rng(0).standard_normal((200_000, 2, 3)), 0.0
    )
    error = 4 * drawn.std(0) / np.sqrt(200_000)
    assert (np.abs(drawn.mean(0) - mean) <= error + 1e-16).all()
    np.testing.assert_allclose(variance, drawn.var(0), rtol=0.02, atol=1e-25)
    assert mean[0, 2] == g[0, 2]  # far above the noise: left as it is
    assert mean[0, 1] == pytest.approx(1e-6 / np.sqrt(2 * np.pi))


@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.SFC64, np.random.MT19937])
def test_block_noise_is_normal(bits):
    """The compiled normals: moments, tails, no correlation between places or blocks."""
    n = 400_001
    rng = np.random.Generator(bits(1))
    z, other = (
        noisy_product(np.ones((1, 1)), np.zeros((1, n)), np.ones((1, n)), rng)[0]
        for _ in range(2)
    )
    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert abs(stats.kurtosis(z)) < 4 * np.sqrt(24 / z.size)
    tail = 2 * stats.norm.sf(3.5)
    assert abs((np.abs(z) > 3.5).mean() - tail) < 4 * np.sqrt(tail / z.size)
    for a, b in ((z[:-1], z[1:]), (z[:-512], z[512:]), (z, other)):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(a.size)
        assert abs(np.corrcoef(a * a, b * b)[0, 1]) < 4 / np.sqrt(a.size)


def test_block_noise_kernel_against_numpy():
    """Compiled, interpreted, and written out with library functions: one number."""
    from hw.crossbar._kernels import add_gaussian
    from tests.naive.crossbar import gaussian_block

    variance = np.linspace(0.0, 2.0, 37, dtype=np.float32)
    outs = []
    for f in (add_gaussian, add_gaussian.py_func):
        out = np.ones(37)
        f(variance, np.uint64(0x9E3779B97F4A7C15), out)
        outs.append(out)
    np.testing.assert_allclose(outs[0], outs[1], rtol=1e-6)
    expected = 1.0 + gaussian_block(variance, 0x9E3779B97F4A7C15)
    np.testing.assert_allclose(outs[0], expected, atol=3e-6)
