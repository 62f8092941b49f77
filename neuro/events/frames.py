"""Event frames on a fixed grid of bins, and the chunked raster of audio recordings.

Bins start at t = 0 and have one fixed width, the same for every sample: bins that
divide each recording's own duration would differ between samples. Arrays are
(bin, polarity, row, column): an event at x = 3, y = 20 lands in ``[..., 20, 3]``.
"""

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import MemoryLimitError, ParameterError
from neuro.events.array import Events, validate

__all__ = ["chunked_raster", "crop_bounds", "frame_batch", "frames"]


def crop_bounds(
    sensor_size: tuple[int, int, int], crop: int | tuple[int, int] | None
) -> tuple[int, int, int, int]:
    """Return (x0, y0, width, height) of the centred window.

    Parameters
    ----------
    sensor_size : tuple of int
        (W, H, P).
    crop : int or tuple of int, optional
        Side of the square, or (width, height). None: the whole sensor.

    Examples
    --------
    >>> crop_bounds((34, 34, 2), 16)
    (9, 9, 16, 16)
    """
    w, h, _ = sensor_size
    if crop is None:
        return 0, 0, w, h
    cw, ch = (crop, crop) if isinstance(crop, (int, np.integer)) else crop
    if not (0 < cw <= w and 0 < ch <= h):
        raise ParameterError(
            f"crop: expected 1..{w} columns and 1..{h} rows, got {cw} x {ch}"
        )
    return (w - cw) // 2, (h - ch) // 2, int(cw), int(ch)


def frames(
    events: Any,
    sensor_size: tuple[int, int, int],
    *,
    bin_us: int,
    n_bins: int,
    crop: int | tuple[int, int] | None = None,
    pool: int = 1,
    binary: bool = True,
    polarity: int | None = None,
) -> NDArray[np.uint8]:
    """Bin events into frames of equal duration from t = 0.

    Parameters
    ----------
    events : structured array, shape (n,)
        Events, microseconds; none is needed.
    sensor_size : tuple of int
        (W, H, P).
    bin_us : int
        Width of a bin, microseconds; later events than ``n_bins * bin_us`` are dropped.
    n_bins : int
        Number of bins.
    crop : int or tuple of int, optional
        Centred window: side of a square, or (width, height).
    pool : int
        Side of squares of pixels that are merged; the rest at the right and the bottom
        is left out.
    binary : bool
        Clamp to 1; otherwise numbers of events.
    polarity : int, optional
        Keep one polarity; the frame then has P = 1.

    Returns
    -------
    ndarray of uint8, shape (n_bins, P, H, W)
        Frames.

    Raises
    ------
    ParameterError
        Bad events or arguments, or more than 255 events in one place with
        ``binary=False``.

    Examples
    --------
    >>> from neuro.events import make_events
    >>> e = make_events([0, 10], [3, 3], [20, 20], [1, 1])
    >>> int(frames(e, (34, 34, 2), bin_us=6000, n_bins=50, binary=False)[0, 1, 20, 3])
    2
    """
    out = np.zeros(_shape(sensor_size, bin_us, n_bins, crop, pool, polarity), np.uint8)
    _fill(out, events, sensor_size, bin_us, crop, pool, binary, polarity)
    return out


def frame_batch(
    recordings: Iterable[Any],
    sensor_size: tuple[int, int, int],
    *,
    bin_us: int,
    n_bins: int,
    crop: int | tuple[int, int] | None = None,
    pool: int = 1,
    binary: bool = True,
    polarity: int | None = None,
) -> NDArray[np.uint8]:
    """Frames of many recordings, as :func:`frames` makes them of one.

    Parameters
    ----------
    recordings : iterable of ndarray of EVENT
        A data set, or events of each recording.
    sensor_size, bin_us, n_bins, crop, pool, binary, polarity
        As in :func:`frames`.

    Returns
    -------
    ndarray of uint8, shape (n_recordings, n_bins, P, H, W)
        Frames.

    Raises
    ------
    MemoryLimitError
        If the frames would not fit into the free memory; nothing was allocated.
    """
    shape = _shape(sensor_size, bin_us, n_bins, crop, pool, polarity)
    if hasattr(recordings, "__len__") and hasattr(recordings, "__getitem__"):
        lazy: Any = recordings
    else:
        lazy = list(recordings)
    n = len(lazy)
    items = (lazy[i] for i in range(n))
    _check_memory(n * int(np.prod(shape)))
    out = np.zeros((n, *shape), np.uint8)
    for frame, events in zip(out, items, strict=True):
        _fill(frame, events, sensor_size, bin_us, crop, pool, binary, polarity)
    return out


