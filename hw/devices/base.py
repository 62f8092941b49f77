"""A device family and an array of programmed devices.

Order when an array is written: programming noise (or write-verify), device-to-device
and cycle-to-cycle factors, faults, clip to ``0..g_physical_max``. On a read at time t:
drift or relaxation, telegraph state, read noise. Each effect has its own stream:
switching one off leaves the others' draws as they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError, ValidityError, did_you_mean
from neuro.random import stream

from .. import _checks
from .curves import Curve, Polynomial, read_columns, table_from_statistics
from .dynamics import (
    LogRelaxation,
    OrnsteinUhlenbeck,
    PowerDrift,
    RelativeReadNoise,
    Telegraph,
)
from .iv import IVCurve
from .spread import Faults, Variability, WriteVerify, sampled_sigma

__all__ = ["Device", "DeviceArray"]

Floats = NDArray[np.float64]
READ_MODES = ("frozen", "white", "ou")
STATE_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Statistics of one device family.

    Parameters
    ----------
    name : str
        Of the preset or measurement.
    g_min, g_max : float
        Range of targets, siemens; others are refused.
    programming : Curve, optional
        Standard deviation after programming, siemens.
    programming_scale : float
        Factor on it.
    timed_programming : tuple of (float, Curve)
        Standard deviation at named times after programming, seconds, replacing
        `programming`: interpolated in ln t between them, refused outside.
    verify : WriteVerify, optional
        Write-verify instead of one pulse.
    variability, faults : Variability, Faults
        Spread and stuck cells.
    drift : PowerDrift or LogRelaxation, optional
    read_noise : object with ``sigma(g, x, t)``, optional
        Standard deviation of one read, siemens.
    telegraph : Telegraph, optional
    iv : IVCurve, optional
        Nonlinear current.
    valid_until : float
        Seconds after programming up to which the fit says anything.
    g_physical_max : float, optional
        Clip of what is written; default 1.5 g_max plus the largest spread.
    reference : str
        Source of the numbers.

    Examples
    --------
    >>> pcm = Device.preset("pcm_nandakumar")
    >>> cells = pcm.program(np.full((2, 3), 10e-6), rng=1)
    >>> cells.at_time(3600.0).shape
    (2, 3)
    """

    __references__: ClassVar[tuple[str, ...]] = (
        "rasch2021",
        "nandakumar2019",
        "joshi2020",
        "wan2022",
    )

    name: str
    g_min: float
    g_max: float
    programming: Curve | None = None
    programming_scale: float = 1.0
    timed_programming: tuple[tuple[float, Curve], ...] = ()
    verify: WriteVerify | None = None
    variability: Variability = field(default_factory=Variability)
    faults: Faults = field(default_factory=Faults)
    drift: PowerDrift | LogRelaxation | None = None
    read_noise: Any = None
    telegraph: Telegraph | None = None
    iv: IVCurve | None = None
    valid_until: float = np.inf
    g_physical_max: float | None = None
    reference: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.g_min < self.g_max or not np.isfinite(self.g_max):
            raise ParameterError(
                f"Device {self.name}: expected 0 <= g_min < g_max siemens, got "
                f"{self.g_min}, {self.g_max}"
            )
        if self.g_max > 0.1:
            raise ParameterError(
                f"Device {self.name}: g_max {self.g_max} S is above 0.1 S; "
                "conductances are in siemens (1e-6 for a microsiemens)"
            )
        if self.programming_scale < 0:
            raise ParameterError(f"Device {self.name}: programming_scale >= 0")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> "Device":
        """Return a published device; `changes` replace fields.

        Parameters
        ----------
        name : str
            One of :func:`hw.devices.list_presets`.
        """
        from . import PRESETS

        if name not in PRESETS:
            raise ParameterError(
                f"Device.preset: unknown {name!r}{did_you_mean(name, PRESETS)}; "
                f"accepted: {', '.join(sorted(PRESETS))}"
            )
        return PRESETS[name]().with_(**changes)

    @classmethod
    def from_csv(cls, path: Any, *, name: str = "measured", **changes: Any) -> "Device":
        """Build a device from own measurements.

        Parameters
        ----------
        path : path-like
            CSV with a header: ``g_target`` and ``g_sd`` in siemens (programming);
            optionally ``read_sd`` in siemens, ``nu_mean`` and ``nu_sd`` (drift, with
            ``drift_t0=`` in `changes`, default 1 s). Lines starting with # are skipped.
        name : str
            Its name.
        **changes
            Fields of the class.
        """
        t_0 = float(changes.pop("drift_t0", 1.0))
        columns = read_columns(path, ("g_target", "g_sd"))
        g = columns["g_target"]
        made: dict[str, Any] = {
            "name": name,
            "g_min": float(g.min()),
            "g_max": float(g.max()),
            "programming": table_from_statistics(g, columns["g_sd"]),
            "reference": str(path),
        }
        if "read_sd" in columns:
            table = table_from_statistics(g, columns["read_sd"])
            made["read_noise"] = RelativeReadNoise(curve=table)
        if "nu_mean" in columns:
            spread = columns.get("nu_sd", np.zeros_like(g))
            made["drift"] = PowerDrift(
                t_0=t_0,
                mean=float(columns["nu_mean"].mean()),
                spread=float(spread.mean()),
            )
        return cls(**(made | changes))

    def with_(self, **changes: Any) -> "Device":
        """Return a copy with other fields."""
        known = {f.name for f in fields(self)}
        for key in changes:
            if key not in known:
                raise ParameterError(
                    f"Device: no field {key!r}{did_you_mean(key, known)}; fields: "
                    f"{', '.join(sorted(known))}"
                )
        return replace(self, **changes)

    def ideal(self) -> "Device":
        """Return the same range without any effect."""
        return Device(name=f"{self.name} (ideal)", g_min=self.g_min, g_max=self.g_max)

    def describe(self) -> str:
        """List the effects that are switched on, one per line."""
        lines = [
            f"{self.name}: {self.g_min * 1e6:g}..{self.g_max * 1e6:g} uS",
            f"  source: {self.reference or 'none given'}",
        ]
        if self.programming is not None or self.timed_programming:
            g = np.linspace(self.g_min, self.g_max, 5)
            sd = self.sigma_programming(g, self._first_time())
            text = ", ".join(f"{v * 1e6:.3g}" for v in sd)
            lines.append(
                f"  programming sd at 0, 25, 50, 75, 100 % of range: {text} uS"
            )
        for key in ("verify", "drift", "read_noise", "telegraph", "iv"):
            value = getattr(self, key)
            if value is not None:
                lines.append(f"  {key}: {value}")
        if self.variability != Variability():
            lines.append(f"  variability: {self.variability}")
        if self.faults != Faults():
            lines.append(f"  faults: {self.faults}")
        return "\n".join(lines)

    def _first_time(self) -> float:
        return self.timed_programming[0][0] if self.timed_programming else 0.0

    def sigma_programming(self, g: ArrayLike, t: float = 0.0) -> Floats:
        """Standard deviation of a written conductance, siemens."""
        target = np.asarray(g, np.float64)
        if not self.timed_programming:
            return sampled_sigma(self.programming, target, self.programming_scale)
        times = [x for x, _ in self.timed_programming]
        if not times[0] <= t <= times[-1]:
            accepted = (
                f"{times[0]:g} s"
                if len(times) == 1
                else f"{times[0]:g}..{times[-1]:g} s"
            )
            raise ValidityError(
                f"{self.name}: measured {accepted} after programming, asked for {t:g} "
                "s; nothing is extrapolated"
            )
        values = np.stack([c(target) for _, c in self.timed_programming])
        if len(times) == 1:
            return np.asarray(self.programming_scale * values[0])
        place = np.interp(np.log(t), np.log(times), np.arange(len(times)))
        k = min(int(place), len(times) - 2)
        mixed = values[k] + (place - k) * (values[k + 1] - values[k])
        return np.asarray(self.programming_scale * mixed)

    def sigma_written(self, g: ArrayLike) -> Floats:
        """Standard deviation from programming and variability together, siemens."""
        target = np.asarray(g, np.float64)
        sigma = self.sigma_programming(target, self._first_time())
        v = self.variability
        c2c: Any = v.cycle_to_cycle
        if isinstance(c2c, tuple):
            c2c = c2c[0] + (c2c[1] - c2c[0]) * np.clip(target / self.g_max, 0.0, 1.0)
        factor = np.expm1(v.device_to_device**2 + np.square(c2c))
        return np.asarray(np.sqrt(sigma**2 + target**2 * factor))

    def program(
        self, g_target: ArrayLike, *, rng: np.random.Generator | int
    ) -> "DeviceArray":
        """Write targets into new devices.

        Parameters
        ----------
        g_target : array_like
            Siemens, any shape.
        rng : numpy.random.Generator or int
            Source of the array's own streams.

        Raises
        ------
        ValidityError
            If a target lies outside ``g_min..g_max``; the message names the cell.
        """
        target = np.array(g_target, np.float64)
        slack = 1e-9 * self.g_max
        bad = ~((target >= self.g_min - slack) & (target <= self.g_max + slack))
        if bad.any():
            where = tuple(int(k) for k in np.argwhere(bad)[0])
            raise ValidityError(
                f"{self.name}: target{list(where)} = {target[where]:g} S is outside "
                f"{self.g_min:g}..{self.g_max:g} S ({int(bad.sum())} such cells)"
            )
        generator = np.random.default_rng(rng)
        entropy = int(generator.integers(2**62))
        return DeviceArray(self, target, entropy)


