"""Programmed devices: their state, their history, and what one read of them sees.

Order when an array is written: programming noise (or write-verify), device-to-device
and cycle-to-cycle factors, faults, clip to ``0..g_physical_max``. On a read at time t:
drift or relaxation, telegraph state, read noise. Each effect has its own stream:
switching one off leaves the others' draws as they were.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError, ValidityError
from neuro.random import stream

from .. import _checks
from .base import Device
from .dynamics import LogRelaxation, OrnsteinUhlenbeck, PowerDrift, TabulatedDrift
from .spread import Variability

__all__ = ["DeviceArray"]

Floats = NDArray[np.float64]
READ_MODES = ("frozen", "white", "ou")
STATE_VERSION = 1


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
        elif isinstance(d.drift, TabulatedDrift):
            self.nu = self._xi
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

    def at_time(
        self, t: float, *, dt: float | None = None, origin: float = 0.0
    ) -> Floats:
        """Conductances `t` seconds after programming, without read noise.

        Parameters
        ----------
        t : float
            Seconds, >= 0.
        dt : float, optional
            Grid of telegraph noise, seconds; default: one grid point per `t`.
        origin : float
            Where the grid begins, seconds: noise is stationary, so that nothing needs
            to be drawn for the time before the first look. The same in all calls.
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
        if isinstance(d.drift, TabulatedDrift):
            g = d.drift.apply(g, self.target, self.nu, t)
        elif d.drift is not None:
            g = d.drift.apply(g, self.nu, t)
        if d.telegraph is not None:
            g = g * self._telegraph(t, dt, origin)
        if self.fault.any():
            g = d.faults.apply(g, self.fault, d.g_min, d.g_max)
        return np.asarray(g)

    def _telegraph(self, t: float, dt: float | None, origin: float) -> Floats:
        if self.device.telegraph is None:
            return np.ones(self.shape)
        step = dt or max(t, 1e-9)
        key = ("telegraph", step)
        if key not in self._processes:
            self._processes[key] = self.device.telegraph.start(
                self.shape, step, self.entropy
            )
        index = round(t / step) if dt is None else _point(t, dt, origin)
        return np.asarray(self._processes[key].at(index))

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
        origin: float = 0.0,
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
        origin : float
            Where the grid begins, as in :meth:`at_time`.
        """
        _checks.choice("DeviceArray.read: mode", mode, READ_MODES)
        g, sigma = self.at_time(t, dt=dt, origin=origin), self.read_sigma(t)
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
            z = self._processes[key].at(_point(t, dt, origin))
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


def _point(t: float, dt: float, origin: float) -> int:
    """Grid point of a time; before the origin there is none."""
    index = round((t - origin) / dt)
    if index < 0:
        raise ParameterError(
            f"DeviceArray: {t:g} s lies before the origin of the noise, {origin:g} s"
        )
    return index
