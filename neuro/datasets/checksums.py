"""Are the files the ones that were published: checksums, sizes, numbers of events."""

import csv
import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuro.datasets.dvsgesture import FOLDERS as DVS_FOLDERS
from neuro.datasets.folder import damaged, has_classes, load_recordings
from neuro.datasets.lookup import find
from neuro.datasets.mnist import FOLDERS as MNIST_FOLDERS
from neuro.datasets.nmnist import FOLDERS as NMNIST_FOLDERS
from neuro.datasets.nmnist import is_nmnist
from neuro.datasets.ntidigits import FILE as NTIDIGITS_FILE
from neuro.datasets.ntidigits import FOLDERS as NTIDIGITS_FOLDERS
from neuro.datasets.ntidigits import SAMPLE_FOLDERS
from neuro.datasets.nyc_taxi import FOLDERS as TAXI_FOLDERS
from neuro.datasets.weizmann import FOLDERS as WEIZMANN_FOLDERS
from neuro.errors import DatasetError

__all__ = ["SETS", "SHA256", "Finding", "SetInfo", "check_set"]

SHA256 = {
    "dvsgesture_samples/1.bs3": (
        "99d83cd82b8bf4ecdbfe43c4ffa8eaa5e07f7e740f6c24361c5a8104d6efdf8f"
    ),
    "dvsgesture_samples/3.bs3": (
        "b5e1a15433dfc70618d726c31afcf89951a98e7f3a6f0f4c2ec22d4780346f01"
    ),
    "dvsgesture_samples/4.bs3": (
        "94b06e1c8c389d6d42578ecc64f82ab762fb059b79ed4d06a11e1f8862df60a9"
    ),
    "dvsgesture_samples/6.bs3": (
        "833de92dff7517ae730ca734c340687637efc105233fc0e16ab6f51b6589983b"
    ),
    "dvsgesture_samples/7.bs3": (
        "40f0da792d4377c13c6abeb229a6dd4dcae1fd900eecc5a484fbaaf1c0e255f6"
    ),
    "dvsgesture_samples/9.bs3": (
        "74c931b6368ccaf3d133bc3f2a8ceef3d91f7eab3262d37f9f8b5726882e1c24"
    ),
    "nmnist_small/reader_check.bin": (
        "3c9159329633efbb6879bba1b430598b78cc06a779a55d1259ec13e203ad00ee"
    ),
    "ntidigits_sample/NTIDIGITS_1.bs1": (
        "ed0454b248a1e24948f19300f660ad09abfb32470e8c0db3e6a86fe86bb061eb"
    ),
    "nyc_taxi/nyc_taxi.csv": (
        "092d957f5bb0d2cd62f85098ed2268114a47b4738a5f4b29ea6be4be7349fc4d"
    ),
    "nyc_taxi/nyc_taxi_perturb.csv": (
        "47eb800405d3574c0ba3b820b3c11d8fdd96c4510d5f490932d4748e6d420bd9"
    ),
    "nyc_taxi/nyc_taxi_perturb_baseline.csv": (
        "504191be25cab6fa2e07d2fac424f0488c8047a3787e37f2191886b946019f02"
    ),
    "weizmann/original_masks.mat": (
        "7d18028f08604bc2e47efd0e854633bcafb06e375b82accc150751b411f531e0"
    ),
    "weizmann/weizmann_outline32.npz": (
        "518b61d650c0acfaf73e70ae92039e24e43544939b2e8e5e80889e75144c7ce7"
    ),
}
# of the uncompressed content, since one common copy was compressed again
MNIST_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
NTIDIGITS_MD5 = "360a2d11e5429555c9197381cf6b58e0"  # as tonic 1.7 states it
_FULL_NMNIST = {"Train": 60_000, "Test": 10_000}


class Finding(NamedTuple):
    """Result for one file or property."""

    item: str
    ok: bool
    detail: str


class SetInfo(NamedTuple):
    """What ``neuro data list`` says of a set."""

    folders: tuple[str, ...]
    content: str
    stand_in: str
    is_set: Callable[[Path], bool]


def _has(*patterns: str) -> Callable[[Path], bool]:
    return lambda place: place.is_dir() and any(any(place.glob(p)) for p in patterns)


def _is_own(place: Path) -> bool:
    """Return whether a folder holds recordings of the user's: no root of other sets."""
    known = {f for info in SETS.values() for f in info.folders}
    return has_classes(place) and not any(p.name in known for p in place.iterdir())


SETS = {
    "nmnist": SetInfo(
        NMNIST_FOLDERS,
        "N-MNIST recordings, 34 x 34, full or the small subset",
        "scikit-learn's digits through the event camera",
        is_nmnist,
    ),
    "mnist": SetInfo(
        MNIST_FOLDERS,
        "MNIST stills, 60,000 + 10,000",
        "scikit-learn's digits",
        _has("*-images-idx3-ubyte*"),
    ),
    "nyc_taxi": SetInfo(
        TAXI_FOLDERS,
        "taxi passengers per half hour, 17,520 records",
        "synthetic demand",
        _has("nyc_taxi*.csv"),
    ),
    "ntidigits": SetInfo(
        NTIDIGITS_FOLDERS,
        "N-TIDIGITS18, spoken digits, 64 channels",
        "espeak-ng through the synthetic cochlea",
        _has(NTIDIGITS_FILE),
    ),
    "ntidigits_sample": SetInfo(
        SAMPLE_FOLDERS, "one N-TIDIGITS recording, unlabelled", "", _has("*.bs1")
    ),
    "weizmann": SetInfo(
        WEIZMANN_FOLDERS,
        "action silhouettes, 93 sequences",
        "",
        _has("weizmann_outline32.npz", "original_masks.mat"),
    ),
    "dvsgesture_samples": SetInfo(
        DVS_FOLDERS, "six DVS128 recordings, unlabelled", "", _has("*.bs3")
    ),
    "recordings": SetInfo(
        ("recordings",), "your own, one sub-folder per class", "", _is_own
    ),
}


