"""What a level did on a batch of frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ShapeError

__all__ = ["Activity", "intersections", "likelihoods"]


@dataclass(frozen=True, slots=True)
class Activity:
    """Codes and familiarity of all macs of a level, frame by frame.

    Attributes
    ----------
    codes : ndarray of int16, shape (n_frames, n_macs, n_cms)
        Winner of each competitive module; -1 in a silent mac.
    familiarity : ndarray of float32, shape (n_frames, n_macs)
        G in 0..1; 0 in a silent mac.
    hypotheses : ndarray of int16, shape (n_frames, n_macs)
        zeta, codes that fit equally well; 0 in a silent mac.
    signals : ndarray of uint8, shape (n_frames, n_macs)
        Signals that entered V: U = 1, H = 2, D = 4, summed.
    """

    codes: NDArray[np.int16]
    familiarity: NDArray[np.float32]
    hypotheses: NDArray[np.int16]
    signals: NDArray[np.uint8]

    @property
    def active(self) -> NDArray[np.bool_]:
        """Which macs had a code, bool, shape (n_frames, n_macs)."""
        return np.asarray(self.codes[:, :, 0] >= 0)

    def mean_familiarity(self) -> NDArray[np.float64]:
        """G averaged over the active macs, shape (n_frames,); 0 where none was."""
        n = self.active.sum(1)
        return np.asarray(self.familiarity.sum(1, dtype=np.float64) / np.maximum(n, 1))


def intersections(code: ArrayLike, stored: ArrayLike) -> NDArray[np.int64]:
    """Size of the intersection of one code with stored codes.

    Parameters
    ----------
    code : array_like of int, shape (..., n_cms)
        Winner per module; -1 never matches.
    stored : array_like of int, shape (n_stored, ..., n_cms)
        Codes to compare with.

    Examples
    --------
    >>> intersections([0, 1, 2], [[0, 1, 2], [0, 0, 0]])
    array([3, 1])
    """
    a, b = np.asarray(code), np.asarray(stored)
    if b.shape[1:] != a.shape:
        raise ShapeError(
            f"intersections: a code of shape {a.shape} cannot be compared with stored "
            f"codes of shape {b.shape}; expected (n_stored, *{a.shape})"
        )
    same = (a[None] == b) & (a[None] >= 0)
    return np.asarray(same.sum(tuple(range(1, b.ndim))), np.int64)


def likelihoods(code: ArrayLike, stored: ArrayLike) -> NDArray[np.float64]:
    """Fraction of each stored code that is present in the active code, 0..1."""
    a = np.asarray(code)
    return intersections(a, stored) / max(1, a.size)
