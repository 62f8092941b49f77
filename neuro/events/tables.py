"""Events as columns: ``.npz`` arrays and ``.csv`` tables, for recordings of any sensor.

``.npz`` holds the arrays ``t, x`` and, if the sensor has them, ``y`` and ``p``, or one
structured array ``events`` with these fields. ``.csv`` has a header with the same names
in any order. Time stamps are microseconds; a recording may start at any stamp, its
beginning is subtracted, and polarities -1 and 1 become 0 and 1.
"""

import csv
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import DatasetError
from neuro.events.array import EVENT, Events

__all__ = ["TABLES", "from_table", "to_table"]

TABLES = (".npz", ".csv")
_FIELDS = ("t", "x", "y", "p")


def from_table(data: bytes, kind: str) -> Events:
    """Parse the bytes of a table.

    Parameters
    ----------
    data : bytes
        Content of the file.
    kind : {".npz", ".csv"}
        Format.

    Returns
    -------
    ndarray of EVENT, shape (n,)
        Unchecked events, the first at 0.

    Raises
    ------
    DatasetError
        If a column is missing, not of integers, or of another length.
    """
    columns = _read_csv(data) if kind == ".csv" else _read_npz(data)
    for name in ("t", "x"):
        if name not in columns:
            raise DatasetError(
                f"column {name!r} is missing; expected t, x, y, p, got "
                f"{', '.join(columns) or 'none'}"
            )
    events = np.zeros(np.size(columns["t"]), EVENT)
    for name in _FIELDS:
        column = np.asarray(columns.get(name, 0))
        whole = column.dtype.kind in "iub" or bool((column == np.floor(column)).all())
        if column.dtype.kind not in "iufb" or not whole:
            raise DatasetError(
                f"column {name!r}: expected whole numbers (time in microseconds), got "
                f"{column.dtype}"
            )
        if name in columns and column.shape != events.shape:
            raise DatasetError(
                f"column {name!r} has shape {column.shape}, column 't' {events.shape}"
            )
        if name != "t" and column.size and column.max() > np.iinfo(EVENT[name]).max:
            raise DatasetError(f"column {name!r}: {column.max()} is too large")
        events[name] = column
    if events.size:
        events["t"] -= events["t"][0]
    if events.size and events["p"].min() == -1:
        events["p"] = events["p"] > 0
    return events


def to_table(events: Any, kind: str) -> bytes:
    """Return the bytes of a table of events; :func:`from_table` reads them.

    Parameters
    ----------
    events : ndarray of EVENT, shape (n_events,)
        Sorted events.
    kind : {".csv", ".npz"}
        Format.
    """
    if kind == ".csv":
        rows = np.stack([events[name].astype(np.int64) for name in _FIELDS], 1)
        text = "".join(",".join(map(str, row)) + "\n" for row in rows.tolist())
        return (",".join(_FIELDS) + "\n" + text).encode()
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: events[name] for name in _FIELDS})
    return buffer.getvalue()


def _read_npz(data: bytes) -> Mapping[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            found = {name: held[name] for name in held.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DatasetError(f"not a readable .npz of plain arrays ({error})") from None
    events = found.get("events")
    if events is not None and events.dtype.names:
        return {name: events[name] for name in events.dtype.names}
    return found


def _read_csv(data: bytes) -> Mapping[str, NDArray[Any]]:
    try:
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig")))
        header = [name.strip() for name in next(lines, [])]
        rows = [row for row in lines if row]
        table = np.array(rows, float) if rows else np.zeros((0, len(header)))
    except ValueError as error:
        raise DatasetError(f"not a table of numbers with a header ({error})") from None
    if table.ndim != 2 or table.shape[1] != len(header):
        raise DatasetError(f"{len(header)} names for {table.shape[-1]} columns")
    return {name: table[:, k] for k, name in enumerate(header)}
