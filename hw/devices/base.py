"""A device family: range, spread, drift, noise and source, as one description."""

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ValidityError, did_you_mean

from .curves import Curve, Polynomial, read_columns, table_from_statistics
from .dynamics import (
    LogRelaxation,
    PowerDrift,
    RelativeReadNoise,
    TabulatedDrift,
    Telegraph,
)
from .iv import IVCurve
from .spread import Faults, Variability, WriteVerify, sampled_sigma

if TYPE_CHECKING:
    from .programmed import DeviceArray

__all__ = ["Device"]

Floats = NDArray[np.float64]


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
    drift : PowerDrift, LogRelaxation or TabulatedDrift, optional
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
    drift: PowerDrift | LogRelaxation | TabulatedDrift | None = None
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
            if isinstance(value, TabulatedDrift):
                days = ", ".join(f"{t:g}" for t in value.times)
                lines.append(f"  {key}: measured at {days} s, linear between")
            elif value is not None:
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
        from .programmed import DeviceArray

        generator = np.random.default_rng(rng)
        entropy = int(generator.integers(2**62))
        return DeviceArray(self, target, entropy)


def micro(*coefficients: float, g_ref: float = 1e-6) -> Polynomial:
    """Polynomial whose values are microsiemens."""
    return Polynomial(coefficients=coefficients, g_ref=g_ref)
