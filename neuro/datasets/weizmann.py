"""Weizmann actions: 93 silhouette sequences of nine persons and ten actions.

References
----------
.. [1] Gorelick, Blank, Shechtman, Irani, Basri, Actions as space-time shapes, TPAMI
   29, 2247 (2007).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuro.datasets.lookup import find, missing
from neuro.errors import DatasetError, ParameterError

__all__ = ["ACTIONS", "FOLDERS", "Sequences", "load_weizmann"]

__references__ = ("gorelick2007",)

FOLDERS = ("weizmann",)
ACTIONS = (
    "bend",
    "jack",
    "jump",
    "pjump",
    "run",
    "side",
    "skip",
    "walk",
    "wave1",
    "wave2",
)
_FILES = {"outline": "weizmann_outline32.npz", "masks": "original_masks.mat"}


@dataclass(frozen=True)
class Sequences:
    """Binary image sequences of different lengths, in one array.

    Attributes
    ----------
    name : str
        Name of the set and form.
    synthetic : bool
        False.
    frames : ndarray of uint8, shape (n_frames, h, w)
        0 or 1; all sequences, one after the other.
    starts : ndarray of int64, shape (n + 1,)
        Sequence i is ``frames[starts[i]:starts[i + 1]]``.
    labels : ndarray of int64, shape (n,)
        Action, a place in :data:`ACTIONS`.
    groups : ndarray of int64, shape (n,)
        Person, a place in ``persons``.
    keys : tuple of str
        ``<person>_<action>``.
    persons : tuple of str
        Names, sorted.
    """

    name: str
    synthetic: bool
    frames: NDArray[np.uint8]
    starts: NDArray[np.int64]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    keys: tuple[str, ...]
    persons: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, i: int, /) -> NDArray[np.uint8]:
        n = len(self)
        if not -n <= i < n:
            raise IndexError(f"{self.name} has {n} sequences, asked for {i}")
        i %= n
        return self.frames[self.starts[i] : self.starts[i + 1]]


def load_weizmann(
    path: Path | str | None = None,
    *,
    form: Literal["outline", "masks"] = "outline",
) -> Sequences:
    """Load the sequences.

    Parameters
    ----------
    path : path, optional
        A root with ``weizmann/``, that folder, or the file.
    form : {"outline", "masks"}
        Centred 32 x 32 outlines (``weizmann_outline32.npz``), or the 144 x 180
        silhouettes (``original_masks.mat``).

    Raises
    ------
    DatasetError
        If the set is missing (it has no stand-in) or damaged.
    """
    if form not in _FILES:
        raise ParameterError(f"weizmann: form must be outline or masks, got {form!r}")
    file = _FILES[form]

    def is_set(place: Path) -> bool:
        return (place.is_file() and place.name == file) or (place / file).is_file()

    place = find("weizmann", FOLDERS, path, is_set)
    if place is None:
        raise missing("weizmann", FOLDERS)
    source = place if place.is_file() else place / file
    try:
        found = _outlines(source) if form == "outline" else _masks(source)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{source}: cannot be read ({error})") from None
    return _build(f"weizmann-{form}", found, source)


def _outlines(file: Path) -> dict[str, NDArray[np.uint8]]:
    with np.load(file, allow_pickle=False) as arrays:
        return {
            k: np.unpackbits(arrays[k], axis=1).reshape(-1, 32, 32)
            for k in sorted(arrays.files)
        }


def _masks(file: Path) -> dict[str, NDArray[np.uint8]]:
    from scipy.io import loadmat

    table = loadmat(file, squeeze_me=True)["original_masks"]
    return {
        k: np.ascontiguousarray(np.moveaxis(table[k].item(), 2, 0), np.uint8)
        for k in sorted(table.dtype.names)
    }


def _build(name: str, found: dict[str, NDArray[np.uint8]], source: Path) -> Sequences:
    persons = tuple(sorted({k.partition("_")[0] for k in found}))
    labels, groups = [], []
    for key in found:
        person, _, action = key.partition("_")
        base = action if action in ACTIONS else action.rstrip("12")
        if base not in ACTIONS:
            raise DatasetError(f"{source}: unknown action in {key!r}")
        labels.append(ACTIONS.index(base))
        groups.append(persons.index(person))
    lengths = [len(v) for v in found.values()]
    return Sequences(
        name,
        False,
        np.concatenate(list(found.values())),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.asarray(labels, np.int64),
        np.asarray(groups, np.int64),
        tuple(found),
        persons,
    )
