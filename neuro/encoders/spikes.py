"""Values as spike trains: by rate, or by the time of one spike."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError

__all__ = ["latency_spikes", "rate_spikes"]


def _unit_values(name: str, values: ArrayLike) -> NDArray[np.float64]:
    x = np.atleast_1d(np.asarray(values, np.float64)).ravel()
    if not np.isfinite(x).all() or (x.size and (x.min() < 0 or x.max() > 1)):
        raise ParameterError(f"{name}: values must lie in 0..1; scale them first")
    return x


def rate_spikes(
    values: ArrayLike,
    *,
    duration: float,
    max_rate_hz: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Poisson trains whose rates are proportional to the values.

    Parameters
    ----------
    values : array_like, shape (n,)
        In 0..1.
    duration : float
        Seconds.
    max_rate_hz : float
        Rate of the value 1.
    rng : numpy.random.Generator
        Draws the spikes.

    Returns
    -------
    times : ndarray of float64
        Seconds, sorted.
    indices : ndarray of int32
        Channel of each spike.
    """
    x = _unit_values("rate_spikes", values)
    if duration < 0 or max_rate_hz < 0:
        raise ParameterError("rate_spikes: duration and max_rate_hz must be >= 0")
    counts = rng.poisson(x * max_rate_hz * duration)
    indices = np.repeat(np.arange(x.size), counts)
    times = rng.uniform(0.0, duration, indices.size)
    order = np.lexsort((indices, times))
    return times[order], indices[order].astype(np.int32)


def latency_spikes(
    values: ArrayLike, *, duration: float, threshold: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """One spike per value above the threshold; the largest value fires first.

    The value 1 fires at 0, a value just above `threshold` at `duration`.

    Parameters
    ----------
    values : array_like, shape (n,)
        In 0..1.
    duration : float
        Seconds.
    threshold : float
        Values up to it stay silent, in 0..1 (1 excluded).
    """
    x = _unit_values("latency_spikes", values)
    if not 0 <= threshold < 1 or duration < 0:
        raise ParameterError(
            "latency_spikes: expected 0 <= threshold < 1 and duration >= 0"
        )
    indices = np.flatnonzero(x > threshold)
    times = duration * (1 - x[indices]) / (1 - threshold)
    order = np.lexsort((indices, times))
    return times[order], indices[order].astype(np.int32)
