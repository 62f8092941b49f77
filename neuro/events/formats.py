r"""Event files: N-MNIST ``.bin``, SLAYER's ``.bs1``, ``.bs2``, ``.bs3``, and tables.

``.npz`` and ``.csv`` are described at :mod:`neuro.events.tables`. The others are
binary; none has a header; records follow one another to the end of the file,
big-endian.

* ``.bin`` = ``.bs2`` (5 bytes): ``x = b0``, ``y = b1``, ``p = b2 >> 7``,
  ``t = (b2 & 127) << 16 | b3 << 8 | b4`` in microseconds. A word with ``y = 240`` is no
  event: it adds 2^13 us to all later stamps.
* ``.bs1`` (5 bytes): channel ``b0 << 8 | b1``, polarity and time as above.
* ``.bs3`` (7 bytes): ``x = b0 << 4 | b1 >> 4``, ``y = (b1 & 15) << 8 | b2``,
  ``p = b3``, ``t = b4 << 16 | b5 << 8 | b6``.
* ``.bsn`` (10 bytes): neuron (16 bits), start and end in us (24 bits each), number of
  spikes (16 bits); read by :func:`read_bsn` as a table, since it holds no events.

SLAYER's own writer loses the high byte of ``.bs1`` channels; this one keeps it.

References
----------
.. [1] github.com/bamsumit/slayerPytorch, src/spikeFileIO.py (formats only).
.. [2] Orchard et al., Front. Neurosci. 9:437 (2015).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import DatasetError, NeuroError, ParameterError
from neuro.events.array import EVENT, Events, validate
from neuro.events.tables import TABLES, from_table, to_table
from neuro.results import atomic_write

__all__ = [
    "BSN",
    "NMNIST_SENSOR",
    "decode",
    "encode",
    "read_bsn",
    "read_events",
    "write_bsn",
    "write_events",
]

NMNIST_SENSOR = (34, 34, 2)
OVERFLOW_Y = 240  # row that marks an overflow word of .bin
OVERFLOW_US = 1 << 13
BSN = np.dtype([("neuron", "i4"), ("start_us", "i8"), ("end_us", "i8"), ("n", "i4")])

_RECORD = {".bin": 5, ".bs2": 5, ".bs1": 5, ".bs3": 7, ".bsn": 10}


def _kind(kind: str) -> str:
    kind = kind.lower()
    if not kind.startswith("."):
        kind = f".{kind}"
    if kind not in _RECORD or kind == ".bsn":
        raise ParameterError(
            f"event format {kind!r} is unknown; accepted: .bin, .bs1, .bs2, .bs3, "
            ".npz, .csv (.bsn by read_bsn)"
        )
    return kind


def _records(data: Any, kind: str) -> NDArray[np.uint8]:
    raw = np.frombuffer(data, np.uint8)
    size = _RECORD[kind]
    if raw.size % size:
        raise DatasetError(
            f"{raw.size} bytes are no whole number of {size}-byte {kind} records; the "
            "file is truncated or of another format"
        )
    return raw.reshape(-1, size)


def _columns(raw: NDArray[np.uint8], *columns: int) -> NDArray[np.int64]:
    """Join byte columns, the first the most significant."""
    value = np.zeros(raw.shape[0], np.int64)
    for c in columns:
        value = value << 8 | raw[:, c]
    return value


def decode(data: Any, kind: str = ".bin") -> Events:
    """Decode bytes into events, unchecked but for the record length.

    Parameters
    ----------
    data : bytes-like
        Content of a file.
    kind : str
        ``".bin"``, ``".bs1"``, ``".bs2"`` or ``".bs3"``.

    Returns
    -------
    ndarray of EVENT, shape (n,)
        Events in the order of the file.

    Raises
    ------
    DatasetError
        If the length is no multiple of the record.

    Examples
    --------
    >>> decode(bytes([33, 1, 255, 255, 255])).tolist()
    [(8388607, 33, 1, 1)]
    """
    kind = _kind(kind)
    raw = _records(data, kind)
    events = np.empty(raw.shape[0], EVENT)
    if kind == ".bs3":
        events["x"] = _columns(raw, 0, 1) >> 4
        events["y"] = _columns(raw, 1, 2) & 0xFFF
        if raw[:, 3].max(initial=0) > 127:
            raise DatasetError(
                f"polarity {raw[:, 3].max()} exceeds 127; the file is no .bs3"
            )
        events["p"] = raw[:, 3]
        events["t"] = _columns(raw, 4, 5, 6)
        return events
    word = _columns(raw, 2, 3, 4)
    events["t"] = word & 0x7FFFFF
    events["p"] = word >> 23
    if kind == ".bs1":
        channel = _columns(raw, 0, 1)
        if channel.max(initial=0) > 0x7FFF:
            raise DatasetError(f"channel {channel.max()} exceeds 32767")
        events["x"], events["y"] = channel, 0
        return events
    events["x"], events["y"] = raw[:, 0], raw[:, 1]
    overflow = raw[:, 1] == OVERFLOW_Y
    if kind == ".bin" and overflow.any():
        events["t"] += np.cumsum(overflow) * OVERFLOW_US
        events = events[~overflow]
    return events


def encode(events: Any, kind: str = ".bin") -> bytes:
    """Encode events; ``encode(decode(data)) == data`` for files without overflow words.

    Parameters
    ----------
    events : structured array, shape (n,)
        Sorted events, ``t`` in microseconds.
    kind : str
        ``".bin"``, ``".bs1"``, ``".bs2"`` or ``".bs3"``.

    Raises
    ------
    ParameterError
        If a value does not fit the format.
    """
    kind = _kind(kind)
    e = validate(events, allow_empty=True)
    t, x, y, p = (e[name].astype(np.int64) for name in ("t", "x", "y", "p"))
    limits: dict[str, tuple[int, int, int, int]] = {
        ".bin": (0x7FFFFF, 255, OVERFLOW_Y - 1, 1),
        ".bs2": (0x7FFFFF, 255, 255, 1),
        ".bs1": (0x7FFFFF, 0x7FFF, 0, 1),
        ".bs3": (0xFFFFFF, 0xFFF, 0xFFF, 127),
    }
    for name, values, limit in zip("txyp", (t, x, y, p), limits[kind], strict=True):
        if values.max(initial=0) > limit:
            raise ParameterError(
                f"encode: {name} = {values.max()} does not fit {kind}, the largest is "
                f"{limit}"
            )
    raw = np.empty((e.size, _RECORD[kind]), np.uint8)
    if kind == ".bs3":
        columns = (x >> 4, (x & 15) << 4 | y >> 8, y & 255, p, t >> 16, t >> 8, t)
    else:
        head = (x >> 8, x) if kind == ".bs1" else (x, y)
        columns = (*head, p << 7 | t >> 16, t >> 8, t)  # type: ignore[assignment]
    for k, column in enumerate(columns):
        raw[:, k] = column & 255
    return raw.tobytes()


def read_events(
    path: Path | str,
    sensor_size: tuple[int, int, int] | None = None,
    *,
    allow_empty: bool = False,
) -> Events:
    """Read and check a file; its ending names the format.

    Parameters
    ----------
    path : path
        ``.bin``, ``.bs1``, ``.bs2``, ``.bs3``, ``.npz`` or ``.csv``.
    sensor_size : tuple of int, optional
        (W, H, P). Default: 34 x 34 x 2 for ``.bin`` (N-MNIST), otherwise unlimited.
    allow_empty : bool
        Accept a file without events.

    Returns
    -------
    ndarray of EVENT, shape (n,)
        Checked events.

    Raises
    ------
    DatasetError
        If the file is missing, truncated, empty, unsorted or has events outside the
        sensor; the message names the file.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind in TABLES:
        return _checked(
            path,
            lambda data: validate(
                from_table(data, kind), sensor_size, allow_empty=allow_empty
            ),
        )
    kind = _kind(kind)
    if sensor_size is None and kind == ".bin":
        sensor_size = NMNIST_SENSOR
    return _checked(
        path,
        lambda data: validate(decode(data, kind), sensor_size, allow_empty=allow_empty),
    )


