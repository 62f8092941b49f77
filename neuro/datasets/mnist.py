"""MNIST stills (idx files), with scikit-learn's digits as stand-in.

References
----------
.. [1] LeCun, Bottou, Bengio, Haffner, Proc. IEEE 86, 2278 (1998).
"""

import gzip
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuro.datasets.lookup import find, missing
from neuro.errors import DatasetError, ParameterError

__all__ = ["FOLDERS", "Images", "digits", "load_mnist"]

__references__ = ("lecun1998",)

FOLDERS = ("mnist",)
_PARTS = {"train": "train", "test": "t10k"}
_MAGIC = {"images": 2051, "labels": 2049}


@dataclass(frozen=True)
class Images:
    """Labelled still images.

    Attributes
    ----------
    name : str
        ``mnist``, or ``digits`` for the stand-in.
    synthetic : bool
        True for the stand-in: not the set that was asked for.
    images : ndarray of uint8, shape (n, 28, 28)
        White on black.
    labels : ndarray of int64, shape (n,)
        Classes.
    groups : ndarray of int64, shape (n,)
        One per image.
    splits : ndarray of str, shape (n,)
        ``"train"`` or ``"test"``.
    """

    name: str
    synthetic: bool
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    groups: NDArray[np.int64]
    splits: NDArray[Any]

    def __len__(self) -> int:
        return int(self.labels.size)

    def __getitem__(self, i: int, /) -> NDArray[np.uint8]:
        image: NDArray[np.uint8] = self.images[i]
        return image

    def indices(self, split: str) -> NDArray[np.int64]:
        """Return the places of one split."""
        return np.flatnonzero(self.splits == split)

    def subset(self, chosen: Any) -> "Images":
        """Return the set restricted to some places, in the given order."""
        columns = ("images", "labels", "groups", "splits")
        return Images(
            self.name, self.synthetic, *(getattr(self, c)[chosen] for c in columns)
        )


def load_mnist(
    path: Path | str | None = None,
    *,
    split: Literal["train", "test"] | None = None,
    synthetic: bool | None = None,
) -> Images:
    """Load MNIST, or the stand-in where there is none.

    Parameters
    ----------
    path : path, optional
        A root with ``mnist/``, or that folder. Files ``*-ubyte`` or ``*-ubyte.gz``.
    split : {"train", "test"}, optional
        Only this part (60,000 or 10,000).
    synthetic : bool, optional
        True: the stand-in even if MNIST is there. False: never the stand-in.

    Raises
    ------
    DatasetError
        If a file is missing or damaged.
    """
    if split not in (None, "train", "test"):
        raise ParameterError(f"mnist: split must be train or test, got {split!r}")
    folder = None if synthetic else find("mnist", FOLDERS, path, _is_mnist)
    if folder is None:
        if synthetic is False:
            raise missing("mnist", FOLDERS)
        found = digits()
        return found if split is None else found.subset(found.indices(split))
    images, labels, splits = [], [], []
    for part in ("train", "test") if split is None else (split,):
        stem = _PARTS[part]
        pictures = _idx(folder, f"{stem}-images-idx3-ubyte", "images")
        classes = _idx(folder, f"{stem}-labels-idx1-ubyte", "labels")
        if len(pictures) != len(classes):
            raise DatasetError(
                f"{folder}: {len(pictures)} {part} images but {len(classes)} labels"
            )
        images.append(pictures)
        labels.append(classes)
        splits += [part] * len(classes)
    n = len(splits)
    return Images(
        "mnist",
        False,
        np.concatenate(images),
        np.concatenate(labels).astype(np.int64),
        np.arange(n),
        np.asarray(splits),
    )


def _is_mnist(folder: Path) -> bool:
    return any(
        (folder / f"{stem}-images-idx3-ubyte{end}").is_file()
        for stem in _PARTS.values()
        for end in ("", ".gz")
    )


def _idx(folder: Path, name: str, kind: str) -> NDArray[np.uint8]:
    plain, packed = folder / name, folder / f"{name}.gz"
    try:
        if plain.is_file():
            path, data = plain, plain.read_bytes()
        elif packed.is_file():
            path = packed
            with gzip.open(packed) as file:
                data = file.read()
        else:
            raise DatasetError(f"{folder}: {name}[.gz] is missing")
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{packed}: cannot be read ({error})") from None
    n_dims = 3 if kind == "images" else 1
    head = np.frombuffer(data[: 4 * (1 + n_dims)], ">i4")
    if head.size != 1 + n_dims or head[0] != _MAGIC[kind]:
        raise DatasetError(f"{path}: not an idx file of {kind}")
    shape = tuple(int(k) for k in head[1:])
    body = np.frombuffer(data, np.uint8, offset=4 * (1 + n_dims))
    if body.size != int(np.prod(shape)):
        raise DatasetError(
            f"{path}: {body.size} bytes of content, the header says {shape}"
        )
    return body.reshape(shape)


@cache
def digits() -> Images:
    """Return scikit-learn's handwritten digits in the form of MNIST.

    8 x 8 images with 17 grey levels, enlarged bilinearly to 20 x 20 and centred in
    28 x 28. The first four fifths are the training part, the rest the test part:
    neighbours in that set share a writer.
    """
    from scipy.ndimage import map_coordinates
    from sklearn.datasets import load_digits

    source = load_digits()
    place = (np.arange(20) + 0.5) * 8 / 20 - 0.5
    grid = np.meshgrid(place, place, indexing="ij")
    images = np.zeros((len(source.images), 28, 28), np.uint8)
    for out, image in zip(images, source.images / 16, strict=True):
        large = map_coordinates(image, grid, order=1, mode="nearest")
        out[4:24, 4:24] = np.rint(255 * large)
    n = len(images)
    images.flags.writeable = False
    return Images(
        "digits",
        True,
        images,
        source.target.astype(np.int64),
        np.arange(n),
        np.where(np.arange(n) < n * 4 // 5, "train", "test"),
    )
