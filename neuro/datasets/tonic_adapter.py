"""Recordings from tonic's data sets (optional extra ``events``).

tonic downloads what it does not find; nothing here calls it unless the user does. Its
classes differ in the order and dtype of the fields; here they all become
:data:`neuro.events.EVENT`.
"""

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neuro.datasets.recordings import Recordings
from neuro.errors import DatasetError, ParameterError, did_you_mean, optional_import
from neuro.events.array import validate

__all__ = ["TONIC_SETS", "TonicRecordings", "from_tonic"]

# all of these have integer microseconds
TONIC_SETS = (
    "NMNIST",
    "NTIDIGITS18",
    "SHD",
    "SSC",
    "DVSGesture",
    "POKERDVS",
    "NCALTECH101",
    "CIFAR10DVS",
)


class TonicRecordings(Recordings):
    """A data set object of tonic, or any sequence of (events, label).

    Parameters
    ----------
    source : sequence of (events, target)
        For example ``tonic.datasets.SHD(...)``. Without a transform.
    sensor_size : tuple of int, optional
        (W, H, P); default: the source's.
    split : str
        Recorded as the split of all samples.
    """

    def __init__(
        self,
        source: Any,
        *,
        sensor_size: tuple[int, int, int] | None = None,
        split: str = "train",
        **columns: Any,
    ) -> None:
        size = sensor_size or getattr(source, "sensor_size", None)
        if size is None:
            raise ParameterError("TonicRecordings: give sensor_size=(W, H, P)")
        w, h, p = (int(k) for k in size)
        if not columns:
            targets = getattr(source, "targets", None)
            n = len(source)
            if targets is None or len(targets) != n:
                targets = [source[i][1] for i in range(n)]
            columns = {
                "name": f"tonic-{type(source).__name__}",
                "synthetic": False,
                "labels": _codes(targets),
                "groups": getattr(source, "speaker", np.arange(n)),
                "splits": [split] * n,
                "metadata": {"tonic": type(source).__name__},
            }
        columns.pop("sensor_size", None)
        # tonic's single-polarity sets still write p = 1
        super().__init__(sensor_size=(w, h, max(p, 2)), **columns)
        self._source = source

    def _get(self, i: int) -> NDArray[Any]:
        events, _target = self._source[int(self.source_index[i])]
        try:
            return validate(events, self.sensor_size).copy()
        except ParameterError as error:
            raise DatasetError(f"{self.name}, recording {i}: {error}") from None

    def _take(self, chosen: NDArray[np.int64]) -> Self:
        columns = self._columns(chosen)
        columns.pop("sensor_size")
        return type(self)(self._source, sensor_size=self.sensor_size, **columns)


def _codes(targets: Any) -> NDArray[np.int64]:
    values = np.asarray(targets)
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    codes: NDArray[np.int64] = np.unique(values, return_inverse=True)[1]
    return codes.astype(np.int64)


def from_tonic(
    name: str, folder: Path | str, *, train: bool = True, **options: Any
) -> TonicRecordings:
    """Open a data set through tonic, which downloads it if the folder lacks it.

    Parameters
    ----------
    name : str
        Class of ``tonic.datasets``, one of :data:`TONIC_SETS`.
    folder : path
        tonic's ``save_to``.
    train : bool
        Training part (``split="train"`` where the class wants that).
    **options
        Handed to the class.

    Raises
    ------
    MissingExtraError
        If tonic is not installed.
    DatasetError
        If tonic cannot open or download the set.
    """
    if name not in TONIC_SETS:
        raise ParameterError(
            f"from_tonic: unknown set {name!r}{did_you_mean(name, TONIC_SETS)}; "
            f"accepted: {', '.join(TONIC_SETS)}"
        )
    sets = optional_import("tonic.datasets", "events")
    part: dict[str, Any] = {"train": train}
    if name == "SSC":
        part = {"split": "train" if train else "test"}
    elif name in ("NCALTECH101", "CIFAR10DVS"):
        part = {}
    try:
        source = getattr(sets, name)(str(folder), **part, **options)
    except (OSError, RuntimeError) as error:
        line = " ".join(str(error).split())
        raise DatasetError(
            f"tonic cannot open {name} in {folder} and tried to download it: {line}"
        ) from None
    return TonicRecordings(source, split="train" if train else "test")
