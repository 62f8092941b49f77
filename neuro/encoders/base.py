"""What an encoder is: a value in, the sorted active bits out."""

import math
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError

__all__ = ["Encoder", "check_number"]


@runtime_checkable
class Encoder(Protocol):
    """Turns one value into a sparse distributed representation."""

    @property
    def n(self) -> int:
        """Number of bits."""
        ...

    def encode(self, value: Any) -> NDArray[np.int32]:
        """Return the active bits, sorted."""
        ...


def check_number(name: str, value: Any) -> float:
    """Return `value` as a finite float.

    Raises
    ------
    ParameterError
        For NaN, infinity or something that is no number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name}: expected a number, got {value!r}") from None
    if not math.isfinite(number):
        raise ParameterError(
            f"{name}: got {value}; drop or fill missing values before encoding"
        )
    return number