class DeviceArray:
    """Programmed devices with their state and history.

    Parameters
    ----------
    device : Device
        The family.
    target : ndarray
        Siemens.
    entropy : int
        Seed of this array's streams.
    """

    def __init__(self, device: Device, target: Floats, entropy: int) -> None:
        self.device, self.target, self.entropy = device, target, entropy
        self.writes = 0
        shape = target.shape
        self._cells = device.variability.field(shape, self._stream("device"))
        self.fault = device.faults.draw(shape, self._stream("faults"))
        self._processes: dict[tuple[str, float], Any] = {}
        self._write()

    def _stream(self, name: str, *rest: object) -> np.random.Generator:
        return stream(self.entropy, name, *rest)

    def _write(self) -> None:
        d, shape = self.device, self.target.shape
        k = self.writes
        x = self.target / d.g_max
        self._xi = self._stream("programming", k).standard_normal(shape)
        sigma = d.sigma_programming(self.target, d._first_time())
        self.pulses = np.ones(shape, np.int64)
        if d.verify is not None:
            written, self.pulses = d.verify.program(
                self.target, sigma, self._stream("verify", k)
            )
        elif d.timed_programming:
            written = self.target.copy()  # the polynomial of the read time is used
        else:
            written = np.maximum(self.target + sigma * self._xi, 0.0)
        if d.variability != Variability():
            cycle = self._stream("cycle", k).standard_normal(shape)
            written = d.variability.apply(written, x, self._cells, cycle)
        high = d.g_physical_max
        if high is None:
            high = 1.5 * d.g_max + 6 * float(np.max(sigma, initial=0.0))
        self.g_programmed = np.clip(written, 0.0, high)
        if isinstance(d.drift, PowerDrift):
            self.nu = d.drift.exponents(x, self._stream("drift", k))
        elif isinstance(d.drift, LogRelaxation):
            self.nu = self._stream("drift", k).standard_normal(shape)
        else:
            self.nu = np.zeros(shape)

    def program(self, g_target: ArrayLike | None = None) -> None:
        """Write again (new targets, or the same); faults and cell factors stay."""
        if g_target is not None:
            target = np.array(g_target, np.float64)
            if target.shape != self.target.shape:
                raise ShapeError(
                    f"DeviceArray.program: expected {self.target.shape}, got "
                    f"{target.shape}"
                )
            self.target = target
        self.writes += 1
        self._write()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.target.shape

    def at_time(self, t: float, *, dt: float | None = None) -> Floats:
        """Conductances `t` seconds after programming, without read noise.

        Parameters
        ----------
        t : float
            Seconds, >= 0.
        dt : float, optional
            Grid of telegraph noise, seconds; default: one grid point per `t`.
        """
        d = self.device
        if not t >= 0:
            raise ParameterError(f"DeviceArray.at_time: t >= 0 s, got {t}")
        if t > d.valid_until:
            raise ValidityError(
                f"{d.name}: the fit holds until {d.valid_until:g} s, asked for {t:g} s"
            )
        g = self.g_programmed
        if d.timed_programming:
            g = np.maximum(g + d.sigma_programming(self.target, t) * self._xi, 0.0)
        if d.drift is not None:
            g = d.drift.apply(g, self.nu, t)
        if d.telegraph is not None:
            g = g * self._telegraph(t, dt)
        if self.fault.any():
            g = d.faults.apply(g, self.fault, d.g_min, d.g_max)
        return np.asarray(g)

    def _telegraph(self, t: float, dt: float | None) -> Floats:
        if self.device.telegraph is None:
            return np.ones(self.shape)
        step = dt or max(t, 1e-9)
        key = ("telegraph", step)
        if key not in self._processes:
            self._processes[key] = self.device.telegraph.start(
                self.shape, step, self.entropy
            )
        return np.asarray(self._processes[key].at(round(t / step)))

    def read_sigma(self, t: float) -> Floats:
        """Standard deviation of one read at `t`, siemens; 0 for faulty cells."""
        noise = self.device.read_noise
        if noise is None:
            return np.zeros(self.shape)
        g = self.at_time(t)
        x = self.g_programmed / self.device.g_max
        return np.where(self.fault == 0, noise.sigma(g, x, t), 0.0)

    def read(
        self,
        t: float,
        *,
        mode: str = "frozen",
        rng: np.random.Generator | None = None,
        dt: float | None = None,
        tau_min: float = 250e-9,
        tau_max: float | None = None,
    ) -> Floats:
        """Conductances as one read sees them.

        Parameters
        ----------
        t : float
            Seconds after programming.
        mode : {"frozen", "white", "ou"}
            One draw per time (the same `t` gives the same read); fresh in every call
            (needs `rng`); correlated in time on the grid `dt`.
        rng : numpy.random.Generator, optional
            For "white".
        dt, tau_min, tau_max : float, optional
            Grid and time constants of "ou", seconds; `tau_max` defaults to 1000 dt.
        """
        _checks.choice("DeviceArray.read: mode", mode, READ_MODES)
        g, sigma = self.at_time(t, dt=dt), self.read_sigma(t)
        if not sigma.any():
            return g
        if mode == "white":
            if rng is None:
                raise ParameterError("DeviceArray.read: mode 'white' needs rng=")
            z = rng.standard_normal(self.shape)
        elif mode == "frozen":
            z = self._stream("read", repr(float(t))).standard_normal(self.shape)
        else:
            if dt is None:
                raise ParameterError("DeviceArray.read: mode 'ou' needs dt= in seconds")
            key = ("ou", dt)
            if key not in self._processes:
                self._processes[key] = OrnsteinUhlenbeck(
                    self.shape,
                    tau_min=tau_min,
                    tau_max=tau_max or max(1000 * dt, tau_min),
                    dt=dt,
                    seed=self.entropy,
                )
            z = self._processes[key].at(round(t / dt))
        return np.maximum(g + sigma * z, 0.0)

    def state_dict(self) -> dict[str, Any]:
        """Return arrays and numbers that rebuild this state bit for bit."""
        return {
            "version": STATE_VERSION,
            "device": self.device.name,
            "entropy": self.entropy,
            "writes": self.writes,
            "target": self.target,
            "g_programmed": self.g_programmed,
            "nu": self.nu,
            "xi": self._xi,
            "cells": self._cells,
            "fault": self.fault,
            "pulses": self.pulses,
        }

    @classmethod
    def from_state_dict(cls, device: Device, state: Mapping[str, Any]) -> "DeviceArray":
        """Rebuild; the device description is given by the caller."""
        if int(state["version"]) != STATE_VERSION:
            raise ParameterError(
                f"DeviceArray: state version {state['version']}, expected "
                f"{STATE_VERSION}"
            )
        if str(state["device"]) != device.name:
            raise ParameterError(
                f"DeviceArray: the state is of {state['device']!s}, the device is "
                f"{device.name}"
            )
        new = cls.__new__(cls)
        new.device, new.entropy = device, int(state["entropy"])
        new.writes = int(state["writes"])
        new.target = np.array(state["target"], np.float64)
        new.g_programmed = np.array(state["g_programmed"], np.float64)
        new.nu = np.array(state["nu"], np.float64)
        new._xi = np.array(state["xi"], np.float64)
        new._cells = np.array(state["cells"], np.float64)
        new.fault = np.array(state["fault"], np.uint8)
        new.pulses = np.array(state["pulses"], np.int64)
        new._processes = {}
        return new

    def __repr__(self) -> str:
        return f"DeviceArray({self.device.name}, {self.shape}, writes={self.writes})"


def micro(*coefficients: float, g_ref: float = 1e-6) -> Polynomial:
    """Polynomial whose values are microsiemens."""
    return Polynomial(coefficients=coefficients, g_ref=g_ref)
