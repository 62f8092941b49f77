"""Algebra of sparse distributed representations.

A representation is the sorted array of its active bits, int32, out of ``n``. Functions
take any iterable of distinct bits and return that form.

References
----------
.. [1] Ahmad & Hawkins, Properties of sparse distributed representations and their
   application to hierarchical temporal memory, arXiv:1503.07469 (2015).
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError

__all__ = [
    "as_sdr",
    "concatenate",
    "false_match_probability",
    "from_dense",
    "intersection",
    "noisy",
    "overlap",
    "overlaps",
    "random_sdr",
    "sparsity",
    "to_dense",
    "union",
]

__references__ = ("ahmad2015",)

Sdr = NDArray[np.int32]


def as_sdr(active: Iterable[int] | ArrayLike, n: int) -> Sdr:
    """Return the sorted active bits; refuse bits out of range or given twice.

    Parameters
    ----------
    active : iterable of int
        Distinct bits, in any order.
    n : int
        Size of the representation.
    """
    values = active if isinstance(active, np.ndarray) else list(active)  # type: ignore[arg-type]
    bits = np.asarray(values if len(values) else np.zeros(0, np.int32))
    if bits.ndim != 1 or bits.dtype.kind not in "iu":
        raise ShapeError(
            f"SDR: expected a list of integer bits, got {bits.dtype} of shape "
            f"{bits.shape}; from_dense reads 0/1 arrays"
        )
    bits = np.sort(bits.astype(np.int64))
    if bits.size and (bits[0] < 0 or bits[-1] >= n):
        raise ParameterError(
            f"SDR: bits must lie in 0..{n - 1}, got {bits[0]}..{bits[-1]}"
        )
    twice = np.flatnonzero(bits[1:] == bits[:-1])
    if twice.size:
        raise ParameterError(f"SDR: bit {bits[twice[0]]} is given twice")
    return bits.astype(np.int32)


def from_dense(dense: ArrayLike) -> Sdr:
    """Return the active bits of a 0/1 array of shape (n,).

    Parameters
    ----------
    dense : array_like, shape (n,)
        Zeros and ones.
    """
    values = np.asarray(dense)
    if values.ndim != 1 or not np.isin(values, (0, 1)).all():
        raise ShapeError("SDR: from_dense expects a 1-D array of 0 and 1")
    return np.flatnonzero(values).astype(np.int32)


def to_dense(active: Sdr, n: int) -> NDArray[np.uint8]:
    """Return the 0/1 array, uint8 of shape (n,).

    Parameters
    ----------
    active : ndarray of int32
        Active bits.
    n : int
        Size of the representation.
    """
    out = np.zeros(n, np.uint8)
    out[as_sdr(active, n)] = 1
    return out


def sparsity(active: Sdr, n: int) -> float:
    """Return the share of active bits.

    Parameters
    ----------
    active : ndarray of int32
        Active bits.
    n : int
        Size of the representation.
    """
    return len(active) / n


def overlap(a: Sdr, b: Sdr) -> int:
    """Return the number of common bits.

    Parameters
    ----------
    a, b : ndarray of int32
        Active bits of two representations.

    Examples
    --------
    >>> overlap(np.array([1, 4, 9]), np.array([4, 5, 9]))
    2
    """
    return int(np.intersect1d(a, b).size)


def overlaps(codes: NDArray[np.integer], active: Sdr, n: int) -> NDArray[np.int64]:
    """Return the overlap of `active` with many codes.

    Parameters
    ----------
    codes : ndarray of int, shape (n_codes, w)
        Active bits of each code.
    active : ndarray of int32
        Bits to compare with.
    n : int
        Size of the representation.
    """
    return np.asarray(to_dense(active, n)[codes].sum(1), np.int64)


def union(*parts: Sdr) -> Sdr:
    """Return the bits active in any part.

    Parameters
    ----------
    *parts : ndarray of int32
        Active bits of each representation.
    """
    return np.unique(np.concatenate(parts)).astype(np.int32)


def intersection(a: Sdr, b: Sdr) -> Sdr:
    """Return the bits active in both.

    Parameters
    ----------
    a, b : ndarray of int32
        Active bits of two representations.
    """
    return np.intersect1d(a, b).astype(np.int32)


def concatenate(parts: Iterable[Sdr], sizes: Iterable[int]) -> Sdr:
    """Put representations side by side; part k is shifted by the sizes before it.

    Parameters
    ----------
    parts : iterable of ndarray of int32
        Active bits of each part.
    sizes : iterable of int
        Size of each part, as many as parts.
    """
    out, offset = [], 0
    for part, size in zip(parts, sizes, strict=True):
        out.append(part + offset)
        offset += size
    return np.concatenate(out).astype(np.int32)


def random_sdr(n: int, w: int, *, rng: np.random.Generator) -> Sdr:
    """Draw `w` distinct bits out of `n`, uniformly.

    Parameters
    ----------
    n : int
        Size of the representation.
    w : int
        Active bits, 0..n.
    rng : numpy.random.Generator
        Draws them.
    """
    if not 0 <= w <= n:
        raise ParameterError(f"SDR: expected 0 <= w <= n = {n}, got w = {w}")
    return np.sort(rng.permutation(n)[:w]).astype(np.int32)


def noisy(active: Sdr, n: int, share: float, *, rng: np.random.Generator) -> Sdr:
    """Move a share of the active bits to random inactive places; sparsity is kept.

    Parameters
    ----------
    active : ndarray of int32, shape (w,)
        Active bits.
    n : int
        Size of the representation.
    share : float
        Share of the bits that move, 0..1, rounded to whole bits.
    rng : numpy.random.Generator
        Draws who moves and where.
    """
    active = as_sdr(active, n)
    if not 0 <= share <= 1:
        raise ParameterError(f"SDR: share must lie in 0..1, got {share}")
    free = np.setdiff1d(np.arange(n), active)
    moved = round(share * active.size)
    if moved > free.size:
        raise ParameterError(f"SDR: {moved} bits cannot move into {free.size} places")
    kept = rng.permutation(active)[moved:]
    return np.sort(np.concatenate([kept, rng.permutation(free)[:moved]])).astype(
        np.int32
    )


def false_match_probability(n: int, w: int, stored: int, theta: int) -> float:
    r"""Probability that a random code of `w` bits overlaps `stored` bits in >= `theta`.

    .. math:: \sum_{b=\theta}^{\min(w,s)} \binom{s}{b}\binom{n-s}{w-b} / \binom{n}{w}

    Parameters
    ----------
    n : int
        Size of the representation.
    w : int
        Active bits of the random code.
    stored : int
        Bits it is compared with.
    theta : int
        Smallest overlap that counts as a match.

    Examples
    --------
    >>> false_match_probability(2048, 41, 32, 15) < 1e-14
    True
    """
    total = math.comb(n, w)
    hits = sum(
        math.comb(stored, b) * math.comb(n - stored, w - b)
        for b in range(theta, min(w, stored) + 1)
    )
    return hits / total
