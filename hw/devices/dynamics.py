r"""How a conductance moves: drift, relaxation, correlated and telegraph noise.

Every random quantity that makes up a history (drift exponent, relaxation, noise state)
is drawn once per cell or advanced on a fixed grid of time, so that asking for
:math:`t_1 < t_2 < t_3` gives one consistent history, and the same time the same answer.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError
from neuro.random import stream

from .curves import Curve, LogFit

__all__ = [
    "AccumulatedReadNoise",
    "CmoReadNoise",
    "LogRelaxation",
    "OrnsteinUhlenbeck",
    "PowerDrift",
    "RelativeReadNoise",
    "Telegraph",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerDrift:
    r"""``G(t) = G_P ((t + t_0) / t_0)^-nu`` with one exponent per device.

    Parameters
    ----------
    t_0 : float
        Seconds.
    mean, spread : LogFit or float
        Of the exponent ``nu = |mean + spread xi|``, as functions of the target
        ``x = G_T / g_max``.
    """

    t_0: float
    mean: LogFit | float
    spread: LogFit | float

    def exponents(self, x: Floats, rng: np.random.Generator) -> Floats:
        """Draw one exponent per device."""
        mu = self.mean(x) if callable(self.mean) else np.full(x.shape, self.mean)
        s = self.spread(x) if callable(self.spread) else np.full(x.shape, self.spread)
        return np.asarray(np.abs(mu + s * rng.standard_normal(x.shape)))

    def apply(self, g: Floats, nu: Floats, t: float) -> Floats:
        """Return the conductance at `t` seconds after programming."""
        return np.asarray(g * np.exp(-nu * np.log1p(t / self.t_0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRelaxation:
    """``G(t) = G_P + a ln t + (b ln t + c) xi`` for ``t >= 1 s``, xi once per device.

    Parameters
    ----------
    a, b, c : float
        Siemens. Before 1 s the value of 1 s holds; at 0 it is ``G_P``.
    """

    a: float
    b: float
    c: float

    def apply(self, g: Floats, xi: Floats, t: float) -> Floats:
        """Return the conductance at `t` seconds."""
        if t == 0:
            return g
        log = np.log(max(t, 1.0))
        return np.asarray(
            np.maximum(g + self.a * log + (self.b * log + self.c) * xi, 0)
        )


@dataclass(frozen=True, slots=True)
class TabulatedDrift:
    """Mean and spread measured at several times, linear between them.

    A device keeps its place in the spread (its xi, drawn when it was written), so that
    its history is one curve.

    Parameters
    ----------
    times : tuple of float
        Seconds, ascending, the first 0.
    shift : tuple of tuple of float
        At each time: change of the mean, siemens / unit, ascending powers of G / unit.
    a, b : tuple of float
        At each time: spread ``a (1 - exp(-G / b))`` of the shifted mean, units.
    unit : float
        Siemens.
    """

    times: tuple[float, ...]
    shift: tuple[tuple[float, ...], ...]
    a: tuple[float, ...]
    b: tuple[float, ...]
    unit: float = 1.0

    def moments(self, target: Floats, t: float) -> tuple[Floats, Floats]:
        """Return mean and standard deviation at `t` seconds, siemens."""
        place = float(np.interp(t, self.times, np.arange(len(self.times))))
        k = min(int(place), len(self.times) - 2)
        low, high = np.array(self.shift[k]), np.array(self.shift[k + 1])
        x = target / self.unit
        mean = x + np.polynomial.polynomial.polyval(x, low + (place - k) * (high - low))
        a, b = np.interp(t, self.times, self.a), np.interp(t, self.times, self.b)
        sigma = np.maximum(-a * np.expm1(-mean / b), 0.0)
        return np.asarray(mean * self.unit), np.asarray(sigma * self.unit)

    def apply(self, g: Floats, target: Floats, xi: Floats, t: float) -> Floats:
        """Return the conductance at `t` seconds of devices written to `g`.

        Parameters
        ----------
        g : ndarray
            Conductances right after programming, siemens.
        target : ndarray
            What they were meant to be, siemens.
        xi : ndarray
            Each device's place in the spread.
        t : float
            Seconds after programming.
        """
        if t == 0:
            return g
        first, spread = self.moments(target, 0.0)
        mean, sigma = self.moments(target, t)
        return np.asarray(np.maximum(g + mean - first + (sigma - spread) * xi, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccumulatedReadNoise:
    r"""1/f noise of phase-change cells since programming.

    .. math:: \sigma(t) = G\,Q\sqrt{\ln\frac{t + t_0 + t_r}{2 t_r}}

    Parameters
    ----------
    t_0, t_r : float
        Seconds.
    q : callable
        Q as a function of ``x = G_P / g_max``.
    """

    t_0: float
    t_r: float
    q: Any

    def sigma(self, g: Floats, x: Floats, t: float) -> Floats:
        """Return the standard deviation at `t`, siemens."""
        root = np.sqrt(np.log((t + self.t_0 + self.t_r) / (2 * self.t_r)))
        return np.asarray(g * self.q(x) * root)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerQ:
    """``min(high, a / max(x^power, low))``."""

    a: float
    power: float
    low: float
    high: float

    def __call__(self, x: ArrayLike) -> Floats:
        """Evaluate."""
        z = np.maximum(np.asarray(x, np.float64), 0.0) ** self.power
        return np.asarray(np.minimum(self.high, self.a / np.maximum(z, self.low)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CmoReadNoise:
    """``a log10(G in uS) sqrt(ln((t + t_r) / (2 t_r)))``; 0 below 1 uS."""

    a: float = 0.0277316483e-6
    t_r: float = 1e-6

    def sigma(self, g: Floats, x: Floats, t: float) -> Floats:
        """Return the standard deviation at `t`, siemens."""
        log = np.log10(np.maximum(g * 1e6, 1.0))
        root = np.sqrt(max(np.log((t + self.t_r) / (2 * self.t_r)), 0.0))
        return np.asarray(self.a * log * root)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeReadNoise:
    """A fraction of the conductance, or any measured curve."""

    fraction: float = 0.0
    curve: Curve | None = None

    def sigma(self, g: Floats, x: Floats, t: float) -> Floats:
        """Return the standard deviation, siemens."""
        if self.curve is not None:
            return self.curve(g)
        return np.asarray(self.fraction * g)


class OrnsteinUhlenbeck:
    r"""Sum of Ornstein-Uhlenbeck processes of unit total variance on a grid of time.

    ``a = exp(-dt / tau_k); z <- a z + sqrt(1 - a^2) xi``, exact for any dt; K time
    constants log-spaced, equal variances: a spectrum close to 1/f between them.

    Parameters
    ----------
    shape : tuple of int
        Cells.
    tau_min, tau_max : float
        Seconds.
    components : int
        K.
    dt : float
        Grid, seconds.
    seed : int
        Of the history.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        *,
        tau_min: float,
        tau_max: float,
        components: int = 6,
        dt: float,
        seed: int,
    ) -> None:
        if not 0 < tau_min <= tau_max or components < 1 or not dt > 0:
            raise ParameterError(
                "OrnsteinUhlenbeck: 0 < tau_min <= tau_max, components >= 1, dt > 0, "
                f"got {tau_min}, {tau_max}, {components}, {dt}"
            )
        self.taus = np.geomspace(tau_min, tau_max, components)
        self.shape, self.dt, self.seed = shape, dt, seed
        self._a = np.exp(-dt / self.taus)
        self._b = np.sqrt(-np.expm1(-2 * dt / self.taus))
        self._restart()

    def _restart(self) -> None:
        self.index = 0
        rng = stream(self.seed, "ou", 0)
        self.z = rng.standard_normal((self.taus.size, *self.shape))

    def at(self, index: int) -> Floats:
        """Return the state at grid point `index`, unit variance."""
        if index < self.index:
            self._restart()
        column = (-1, *(1,) * len(self.shape))
        a, b = self._a.reshape(column), self._b.reshape(column)
        while self.index < index:
            self.index += 1
            xi = stream(self.seed, "ou", self.index).standard_normal(self.z.shape)
            self.z = a * self.z + b * xi
        return np.asarray(self.z.sum(0) / np.sqrt(self.taus.size))


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegraph:
    """Random telegraph noise: a share of cells with two levels ``G (1 +- d / 2)``.

    Parameters
    ----------
    fraction : float
        Share of cells.
    step_median, step_log_sd : float
        Log-normal relative step d, clipped below 2 (defaults are ours).
    tau_min, tau_max : float
        Seconds; mean stays in the low and the high level, log-uniform.
    """

    fraction: float
    step_median: float = 0.05
    step_log_sd: float = 0.5
    tau_min: float = 1e-4
    tau_max: float = 1e2

    def start(self, shape: tuple[int, ...], dt: float, seed: int) -> "TelegraphState":
        """Draw the cells' levels and dwell times."""
        return TelegraphState(self, shape, dt, seed)


