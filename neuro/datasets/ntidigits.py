"""N-TIDIGITS18: spoken digits heard by a silicon cochlea; or its spoken stand-in.

``n-tidigits.hdf5`` holds groups ``{train,test}_addresses`` and ``_timestamps`` (float
seconds) and arrays ``_labels`` of keys; the part of a key after its last ``-`` is the
digit string, ``o`` and ``z`` being the two zeros. Two label maps are in use; the one
that was applied is named in the metadata.

References
----------
.. [1] Anumula, Neil, Delbruck, Liu, Front. Neurosci. 12:23 (2018).
"""

from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from neuro.datasets.lookup import find, missing
from neuro.datasets.recordings import FileRecordings, Recordings
from neuro.datasets.spoken import LABEL_MAPS, spoken_digits
from neuro.errors import DatasetError, ParameterError
from neuro.events.array import EVENT, validate

__all__ = [
    "FILE",
    "FOLDERS",
    "LABEL_MAPS",
    "NTidigits",
    "load_ntidigits",
    "load_ntidigits_sample",
]

__references__ = ("anumula2018",)

FILE = "n-tidigits.hdf5"
FOLDERS = ("ntidigits",)
SAMPLE_FOLDERS = ("ntidigits_sample",)
SENSOR = (64, 1, 2)


class NTidigits(Recordings):
    """Recordings in the HDF5 file, read when they are asked for.

    Attributes
    ----------
    texts : list of str
        Digit string of each recording; ``labels`` are -1 where it is longer than one.
    """

    def __init__(self, file: Path, keys: list[tuple[str, str]], **columns: Any) -> None:
        super().__init__(**columns)
        self.file = file
        self.keys = keys
        self.texts = [key.rpartition("-")[2] for _, key in keys]

    def _get(self, i: int) -> NDArray[Any]:
        import h5py

        split, key = self.keys[i]
        try:
            with h5py.File(self.file, "r") as data:
                channel = np.asarray(data[f"{split}_addresses"][key])
                seconds = np.asarray(data[f"{split}_timestamps"][key], np.float64)
        except (OSError, KeyError) as error:
            raise DatasetError(
                f"{self.file}: {key}: cannot be read ({error})"
            ) from None
        if channel.shape != seconds.shape or channel.ndim != 1:
            raise DatasetError(
                f"{self.file}: {key}: {channel.shape} addresses but {seconds.shape} "
                "time stamps"
            )
        events = np.zeros(channel.size, EVENT)
        events["t"], events["x"], events["p"] = np.rint(seconds * 1e6), channel, 1
        try:
            return validate(events, self.sensor_size)
        except ParameterError as error:
            raise DatasetError(f"{self.file}: {key}: {error}") from None

    def _take(self, chosen: NDArray[np.int64]) -> Self:
        return type(self)(
            self.file, [self.keys[k] for k in chosen], **self._columns(chosen)
        )


def load_ntidigits(
    path: Path | str | None = None,
    *,
    split: Literal["train", "test"] | None = None,
    label_map: Literal["lsm", "tonic"] = "lsm",
    single_digits: bool = True,
    synthetic: bool | None = None,
    n_speakers: int = 24,
    repetitions: int = 2,
    seed: int = 0,
) -> Recordings:
    """Load N-TIDIGITS18, or digits spoken by espeak-ng where there is none.

    Parameters
    ----------
    path : path, optional
        A root with ``ntidigits/``, that folder, or the HDF5 file.
    split : {"train", "test"}, optional
        Only this part.
    label_map : {"lsm", "tonic"}
        ``lsm``: z = 0, o = 10; ``tonic``: o = 0, z = 10. Digits 1 to 9 are themselves.
    single_digits : bool
        Only recordings of one digit.
    synthetic : bool, optional
        True: the stand-in even if the set is there. False: never the stand-in.
    n_speakers, repetitions, seed
        Size and seed of the stand-in (see :mod:`neuro.datasets.spoken`).

    Raises
    ------
    DatasetError
        If neither the set nor espeak-ng is there.
    """
    if split not in (None, "train", "test"):
        raise ParameterError(f"ntidigits: split must be train or test, got {split!r}")
    if label_map not in LABEL_MAPS:
        raise ParameterError(
            f"ntidigits: label_map must be one of {', '.join(LABEL_MAPS)}, got "
            f"{label_map!r}"
        )

    def is_set(place: Path) -> bool:
        return place.suffix in (".hdf5", ".h5") or (place / FILE).is_file()

    place = None if synthetic else find("ntidigits", FOLDERS, path, is_set)
    if place is not None:
        file = place / FILE if place.is_dir() else place
        return _read(file, split, label_map, single_digits)
    if synthetic is False:
        raise missing("ntidigits", FOLDERS)
    found = spoken_digits(
        label_map=label_map, n_speakers=n_speakers, repetitions=repetitions, seed=seed
    )
    return found if split is None else found.subset(found.indices(split))


def _read(file: Path, split: str | None, label_map: str, single: bool) -> NTidigits:
    import h5py

    keys: list[tuple[str, str]] = []
    try:
        with h5py.File(file, "r") as data:
            for part in ("train", "test") if split is None else (split,):
                names = [k.decode() for k in data[f"{part}_labels"][:]]
                keys += [(part, k) for k in names]
    except (OSError, KeyError, AttributeError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{file}: cannot be read as N-TIDIGITS18 ({error})"
        ) from None
    if single:
        keys = [k for k in keys if len(k[1].rpartition("-")[2]) == 1]
    codes = LABEL_MAPS[label_map]
    labels = []
    for _, key in keys:
        text = key.rpartition("-")[2]
        if not text or set(text) - set(codes):
            raise DatasetError(f"{file}: key {key!r} does not end in a digit string")
        labels.append(codes[text] if len(text) == 1 else -1)
    speakers = [f"{part}/{key.rpartition('-')[0]}" for part, key in keys]
    groups = np.unique(np.asarray(speakers, np.str_), return_inverse=True)[1]
    return NTidigits(
        file,
        keys,
        name="ntidigits",
        sensor_size=SENSOR,
        synthetic=False,
        labels=labels,
        groups=groups,
        splits=[part for part, _ in keys],
        metadata={"file": str(file), "label_map": label_map},
    )


def load_ntidigits_sample(path: Path | str | None = None) -> FileRecordings:
    """Load the one recording of unknown label that serves to test readers.

    Parameters
    ----------
    path : path, optional
        A root with ``ntidigits_sample/``, or that folder.
    """
    place = find(
        "ntidigits_sample",
        SAMPLE_FOLDERS,
        path,
        lambda folder: folder.is_dir() and any(folder.glob("*.bs1")),
    )
    if place is None:
        raise missing("ntidigits_sample", SAMPLE_FOLDERS)
    files = sorted(place.glob("*.bs1"))
    return FileRecordings(
        files,
        name="ntidigits-sample",
        sensor_size=SENSOR,
        synthetic=False,
        labels=np.full(len(files), -1),
        groups=np.arange(len(files)),
        metadata={"folder": str(place)},
    )
