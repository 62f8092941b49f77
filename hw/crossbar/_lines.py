"""Resistances of the lines of an array, checked; segments as conductances."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError

__all__ = ["Lines"]

Floats = NDArray[np.float64]


def _segments(name: str, value: ArrayLike, n: int) -> Floats:
    if isinstance(value, int | float) and 0 <= value <= 1e6:
        return np.full(n, float(value))
    try:
        out = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise ParameterError(f"{name}: expected ohms, got {value!r}") from None
    if out.ndim > 1 or (out.ndim == 1 and out.size != n):
        raise ShapeError(
            f"{name}: expected a number or one value per segment, shape ({n},), "
            f"got {out.shape}"
        )
    out = np.broadcast_to(out, (n,)).copy()
    if not (np.isfinite(out).all() and (out >= 0).all()):
        raise ParameterError(
            f"{name}: expected finite resistances >= 0 ohm, got {value!r}"
        )
    if out.max() > 1e6:
        warnings.warn(
            f"{name}: {out.max():g} ohm per segment is above 1e6; resistances are in "
            "ohms",
            stacklevel=5,
        )
    return out


def _terminal(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    if not 0 <= value < np.inf:
        raise ParameterError(f"{name}: expected >= 0 ohm, got {value!r}")
    return float(value)


@dataclass(frozen=True, slots=True)
class Lines:
    """Wire and terminal resistances of an array of m word and n bit lines, ohms.

    Attributes
    ----------
    word : ndarray, shape (n,)
        Segment before each column; the source is before column 0.
    bit : ndarray, shape (m,)
        Segment after each row; the sense amplifier is after row m - 1.
    source, sense : float
        In series with the first word and the last bit segment.
    source_far, sense_far : float or None
        The same at the other ends, where the line's own segment resistance is added;
        None: open end.
    """

    word: Floats
    bit: Floats
    source: float = 0.0
    sense: float = 0.0
    source_far: float | None = None
    sense_far: float | None = None

    @classmethod
    def make(
        cls,
        shape: tuple[int, int],
        word: ArrayLike,
        bit: ArrayLike,
        source: float,
        sense: float,
        source_far: float | None,
        sense_far: float | None,
    ) -> "Lines":
        """Check and broadcast."""
        m, n = shape
        lines = cls(
            _segments("r_word", word, n),
            _segments("r_bit", bit, m),
            _terminal("r_source", source) or 0.0,
            _terminal("r_sense", sense) or 0.0,
            _terminal("r_source_far", source_far),
            _terminal("r_sense_far", sense_far),
        )
        for name, far, segment in (
            ("r_source_far", lines.source_far, lines.word[-1]),
            ("r_sense_far", lines.sense_far, lines.bit[0]),
        ):
            if far is not None and far + segment == 0:
                raise ParameterError(
                    f"{name}: 0 ohm at a line without resistance; expected a sum > 0 "
                    "ohm, or None for an open end"
                )
        return lines

    @property
    def word_zero(self) -> bool:
        """Every word-line node sits at its source."""
        return not self.word.any() and self.source == 0.0

    @property
    def bit_zero(self) -> bool:
        """Every bit-line node sits at 0 V."""
        return not self.bit.any() and self.sense == 0.0

    @property
    def regular(self) -> bool:
        """No segment is a short circuit: the iterative solver applies."""
        ends = [self.word[0] + self.source, self.bit[-1] + self.sense]
        if self.source_far is not None:
            ends.append(self.word[-1] + self.source_far)
        if self.sense_far is not None:
            ends.append(self.bit[0] + self.sense_far)
        return bool(
            (self.word[1:] > 0).all() and (self.bit[:-1] > 0).all() and min(ends) > 0
        )

    def conductances(self) -> tuple[Floats, Floats]:
        """Return segments ``(n + 1,)`` and ``(m + 1,)``, ends included, siemens."""
        gw = np.zeros(self.word.size + 1)
        gb = np.zeros(self.bit.size + 1)
        gw[0] = 1.0 / (self.word[0] + self.source)
        gw[1:-1] = 1.0 / self.word[1:]
        gb[-1] = 1.0 / (self.bit[-1] + self.sense)
        gb[1:-1] = 1.0 / self.bit[:-1]
        if self.source_far is not None:
            gw[-1] = 1.0 / (self.word[-1] + self.source_far)
        if self.sense_far is not None:
            gb[0] = 1.0 / (self.bit[0] + self.sense_far)
        return gw, gb

    def transposed(self) -> "Lines":
        """Lines of the array read from its sense ends, both orders reversed."""
        return Lines(
            self.bit[::-1].copy(),
            self.word[::-1].copy(),
            self.sense,
            self.source,
            self.sense_far,
            self.source_far,
        )
