"""Where a data set is looked for.

In this order: the path given by the user; the folder that ``NEURO_DATA`` names;
``./data``. A given path without the set is a mistake; the other two are passed over.
"""

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from neuro.errors import DatasetError

__all__ = ["find", "roots"]

log = logging.getLogger(__name__)


def roots(path: Path | str | None = None) -> list[Path]:
    """Return the folders that are searched, in order."""
    if path:
        return [Path(path).expanduser()]
    given = os.environ.get("NEURO_DATA")
    return [*([Path(given).expanduser()] if given else []), Path("data")]


def find(
    name: str,
    folders: Sequence[str],
    path: Path | str | None,
    is_set: Callable[[Path], bool],
) -> Path | None:
    """Return where the set is, or None if it is in neither default root.

    Parameters
    ----------
    name : str
        Name of the set, for messages.
    folders : sequence of str
        Names under a root, the preferred first.
    path : path, optional
        What the user gave: a root, the set's own folder, or its file.
    is_set : callable
        Whether a folder (or file) holds the set.

    Raises
    ------
    DatasetError
        If `path` was given and does not hold the set.
    """
    for root in roots(path):
        for place in (*(root / f for f in folders), *([root] if path else [])):
            if is_set(place):
                log.info("%s: using %s", name, place)
                return place
    if path:
        looked = " or ".join(f"{f}/" for f in folders)
        what = "does not exist" if not Path(path).expanduser().exists() else "lacks it"
        raise DatasetError(
            f"{name}: {path} {what}; expected a folder with {looked} in it, or the "
            "set itself (see data/README.md)"
        )
    return None


def missing(name: str, folders: Sequence[str], advice: str = "") -> DatasetError:
    """Return the error for a set that is nowhere and has no stand-in."""
    where = " and ".join(str(r) for r in roots())
    return DatasetError(
        f"{name}: not found; looked for {' or '.join(folders)} in {where}; "
        f"{advice or 'set NEURO_DATA to the folder that holds it'} (see data/README.md)"
    )
