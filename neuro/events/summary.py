"""Statistics of recordings, and how alike two sets of recordings are."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError, ShapeError
from neuro.events.array import validate
from neuro.events.frames import frames

__all__ = [
    "Likeness",
    "RecordingStatistics",
    "event_rate",
    "likeness",
    "pixel_counts",
    "pixel_intervals",
    "recording_statistics",
]


class RecordingStatistics(NamedTuple):
    """One value per recording.

    Attributes
    ----------
    n_events : ndarray of int64
        Events.
    on_share : ndarray of float64
        Share of p = 1; NaN without events.
    last_ms : ndarray of float64
        Last stamp, ms; NaN without events.
    active_pixels : ndarray of int64
        Pixels with at least one event.
    """

    n_events: NDArray[np.int64]
    on_share: NDArray[np.float64]
    last_ms: NDArray[np.float64]
    active_pixels: NDArray[np.int64]


class Likeness(NamedTuple):
    """How alike paired recordings are: means over pairs.

    Attributes
    ----------
    events : tuple of float
        Mean events of the first and of the second set.
    count_correlation : float
        Correlation of the numbers of events over pairs.
    spatial : float
        Correlation of the two maps of events per pixel.
    space_time : float
        Correlation of the two smoothed movies (6 ms bins, sigma 1 bin and 0.7 pixels).
    """

    events: tuple[float, float]
    count_correlation: float
    spatial: float
    space_time: float


def pixel_counts(events: Any, sensor_size: tuple[int, int, int]) -> NDArray[np.int64]:
    """Return the number of events per pixel, int64, shape (H, W).

    Parameters
    ----------
    events : ndarray of EVENT, shape (n_events,)
        One recording.
    sensor_size : tuple of int
        (W, H, P).
    """
    w, h, _ = sensor_size
    e = validate(events, sensor_size, allow_empty=True)
    place = e["y"].astype(np.int64) * w + e["x"]
    counts: NDArray[np.int64] = np.bincount(place, minlength=w * h).reshape(h, w)
    return counts


def event_rate(events: Any, *, bin_us: int, duration_us: int) -> NDArray[np.float64]:
    """Return events per second in bins from t = 0; later events are dropped.

    Parameters
    ----------
    events : event array
        Events, in any order of fields.
    bin_us, duration_us : int
        Width of a bin and end of the last one, microseconds.

    Returns
    -------
    ndarray of float64
        Events per second, shape (duration_us // bin_us,).

    Raises
    ------
    ParameterError
        Unless 1 <= bin_us <= duration_us.
    """
    if bin_us < 1 or duration_us < bin_us:
        raise ParameterError(
            f"event_rate: expected 1 <= bin_us <= duration_us, got {bin_us} and "
            f"{duration_us}"
        )
    t = validate(events, allow_empty=True)["t"]
    n = duration_us // bin_us
    counts = np.bincount(t[t < n * bin_us] // bin_us, minlength=n)
    return counts / (bin_us * 1e-6)


def pixel_intervals(events: Any) -> NDArray[np.int64]:
    """Return the intervals between successive events of one pixel and polarity, us.

    Parameters
    ----------
    events : ndarray of EVENT, shape (n_events,)
        One recording.
    """
    e = validate(events, allow_empty=True)
    key = (e["y"].astype(np.int64) << 32) | (e["x"].astype(np.int64) << 8) | e["p"]
    order = np.lexsort((e["t"], key))
    same = np.diff(key[order]) == 0
    intervals: NDArray[np.int64] = np.diff(e["t"][order])[same]
    return intervals


def recording_statistics(
    recordings: Sequence[Any], sensor_size: tuple[int, int, int]
) -> RecordingStatistics:
    """Return numbers of events, polarity, duration, active pixels of each recording.

    Parameters
    ----------
    recordings : sequence of event arrays, or one event array
        A :class:`neuro.datasets.Dataset` is such a sequence.
    sensor_size : tuple of int
        (W, H, P).

    Returns
    -------
    RecordingStatistics
        One value per recording.
    """
    if isinstance(recordings, np.ndarray) and recordings.dtype.names:
        recordings = [recordings]
    items = [recordings[i] for i in range(len(recordings))]
    return RecordingStatistics(
        np.array([e.size for e in items], np.int64),
        np.array([e["p"].mean() if e.size else np.nan for e in items]),
        np.array([e["t"][-1] / 1e3 if e.size else np.nan for e in items]),
        np.array([(pixel_counts(e, sensor_size) > 0).sum() for e in items], np.int64),
    )


def likeness(
    first: Sequence[Any], second: Sequence[Any], sensor_size: tuple[int, int, int]
) -> Likeness:
    """Compare paired recordings, for example real ones and their simulation.

    Parameters
    ----------
    first, second : sequence of event arrays, of equal length
        Recordings of the same things, none empty.
    sensor_size : tuple of int
        (W, H, P).
    """
    n = len(first)
    if n != len(second) or n < 2:
        raise ShapeError(
            f"likeness: expected two sets of the same length >= 2, got {n} and "
            f"{len(second)}"
        )
    spatial, space_time, counts = np.empty(n), np.empty(n), np.empty((2, n))
    for k in range(n):
        a, b = first[k], second[k]
        counts[:, k] = a.size, b.size
        maps = [pixel_counts(e, sensor_size).ravel() for e in (a, b)]
        spatial[k] = np.corrcoef(np.stack(maps))[0, 1]
        last = max(int(a["t"][-1]), int(b["t"][-1]))
        movies = [_movie(e, sensor_size, last // 6000 + 1) for e in (a, b)]
        space_time[k] = np.corrcoef(np.stack(movies))[0, 1]
    return Likeness(
        (float(counts[0].mean()), float(counts[1].mean())),
        float(np.corrcoef(counts)[0, 1]),
        float(spatial.mean()),
        float(space_time.mean()),
    )


def _movie(
    events: Any, sensor_size: tuple[int, int, int], n_bins: int
) -> NDArray[np.float64]:
    from scipy.ndimage import gaussian_filter

    raw = frames(events, sensor_size, bin_us=6000, n_bins=n_bins, binary=False)
    smooth: NDArray[np.float64] = gaussian_filter(
        raw.astype(np.float64), (1.0, 0.0, 0.7, 0.7)
    )
    return smooth.ravel()
