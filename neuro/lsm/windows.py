"""Counting in windows: of input lines (the control) and of spikes (the liquid)."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError, ShapeError

__all__ = ["input_counts", "spike_windows", "window_edges"]


def window_edges(steps: int, windows: int) -> NDArray[np.int64]:
    """Return the limits of equally long windows, int64, shape (windows + 1,).

    Where `steps` is not divisible the first windows are one step longer.

    Parameters
    ----------
    steps : int
        Steps of a sample.
    windows : int
        Number of windows, at most `steps`.

    Examples
    --------
    >>> window_edges(50, 3)
    array([ 0, 17, 34, 50])
    """
    if not 1 <= windows <= steps:
        raise ParameterError(
            f"windows: expected 1..{steps} (the number of steps), got {windows}"
        )
    sizes = np.full(windows, steps // windows)
    sizes[: steps % windows] += 1
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def input_counts(frames: NDArray[Any], windows: int = 1) -> NDArray[np.float64]:
    """Sum the input per line and window: what a liquid has to beat.

    Parameters
    ----------
    frames : ndarray, shape (n_samples, steps, n_in)
        Input of the liquid.
    windows : int
        Number of equally long windows.

    Returns
    -------
    ndarray of float64, shape (n_samples, windows * n_in)
        Window by window.
    """
    if frames.ndim != 3:
        raise ShapeError(
            f"input_counts: expected (samples, steps, lines), got {frames.shape}"
        )
    edges = window_edges(frames.shape[1], windows)
    parts = [
        frames[:, a:b].sum(1, dtype=np.float64) for a, b in itertools.pairwise(edges)
    ]
    return np.concatenate(parts, axis=1)


def spike_windows(
    steps_of_spikes: NDArray[np.int64],
    neurons: NDArray[np.int32],
    samples: NDArray[np.int32],
    *,
    steps: int,
    windows: int,
    n: int,
    n_samples: int,
) -> NDArray[np.int64]:
    """Count spikes per sample, window and neuron.

    Parameters
    ----------
    steps_of_spikes : ndarray of int64, shape (n_spikes,)
        Frame that caused each spike, 0..steps-1.
    neurons, samples : ndarray of int32, shape (n_spikes,)
        Neuron and sample of each spike.

    Returns
    -------
    ndarray of int64, shape (n_samples, windows, n)
        Spike counts.
    """
    edges = window_edges(steps, windows)
    window = np.searchsorted(edges, steps_of_spikes, side="right") - 1
    flat = (samples.astype(np.int64) * windows + window) * n + neurons
    counts = np.bincount(flat, minlength=n_samples * windows * n)
    return counts.reshape(n_samples, windows, n)
