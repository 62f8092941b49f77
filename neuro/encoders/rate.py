"""Still values to spikes by rate: the brightest pixel fires most often.

References
----------
.. [1] Lin et al., Nature Computational Science (2025), s43588-024-00751-z: at most 20
   spikes for the brightest pixel in the window. The published encoder is missing; that
   the spikes fall on distinct, uniformly drawn steps is a choice made here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError

__all__ = ["rate_frames"]


def rate_frames(
    values: NDArray[Any],
    *,
    steps: int,
    max_spikes: int = 20,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Encode stills as binary frames.

    Parameters
    ----------
    values : ndarray, shape (n, ...)
        Non-negative intensities; scaled by the largest value of each sample.
    steps : int
        Frames per sample.
    max_spikes : int
        Spikes of the brightest value, at most `steps`.
    rng : numpy.random.Generator
        Draws the steps.

    Returns
    -------
    ndarray of uint8, shape (n, steps, lines)
        ``round(max_spikes * value / max)`` spikes per line, on distinct steps.
    """
    if not 0 < max_spikes <= steps:
        raise ParameterError(f"max_spikes: expected 1..{steps}, got {max_spikes}")
    x = np.asarray(values, np.float64).reshape(len(values), -1)
    if not np.isfinite(x).all() or x.min(initial=0.0) < 0:
        raise ParameterError("rate_frames: values must be finite and >= 0")
    peak = x.max(1, keepdims=True)
    spikes = np.rint(max_spikes * x / np.where(peak > 0, peak, 1.0)).astype(np.int64)
    out = np.zeros((len(x), steps, x.shape[1]), np.uint8)
    for k, n in enumerate(spikes):
        # the n smallest of `steps` uniform draws are n distinct, uniform steps
        rank = rng.random((steps, x.shape[1])).argsort(0).argsort(0)
        out[k] = rank < n
    return out
