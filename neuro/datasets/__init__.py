"""Data sets: lookup, loaders, stand-ins.

:func:`load` finds a set by name. Where the real data are missing, sets that have a
stand-in give it, marked ``synthetic``; results on it are never named after the real
set.
"""

import importlib
from pathlib import Path
from typing import Any

from neuro.datasets._protocol import Dataset as Dataset
from neuro.errors import ParameterError, did_you_mean

__all__ = ["NAMES", "Dataset", "load"]

_LOADERS = {
    "nmnist": ("nmnist", "load_nmnist"),
    "mnist": ("mnist", "load_mnist"),
    "nyc_taxi": ("nyc_taxi", "load_nyc_taxi"),
    "ntidigits": ("ntidigits", "load_ntidigits"),
    "ntidigits_sample": ("ntidigits", "load_ntidigits_sample"),
    "weizmann": ("weizmann", "load_weizmann"),
    "dvsgesture_samples": ("dvsgesture", "load_dvsgesture_samples"),
    "recordings": ("folder", "load_recordings"),
}
NAMES = tuple(_LOADERS)


def load(name: str, path: Path | str | None = None, **options: Any) -> Any:
    """Load a data set by name.

    Parameters
    ----------
    name : str
        One of :data:`NAMES`.
    path : path, optional
        A root that holds the set, the set's own folder, or its file. Default: the
        folder in the environment variable ``NEURO_DATA``, then ``./data``, then the
        stand-in where the set has one.
    **options
        Options of the loader, for example ``split="train"``.

    Returns
    -------
    Dataset or other
        Recordings for event data; images, columns or sequences for the rest.

    Raises
    ------
    ParameterError
        If the name or an option is unknown.
    DatasetError
        If a given path lacks the set, or it is missing and has no stand-in.

    Examples
    --------
    >>> load("nmnist", synthetic=True, limit=20).name
    'digits-camera'
    """
    key = name.replace("-", "_")
    if key not in _LOADERS:
        raise ParameterError(
            f"unknown data set {name!r}{did_you_mean(key, _LOADERS)}; accepted: "
            f"{', '.join(_LOADERS)}"
        )
    module, function = _LOADERS[key]
    loader = getattr(importlib.import_module(f"neuro.datasets.{module}"), function)
    import inspect

    known = set(inspect.signature(loader).parameters) - {"path"}
    for option in options:
        if option not in known:
            raise ParameterError(
                f"{name}: unknown option {option!r}{did_you_mean(option, known)}; "
                f"accepted: {', '.join(sorted(known)) or 'none'}"
            )
    return loader(path or None, **options)
