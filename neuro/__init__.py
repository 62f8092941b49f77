"""spikejoule: events, sparse activity, one ledger of operations, joules.

The rooms of the package (``neuro.events``, ``neuro.network``, ``neuro.htm`` ...) are
loaded on first use, so that ``import neuro`` stays fast and needs no optional package.
"""

import importlib
import logging
from typing import TYPE_CHECKING, Any

from neuro._version import __version__ as __version__

_ROOMS = (
    "cite",
    "core",
    "counts",
    "datasets",
    "diffusion",
    "encoders",
    "errors",
    "events",
    "grad",
    "htm",
    "lsm",
    "network",
    "plot",
    "quantize",
    "random",
    "results",
    "sdr",
    "sparsey",
    "statistics",
)
__all__ = ["__version__", *_ROOMS]

if TYPE_CHECKING:
    from neuro import counts as counts
    from neuro import errors as errors
    from neuro import network as network

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"neuro.{name}")
    raise AttributeError(f"module 'neuro' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
