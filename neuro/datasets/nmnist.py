"""N-MNIST: the full set, the small labelled subset, or recordings made here.

Layout ``Train/<label>/<index>.bin`` and ``Test/<label>/<index>.bin``; ``<index>`` is
the 1-based number of the MNIST image that was shown. The same layout with a
``metadata.json`` is what ``neuro data synth`` writes.

References
----------
.. [1] Orchard et al., Front. Neurosci. 9:437 (2015).
"""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neuro.datasets.folder import balanced
from neuro.datasets.lookup import find, missing
from neuro.datasets.mnist import digits, load_mnist
from neuro.datasets.recordings import CameraRecordings, FileRecordings, Recordings
from neuro.errors import DatasetError, ParameterError
from neuro.events.camera import EventCamera
from neuro.events.formats import NMNIST_SENSOR
from neuro.events.paths import ImagePath

__all__ = ["FOLDERS", "STAND_IN", "is_nmnist", "load_nmnist", "stand_in"]

__references__ = ("orchard2015",)

FOLDERS = ("nmnist", "nmnist_small")
STAND_IN = "digits-camera"  # never the name of the real set
_FULL = {"Train": 60_000, "Test": 10_000}
_SOURCES = {"digits": "scikit-learn load_digits", "mnist": "MNIST"}
_SPLITS = {"Train": "train", "Test": "test"}

log = logging.getLogger(__name__)


def is_nmnist(folder: Path) -> bool:
    """Whether a folder has the layout of N-MNIST."""
    return (folder / "Train").is_dir() or (folder / "Test").is_dir()


def load_nmnist(
    path: Path | str | None = None,
    *,
    split: Literal["train", "test"] | None = None,
    limit: int | None = None,
    seed: int = 0,
    synthetic: bool | None = None,
    source: Literal["digits", "mnist"] = "digits",
) -> Recordings:
    """Load N-MNIST, or its stand-in where there is none.

    Parameters
    ----------
    path : path, optional
        A root with ``nmnist/`` or ``nmnist_small/``, or the set's own folder.
    split : {"train", "test"}, optional
        Only this part.
    limit : int, optional
        At most so many recordings, the first ones of every class in turn.
    seed : int
        Seed of the stand-in's camera.
    synthetic : bool, optional
        True: the stand-in even if the real set is there. False: never the stand-in.
    source : {"digits", "mnist"}
        Images of the stand-in: scikit-learn's digits, or MNIST (all 70,000, where it is
        there).

    Returns
    -------
    Recordings
        Train first, then test, each in the order of MNIST. ``groups`` is the source
        image. Real: ``name`` is ``nmnist`` or ``nmnist-small``.

    Raises
    ------
    DatasetError
        If the layout is not N-MNIST's, or the set is missing and no stand-in allowed.
    """
    if split not in (None, "train", "test"):
        raise ParameterError(f"nmnist: split must be train or test, got {split!r}")
    folder = None if synthetic else find("nmnist", FOLDERS, path, is_nmnist)
    if folder is None and synthetic is False:
        raise missing("nmnist", FOLDERS)
    if folder is None:
        where = path if synthetic else None
        found: Recordings = stand_in(seed=seed, source=source, data_path=where)
    else:
        found = _read(folder)
    if split is not None:
        found = found.subset(found.indices(split))
    if limit is not None and limit < len(found):
        found = found.subset(balanced(found.labels, limit))
    return found


def _read(folder: Path) -> FileRecordings:
    rows = sorted(
        row for split in _FULL for row in _walk(folder / split, _SPLITS[split])
    )
    if not rows:
        raise DatasetError(
            f"{folder}: no .bin file under Train/<label>/ or Test/<label>/"
        )
    # "test" sorts before "train": put the training part first
    rows.sort(key=lambda r: (r[0] != "train", r[1]))
    note = folder / "metadata.json"
    metadata: dict[str, Any] = {}
    if note.is_file():
        try:
            metadata = json.loads(note.read_text("utf-8"))
        except ValueError as error:
            raise DatasetError(f"{note}: not JSON ({error})") from None
    synthetic = bool(metadata.get("synthetic", False))
    counts = {s: sum(r[0] == _SPLITS[s] for r in rows) for s in _FULL}
    name = "nmnist" if counts == _FULL else "nmnist-small"
    if synthetic:
        name = str(metadata.get("name", STAND_IN))
    size = metadata.get("sensor_size", NMNIST_SENSOR)
    index = np.array([r[1] for r in rows])
    is_test = np.array([r[0] == "test" for r in rows])
    return FileRecordings(
        [r[3] for r in rows],
        name=name,
        sensor_size=(int(size[0]), int(size[1]), int(size[2])),
        synthetic=synthetic,
        labels=[r[2] for r in rows],
        groups=index + _FULL["Train"] * is_test,
        splits=[r[0] for r in rows],
        source_index=index,
        metadata={"folder": str(folder), **metadata},
    )


def _walk(folder: Path, split: str) -> Iterator[tuple[str, int, int, Path]]:
    if not folder.is_dir():
        return
    for place in sorted(folder.iterdir()):
        if place.name.startswith("."):
            continue
        if not place.is_dir() or place.name not in "0123456789":
            raise DatasetError(
                f"{place}: expected label folders 0 to 9 in {folder}, found "
                f"{place.name!r}"
            )
        for file in place.glob("*.bin"):
            if not file.stem.isdecimal() or int(file.stem) < 1:
                raise DatasetError(
                    f"{file}: expected the 1-based number of the MNIST image as name"
                )
            yield split, int(file.stem) - 1, int(place.name), file


def stand_in(
    *,
    seed: int = 0,
    camera: EventCamera | None = None,
    path: ImagePath | None = None,
    source: Literal["digits", "mnist"] = "digits",
    data_path: Path | str | None = None,
) -> CameraRecordings:
    """Real handwritten digits seen by the project's event camera.

    By default the 1797 images of scikit-learn's ``load_digits``, enlarged to 20 x 20
    and centred in 28 x 28; the last fifth is the test part, since neighbours in that
    set share a writer. Results on it are no N-MNIST results.

    Parameters
    ----------
    seed : int
        Seed of the camera.
    camera, path
        Other sensor or movement than N-MNIST's.
    source : {"digits", "mnist"}
        The images; ``mnist`` must be there.
    data_path : path, optional
        Where MNIST is looked for first.
    """
    if source not in ("digits", "mnist"):
        raise ParameterError(f"source must be digits or mnist, got {source!r}")
    images = digits() if source == "digits" else load_mnist(data_path, synthetic=False)
    index = np.arange(len(images))
    is_test = images.splits == "test"
    in_split = np.where(is_test, index - int((~is_test).sum()), index)
    name = STAND_IN if source == "digits" else "mnist-camera"
    return CameraRecordings(
        images.images,
        camera=camera,
        path=path,
        seed=seed,
        name=name,
        labels=images.labels,
        groups=index,
        splits=images.splits,
        source_index=in_split,
        metadata={"name": name, "images": _SOURCES[source]},
    )
