"""Spread between and within cells, write-verify, stuck cells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import erf, ndtri

from neuro.errors import ParameterError

from .. import _checks
from .curves import Curve

__all__ = ["Faults", "Variability", "WriteVerify"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variability:
    """Log-normal factors: fixed per cell, and fresh in every write.

    Parameters
    ----------
    device_to_device : float
        Log standard deviation, fixed per cell.
    cycle_to_cycle : float or (float, float)
        Log standard deviation per write; two values: in the high- and in the
        low-resistance state, interpolated in ``x = G / g_max``.
    preserve : {"mean", "median"}
        What of the conductance the factors leave as it is.
    correlation_length : float
        Cells; > 0 makes the device-to-device field smooth (unit variance kept).
    """

    device_to_device: float = 0.0
    cycle_to_cycle: float | tuple[float, float] = 0.0
    preserve: str = "mean"
    correlation_length: float = 0.0

    def __post_init__(self) -> None:
        _checks.choice("Variability.preserve", self.preserve, ("mean", "median"))
        for name, value in (
            ("device_to_device", self.device_to_device),
            ("cycle_to_cycle", np.max(self.cycle_to_cycle)),
        ):
            if not 0 <= value <= 3:
                raise ParameterError(
                    f"Variability.{name}: expected a log standard deviation 0..3 (0.05 "
                    f"is 5 percent), got {value}"
                )

    def field(self, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
        """Draw the fixed normal field of the cells, unit variance."""
        z = rng.standard_normal(shape)
        if self.correlation_length > 0:
            z = gaussian_filter(z, self.correlation_length, mode="wrap")
            kernel = np.zeros(shape)
            kernel[(0,) * len(shape)] = 1.0
            k = gaussian_filter(kernel, self.correlation_length, mode="wrap")
            z /= np.sqrt((k * k).sum())
        return np.asarray(z)

    def apply(self, g: Floats, x: Floats, cells: Floats, cycle: Floats) -> Floats:
        """Multiply by both factors; `cells`, `cycle` are standard normal."""
        if isinstance(self.cycle_to_cycle, tuple):
            high_r, low_r = self.cycle_to_cycle
            s = high_r + (low_r - high_r) * np.clip(x, 0.0, 1.0)
        else:
            s = np.full(g.shape, self.cycle_to_cycle)
        d = self.device_to_device
        shift = (d * d + s * s) / 2 if self.preserve == "mean" else 0.0
        return np.asarray(g * np.exp(d * cells + s * cycle - shift))


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteVerify:
    """Write until the verify read lies within a window.

    Parameters
    ----------
    tolerance : float
        Half width of the window, siemens.
    max_pulses : int
        A cell not accepted by then keeps its last value.
    distribution : {"normal", "uniform"}
        Of accepted cells on the window.
    """

    tolerance: float
    max_pulses: int = 100
    distribution: str = "normal"

    def program(
        self, g: Floats, sigma: Floats, rng: np.random.Generator
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Return written conductances and pulses per cell."""
        _checks.choice(
            "WriteVerify.distribution", self.distribution, ("normal", "uniform")
        )
        u = rng.random((3, *g.shape))
        with np.errstate(divide="ignore", over="ignore"):
            ratio = np.where(sigma > 0, self.tolerance / sigma, np.inf)
            accept = erf(ratio / np.sqrt(2.0))
            # geometric number of pulses by inversion
            n = np.ceil(np.log(u[0]) / np.log1p(-np.minimum(accept, 1 - 1e-16)))
        n = np.maximum(n, 1)
        lost = n > self.max_pulses
        if self.distribution == "normal":
            inside = sigma * ndtri(0.5 + (u[1] - 0.5) * accept)
            inside = np.where(sigma > 0, inside, 0.0)
        else:
            inside = self.tolerance * (2 * u[1] - 1)
        # a lost cell's last value lies outside the window
        tail = ndtri(np.clip(1 - (1 - accept) / 2 * u[2], 0.5, 1 - 1e-16))
        outside = np.where(u[1] < 0.5, -1, 1) * sigma * tail
        out = np.maximum(g + np.where(lost, outside, inside), 0.0)
        return out, np.minimum(n, self.max_pulses).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Stuck cells and broken lines; disjoint, one uniform draw per cell.

    Parameters
    ----------
    on, off, unformed : float
        Shares of cells at `g_max`, at `g_min`, and pristine (`g_pristine`).
    g_pristine : float
        Siemens.
    open_word, open_bit : tuple of int
        Broken lines: rows, columns of zeros.
    """

    on: float = 0.0
    off: float = 0.0
    unformed: float = 0.0
    g_pristine: float = 0.1e-6
    open_word: tuple[int, ...] = ()
    open_bit: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("on", "off", "unformed"):
            _checks.fraction(f"Faults.{name}", getattr(self, name))
        if self.on + self.off + self.unformed > 1:
            raise ParameterError(
                "Faults: on + off + unformed must not exceed 1, got "
                f"{self.on + self.off + self.unformed:g}"
            )

    def draw(
        self, shape: tuple[int, ...], rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Return codes: 0 healthy, 1 on, 2 off, 3 unformed, 4 open line."""
        u = rng.random(shape)
        edges = np.cumsum([self.on, self.off, self.unformed])
        code = np.zeros(shape, np.uint8)
        code[u < edges[2]] = 3
        code[u < edges[1]] = 2
        code[u < edges[0]] = 1
        if len(shape) >= 2:
            code[..., list(self.open_word), :] = 4
            code[..., :, list(self.open_bit)] = 4
        return code

    def apply(
        self, g: Floats, code: NDArray[np.uint8], g_min: float, g_max: float
    ) -> Floats:
        """Overwrite faulty cells."""
        return np.choose(code, [g, g_max, g_min, self.g_pristine, 0.0])


def sampled_sigma(curve: Curve | None, g: Floats, scale: float) -> Floats:
    """Programming spread at the targets, siemens."""
    return np.zeros_like(g) if curve is None else np.asarray(scale * curve(g))
