"""Recordings in files, and recordings made here when they are asked for."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError
from neuro.events import read_events
from neuro.events.camera import EventCamera, record
from neuro.events.paths import ImagePath, SaccadePath

__all__ = ["CameraRecordings", "FileRecordings", "MadeRecordings", "Recordings"]

_KEEP_BYTES = 256_000_000


class Recordings(ABC):
    """Base: the columns of a set, bounds, subsets.

    Attributes
    ----------
    name, sensor_size, synthetic, labels, groups
        As in :class:`neuro.datasets.Dataset`.
    splits : ndarray of str, shape (n,)
        ``"train"`` or ``"test"``, as the set's authors divided it.
    source_index : ndarray of int64, shape (n,)
        0-based number of the source (for N-MNIST: of the MNIST image in its split).
    metadata : dict
        Where the set came from; for simulated sets all parameters.
    """

    def __init__(
        self,
        *,
        name: str,
        sensor_size: tuple[int, int, int],
        synthetic: bool,
        labels: ArrayLike,
        groups: ArrayLike,
        splits: ArrayLike | None = None,
        source_index: ArrayLike | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.sensor_size = sensor_size
        self.synthetic = synthetic
        self.labels = np.asarray(labels, np.int64)
        n = self.labels.size
        self.groups = np.asarray(groups, np.int64)
        self.splits = np.asarray(["train"] * n if splits is None else splits, "U5")
        self.source_index = np.asarray(
            np.arange(n) if source_index is None else source_index, np.int64
        )
        self.metadata = dict(metadata or {})

    def __len__(self) -> int:
        return int(self.labels.size)

    def __getitem__(self, i: int, /) -> NDArray[Any]:
        n = len(self)
        if not -n <= i < n:
            raise IndexError(f"{self.name} has {n} recordings, asked for {i}")
        return self._get(int(i) % n)

    @abstractmethod
    def _get(self, i: int) -> NDArray[Any]:
        """Return recording `i`, 0 <= i < len(self)."""

    @abstractmethod
    def _take(self, chosen: NDArray[np.int64]) -> Self:
        """Return the set restricted to some places."""

    def __repr__(self) -> str:
        kind = "synthetic, " if self.synthetic else ""
        return f"<{self.name}: {len(self)} recordings, {kind}sensor {self.sensor_size}>"

    def indices(self, split: str) -> NDArray[np.int64]:
        """Return the places of one split, ``"train"`` or ``"test"``."""
        return np.flatnonzero(self.splits == split)

    def subset(self, chosen: ArrayLike) -> Self:
        """Return the set restricted to some places, in the given order."""
        places = np.arange(len(self))[np.asarray(chosen)]
        return self._take(places)

    def _columns(self, chosen: NDArray[np.int64]) -> dict[str, Any]:
        return {
            "name": self.name,
            "sensor_size": self.sensor_size,
            "synthetic": self.synthetic,
            "labels": self.labels[chosen],
            "groups": self.groups[chosen],
            "splits": self.splits[chosen],
            "source_index": self.source_index[chosen],
            "metadata": self.metadata,
        }


class FileRecordings(Recordings):
    """Recordings in files, read when they are asked for.

    Parameters
    ----------
    paths : sequence of Path
        One file per recording.
    reader : callable
        Path to event array; default: by the ending, checked against the sensor.
    **columns
        As for :class:`Recordings`.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        reader: Callable[[Path], NDArray[Any]] | None = None,
        **columns: Any,
    ) -> None:
        super().__init__(**columns)
        self.paths = list(paths)
        self._reader = reader

    def _get(self, i: int) -> NDArray[Any]:
        if self._reader is not None:
            return self._reader(self.paths[i])
        return read_events(self.paths[i], self.sensor_size)

    def _take(self, chosen: NDArray[np.int64]) -> Self:
        return type(self)(
            [self.paths[k] for k in chosen],
            reader=self._reader,
            **self._columns(chosen),
        )


