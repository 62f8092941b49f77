"""Short representations: non-default fields, arrays as size and range."""

from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import numpy as np

__all__ = ["brief", "brief_fields"]


def brief(value: Any) -> str:
    """Return one line for a value: an array as its shape and range, a part by name."""
    if isinstance(value, np.ndarray) and value.ndim:
        if value.size == 0:
            return "array(empty)"
        shape = "x".join(map(str, value.shape))
        return f"array({shape}: {value.min():g}..{value.max():g})"
    if isinstance(value, list | tuple) and len(value) > 4:
        return brief(np.asarray(value))
    if is_dataclass(value) and not isinstance(value, type):
        return brief_fields(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {brief(v)}" for k, v in value.items()) + "}"
    if isinstance(value, float):
        return f"{value:g}"
    return repr(value)


def brief_fields(part: Any) -> str:
    """Return ``Name(field=value, ...)`` of what differs from the defaults."""
    shown = []
    for f in fields(part):
        value = getattr(part, f.name)
        if f.default is not MISSING and value is f.default:
            continue
        if isinstance(value, int | float | str) and value == f.default:
            continue
        shown.append(f"{f.name}={brief(value)}")
    return f"{type(part).__name__}({', '.join(shown)})"
