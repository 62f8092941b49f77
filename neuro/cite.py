"""BibTeX of the models a user employs.

A class or module names its sources in ``__references__`` (keys of ``references.bib``).
"""

import re
from importlib import resources
from typing import Any

from neuro.errors import ParameterError, did_you_mean

__all__ = ["bibliography", "cite"]


def bibliography() -> dict[str, str]:
    """Return all BibTeX entries by key."""
    text = resources.files("neuro").joinpath("references.bib").read_text("utf-8")
    entries = re.findall(r"(@\w+\{([^,]+),.*?\n\})", text, flags=re.S)
    return {key: entry for entry, key in entries}


def cite(*objects: Any) -> str:
    """Return the BibTeX of what the given objects implement.

    Parameters
    ----------
    *objects : object or str
        Instances, classes or modules with ``__references__``, or keys.

    Raises
    ------
    ParameterError
        If an object names no source or a key is unknown.
    """
    known = bibliography()
    keys: list[str] = []
    for item in objects:
        found = (
            (item,) if isinstance(item, str) else getattr(item, "__references__", ())
        )
        if not found:
            raise ParameterError(f"cite: {item!r} names no source")
        keys += [k for k in found if k not in keys]
    for key in keys:
        if key not in known:
            raise ParameterError(
                f"cite: unknown key {key!r}{did_you_mean(key, known)}; "
                f"'neuro cite' prints all {len(known)}"
            )
    return "\n\n".join(known[k] for k in keys)
