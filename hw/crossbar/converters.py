"""Converters and input encodings.

Codes include both ends: ``q = rint((clip(I) - lo) (2^b - 1) / (hi - lo))``; signed
converters have ``2^b - 1`` codes with one at zero.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError

from .. import _checks

__all__ = ["ADC", "DAC", "bit_serial", "bits_for_spikes", "combine_bits", "s_shape"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DAC:
    """Input converter: sign-magnitude or unsigned, round half to even.

    Parameters
    ----------
    bits : int
        Sign-magnitude: ``2^(bits-1) - 1`` steps each way; unsigned ``2^bits - 1``.
    signed : bool
        Sign-magnitude, or unsigned.
    x_max : float or None
        Full scale; larger inputs are clipped. None: the largest of each batch.
    """

    bits: int = 8
    signed: bool = True
    x_max: float | None = None

    def __post_init__(self) -> None:
        _checks.integer("DAC.bits", self.bits, 1 + self.signed, 24)
        if self.x_max is not None:
            _checks.number("DAC.x_max", self.x_max, 0.0, above=True)

    @property
    def steps(self) -> int:
        """Steps from 0 to full scale."""
        return int(2 ** (self.bits - self.signed) - 1)

    def calibrate(self, samples: ArrayLike, percentile: float = 99.9) -> "DAC":
        """Return a converter whose full scale is a percentile of ``|samples|``."""
        top = float(np.percentile(np.abs(np.asarray(samples, float)), percentile))
        return DAC(bits=self.bits, signed=self.signed, x_max=top or 1.0)

    def scale_of(self, x: ArrayLike) -> float:
        """Full scale used for `x`."""
        if self.x_max is not None:
            return self.x_max
        a = np.asarray(x, float)
        return float(np.abs(a).max(initial=0.0)) or 1.0

    def codes(self, x: ArrayLike) -> NDArray[np.int64]:
        """Integer codes."""
        a = np.asarray(x, np.float64) / self.scale_of(x)
        low = -1.0 if self.signed else 0.0
        return np.rint(np.clip(a, low, 1.0) * self.steps).astype(np.int64)

    def __call__(self, x: ArrayLike) -> Floats:
        """Quantise."""
        return np.asarray(self.codes(x) * (self.scale_of(x) / self.steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class ADC:
    """Output converter.

    Parameters
    ----------
    bits : int
    range : "max", "granular", "calibrated" or (float, float)
        Largest possible current; smallest current step per code; a percentile of
        observed values (:meth:`calibrate`); or fixed. The first two are resolved by the
        array that owns the converter.
    signed : bool
        Symmetric range with a code at zero.
    percentile : float
        For "calibrated".
    offset : float
        Added before conversion, in codes.
    gain_error : float
        Relative.
    inl_codes : float
        Integral nonlinearity: a bow of so many codes in the middle of the range.
    stochastic : bool
        Round up with the probability of the remainder (needs ``rng``).
    """

    bits: int = 8
    range: Any = "max"
    signed: bool = True
    percentile: float = 99.9
    offset: float = 0.0
    gain_error: float = 0.0
    inl_codes: float = 0.0
    stochastic: bool = False
    _resolved: tuple[float, float] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _checks.integer("ADC.bits", self.bits, 1 + self.signed, 24)
        if isinstance(self.range, str):
            _checks.choice("ADC.range", self.range, ("max", "granular", "calibrated"))
        elif np.shape(self.range) != (2,) or not self.range[0] < self.range[1]:
            raise ParameterError(
                f"ADC.range: expected (lo, hi) with lo < hi, got {self.range!r}"
            )

    @property
    def codes_count(self) -> int:
        """Number of codes."""
        return int(2**self.bits - (1 if self.signed else 0))

    @property
    def limits(self) -> tuple[float, float]:
        """``(lo, hi)`` in the units of what is converted."""
        if self._resolved is not None:
            return self._resolved
        if isinstance(self.range, str):
            raise ParameterError(
                f"ADC: the range {self.range!r} is still open; call calibrate with "
                "inputs of a separate set, or give (lo, hi)"
            )
        lo, hi = float(self.range[0]), float(self.range[1])
        return (-max(-lo, hi), max(-lo, hi)) if self.signed else (lo, hi)

    @property
    def lsb(self) -> float:
        """Width of a code."""
        lo, hi = self.limits
        return (hi - lo) / (self.codes_count - 1)

    def with_range(self, lo: float, hi: float) -> "ADC":
        """Return the converter with a fixed range."""
        if self.signed:
            lo, hi = -max(-lo, hi, 1e-300), max(-lo, hi, 1e-300)
        values = {k: getattr(self, k) for k in self.__slots__ if k != "_resolved"}
        return ADC(**values, _resolved=(lo, hi))

    def calibrate(self, samples: ArrayLike) -> "ADC":
        """Return the converter with a range from observed values.

        Parameters
        ----------
        samples : array_like
            Values before conversion, from a separate set.
        """
        x = np.asarray(samples, np.float64).ravel()
        if x.size == 0:
            raise ParameterError("ADC.calibrate: no samples")
        q = self.percentile if self.range == "calibrated" else 100.0
        if self.signed:
            top = float(np.percentile(np.abs(x), q)) or 1e-300
            return self.with_range(-top, top)
        lo, hi = np.percentile(x, [100 - q, q])
        return self.with_range(float(lo), float(max(hi, lo + 1e-300)))

    def convert(
        self, x: ArrayLike, rng: np.random.Generator | None = None
    ) -> NDArray[np.int64]:
        """Codes ``0..codes_count - 1``."""
        lo, hi = self.limits
        top = self.codes_count - 1
        place = (np.clip(np.asarray(x, np.float64), lo, hi) - lo) * (top / (hi - lo))
        if self.gain_error or self.offset or self.inl_codes:
            middle = top / 2
            u = (place - middle) / middle
            place = middle + (place - middle) * (1 + self.gain_error) + self.offset
            place = place + self.inl_codes * (1 - u * u)
        if self.stochastic:
            if rng is None:
                raise ParameterError("ADC: stochastic rounding needs rng=")
            code = np.floor(place + rng.random(np.shape(place)))
        else:
            code = np.rint(place)
        return np.clip(code, 0, top).astype(np.int64)

    def __call__(self, x: ArrayLike, rng: np.random.Generator | None = None) -> Floats:
        """Convert and scale back."""
        lo, _ = self.limits
        return np.asarray(lo + self.lsb * self.convert(x, rng))

    def clip_share(self, x: ArrayLike) -> float:
        """Share of values outside the range."""
        lo, hi = self.limits
        a = np.asarray(x, np.float64)
        slack = 1e-12 * (hi - lo)
        return float(((a < lo - slack) | (a > hi + slack)).mean())


def bit_serial(codes: ArrayLike, bits: int) -> NDArray[np.uint8]:
    """Split unsigned codes into binary reads, least significant first.

    Parameters
    ----------
    codes : array_like of int, shape (..., m)
        ``0 .. 2^bits - 1``.
    bits : int

    Returns
    -------
    ndarray of uint8, shape (bits, ..., m)
    """
    q = np.asarray(codes, np.int64)
    if q.size and (q.min() < 0 or q.max() >= 2**bits):
        raise ParameterError(f"bit_serial: codes must lie in 0..{2**bits - 1}")
    return np.stack([(q >> k) & 1 for k in range(bits)]).astype(np.uint8)


def combine_bits(reads: ArrayLike) -> Floats:
    """Shift and add the results of binary reads.

    Parameters
    ----------
    reads : array_like, shape (bits, ...)
        In the order of :func:`bit_serial`, least significant first.

    Returns
    -------
    ndarray of float64, shape (...)
    """
    r = np.asarray(reads)
    return np.asarray(np.tensordot(2.0 ** np.arange(r.shape[0]), r, axes=1))


def bits_for_spikes(active_rows: int) -> int:
    """Lossless resolution of a spike read of binary cells: ceil(log2(m_on + 1)).

    Parameters
    ----------
    active_rows : int
        Most rows on at the same time.
    """
    return int(np.ceil(np.log2(active_rows + 1)))


def s_shape(y: ArrayLike, k: float) -> Floats:
    """Saturating read-out ``y / (1 + k |y|)``.

    Parameters
    ----------
    y : array_like
        Any unit.
    k : float
        One over the value that is never reached.
    """
    a = np.asarray(y, np.float64)
    return np.asarray(a / (1 + k * np.abs(a)))
