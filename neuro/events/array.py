"""The event array: plain structured arrays ``t, x, y, p``, addressed by name.

``t`` is the time stamp in microseconds (int64, non-decreasing, a sample starts at 0),
``x`` the column, ``y`` the row (0 for one-dimensional sensors), ``p`` the polarity.
Any integer dtype and any order of the fields is accepted at the door and copied into
:data:`EVENT`; an array that is given is never modified.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError

__all__ = ["EVENT", "make_events", "select", "time_slice", "validate"]

EVENT = np.dtype([("t", "i8"), ("x", "i2"), ("y", "i2"), ("p", "i1")])

Events = NDArray[Any]


def make_events(
    t_us: ArrayLike, x: ArrayLike, y: ArrayLike = 0, p: ArrayLike = 0
) -> Events:
    """Build an event array from columns.

    Parameters
    ----------
    t_us : array_like of int, shape (n,)
        Time stamps, microseconds, sorted.
    x, y, p : array_like of int, shape (n,) or scalar
        Column, row and polarity.

    Returns
    -------
    ndarray of EVENT, shape (n,)
        A new array.

    Examples
    --------
    >>> make_events([0, 5], [3, 4])["x"].tolist()
    [3, 4]
    """
    t = np.atleast_1d(np.asarray(t_us))
    events = np.empty(t.shape, EVENT)
    for name, column in (("t", t), ("x", x), ("y", y), ("p", p)):
        events[name] = column
    return events


def _as_events(events: Any) -> Events:
    """Return an array of dtype EVENT; the same object if it already is one."""
    array = np.asarray(events)
    names = array.dtype.names
    if names is None or not {"t", "x"} <= set(names):
        raise ShapeError(
            f"events: expected a structured array with fields t, x, y, p, got "
            f"{'fields ' + ', '.join(names) if names else array.dtype}; "
            "make_events builds one from columns"
        )
    if array.ndim != 1:
        raise ShapeError(f"events: expected one dimension, got shape {array.shape}")
    if array.dtype == EVENT:
        return array
    out = np.zeros(array.shape, EVENT)
    for name in ("t", "x", "y", "p"):
        if name not in names:
            continue  # 1-D sensors may lack y, single-polarity ones p
        column = array[name]
        if column.dtype.kind not in "iub":
            raise ShapeError(
                f"events: field {name} has dtype {column.dtype}, expected integers"
                + ("; time stamps are whole microseconds" if name == "t" else "")
            )
        if column.size and name != "t":
            limit = np.iinfo(EVENT[name])
            low, high = int(column.min()), int(column.max())
            if low < limit.min or high > limit.max:
                raise ParameterError(
                    f"events: field {name} spans {low}..{high}, accepted are "
                    f"{limit.min}..{limit.max}"
                )
        out[name] = column
    return out


def validate(
    events: Any,
    sensor_size: tuple[int, int, int] | None = None,
    *,
    allow_empty: bool = False,
) -> Events:
    """Check events and return them as an array of dtype EVENT.

    Parameters
    ----------
    events : structured array, shape (n,)
        Fields ``t`` and ``x``, usually ``y`` and ``p``; integers, any order.
    sensor_size : tuple of int, optional
        (W, H, P): columns, rows, polarities. Without it coordinates need only be >= 0.
    allow_empty : bool
        Accept a recording without events.

    Returns
    -------
    ndarray of EVENT, shape (n,)
        The array itself if it has that dtype, otherwise a copy.

    Raises
    ------
    ShapeError
        Wrong fields, dtype or dimensions.
    ParameterError
        Stamps negative or out of order, coordinates or polarity outside the sensor, no
        events.

    Examples
    --------
    >>> validate(make_events([0, 7], [3, 4]), (34, 34, 2)).size
    2
    """
    array = _as_events(events)
    if array.size == 0:
        if allow_empty:
            return array
        raise ParameterError("events: the recording is empty; expected at least one")
    t = array["t"]
    if t[0] < 0:
        raise ParameterError(
            f"events: first time stamp is {t[0]} us; a sample starts at 0, subtract "
            "its beginning"
        )
    backwards = np.flatnonzero(t[1:] < t[:-1])
    if backwards.size:
        k = int(backwards[0]) + 1
        raise ParameterError(
            f"events: time stamps are not sorted: event {k} at {t[k]} us follows "
            f"{t[k - 1]} us ({backwards.size} such places); sort by t first"
        )
    limits = (None, None, None) if sensor_size is None else sensor_size
    for name, size in zip(("x", "y", "p"), limits, strict=True):
        low, high = int(array[name].min()), int(array[name].max())
        if low < 0 or (size is not None and high >= size):
            bound = "" if size is None else f"..{size - 1}"
            raise ParameterError(
                f"events: {name} spans {low}..{high}, the sensor has 0{bound}"
            )
    return array


def time_slice(
    events: Any, start_us: int, stop_us: int, *, rebase: bool = False
) -> Events:
    """Return the events with ``start_us <= t < stop_us`` (a copy).

    Parameters
    ----------
    events : structured array, shape (n,)
        Sorted by time.
    start_us, stop_us : int
        Window, microseconds.
    rebase : bool
        Subtract ``start_us``, so that the slice starts at 0.
    """
    array = validate(events, allow_empty=True)
    if stop_us < start_us:
        raise ParameterError(
            f"time_slice: stop_us {stop_us} lies before start_us {start_us}"
        )
    first, last = np.searchsorted(array["t"], [start_us, stop_us])
    part = array[first:last].copy()
    if rebase:
        part["t"] -= start_us
    return part


def select(
    events: Any,
    *,
    polarity: int | None = None,
    x: tuple[int, int] | None = None,
    y: tuple[int, int] | None = None,
) -> Events:
    """Return the events of one polarity or region (a copy).

    Parameters
    ----------
    events : structured array, shape (n,)
        Events.
    polarity : int, optional
        Keep ``p == polarity``; the field keeps its value.
    x, y : tuple of int, optional
        Half-open ranges of columns and rows to keep.
    """
    array = validate(events, allow_empty=True)
    keep = np.ones(array.size, np.bool_)
    if polarity is not None:
        keep &= array["p"] == polarity
    for name, span in (("x", x), ("y", y)):
        if span is not None:
            keep &= (array[name] >= span[0]) & (array[name] < span[1])
    chosen: Events = array[keep]
    return chosen
