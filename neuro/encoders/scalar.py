"""Numbers as runs of active bits: near values share bits.

The encoders of NuPIC's ``scalar`` (its behaviour, in closed form).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.encoders.base import check_number
from neuro.errors import ParameterError

__all__ = ["PeriodicEncoder", "ScalarEncoder"]


def _check(name: str, n: int, w: int, minimum: float, maximum: float) -> None:
    if w < 1 or w % 2 == 0 or n <= w:
        raise ParameterError(
            f"{name}: expected an odd w >= 1 and n > w, got n={n}, w={w}"
        )
    if not (math.isfinite(minimum) and math.isfinite(maximum) and minimum < maximum):
        raise ParameterError(
            f"{name}: expected minimum < maximum, got {minimum} and {maximum}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarEncoder:
    """A number between two limits; values outside are clipped.

    Value ``x`` falls into bucket ``floor((x - minimum + r / 2) / r)`` with the
    resolution ``r = (maximum - minimum) / (n - w)``; the bits of bucket ``b`` are
    ``b .. b + w - 1``.

    Parameters
    ----------
    n : int
        Bits.
    w : int
        Active bits, odd.
    minimum, maximum : float
        Limits.
    clip : bool
        False refuses values outside the limits.

    Examples
    --------
    >>> ScalarEncoder(n=8, w=3, minimum=0, maximum=5).encode(2.0).tolist()
    [2, 3, 4]
    """

    n: int
    w: int
    minimum: float
    maximum: float
    clip: bool = True

    def __post_init__(self) -> None:
        _check("ScalarEncoder", self.n, self.w, self.minimum, self.maximum)

    @property
    def resolution(self) -> float:
        """Width of a bucket."""
        return (self.maximum - self.minimum) / (self.n - self.w)

    @property
    def n_buckets(self) -> int:
        """Number of buckets."""
        return self.n - self.w + 1

    def bucket(self, value: Any) -> int:
        """Return the bucket of a value."""
        return int(self.buckets([check_number("ScalarEncoder", value)])[0])

    def buckets(self, values: ArrayLike) -> NDArray[np.int64]:
        """Return the buckets of many values, int64."""
        x = np.asarray(values, np.float64)
        if not np.isfinite(x).all():
            at = int(np.argmin(np.isfinite(x)))
            raise ParameterError(
                f"ScalarEncoder: value {at} is {x.flat[at]}; drop or fill missing "
                "values before encoding"
            )
        clipped = x.clip(self.minimum, self.maximum)
        if not self.clip and np.any(clipped != x):
            bad = x[clipped != x].flat[0]
            raise ParameterError(
                f"ScalarEncoder: {bad} lies outside {self.minimum}..{self.maximum}"
            )
        r = self.resolution
        return np.floor((clipped - self.minimum + r / 2) / r).astype(np.int64)

    def encode(self, value: Any) -> NDArray[np.int32]:
        """Return the active bits, sorted."""
        first = self.bucket(value)
        return np.arange(first, first + self.w, dtype=np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicEncoder:
    """A number on a circle, such as the time of day.

    The run of active bits is centred on ``floor((x - minimum) * n / period)`` and
    wraps round.

    Parameters
    ----------
    n : int
        Bits.
    w : int
        Active bits, odd.
    minimum, maximum : float
        Begin of the period and begin of the next one, which is not accepted as value.

    Examples
    --------
    >>> PeriodicEncoder(n=7, w=3, minimum=0, maximum=7).encode(0).tolist()
    [0, 1, 6]
    """

    n: int
    w: int
    minimum: float
    maximum: float

    def __post_init__(self) -> None:
        _check("PeriodicEncoder", self.n, self.w, self.minimum, self.maximum)

    def encode(self, value: Any) -> NDArray[np.int32]:
        """Return the active bits, sorted.

        Raises
        ------
        ParameterError
            Outside ``minimum <= value < maximum`` (24:00 is 0:00 of the next day).
        """
        x = check_number("PeriodicEncoder", value)
        if not self.minimum <= x < self.maximum:
            raise ParameterError(
                f"PeriodicEncoder: expected {self.minimum} <= value < {self.maximum}, "
                f"got {x}; the end of the period is the begin of the next one"
            )
        period = self.maximum - self.minimum
        centre = math.floor((x - self.minimum) * self.n / period)
        half = (self.w - 1) // 2
        bits = (centre + np.arange(-half, half + 1)) % self.n
        return np.sort(bits).astype(np.int32)