def _check_memory(n_bytes: int) -> None:
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on every system
        return
    # the page cache counts as used but can be freed: refuse what can never fit
    limit = max(free, total // 2)
    if n_bytes > limit:
        raise MemoryLimitError(
            f"frame_batch: the frames need {n_bytes / 1e9:.1f} GB, about "
            f"{limit / 1e9:.1f} GB can be had; use a crop, one polarity, fewer bins or "
            "a subset of the recordings"
        )


def _shape(
    sensor_size: tuple[int, int, int],
    bin_us: int,
    n_bins: int,
    crop: int | tuple[int, int] | None,
    pool: int,
    polarity: int | None,
) -> tuple[int, int, int, int]:
    if bin_us < 1 or n_bins < 1:
        raise ParameterError(
            f"frames: expected bin_us >= 1 and n_bins >= 1, got {bin_us} and {n_bins}"
        )
    n_p = sensor_size[2]
    if polarity is not None and not 0 <= polarity < n_p:
        raise ParameterError(
            f"frames: polarity {polarity} does not exist, the sensor has 0..{n_p - 1}"
        )
    _, _, w, h = crop_bounds(sensor_size, crop)
    if not 1 <= pool <= min(w, h):
        raise ParameterError(f"frames: expected pool in 1..{min(w, h)}, got {pool}")
    n_p = 1 if polarity is not None else n_p
    return int(n_bins), n_p, h // pool, w // pool


def _fill(
    out: NDArray[np.uint8],
    events: Any,
    sensor_size: tuple[int, int, int],
    bin_us: int,
    crop: int | tuple[int, int] | None,
    pool: int,
    binary: bool,
    polarity: int | None,
) -> None:
    e = validate(events, sensor_size, allow_empty=True)
    n_bins, n_p, h, w = out.shape
    x0, y0, _, _ = crop_bounds(sensor_size, crop)
    e = e[: np.searchsorted(e["t"], n_bins * bin_us)]
    x = (e["x"].astype(np.int64) - x0) // pool
    y = (e["y"].astype(np.int64) - y0) // pool
    p = e["p"].astype(np.int64)
    keep = (x >= 0) & (x < w) & (y >= 0) & (y < h)
    if polarity is not None:
        keep &= p == polarity
        p = np.zeros_like(p)
    place = ((e["t"] // bin_us * n_p + p) * h + y) * w + x
    place = place[keep]
    flat = out.reshape(-1)
    if binary:
        flat[place] = 1
        return
    counts = np.bincount(place, minlength=flat.size)
    if counts.max(initial=0) > 255:
        raise ParameterError(
            f"frames: {counts.max()} events of one pixel in one bin exceed 255; use "
            "shorter bins or binary=True"
        )
    flat[:] = counts


def chunked_raster(
    events: Events, n_channels: int, *, n_bins: int, raster_us: int = 1000
) -> NDArray[np.uint8]:
    """Raster of a 1-D sensor, cut into equal chunks: normalises each sample's duration.

    The recording is rastered at ``raster_us`` over ``ceil(max t) + 1`` frames, the time
    axis cut into chunks of ``ceil(length / n_bins)`` frames, each reduced by OR, and
    the end padded with zeros. Word length is lost by this.

    Parameters
    ----------
    events : structured array, shape (n,)
        Events; ``x`` is the channel.
    n_channels : int
        Number of channels.
    n_bins : int
        Number of chunks (129 for N-TIDIGITS in the resistive-memory liquid).
    raster_us : int
        Width of a raster frame, microseconds.

    Returns
    -------
    ndarray of uint8, shape (n_bins, n_channels)
        Binary raster.

    References
    ----------
    .. [1] Lin et al., Resistive memory-based zero-shot liquid state machine for
       multimodal event data learning, Nature Computational Science (2025).
    """
    e = validate(events, (n_channels, 1, np.iinfo(np.int8).max + 1), allow_empty=True)
    out = np.zeros((n_bins, n_channels), np.uint8)
    if e.size:
        length = -(-int(e["t"][-1]) // raster_us) + 1
        chunk = -(-length // n_bins)
        out[e["t"] // raster_us // chunk, e["x"]] = 1
    return out