class TelegraphState:
    """Levels of all cells on a grid of time; exact update over each step."""

    def __init__(
        self, model: Telegraph, shape: tuple[int, ...], dt: float, seed: int
    ) -> None:
        rng = stream(seed, "telegraph", "cells")
        member = rng.random(shape) < model.fraction
        step = model.step_median * np.exp(
            model.step_log_sd * rng.standard_normal(shape)
        )
        self.step = np.where(member, np.minimum(step, 2 - 1e-9), 0.0)
        span = np.log(model.tau_max / model.tau_min)
        low, high = model.tau_min * np.exp(span * rng.random((2, *shape)))
        self.tau_low, self.tau_high = low, high  # mean stays
        self.occupancy = high / (low + high)
        self.tau = 1 / (1 / low + 1 / high)
        self.dt, self.seed, self.shape = dt, seed, shape
        self._restart()

    def _restart(self) -> None:
        self.index = 0
        u = stream(self.seed, "telegraph", 0).random(self.shape)
        self.high = u < self.occupancy

    def at(self, index: int) -> Floats:
        """Return the factor on the conductance at grid point `index`."""
        if index < self.index:
            self._restart()
        decay = np.exp(-self.dt / self.tau)
        while self.index < index:
            self.index += 1
            p = self.occupancy + (self.high - self.occupancy) * decay
            self.high = (
                stream(self.seed, "telegraph", self.index).random(self.shape) < p
            )
        return np.asarray(1.0 + self.step * (self.high - 0.5))