def _checked(path: Path, parse: Callable[[bytes], Events]) -> Events:
    """Parse a file's bytes; whatever is wrong becomes a DatasetError with its name."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        return parse(data)
    except NeuroError as error:
        raise DatasetError(f"{path}: {error}") from None


def write_events(path: Path | str, events: Any) -> None:
    """Write events atomically; the ending names the format.

    Parameters
    ----------
    path : path
        File; replaced if it exists.
    events : ndarray of EVENT, shape (n_events,)
        Sorted events.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind in TABLES:
        data = to_table(validate(events, allow_empty=True), kind)
    else:
        data = encode(events, kind)
    try:
        atomic_write(path, lambda file: file.write(data))
    except OSError as error:
        raise ParameterError(f"{path}: cannot be written ({error.strerror})") from None


def read_bsn(path: Path | str) -> NDArray[Any]:
    """Read a SLAYER spike-count table.

    Parameters
    ----------
    path : path
        File.

    Returns
    -------
    ndarray, shape (n,)
        Fields ``neuron``, ``start_us``, ``end_us``, ``n`` (:data:`BSN`).
    """

    def parse(data: bytes) -> NDArray[Any]:
        raw = _records(data, ".bsn")
        table = np.empty(raw.shape[0], BSN)
        table["neuron"] = _columns(raw, 0, 1)
        table["start_us"] = _columns(raw, 2, 3, 4)
        table["end_us"] = _columns(raw, 5, 6, 7)
        table["n"] = _columns(raw, 8, 9)
        if (table["end_us"] < table["start_us"]).any():
            raise DatasetError("an interval ends before it starts")
        return table

    return _checked(Path(path), parse)


def write_bsn(path: Path | str, table: Any) -> None:
    """Write a SLAYER spike-count table (fields of :data:`BSN`).

    Parameters
    ----------
    path : path
        File; replaced if it exists.
    table : ndarray, shape (n,)
        Fields of :data:`BSN`.
    """
    rows = np.asarray(table)
    raw = np.empty((rows.size, 10), np.uint8)
    k = 0
    for name, n_bytes in (("neuron", 2), ("start_us", 3), ("end_us", 3), ("n", 2)):
        value = rows[name].astype(np.int64)
        if value.min(initial=0) < 0 or value.max(initial=0) >= 1 << 8 * n_bytes:
            raise ParameterError(
                f"write_bsn: {name} must lie in 0..{(1 << 8 * n_bytes) - 1}"
            )
        for shift in range(n_bytes - 1, -1, -1):
            raw[:, k] = value >> 8 * shift & 255
            k += 1
    atomic_write(Path(path), lambda file: file.write(raw.tobytes()))
