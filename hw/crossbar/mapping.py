r"""Weights to conductances and back.

Every style is linear: with planes of conductances :math:`G_p`, factors :math:`c_p` and
a factor :math:`c_0` on the sum of the inputs,

.. math:: w = \sum_p c_p G_p + c_0, \qquad
   y = \sum_p c_p I_p / V + c_0 \sum_i x_i

The last term is digital, or a dummy column of equal cells :math:`G_d` in every array
measures :math:`c_0 = c_d G_d` of it, with the errors of its own cells.

Planes are stored [word line, bit line]; weights are ``w[post, pre]``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError

from .. import _checks

__all__ = ["Encoded", "Mapping"]

Floats = NDArray[np.float64]
STYLES = ("differential", "differential_two_sided", "offset", "bit_sliced")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Target conductances of one weight matrix.

    Attributes
    ----------
    planes : list of ndarray, shape (pre, post)
        Siemens.
    factors : list of ndarray, shape (1,) or (post,)
        Weight per siemens of each plane.
    offset : ndarray, shape (1,) or (post,)
        Factor on the sum of the inputs.
    groups : tuple of tuple of int
        Planes whose currents are subtracted before one converter.
    clipped : float
        Share of weights beyond ``w_max``.
    dummy : float or None
        Target of the cells of a dummy column in every array, siemens.
    dummy_factor : ndarray, shape (1,) or (post,)
        Weight per siemens of the dummy column's current, for every output.
    """

    planes: list[Floats]
    factors: list[Floats]
    offset: Floats
    groups: tuple[tuple[int, ...], ...]
    clipped: float
    dummy: float | None = None
    dummy_factor: Floats = field(default_factory=lambda: np.zeros(1))

    def weights(self, planes: Sequence[Floats] | None = None) -> Floats:
        """Decode conductances to weights, shape (post, pre)."""
        held = self.planes if planes is None else planes
        w = sum(f[:, None] * p.T for f, p in zip(self.factors, held, strict=True))
        constant = self.offset + self.dummy_factor * (self.dummy or 0.0)
        return np.asarray(w + constant[:, None])

    def with_dummy(self, g: float, factor: Floats) -> "Encoded":
        """Measure ``factor * g`` of the digital offset with a dummy column."""
        offset = np.asarray(self.offset - factor * g)
        # what is left of a middle that the column holds exactly is rounding
        offset[np.abs(offset) < 1e-12 * np.abs(factor * g)] = 0.0
        return replace(self, offset=offset, dummy=g, dummy_factor=factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """How weights become conductances.

    Parameters
    ----------
    style : {"differential", "differential_two_sided", "offset", "bit_sliced"}
        One-sided pair (the unused cell at g_min), two-sided pair around the middle,
        one cell with an offset, or slices of bits.
    levels : int or tuple of float, optional
        Programmable levels: a number equally spaced in conductance, or a list in
        siemens; None: continuous. Bit slices always have ``2^bits_per_slice``.
    w_max : float or "max"
        Percentile (1..100] of the absolute weights that maps to the full range, or
        "max"; weights beyond are clipped.
    per_column : bool
        Own ``w_max`` for every output.
    bits, bits_per_slice : int
        Bit slices: bits of the weight (sign included) and per cell.
    sliced_as : {"differential", "offset"}
        How slices carry the sign.
    offset_by : {"digital", "dummy"}
        What subtracts the part of the currents that is the same for every weight (style
        "offset", slices with an offset): the known sum of the inputs, or the current of
        a dummy column in every array, whose cells are written, drift, read noisily and
        lose voltage on the wires as all others.
    subtract : {"array", "digital"}
        Pairs: currents cancel before one converter, or after two conversions.

    Notes
    -----
    Encoding and decoding is exact to rounding without levels (bit slices: exact for the
    quantised weights).
    """

    style: str = "differential"
    levels: int | tuple[float, ...] | None = None
    w_max: float | str = "max"
    per_column: bool = False
    bits: int = 8
    bits_per_slice: int = 1
    sliced_as: str = "differential"
    offset_by: str = "digital"
    subtract: str = "array"

    def __post_init__(self) -> None:
        _checks.choice("Mapping.style", self.style, STYLES)
        _checks.choice("Mapping.subtract", self.subtract, ("array", "digital"))
        _checks.choice("Mapping.sliced_as", self.sliced_as, ("differential", "offset"))
        _checks.choice("Mapping.offset_by", self.offset_by, ("digital", "dummy"))
        sliced = self.style == "bit_sliced"
        carries = self.style == "offset" or (sliced and self.sliced_as == "offset")
        if self.offset_by == "dummy" and not carries:
            raise ParameterError(
                "Mapping.offset_by: pairs of cells have nothing for a dummy column to "
                "subtract; take style='offset', or slices with sliced_as='offset'"
            )
        if self.w_max != "max" and not (
            isinstance(self.w_max, int | float) and 0 < self.w_max <= 100
        ):
            raise ParameterError(
                f"Mapping.w_max: 'max' or a percentile in (1, 100], got {self.w_max!r}"
            )
        if isinstance(self.w_max, int | float) and self.w_max <= 1:
            raise ParameterError(
                f"Mapping.w_max: a percentile in (1, 100], got {self.w_max!r}; for "
                f"{100 * self.w_max:g} percent write {100 * self.w_max:g}"
            )
        if isinstance(self.levels, int) and self.levels < 2:
            raise ParameterError(f"Mapping.levels: at least 2, got {self.levels}")
        if self.style == "bit_sliced":
            carried = self.bits - (self.sliced_as == "differential")
            if self.bits_per_slice < 1 or carried < 1 or carried % self.bits_per_slice:
                raise ParameterError(
                    f"Mapping: {carried} magnitude bits do not divide into slices of "
                    f"{self.bits_per_slice}; "
                    "differential slices carry bits - 1, offset slices bits"
                )

    @property
    def cells_per_weight(self) -> int:
        """Cells of one weight."""
        if self.style == "offset":
            return 1
        if self.style != "bit_sliced":
            return 2
        if self.sliced_as == "offset":
            return self.bits // self.bits_per_slice
        return 2 * (self.bits - 1) // self.bits_per_slice

    def full_scale(self, w: ArrayLike) -> Floats:
        """Return ``w_max``, shape (1,) or (post,); 1 for all-zero weights."""
        a = np.abs(np.asarray(w, np.float64))
        q = 100.0 if self.w_max == "max" else float(self.w_max)
        top = np.percentile(a, q, axis=1) if self.per_column else np.percentile(a, q)
        scale = np.atleast_1d(np.asarray(top, np.float64))
        return np.where(scale > 0, scale, 1.0)

    def _round(self, g: Floats, g_min: float, g_max: float) -> Floats:
        if self.levels is None:
            return g
        if isinstance(self.levels, int):
            step = (g_max - g_min) / (self.levels - 1)
            return np.asarray(g_min + step * np.rint((g - g_min) / step))
        table = np.sort(np.asarray(self.levels, np.float64))
        if table[0] < g_min * (1 - 1e-9) or table[-1] > g_max * (1 + 1e-9):
            raise ParameterError(
                f"Mapping.levels: {table[0]:g}..{table[-1]:g} S exceed the device's "
                f"{g_min:g}..{g_max:g} S"
            )
        middle = (table[1:] + table[:-1]) / 2
        return np.asarray(table[np.searchsorted(middle, g)])

    def encode(self, w: ArrayLike, g_min: float, g_max: float) -> Encoded:
        """Return target conductances.

        Parameters
        ----------
        w : array_like, shape (post, pre)
            Weights.
        g_min, g_max : float
            Range of the device, siemens.
        """
        a = np.asarray(w, np.float64)
        if a.ndim != 2 or a.size == 0 or not np.isfinite(a).all():
            raise ShapeError(
                f"Mapping.encode: expected finite weights (post, pre), got {a.shape}"
            )
        scale = self.full_scale(a)
        clipped = float((np.abs(a) > scale[:, None] * (1 + 1e-12)).mean())
        x = np.clip(a / scale[:, None], -1.0, 1.0).T  # (pre, post) in -1..1
        span = g_max - g_min
        zero = np.zeros(1)
        if self.style == "bit_sliced":
            return self._slices(x, scale, g_min, span, clipped)
        if self.style == "offset":
            g = self._round(g_min + span * (x + 1) / 2, g_min, g_max)
            middle = (g_max + g_min) / 2
            factor = 2 * scale / span
            encoded = Encoded([g], [factor], -factor * middle, ((0,),), clipped)
            if self.offset_by == "digital":
                return encoded
            held = float(self._round(np.array([middle]), g_min, g_max)[0])
            return encoded.with_dummy(held, -factor)
        if self.style == "differential":
            plus = g_min + span * np.maximum(x, 0)
            minus = g_min + span * np.maximum(-x, 0)
        else:
            plus = (g_max + g_min) / 2 + span / 2 * x
            minus = (g_max + g_min) / 2 - span / 2 * x
        planes = [self._round(p, g_min, g_max) for p in (plus, minus)]
        groups = ((0, 1),) if self.subtract == "array" else ((0,), (1,))
        return Encoded(planes, [scale / span, -scale / span], zero, groups, clipped)

    def _slices(
        self, x: Floats, scale: Floats, g_min: float, span: float, clipped: float
    ) -> Encoded:
        b, top = self.bits_per_slice, 2**self.bits_per_slice - 1
        planes: list[Floats] = []
        factors: list[Floats] = []
        groups: list[tuple[int, ...]] = []

        def digits(q: NDArray[np.int64], k: int) -> Floats:
            return np.asarray(g_min + span * ((q >> (b * k)) & top) / top)

        if self.sliced_as == "differential":
            steps = 2 ** (self.bits - 1) - 1
            q = np.rint(x * steps).astype(np.int64)
            unit = scale / steps
            for k in range((self.bits - 1) // b):
                f = unit * 2.0 ** (b * k) * top / span
                at = len(planes)
                planes += [digits(np.maximum(q, 0), k), digits(np.maximum(-q, 0), k)]
                factors += [f, -f]
                pair = ((at, at + 1),)
                groups += pair if self.subtract == "array" else [(at,), (at + 1,)]
            return Encoded(planes, factors, np.zeros(1), tuple(groups), clipped)
        half = 2 ** (self.bits - 1)
        steps = half - 1
        q = np.rint(x * steps).astype(np.int64) + half
        unit = scale / steps
        offset = -unit * half
        for k in range(self.bits // b):
            f = unit * 2.0 ** (b * k) * top / span
            offset = offset - f * g_min
            groups.append((len(planes),))
            planes.append(digits(q, k))
            factors.append(f)
        encoded = Encoded(planes, factors, offset, tuple(groups), clipped)
        if self.offset_by == "digital":
            return encoded
        return encoded.with_dummy(g_min, -np.sum(factors, axis=0))