class MadeRecordings(Recordings):
    """Base: recordings computed when they are asked for, and then kept.

    What is asked for one by one is kept up to 256 MB in all; :meth:`preload` keeps
    everything. Recording i must depend on the set's parameters and on i alone.
    """

    def __init__(self, **columns: Any) -> None:
        super().__init__(**columns)
        self._kept: dict[int, NDArray[Any]] = {}
        self._kept_bytes = 0

    @abstractmethod
    def _make(self, i: int) -> NDArray[Any]:
        """Compute recording `i`."""

    def _keep(self, i: int) -> NDArray[Any]:
        events = self._kept.get(i)
        if events is None:
            events = self._make(i)
            events.flags.writeable = False
            self._kept[i] = events
            self._kept_bytes += events.nbytes
        return events

    def _get(self, i: int) -> NDArray[Any]:
        if i in self._kept or self._kept_bytes < _KEEP_BYTES:
            return self._keep(i)
        events = self._make(i)
        events.flags.writeable = False
        return events

    def _hand_over(self, part: Self, chosen: NDArray[np.int64]) -> Self:
        part._kept = {k: self._kept[i] for k, i in enumerate(chosen) if i in self._kept}
        part._kept_bytes = sum(e.nbytes for e in part._kept.values())
        return part

    def preload(self, *, threads: int | None = None) -> Self:
        """Make what is missing, in parallel, and keep it; return the set itself.

        Parameters
        ----------
        threads : int, optional
            Recordings made at once; the result does not depend on it. Default: all
            cores.
        """
        left = [i for i in range(len(self)) if i not in self._kept]
        if left:
            self._keep(left[0])  # compile once, before the threads start
            with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
                list(pool.map(self._keep, left[1:]))
        return self


class CameraRecordings(MadeRecordings):
    """Still images seen by the event camera, simulated when they are asked for.

    Recording i depends on the seed and on i alone, not on what was asked before nor on
    the number of threads; it is kept once it was made.

    Parameters
    ----------
    images : ndarray, shape (n, h, w)
        Floats in [0, 1] or uint8.
    camera : EventCamera, optional
        Sensor; default N-MNIST's.
    path : ImagePath, optional
        Movement; default N-MNIST's.
    seed : int
        Seed of all recordings.
    **columns
        As for :class:`Recordings` but for ``sensor_size`` and ``synthetic``.
    """

    def __init__(
        self,
        images: NDArray[Any],
        *,
        camera: EventCamera | None = None,
        path: ImagePath | None = None,
        seed: int = 0,
        **columns: Any,
    ) -> None:
        self.camera = EventCamera() if camera is None else camera
        self.path = SaccadePath() if path is None else path
        self.seed = seed
        self.images = images
        metadata = columns.pop("metadata", None) or {}
        columns.pop("synthetic", None)
        columns.pop("sensor_size", None)
        numbers = columns.pop("numbers", None)
        super().__init__(
            sensor_size=self.camera.sensor_size,
            synthetic=True,
            metadata={
                **metadata,
                "synthetic": True,
                "seed": seed,
                "camera": self.camera.to_dict(),
                "path": self.path.to_dict(),
            },
            **columns,
        )
        if len(images) != len(self):
            raise ParameterError(
                f"CameraRecordings: {len(images)} images but {len(self)} labels"
            )
        self._numbers = np.arange(len(self)) if numbers is None else numbers

    def _make(self, i: int) -> NDArray[Any]:
        return record(
            self.images[i : i + 1],
            camera=self.camera,
            path=self.path,
            seed=self.seed,
            indices=[int(self._numbers[i])],
            threads=1,
        )[0]

    def _take(self, chosen: NDArray[np.int64]) -> Self:
        columns = self._columns(chosen)
        part = type(self)(
            self.images[chosen],
            camera=self.camera,
            path=self.path,
            seed=self.seed,
            numbers=self._numbers[chosen],
            **columns,
        )
        return self._hand_over(part, chosen)
