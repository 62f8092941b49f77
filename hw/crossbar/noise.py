r"""Read noise of an array, referred to its outputs.

If each cell's read noise is Gaussian, fresh in every read and not clipped, column
currents without wires are distributed exactly as

.. math:: I_j = \sum_i V_i G_{ij} + \sqrt{\textstyle\sum_i V_i^2 \sigma_{ij}^2}\,\xi_j

since columns share no cell: two matrix products and n normals instead of m n normals.

============================== =====================================================
situation                      route
============================== =====================================================
no wires, cells above 5 sigma  :func:`noisy_product`: exact
cells that noise would clip    the same with :func:`clipped_moments`: mean and variance
                               exact, sum of many cells taken as normal
wires                          the same with effective conductances, each cell's share
                               scaled by ``(G_eff / G)^2``: first order
any, without wires             :func:`sampled_product` draws every cell: the reference
============================== =====================================================
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from neuro.errors import ShapeError

from ._kernels import add_gaussian

__all__ = [
    "add_noise",
    "clipped_moments",
    "column_noise_variance",
    "negative_share",
    "noisy_product",
    "sampled_product",
]

Floats = NDArray[np.float64]
BOLTZMANN = 1.380649e-23  # J/K
ELECTRON = 1.602176634e-19  # C


def _three(
    v: ArrayLike, g: ArrayLike, variance: ArrayLike
) -> tuple[Floats, Floats, NDArray[np.floating[Any]]]:
    x, a = np.asarray(v, np.float64), np.asarray(g, np.float64)
    s = np.asarray(variance)
    if a.shape != s.shape or a.ndim != 2 or x.shape[-1] != a.shape[0]:
        raise ShapeError(
            f"noisy product: inputs {x.shape}, conductances {a.shape}, variances "
            f"{s.shape}; expected (batch, m), (m, n), (m, n)"
        )
    return x, a, s


def noisy_product(
    v: ArrayLike, g: ArrayLike, variance: ArrayLike, rng: np.random.Generator
) -> Floats:
    """Noisy currents from output-referred noise.

    Parameters
    ----------
    v : array_like, shape (m,) or (batch, m)
        Volts.
    g : array_like, shape (m, n)
        Conductances (or effective conductances), siemens.
    variance : array_like, shape (m, n)
        Of each cell in each read, siemens squared; float32 saves a conversion.
    rng : numpy.random.Generator
        Gives the key of the block's counter-based normals: one per output, in single
        precision, ``|z|`` ends at 6.8.
    """
    x, a, s = _three(v, g, variance)
    out = np.ascontiguousarray(x @ a)
    add_noise(out, x, s, rng)
    return out


def add_noise(
    current: Floats, v: Floats, variance: NDArray[Any], rng: np.random.Generator
) -> None:
    """Add the read noise of ``v`` to contiguous currents in place.

    The spread needs no double precision: half the cost of another product.
    """
    square = np.square(v, dtype=np.float32, casting="unsafe")
    spread = square @ np.asarray(variance, np.float32)
    add_gaussian(spread.reshape(-1), _key(rng), current.reshape(-1))


def _key(rng: np.random.Generator) -> np.uint64:
    """Draw the key of one block of noise from the caller's generator."""
    raw = rng.bit_generator.random_raw  # type: ignore[attr-defined]
    return np.uint64((raw() << 32 ^ raw()) & 0xFFFFFFFFFFFFFFFF)


def clipped_moments(g: ArrayLike, sigma: ArrayLike) -> tuple[Floats, Floats]:
    r"""Mean and variance of noisy cells that cannot fall below 0.

    For :math:`\max(0, G + \sigma\xi)` with :math:`a = G / \sigma`:
    :math:`\mu = G\,\Phi(a) + \sigma\,\varphi(a)`, :math:`E[G^2] = (G^2 + \sigma^2)
    \Phi(a) + G \sigma \varphi(a)`.

    Parameters
    ----------
    g, sigma : array_like of float, shape (m, n)
        Siemens.

    Returns
    -------
    mean : ndarray of float64
        Siemens; `g` itself where ``g > 8 sigma``.
    variance : ndarray of float64
        Siemens squared.
    """
    mean, sd = np.array(g, np.float64), np.asarray(sigma, np.float64)
    variance = np.square(sd)
    low = mean < 8 * sd
    if low.any():
        x, s = mean[low], sd[low]
        a = x / s
        below, density = ndtr(a), np.exp(-a * a / 2) / np.sqrt(2 * np.pi)
        mean[low] = x * below + s * density
        square = (x * x + s * s) * below + x * s * density
        variance[low] = np.maximum(square - mean[low] ** 2, 0.0)
    return mean, variance


def sampled_product(
    v: ArrayLike, g: ArrayLike, variance: ArrayLike, rng: np.random.Generator
) -> Floats:
    """Multiply with every cell drawn anew and clipped at 0: slow, always valid.

    Parameters
    ----------
    v : array_like, shape (m,) or (batch, m)
        Volts.
    g : array_like, shape (m, n)
        Mean conductances, siemens.
    variance : array_like, shape (m, n)
        Of every cell in every read, siemens squared.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (n,) or (batch, n)
        Amperes.
    """
    x, a, s = _three(v, g, variance)
    sd = np.sqrt(s)
    rows = np.atleast_2d(x)
    out = np.empty((rows.shape[0], a.shape[1]))
    for k, row in enumerate(rows):
        cells = np.maximum(a + sd * rng.standard_normal(a.shape), 0.0)
        out[k] = row @ cells
    return out.reshape((*x.shape[:-1], a.shape[1]))


def negative_share(g: ArrayLike, variance: ArrayLike) -> float:
    """Mean probability of a noisy cell below 0; clipping matters above 1e-6.

    Parameters
    ----------
    g, variance : array_like, shape (m, n)
        Siemens, siemens squared.
    """
    a, s = np.asarray(g, float), np.sqrt(np.asarray(variance, float))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(s > 0, -a / s, -np.inf)
    return float(ndtr(z).mean())


def column_noise_variance(
    g_sum: ArrayLike,
    current: ArrayLike,
    *,
    bandwidth_hz: float,
    temperature: float = 300.0,
) -> Floats:
    """Thermal and shot noise of column currents, amperes squared.

    Parameters
    ----------
    g_sum : array_like, shape (n,)
        Sum of the conductances of each column, siemens.
    current : array_like, shape (..., n)
        Column currents, amperes.
    bandwidth_hz : float
        Bandwidth of the read-out.
    temperature : float
        Kelvin.
    """
    thermal = 4 * BOLTZMANN * temperature * bandwidth_hz * np.asarray(g_sum, float)
    shot = 2 * ELECTRON * bandwidth_hz * np.abs(np.asarray(current, float))
    return np.asarray(thermal + shot)
