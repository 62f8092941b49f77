"""Six short unlabelled recordings of a DVS128: for readers, rates and throughput."""

from pathlib import Path

import numpy as np

from neuro.datasets.lookup import find, missing
from neuro.datasets.recordings import FileRecordings

__all__ = ["FOLDERS", "SENSOR", "load_dvsgesture_samples"]

FOLDERS = ("dvsgesture_samples",)
SENSOR = (128, 128, 2)


def load_dvsgesture_samples(path: Path | str | None = None) -> FileRecordings:
    """Load the recordings; labels are -1, since none are known.

    Parameters
    ----------
    path : path, optional
        A root with ``dvsgesture_samples/``, or that folder.

    Raises
    ------
    DatasetError
        If the set is missing (it has no stand-in).
    """
    place = find(
        "dvsgesture_samples",
        FOLDERS,
        path,
        lambda folder: folder.is_dir() and any(folder.glob("*.bs3")),
    )
    if place is None:
        raise missing("dvsgesture_samples", FOLDERS)
    files = sorted(place.glob("*.bs3"))
    return FileRecordings(
        files,
        name="dvsgesture-samples",
        sensor_size=SENSOR,
        synthetic=False,
        labels=np.full(len(files), -1),
        groups=np.arange(len(files)),
        metadata={"folder": str(place), "files": [f.name for f in files]},
    )
