"""Nonlinear current-voltage curves: current and slope at a cell voltage.

``g`` is the conductance at 0 V. Each curve states the voltage range of its fit and
raises outside.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ValidityError

__all__ = ["CubicIV", "IVCurve", "MiloIV", "SinhIV"]

Floats = NDArray[np.float64]


class IVCurve(Protocol):
    """Current and differential conductance of a cell."""

    def current(self, g: ArrayLike, v: ArrayLike) -> Floats:
        """Amperes at `v` volts."""
        ...

    def slope(self, g: ArrayLike, v: ArrayLike) -> Floats:
        """Siemens at `v` volts."""
        ...


def _within(name: str, v: Floats, limit: float) -> None:
    high = float(np.abs(v).max()) if v.size else 0.0
    if high > limit * (1 + 1e-9):
        raise ValidityError(
            f"{name}: cell voltage {high:g} V is outside the fitted range of "
            f"+-{limit:g} V"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CubicIV:
    """``I = g (V + k3 V^3)``; k3 = -0.25 is CrossSim's demonstration curve."""

    k3: float = -0.25
    v_limit: float = 1.0

    def current(self, g: ArrayLike, v: ArrayLike) -> Floats:
        """Amperes."""
        x = np.asarray(v, float)
        _within("CubicIV", x, self.v_limit)
        return np.asarray(np.asarray(g, float) * (x + self.k3 * x**3))

    def slope(self, g: ArrayLike, v: ArrayLike) -> Floats:
        """Siemens."""
        x = np.asarray(v, float)
        return np.asarray(np.asarray(g, float) * (1 + 3 * self.k3 * x**2))


@dataclass(frozen=True, slots=True, kw_only=True)
class SinhIV:
    """``I = g sinh(a V) / a``; a large `a` stands for a selector in series."""

    a: float
    v_limit: float = 5.0

    def current(self, g: ArrayLike, v: ArrayLike) -> Floats:
        """Amperes."""
        x = np.asarray(v, float)
        _within("SinhIV", x, self.v_limit)
        return np.asarray(np.asarray(g, float) * np.sinh(self.a * x) / self.a)

    def slope(self, g: ArrayLike, v: ArrayLike) -> Floats:
        """Siemens."""
        return np.asarray(np.asarray(g, float) * np.cosh(self.a * np.asarray(v)))


@dataclass(frozen=True, slots=True, kw_only=True)
class MiloIV:
    """HfO2 of Milo et al. (IRPS 2021) as fitted by CrossSim; ``|V| <= 0.5 V``.

    ``I = g V + n2 V^2 + n3 V^3``, n2 and n3 polynomials in log10(g in S). Not odd.
    """

    v_limit: float = 0.5

    def _n(self, g: Floats) -> tuple[Floats, Floats]:
        x = np.log10(np.maximum(g, 1e-12))
        n2 = ((1.388e-4 * x + 1.541e-3) * x + 5.711e-3) * x + 7.063e-3
        n3 = (8.8710e-5 * x + 6.7919e-4) * x + 1.2968e-3
        return n2, n3

    def current(self, g: ArrayLike, v: ArrayLike) -> Floats:
        """Amperes."""
        a, x = np.asarray(g, float), np.asarray(v, float)
        _within("MiloIV", x, self.v_limit)
        n2, n3 = self._n(a)
        return np.asarray(a * x + n2 * x**2 + n3 * x**3)

    def slope(self, g: ArrayLike, v: ArrayLike) -> Floats:
        """Siemens."""
        a, x = np.asarray(g, float), np.asarray(v, float)
        n2, n3 = self._n(a)
        return np.asarray(a + 2 * n2 * x + 3 * n3 * x**2)
