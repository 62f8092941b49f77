"""Binary images for macs: area resampling, threshold, skeleton.

Macs want inputs of nearly equal and small size; digits are therefore scaled, binarised
and thinned to lines one pixel wide (Zhang and Suen 1984), as in the published MNIST
studies, which used another program for the same steps.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError
from neuro.sparsey._kernels import thin

__all__ = ["area_resample", "deslant", "line_images", "skeletonize"]


def _overlap(n_in: int, n_out: int) -> NDArray[np.float64]:
    """Share of each input pixel in each output pixel; rows sum to 1."""
    edges = np.linspace(0, n_in, n_out + 1)
    left, right = np.arange(n_in), np.arange(1, n_in + 1)
    part = np.minimum(edges[1:, None], right) - np.maximum(edges[:-1, None], left)
    return np.asarray(np.clip(part, 0, None) * n_out / n_in)


def area_resample(images: ArrayLike, height: int, width: int) -> NDArray[np.float64]:
    """Mean grey level over the area of every output pixel.

    Parameters
    ----------
    images : array_like, shape (n, rows, columns)
        Grey images.
    height, width : int
        Output size.

    Examples
    --------
    >>> area_resample([[[0, 4], [8, 4]]], 1, 1)
    array([[[4.]]])
    """
    x = np.asarray(images, np.float64)
    if x.ndim != 3:
        raise ShapeError(f"area_resample: expected (n, rows, columns), got {x.shape}")
    if height < 1 or width < 1:
        raise ParameterError("area_resample: height and width must be >= 1")
    return np.asarray(_overlap(x.shape[1], height) @ x @ _overlap(x.shape[2], width).T)


def deslant(images: ArrayLike) -> NDArray[np.float64]:
    """Shear images so that the main axis of their grey mass stands upright.

    Parameters
    ----------
    images : array_like, shape (n, rows, columns)
        Grey images.

    Returns
    -------
    ndarray of float64, shape (n, rows, columns)
        Every row moved by its distance from the centre of mass times the slant
        (covariance of columns and rows over the variance of rows), linear in between.

    Examples
    --------
    >>> deslant([[[0, 0, 9], [0, 9, 0], [9, 0, 0]]])[0].astype(int)
    array([[0, 9, 0],
           [0, 9, 0],
           [0, 9, 0]])
    """
    x = np.asarray(images)
    if x.ndim != 3:
        raise ShapeError(f"deslant: expected (n, rows, columns), got {x.shape}")
    rows, columns = np.arange(x.shape[1]), np.arange(x.shape[2])
    out = np.empty(x.shape)
    for i, image in enumerate(x.astype(np.float64)):
        mass = max(float(image.sum()), 1e-12)
        row = rows - image.sum(1) @ rows / mass
        column = columns - image.sum(0) @ columns / mass
        slant = row @ image @ column / max(float(image.sum(1) @ row**2), 1e-12)
        for r, line in enumerate(image):
            out[i, r] = np.interp(
                columns + slant * row[r], columns, line, left=0, right=0
            )
    return out


def skeletonize(images: ArrayLike) -> NDArray[np.uint8]:
    """Thin binary images to lines by the algorithm of Zhang and Suen.

    Parameters
    ----------
    images : array_like, shape (n, height, width)
        Non-zero pixels are set.

    Returns
    -------
    ndarray of uint8, shape (n, height, width)
        0 or 1.

    References
    ----------
    .. [1] Zhang and Suen, Communications of the ACM 27 (1984).
       doi:10.1145/357994.358023
    """
    x = np.asarray(images)
    if x.ndim != 3:
        raise ShapeError(f"skeletonize: expected (n, height, width), got {x.shape}")
    padded = np.zeros((len(x), x.shape[1] + 2, x.shape[2] + 2), np.uint8)
    padded[:, 1:-1, 1:-1] = x != 0
    thin(padded)
    return np.ascontiguousarray(padded[:, 1:-1, 1:-1])


def line_images(
    images: ArrayLike, *, height: int = 20, width: int = 20, threshold: float = 100
) -> NDArray[np.uint8]:
    """Resample, binarise (``> threshold``) and thin.

    Parameters
    ----------
    images : array_like, shape (n, rows, columns)
        Grey images, 0..255.
    """
    x = np.asarray(images)
    out = np.empty((len(x), height, width), np.uint8)
    for begin in range(0, len(x), 4096):
        part = slice(begin, begin + 4096)
        out[part] = skeletonize(area_resample(x[part], height, width) > threshold)
    return out
