"""How good generated images are, without a pre-trained Inception network.

Everything works on arrays: features (n, d) or images (n, ...). Features are those of a
small classifier trained on the real training split
(:mod:`neuro.diffusion.features`), standardised there. Every distance depends on the
number of samples by its finite-sample bias, so that number belongs to the result, and
so do a floor (real against real) and ceilings (noise, independent pixels against real).

The Fréchet distance here is over features of that classifier. It is not the "FID" of
the literature and must not be compared with one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError, ShapeError

__all__ = [
    "ClassCoverage",
    "Kernel",
    "Manifold",
    "Memorisation",
    "class_coverage",
    "frechet_distance",
    "gaussian_distance",
    "independent_pixels",
    "kernel_distance",
    "manifold",
    "memorisation",
    "relative_score",
]

Array = NDArray[np.float64]
__references__ = ("heusel2017", "binkowski2018", "kynkaanniemi2019", "naeem2020")


def _features(name: str, x: NDArray[np.floating]) -> Array:
    checked: Array = np.asarray(x, np.float64)
    if checked.ndim != 2 or len(checked) < 2:
        raise ShapeError(f"{name}: expected features (n >= 2, d), got {checked.shape}")
    return checked


def _covariance(x: Array) -> Array:
    covariance: Array = np.atleast_2d(np.cov(x.T)).astype(np.float64)
    return covariance


def _root(c: Array) -> Array:
    values, vectors = np.linalg.eigh(c)
    root: Array = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    return root


def gaussian_distance(mu_a: Array, cov_a: Array, mu_b: Array, cov_b: Array) -> float:
    r"""Return the Fréchet distance of two Gaussians.

    .. math:: |\mu_a - \mu_b|^2 + \mathrm{tr}\,(C_a + C_b
              - 2 (C_b^{1/2} C_a C_b^{1/2})^{1/2})

    Eigenvalues are clipped at 0; the non-symmetric product is never rooted.

    Parameters
    ----------
    mu_a, mu_b : ndarray of float64, shape (d,)
        Means.
    cov_a, cov_b : ndarray of float64, shape (d, d)
        Covariances.
    """
    root = _root(np.asarray(cov_b, np.float64))
    inner = np.linalg.eigvalsh(root @ np.asarray(cov_a, np.float64) @ root)
    cross = np.sqrt(np.clip(inner, 0, None)).sum()
    shift = np.asarray(mu_a, np.float64) - np.asarray(mu_b, np.float64)
    return float(shift @ shift + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def frechet_distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Return the classifier-feature Fréchet distance of two sets.

    Parameters
    ----------
    a, b : array_like of float, shape (n, d), (m, d)
        Features; both sets should have more than 10 d members, and equally many.
    """
    a, b = _features("frechet_distance", a), _features("frechet_distance", b)
    return gaussian_distance(a.mean(0), _covariance(a), b.mean(0), _covariance(b))


class Kernel(NamedTuple):
    """Unbiased squared kernel distance: value, mean and standard error over subsets."""

    value: float
    mean: float
    standard_error: float


