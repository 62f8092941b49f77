"""Exceptions and warnings of the project.

Every message says what was given, what is accepted and what to do, in one line. The
command line prints a :class:`NeuroError` as one line and exits with code 2.
"""

import importlib
from collections.abc import Iterable
from difflib import get_close_matches
from types import ModuleType

__all__ = [
    "ConvergenceError",
    "DatasetError",
    "MemoryLimitError",
    "MissingExtraError",
    "NeuroDeprecationWarning",
    "NeuroError",
    "ParameterError",
    "ShapeError",
    "UnsupportedNodeError",
    "ValidityError",
    "did_you_mean",
    "optional_import",
]


class NeuroError(Exception):
    """Base of all errors that the project raises on purpose."""


class ParameterError(NeuroError, ValueError):
    """A parameter has a value outside its accepted range."""


class ShapeError(ParameterError):
    """An array has the wrong shape or dtype."""


class ValidityError(ParameterError):
    """A model is used outside the range in which it was fitted or published."""


class UnsupportedNodeError(NeuroError):
    """A graph holds a node or layer that the reader does not know."""


class DatasetError(NeuroError):
    """A data set is missing, incomplete or corrupt."""


class ConvergenceError(NeuroError, ArithmeticError):
    """An iterative method stopped above its tolerance; the message has the residual."""


class MemoryLimitError(NeuroError, MemoryError):
    """The estimate of a network's memory exceeds the limit; nothing was allocated."""


class MissingExtraError(NeuroError, ImportError):
    """An optional package is needed; the message names the extra that brings it."""


class NeuroDeprecationWarning(FutureWarning):
    """Something will be removed; the message names the version and the replacement."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x', 'y'?"`` for near misses, else an empty string."""
    close = get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"; did you mean {', '.join(map(repr, close))}?" if close else ""


def optional_import(module: str, extra: str) -> ModuleType:
    """Import an optional package or say which extra brings it.

    Parameters
    ----------
    module : str
        Name to import, for example ``"nir"``.
    extra : str
        Extra of the distribution that lists it, for example ``"nir"``.

    Raises
    ------
    MissingExtraError
        If the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name is not None and not module.startswith(error.name.split(".")[0]):
            raise
        raise MissingExtraError(
            f"{module} is not installed; it comes with the extra '{extra}': "
            f"pip install 'spikejoule[{extra}]'"
        ) from error
