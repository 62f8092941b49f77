"""Aligned arrays for kernels that stream: 64 bytes, rows padded to 8 columns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["aligned", "padded"]


def aligned(n: int, dtype: Any) -> NDArray[Any]:
    """Return zeros of n entries that begin at a multiple of 64 bytes."""
    kind = np.dtype(dtype)
    raw = np.zeros(n * kind.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + n * kind.itemsize].view(kind)


def padded(n: int) -> int:
    """Return n rounded up to a multiple of 8."""
    return -(-n // 8) * 8
