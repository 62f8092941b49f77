"""Metrics of generated images on cases with a known answer."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from neuro.diffusion import metrics as m
from neuro.diffusion.features import FeatureNet, Features, train_features
from neuro.diffusion.pretrained import pretrained_features
from neuro.errors import ShapeError
from neuro.random import stream


def test_frechet_distance_of_known_gaussians(rng):
    a, b = np.diag([1.0, 4.0]), np.diag([9.0, 1.0])
    exact = m.gaussian_distance(np.zeros(2), a, np.array([1.0, 0.0]), b)
    assert exact == pytest.approx(1 + (1 - 3) ** 2 + (2 - 1) ** 2)
    x = rng.multivariate_normal([0, 0], a, 100_000)
    y = rng.multivariate_normal([1, 0], b, 100_000)
    assert m.frechet_distance(x, y) == pytest.approx(exact, rel=0.02)
    q, _ = np.linalg.qr(rng.normal(size=(2, 2)))
    assert m.gaussian_distance(
        np.zeros(2), q @ a @ q.T, q @ np.array([1.0, 0.0]), q @ b @ q.T
    ) == pytest.approx(exact)
    assert m.frechet_distance(x, x) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kernel", ["polynomial", "rbf"])
def test_kernel_distance_is_unbiased(rng, kernel):
    values = [
        m.kernel_distance(
            rng.normal(size=(40, 3)), rng.normal(size=(50, 3)), rng=rng, kernel=kernel,
            size=30,
        ).value
        for _ in range(300)
    ]  # fmt: skip
    error = np.std(values) / np.sqrt(300)
    assert abs(np.mean(values)) < 3.5 * error
    assert min(values) < 0
    far = m.kernel_distance(
        rng.normal(size=(40, 3)), rng.normal(1.0, 1.0, (50, 3)), rng=rng, kernel=kernel
    )
    assert far.value > 10 * error
    assert far.mean == pytest.approx(far.value, rel=0.5)


def test_manifold_of_a_set_with_itself_and_with_noise(rng):
    x = rng.normal(size=(200, 4))
    same = m.manifold(x, x)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    away = m.manifold(rng.normal(30, 1, (200, 4)), x)
    assert max(away) < 0.01
    with pytest.raises(ShapeError, match="one size"):
        m.manifold(x[:10], x)


def test_copies_are_flagged_although_their_distance_is_at_the_floor(rng):
    train = rng.normal(size=(300, 1, 4, 4))
    unseen, fresh = rng.normal(size=(2, 300, 1, 4, 4))
    copies = train[rng.integers(0, 300, 300)] + rng.normal(0, 1e-3, (300, 1, 4, 4))
    flat = [x.reshape(300, -1) for x in (copies, fresh, unseen)]
    assert m.frechet_distance(flat[0], flat[2]) < 3 * m.frechet_distance(
        flat[1], flat[2]
    )
    copied, honest = (
        m.memorisation(copies, unseen, train),
        m.memorisation(fresh, unseen, train),
    )
    assert copied.ratio < 0.01
    assert copied.close_share == 1
    assert copied.copy_share == 1
    assert honest.ratio == pytest.approx(1, abs=0.1)
    assert honest.copy_share == 0
    np.testing.assert_allclose(
        copies[copied.pairs[:, 0]], train[copied.pairs[:, 1]], atol=0.01
    )


def test_class_coverage(rng):
    even = np.eye(10)[np.arange(100) % 10]
    full = m.class_coverage(even, np.full(10, 0.1))
    assert full.entropy == pytest.approx(1)
    assert full.total_variation == pytest.approx(0)
    assert full.classifier_score == pytest.approx(10)
    one = m.class_coverage(np.eye(10)[np.zeros(100, int)], np.full(10, 0.1))
    assert one.entropy == pytest.approx(0)
    assert one.smallest_share == 0
    assert one.total_variation == pytest.approx(0.9)
    assert one.classifier_score == pytest.approx(1)
    vague = m.class_coverage(np.full((100, 10), 0.1), np.full(10, 0.1))
    assert vague.confident_share == 0


def test_independent_pixels_keep_the_marginals_only(rng):
    train = rng.normal(size=(4000, 1, 1, 1)) + rng.normal(0, 0.1, (4000, 1, 2, 2))
    fake = m.independent_pixels(train, 4000, rng=rng).reshape(4000, -1)
    assert abs(np.corrcoef(fake.T)[0, 1]) < 0.1
    assert np.corrcoef(train.reshape(4000, -1).T)[0, 1] > 0.9
    np.testing.assert_allclose(fake.std(0), train.reshape(4000, -1).std(0), rtol=0.1)
    assert m.relative_score(3.0, 1.0, 5.0) == 0.5


@pytest.fixture(scope="module")
def digits():
    d = load_digits()
    x = (d.images / 8 - 1).astype(np.float32)[:, None]
    order = np.random.default_rng(0).permutation(len(x))
    parts = (order[700:], order[500:700], order[:500])
    return [(x[i], d.target[i].astype(np.int64)) for i in parts]


def test_features_rank_real_above_pixels_above_noise(digits, rng, tmp_path):
    train, valid, test = digits
    features = train_features(train, valid, test, seed=0, epochs=25)
    assert features.test_accuracy > 0.95
    real = features(test[0])
    np.testing.assert_allclose(features(train[0]).mean(0), 0, atol=1e-5)
    floor = m.frechet_distance(features(train[0][:500]), real)
    pixels = m.independent_pixels(train[0], 500, rng=rng)
    noise = np.clip(rng.normal(size=pixels.shape), -1, 1)
    ceiling_pixels = m.frechet_distance(features(pixels), real)
    ceiling_noise = m.frechet_distance(features(noise), real)
    assert 5 * floor < ceiling_pixels < ceiling_noise
    features.save(tmp_path / "f.npz")
    again = Features.load(tmp_path / "f.npz", FeatureNet(8))
    np.testing.assert_array_equal(again(pixels), features(pixels))
    assert again.test_accuracy == features.test_accuracy


def test_precision_of_noise_is_near_zero_and_that_of_loose_pixels_is_not(rng):
    """In the features and with the split that the experiments use."""
    images = (load_digits().images / 8 - 1).astype(np.float32)[:, None]
    order = stream(0, "image split").permutation(len(images))
    test, train = images[order[:500]], images[order[700:]]
    features = pretrained_features()
    real = features(test)
    noise = np.clip(rng.normal(size=test.shape), -1, 1)
    pixels = m.independent_pixels(train, len(real), rng=rng)
    of_noise = m.manifold(features(noise), real)
    assert of_noise.precision < 0.05
    assert of_noise.recall < 0.05
    assert m.manifold(features(train[:500]), real).precision > 0.85
    # why precision alone is no evidence of quality
    assert 0.3 < m.manifold(features(pixels), real).precision < 0.7
