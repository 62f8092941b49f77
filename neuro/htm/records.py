"""Streams of records: checked columns in, what the memory did out."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError

__all__ = ["MemoryTrace", "as_stream"]


class MemoryTrace(NamedTuple):
    """What a stream of records did.

    Attributes
    ----------
    anomaly_scores : ndarray of float64, shape (n_records,)
        Share of the active columns that were not predicted; 0 for an empty record.
    predicted : ndarray of int32
        Predicted columns after each record, sorted, one record behind the other.
    predicted_ends : ndarray of int64, shape (n_records + 1,)
        Record ``r`` owns ``predicted[predicted_ends[r]:predicted_ends[r + 1]]``.
    cells : ndarray of int32
        Active cells after each record, in the same form.
    cell_ends : ndarray of int64, shape (n_records + 1,)
        Limits of `cells`.
    """

    anomaly_scores: NDArray[np.float64]
    predicted: NDArray[np.int32]
    predicted_ends: NDArray[np.int64]
    cells: NDArray[np.int32]
    cell_ends: NDArray[np.int64]


def as_stream(
    records: Sequence[Iterable[int]] | NDArray[np.integer[Any]], n_columns: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return sorted columns and record limits; refuse bad columns."""
    if isinstance(records, np.ndarray) and records.ndim == 2:
        parts: Sequence[Any] = [records.ravel()]
        sizes = np.full(records.shape[0], records.shape[1], np.int64)
    else:
        parts = [
            r if isinstance(r, np.ndarray) else np.asarray(list(r)) for r in records
        ]
        sizes = np.fromiter((p.size for p in parts), np.int64, len(parts))
    flat = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    if flat.size and flat.dtype.kind not in "iu":
        raise ParameterError(
            f"TemporalMemory: columns must be integers, got {flat.dtype}"
        )
    flat = flat.astype(np.int64)
    ends = np.zeros(sizes.size + 1, np.int64)
    np.cumsum(sizes, out=ends[1:])
    record = np.repeat(np.arange(sizes.size), sizes)
    bad = (flat < 0) | (flat >= n_columns)
    if bad.any():
        at = int(np.argmax(bad))
        raise ParameterError(
            f"TemporalMemory: column {flat[at]} of record {record[at]} is outside "
            f"0..{n_columns - 1}"
        )
    key = record * n_columns + flat
    if np.any(key[1:] <= key[:-1]):
        key = np.sort(key)
        same = key[1:] == key[:-1]
        if same.any():
            at = int(np.argmax(same))
            raise ParameterError(
                f"TemporalMemory: column {key[at] % n_columns} is given twice in "
                f"record {key[at] // n_columns}"
            )
    return (key % n_columns).astype(np.int32), ends
