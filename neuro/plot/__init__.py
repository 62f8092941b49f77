"""Figures: ``plot_*(data, *, ax=None, **kwargs) -> Axes``, one module per subject.

``neuro.plot.plot_raster`` finds the function in the module that defines it;
matplotlib is imported inside the functions.
"""

import importlib
import pkgutil
from typing import Any

__all__ = ["__getattr__"]


def __getattr__(name: str) -> Any:
    if name.startswith("plot_"):
        for found in pkgutil.iter_modules(__path__):
            module = importlib.import_module(f"{__name__}.{found.name}")
            if name in module.__all__:
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    names: list[str] = []
    for found in pkgutil.iter_modules(__path__):
        names += importlib.import_module(f"{__name__}.{found.name}").__all__
    return sorted(names)