def kernel_distance(
    a: NDArray[np.floating],
    b: NDArray[np.floating],
    *,
    rng: np.random.Generator,
    kernel: str = "polynomial",
    subsets: int = 10,
    size: int = 200,
) -> Kernel:
    """Return the unbiased squared maximum mean discrepancy; it may be negative.

    Parameters
    ----------
    a, b : array_like of float, shape (n, d), (m, d)
        Features.
    rng : numpy.random.Generator
        Draws the subsets.
    kernel : {"polynomial", "rbf"}
        ``(u.v / d + 1)^3``, or Gaussian at the median distance of `b`.
    subsets, size : int
        Random subsets for the standard error.
    """
    a, b = _features("kernel_distance", a), _features("kernel_distance", b)
    if kernel not in ("polynomial", "rbf"):
        raise ParameterError(
            f"kernel_distance.kernel: 'polynomial' or 'rbf', got {kernel!r}"
        )
    d = a.shape[1]
    scale = 1.0
    if kernel == "rbf":
        squared = _squared(b, b)
        scale = float(np.median(squared[np.triu_indices(len(b), 1)]))

    def k(u: Array, v: Array) -> Array:
        if kernel == "polynomial":
            value: Array = (u @ v.T / d + 1) ** 3
            return value
        gauss: Array = np.exp(-_squared(u, v) / (2 * scale))
        return gauss

    aa, bb, ab = k(a, a), k(b, b), k(a, b)

    def distance(i: NDArray[np.int64], j: NDArray[np.int64]) -> float:
        n, m = len(i), len(j)
        x, y = aa[np.ix_(i, i)], bb[np.ix_(j, j)]
        return float(
            (x.sum() - np.trace(x)) / (n * (n - 1))
            + (y.sum() - np.trace(y)) / (m * (m - 1))
            - 2 * ab[np.ix_(i, j)].mean()
        )

    n = min(size, len(a), len(b))
    draws = [
        distance(rng.permutation(len(a))[:n], rng.permutation(len(b))[:n])
        for _ in range(subsets)
    ]
    return Kernel(
        distance(np.arange(len(a)), np.arange(len(b))),
        float(np.mean(draws)),
        float(np.std(draws, ddof=1) / np.sqrt(subsets)),
    )


def _squared(a: Array, b: Array) -> Array:
    d: Array = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.clip(d, 0, None)


def _distances(a: Array, b: Array) -> Array:
    from scipy.spatial.distance import cdist

    result: Array = cdist(a, b)
    return result


def _radius(x: Array, k: int) -> Array:
    """Distance of every member to its k-th nearest other member."""
    d = _distances(x, x)
    np.fill_diagonal(d, np.inf)
    return np.partition(d, k - 1, axis=1)[:, k - 1]


class Manifold(NamedTuple):
    """Shares in 0..1 (density may exceed 1)."""

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(
    generated: NDArray[np.floating],
    real: NDArray[np.floating],
    *,
    k: int = 3,
    k_density: int = 5,
) -> Manifold:
    """Return precision and recall, density and coverage.

    Parameters
    ----------
    generated, real : array_like of float, shape (n, d)
        Features, of equal number.
    k : int
        Neighbour whose distance is the radius of precision and recall.
    k_density : int
        The same for density and coverage.

    References
    ----------
    .. [1] T. Kynkäänniemi et al., NeurIPS 2019, arXiv:1904.06991.
    .. [2] M. F. Naeem et al., ICML 2020, arXiv:2002.09797.
    """
    g, r = _features("manifold", generated), _features("manifold", real)
    if len(g) != len(r):
        raise ShapeError(
            f"manifold: sets of one size are needed, got {len(g)} and {len(r)}"
        )
    if not 1 <= max(k, k_density) < len(g):
        raise ParameterError(f"manifold: k must be 1..{len(g) - 1}, got {k}")
    d = _distances(g, r)
    inside = d <= _radius(r, k)[None, :]
    back = d <= _radius(g, k)[:, None]
    wide = d <= _radius(r, k_density)[None, :]
    return Manifold(
        float(inside.any(1).mean()),
        float(back.any(0).mean()),
        float(wide.sum() / (k_density * len(g))),
        float(wide.any(0).mean()),
    )


class Memorisation(NamedTuple):
    """Distances to the nearest training image, against those of unseen real images.

    Attributes
    ----------
    ratio : float
        Median distance of generated over that of unseen real images: well below 1
        means copying, far above 1 off the manifold.
    close_share : float
        Share of generated images closer than 99 % of the unseen real ones are.
    copy_share : float
        Share whose nearest neighbour is less than a third as far as the second.
    pairs : ndarray of int64, shape (n_pairs, 2)
        The closest pairs: generated, training.
    """

    ratio: float
    close_share: float
    copy_share: float
    pairs: NDArray[np.int64]


