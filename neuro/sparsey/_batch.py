"""Arrays of one batch of frames: what a level is shown, and room for what it does."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError
from neuro.sparsey._kernels import Output
from neuro.sparsey.fields import Source


def as_input(
    name: str,
    n_pixels: int,
    below: Source | None,
    frames: ArrayLike | None,
    codes: NDArray[np.int16] | None,
) -> tuple[NDArray[np.uint8], NDArray[np.int32], int]:
    """Pixels and codes of the level below, one of them empty; number of frames."""
    if below is None:
        pixels = _pixels(name, n_pixels, frames)
        return pixels, np.full((1, 1, 1), -1, np.int32), len(pixels)
    if codes is None:
        raise ParameterError(f"Level {name!r}: expected codes of the level below")
    held = np.ascontiguousarray(codes, np.int32)
    want = (below.n_macs, below.n_cms)
    if held.ndim != 3 or held.shape[1:] != want:
        raise ShapeError(
            f"Level {name!r}: expected codes (n_frames, {want[0]}, {want[1]}), "
            f"got {held.shape}"
        )
    return np.zeros((1, 1), np.uint8), held, len(held)


def _pixels(name: str, n_pixels: int, frames: ArrayLike | None) -> NDArray[np.uint8]:
    if frames is None:
        raise ParameterError(f"Level {name!r}: expected frames of pixels")
    x = np.asarray(frames)
    missing = x.dtype.kind == "f" and bool(np.isnan(x).any())
    if x.ndim == 0 or x.dtype.kind not in "biuf" or missing:
        raise ParameterError(
            f"Level {name!r}: expected frames of numbers, 0 = off, got "
            f"{x.dtype} of shape {x.shape}{' with NaN' if missing else ''}"
        )
    x = x.reshape(len(x), -1) if x.ndim != 1 else x[None]
    if x.shape[1] != n_pixels:
        raise ShapeError(
            f"Level {name!r}: expected {n_pixels} pixels per frame, got {x.shape[1]}; "
            "hand in an array (n_frames, ...)"
        )
    return np.ascontiguousarray(x != 0, np.uint8)


def as_codes(codes: NDArray[np.int16] | None, n: int) -> NDArray[np.int32]:
    """Codes of a level, all silent where none are given."""
    if codes is None:
        return np.full((max(n, 1), 1, 1), -1, np.int32)
    return np.ascontiguousarray(codes, np.int32)


def as_factors(
    factors: NDArray[Any] | None, codes: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Signal factors of the source macs, 1 where none are given."""
    if factors is None:
        return np.ones(codes.shape[:2])
    return np.ascontiguousarray(factors, np.float64)


def empty_output(n: int, n_macs: int, n_cms: int) -> Output:
    """Room for what `n` frames leave; the kernel fills every entry."""
    return Output(
        codes=np.empty((n, n_macs, n_cms), np.int16),
        familiarity=np.empty((n, n_macs), np.float32),
        zeta=np.empty((n, n_macs), np.int16),
        used=np.empty((n, n_macs), np.uint8),
        rows=np.empty((n, n_macs), np.int32),
        visits=np.empty((n, n_macs), np.int64),
        writes=np.empty((n, n_macs), np.int32),
        computed=np.empty((n, n_macs), np.uint8),
        novel=np.empty((n, n_macs), np.uint8),
    )
