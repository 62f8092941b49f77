"""Distributions of weights, delays and initial states; drawn from named streams.

A description holds the distribution, the build draws from it with a stream of its own,
so that two builds with one seed agree and adding an object changes no other draw.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError

__all__ = ["Distribution", "LogNormal", "Normal", "Uniform"]


@dataclass(frozen=True, slots=True)
class Normal:
    """Gaussian; values outside ``low..high`` are drawn again.

    Parameters
    ----------
    mean, sd : float
        Mean and standard deviation, in the unit of the quantity.
    low, high : float
        Accepted range, both ends included.
    """

    mean: float
    sd: float
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        if not (np.isfinite(self.mean) and np.isfinite(self.sd) and self.sd >= 0):
            raise ParameterError(
                f"Normal: finite mean and sd >= 0 expected, got {self.mean}, {self.sd}"
            )
        if not self.low < self.high:
            raise ParameterError(
                f"Normal: expected low < high, got {self.low}, {self.high}"
            )
        near = min(max(self.mean, self.low), self.high)
        if abs(near - self.mean) > 4 * self.sd:
            raise ParameterError(
                f"Normal: the range {self.low}..{self.high} is more than 4 sd from the "
                f"mean {self.mean}; redrawing would not end"
            )

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return n values, float64."""
        out = rng.standard_normal(n)
        out *= self.sd
        out += self.mean
        if self.low > -np.inf or self.high < np.inf:
            bad = np.flatnonzero((out < self.low) | (out > self.high))
            while bad.size:
                again = self.mean + self.sd * rng.standard_normal(bad.size)
                out[bad] = again
                bad = bad[(again < self.low) | (again > self.high)]
        return out


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform between `low` (included) and `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low <= self.high):
            raise ParameterError(
                f"Uniform: expected finite low <= high, got {self.low}, {self.high}"
            )

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return n values, float64."""
        return self.low + (self.high - self.low) * rng.random(n)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """``scale * exp(sd * N(0, 1))``; the median is `scale` (may be negative)."""

    scale: float
    sd: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.scale, self.sd]).all() and self.sd >= 0):
            raise ParameterError(
                f"LogNormal: expected finite scale and sd >= 0, got {self.scale}, "
                f"{self.sd}"
            )

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return n values, float64."""
        return self.scale * np.exp(self.sd * rng.standard_normal(n))


Distribution = Normal | Uniform | LogNormal
