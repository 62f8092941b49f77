"""Read npz files of strangers: plain arrays or a clear refusal."""

import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

__all__ = ["read_npz"]


def read_npz(path: Path) -> dict[str, Any]:
    """Return all arrays of an npz file; nothing in it is executed.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is damaged or holds anything but plain arrays.
    """
    with path.open("rb") as raw:  # numpy would leave a damaged file open
        try:
            held = np.load(raw, allow_pickle=False)
            if not isinstance(held, np.lib.npyio.NpzFile):
                raise ValueError("a single array")
            with held:
                return {k: held[k] for k in held.files}
        except (ValueError, EOFError, BadZipFile, zlib.error) as error:
            text = "pickled objects" if "pickle" in str(error) else str(error)
            raise ValueError(text) from None