def memorisation(
    generated: NDArray[np.floating],
    unseen: NDArray[np.floating],
    train: NDArray[np.floating],
    *,
    n_pairs: int = 10,
) -> Memorisation:
    """Compare nearest-neighbour distances to the training set, in pixels or features.

    Parameters
    ----------
    generated, unseen, train : array_like of float, shape (n, ...)
        Generated images, real images not trained on, training images.
    n_pairs : int
        Closest pairs returned.
    """
    g, u, r = (
        np.asarray(x, np.float64).reshape(len(x), -1)
        for x in (generated, unseen, train)
    )
    d = _distances(g, r)
    nearest = np.partition(d, 1, axis=1)[:, :2]
    own = _distances(u, r).min(1)
    order = np.argsort(nearest[:, 0], kind="stable")[:n_pairs]
    return Memorisation(
        float(np.median(nearest[:, 0]) / np.median(own)),
        float((nearest[:, 0] < np.quantile(own, 0.01)).mean()),
        float((nearest[:, 0] < nearest[:, 1] / 3).mean()),
        np.stack([order, d[order].argmin(1)], 1).astype(np.int64),
    )


class ClassCoverage(NamedTuple):
    """How the classifier sees the generated set.

    Attributes
    ----------
    entropy : float
        Of the class histogram, 1: uniform.
    smallest_share : float
        Share of the rarest class.
    total_variation : float
        Distance to the real class shares, 0..1.
    confident_share : float
        Share with a largest probability above 0.9.
    classifier_score : float
        ``exp(E KL(p(y|g) || p(y)))``, 1..n_classes.
    """

    entropy: float
    smallest_share: float
    total_variation: float
    confident_share: float
    classifier_score: float


def class_coverage(
    probabilities: NDArray[np.floating], real_shares: NDArray[np.floating]
) -> ClassCoverage:
    """Summarise class probabilities of generated images.

    Parameters
    ----------
    probabilities : array_like of float, shape (n, n_classes)
        Of the classifier.
    real_shares : array_like of float, shape (n_classes,)
        Class shares of the real set.
    """
    p = np.asarray(probabilities, np.float64)
    shares = np.bincount(p.argmax(1), minlength=p.shape[1]) / len(p)
    positive = shares[shares > 0]
    tiny = 1e-12
    relative = np.log(np.clip(p, tiny, 1)) - np.log(np.clip(p.mean(0), tiny, 1))
    return ClassCoverage(
        float(-(positive * np.log(positive)).sum() / np.log(p.shape[1])),
        float(shares.min()),
        float(np.abs(shares - np.asarray(real_shares)).sum() / 2),
        float((p.max(1) > 0.9).mean()),
        float(np.exp((p * relative).sum(1).mean())),
    )


def independent_pixels(
    train: NDArray[np.floating], n: int, *, rng: np.random.Generator
) -> NDArray[np.floating]:
    """Return images whose pixels are drawn one by one from their training marginals.

    The stricter of the two ceilings.

    Parameters
    ----------
    train : ndarray of float, shape (n_train, ...)
        Training images.
    n : int
        Images to make.
    rng : numpy.random.Generator
        Source of randomness.
    """
    flat = train.reshape(len(train), -1)
    rows = rng.integers(0, len(flat), (n, flat.shape[1]))
    pixels: NDArray[np.floating] = flat[rows, np.arange(flat.shape[1])]
    return pixels.reshape(n, *train.shape[1:])


def relative_score(value: float, floor: float, ceiling: float) -> float:
    """Return ``(value - floor) / (ceiling - floor)``: 0 as good as real, 1 as noise.

    Parameters
    ----------
    value : float
        Distance of the generated images.
    floor, ceiling : float
        The same distance of real images, and of the reference that knows least.
    """
    return (value - floor) / (ceiling - floor)
