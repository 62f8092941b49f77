"""Your own recordings: a folder with one sub-folder per class.

``<folder>/<class>/<file>`` or, where several recordings have one source (a person, a
day) that no fold may split, ``<folder>/<class>/<source>/<file>``. Files are of any
format that :func:`neuro.events.read_events` reads. An optional ``metadata.json`` gives
``sensor_size`` as [columns, rows, polarities], a ``name``, and ``"synthetic": true``
for simulated recordings; without it the sensor is as large as the events need.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.datasets.lookup import find
from neuro.datasets.recordings import FileRecordings
from neuro.errors import DatasetError, ParameterError
from neuro.events import read_events

__all__ = ["balanced", "damaged", "has_classes", "load_recordings"]

_ENDINGS = (".bin", ".bs1", ".bs2", ".bs3", ".npz", ".csv")
_ANY_SENSOR = (2**15, 2**15, 2**7)


def balanced(labels: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Return the places of the first recordings of every class in turn, in their order.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Classes.
    limit : int
        At most so many places, >= 1.
    """
    if limit < 1:
        raise ParameterError(f"limit must be >= 1, got {limit}")
    rank = np.empty(labels.size, np.int64)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        rank[places] = np.arange(places.size)
    return np.sort(np.lexsort((np.arange(labels.size), rank))[:limit])


def load_recordings(
    path: Path | str | None = None,
    *,
    limit: int | None = None,
    sensor_size: tuple[int, int, int] | None = None,
    progress: Callable[[Sequence[Path]], Any] = iter,
) -> FileRecordings:
    """Load a folder of recordings, one sub-folder per class.

    Parameters
    ----------
    path : path
        The folder.
    limit : int, optional
        At most so many recordings, the first ones of every class in turn.
    sensor_size : tuple of int, optional
        (W, H, P). Default: of ``metadata.json``, else the smallest that holds all
        events (every file is read once for it).
    progress : callable, optional
        Wraps the loop over the files, e.g. ``tqdm``.

    Returns
    -------
    FileRecordings
        ``labels`` count the class folders in sorted order; their names are in
        ``metadata["classes"]``.

    Raises
    ------
    DatasetError
        If there are fewer than two classes, no readable file, or a file is damaged.
    """
    folder = find("recordings", ("recordings",), path, has_classes)
    if folder is None:
        raise DatasetError(
            "recordings: no folder given; expected one with a sub-folder per class, "
            "e.g. --set data.path=FOLDER"
        )
    if (folder / "Train").is_dir():
        raise DatasetError(
            f"{folder}: Train/<label>/ is the layout of N-MNIST; leave data.name out"
        )
    classes = [p for p in sorted(folder.iterdir()) if _files(p)]
    if len(classes) < 2:
        raise DatasetError(
            f"{folder}: expected at least two class folders with recordings, found "
            f"{len(classes)}"
        )
    rows = [(k, f) for k, place in enumerate(classes) for f in _files(place)]
    sources = [str(f.parent) if f.parent != classes[k] else str(f) for k, f in rows]
    metadata = _metadata(folder)
    files = [f for _, f in rows]
    size = sensor_size or metadata.get("sensor_size") or _bounds(files, progress)
    found = FileRecordings(
        files,
        name=str(metadata.get("name", folder.resolve().name)),
        sensor_size=tuple(int(s) for s in size),  # type: ignore[arg-type]
        synthetic=bool(metadata.get("synthetic", False)),
        labels=[k for k, _ in rows],
        groups=np.unique(sources, return_inverse=True)[1],
        metadata={
            **metadata,
            "folder": str(folder),
            "classes": [place.name for place in classes],
        },
    )
    if limit is not None and limit < len(found):
        found = found.subset(balanced(found.labels, limit))
    return found


def _files(place: Path) -> list[Path]:
    """Recordings in a class folder and in the folders of its sources."""
    if not place.is_dir() or place.name.startswith("."):
        return []
    return sorted(
        f
        for depth in ("*", "*/*")
        for f in place.glob(depth)
        if f.suffix.lower() in _ENDINGS and f.is_file()
    )


def damaged(data: FileRecordings) -> list[tuple[Path, str]]:
    """Return the files of recordings that cannot be read, and why.

    Parameters
    ----------
    data : FileRecordings
        As :func:`load_recordings` gives it.
    """
    found = []
    for file in data.paths:
        try:
            read_events(file, data.sensor_size, allow_empty=True)
        except DatasetError as error:
            found.append((file, str(error)))
    return found


def has_classes(folder: Path) -> bool:
    """Return whether a folder holds recordings in sub-folders."""
    return folder.is_dir() and any(_files(place) for place in folder.iterdir())


def _metadata(folder: Path) -> dict[str, Any]:
    note = folder / "metadata.json"
    if not note.is_file():
        return {}
    try:
        held = json.loads(note.read_text("utf-8"))
    except ValueError as error:
        raise DatasetError(f"{note}: not JSON ({error})") from None
    size = held.get("sensor_size") if isinstance(held, dict) else None
    if not isinstance(held, dict) or (
        size is not None
        and not (isinstance(size, list) and len(size) == 3 and min(size) > 0)
    ):
        raise DatasetError(
            f"{note}: expected an object with sensor_size [columns, rows, polarities]"
        )
    return held


def _bounds(
    files: Sequence[Path], progress: Callable[[Sequence[Path]], Any]
) -> tuple[int, int, int]:
    """Smallest sensor that holds the events of all files."""
    size = np.ones(3, np.int64)
    for file in progress(files):
        events = read_events(file, _ANY_SENSOR, allow_empty=True)
        if events.size:
            largest = [int(events[name].max()) + 1 for name in ("x", "y", "p")]
            size = np.maximum(size, largest)
    return int(size[0]), int(size[1]), int(size[2])