def check_set(name: str, path: Path | str | None = None) -> list[Finding] | None:
    """Check one set; None if it is nowhere.

    Parameters
    ----------
    name : str
        A key of :data:`SETS`.
    path : path, optional
        As for :func:`neuro.datasets.load`.

    Returns
    -------
    list of Finding or None
        One entry per file that has a checksum, or per property of the set.
    """
    info = SETS[name]
    place = find(name, info.folders, path, info.is_set)
    if place is None:
        return None
    if name == "nmnist":
        return list(_nmnist(place))
    if name == "mnist":
        return list(_mnist(place))
    if name == "ntidigits":
        return list(_ntidigits(place))
    if name == "recordings":
        return list(_recordings(place))
    return list(_known_files(place, info.folders[0]))


def _recordings(place: Path) -> Iterator[Finding]:
    try:
        data = load_recordings(place)
    except DatasetError as error:
        yield Finding("recordings", False, str(error))
        return
    wrong = damaged(data)
    for file, reason in wrong:
        yield Finding(str(file.relative_to(place)), False, reason)
    n, classes = len(data), data.metadata["classes"]
    sensor = " x ".join(map(str, data.sensor_size))
    yield Finding(
        "recordings",
        not wrong,
        f"{n - len(wrong)} of {n} files can be read; sensor {sensor}; "
        f"{len(classes)} classes: {', '.join(classes)}",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compare(item: str, path: Path, expected: str) -> Finding:
    try:
        got = _sha256(path)
    except OSError as error:
        return Finding(item, False, f"cannot be read ({error.strerror})")
    if got == expected:
        return Finding(item, True, "sha256 agrees")
    return Finding(item, False, f"sha256 {got}, expected {expected}")


def _known_files(place: Path, folder: str) -> Iterator[Finding]:
    for key, expected in SHA256.items():
        home, _, file = key.partition("/")
        if home == folder:
            yield _compare(file, place / file, expected)


def _nmnist(place: Path) -> Iterator[Finding]:
    manifest = place / "manifest.csv"
    if manifest.is_file():
        from neuro.events import read_events

        with manifest.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        wrong: list[Finding] = []
        for row in rows:
            found = _compare(row["file"], place / row["file"], row["sha256"])
            if not found.ok:
                wrong.append(found)
                continue
            try:
                n = read_events(place / row["file"]).size
            except DatasetError as error:
                wrong.append(Finding(row["file"], False, str(error)))
                continue
            if n != int(row["n_events"]):
                wrong.append(
                    Finding(row["file"], False, f"{n} events, not {row['n_events']}")
                )
        yield from wrong
        yield Finding(
            "manifest.csv",
            not wrong,
            f"{len(rows) - len(wrong)} of {len(rows)} files agree in sha256 and events",
        )
        extra = SHA256.get("nmnist_small/reader_check.bin")
        if extra and (place / "reader_check.bin").is_file():
            yield _compare("reader_check.bin", place / "reader_check.bin", extra)
        return
    note = place / "metadata.json"
    for split, expected in _FULL_NMNIST.items():
        sizes = [f.stat().st_size for f in (place / split).glob("[0-9]/*.bin")]
        broken = sum(size == 0 or size % 5 != 0 for size in sizes)
        right = note.is_file() or len(sizes) == expected
        wanted = "" if note.is_file() else f" (full set: {expected})"
        yield Finding(
            split,
            right and not broken,
            f"{len(sizes)} recordings{wanted}, {broken} of a broken length; no "
            "manifest with checksums",
        )


def _mnist(place: Path) -> Iterator[Finding]:
    for name, expected in MNIST_MD5.items():
        plain, packed = place / name, place / f"{name}.gz"
        try:
            if plain.is_file():
                data = plain.read_bytes()
            else:
                with gzip.open(packed) as file:
                    data = file.read()
        except (OSError, EOFError, zlib.error) as error:
            yield Finding(name, False, f"cannot be read ({error})")
            continue
        got = hashlib.md5(data, usedforsecurity=False).hexdigest()
        ok = got == expected
        detail = "agrees" if ok else f"{got}, expected {expected}"
        yield Finding(name, ok, f"md5 of the uncompressed content {detail}")


def _ntidigits(place: Path) -> Iterator[Finding]:
    from neuro.datasets.ntidigits import load_ntidigits

    try:
        data = load_ntidigits(place, synthetic=False)
    except DatasetError as error:
        yield Finding(NTIDIGITS_FILE, False, str(error))
        return
    n_train, n_test = (data.indices(s).size for s in ("train", "test"))
    n_classes = np.unique(data.labels).size
    yield Finding(
        "labels",
        n_classes == 11,
        f"{n_train} + {n_test} single digits of {n_classes} classes",
    )
    file = place / NTIDIGITS_FILE
    with file.open("rb") as stream:
        got = hashlib.file_digest(
            stream, lambda: hashlib.md5(usedforsecurity=False)
        ).hexdigest()
    ok = got == NTIDIGITS_MD5
    detail = "agrees" if ok else f"{got}, expected {NTIDIGITS_MD5}"
    yield Finding(NTIDIGITS_FILE, ok, f"md5 {detail}")
