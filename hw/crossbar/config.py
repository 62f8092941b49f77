"""What stands between a weight matrix and its currents, in one description."""

from dataclasses import dataclass, field, fields, replace
from typing import Any

from neuro.errors import ParameterError, did_you_mean

from .. import _checks
from ..devices import Device
from .converters import ADC, DAC
from .mapping import Mapping

__all__ = ["EFFECTS", "AnalogConfig"]

EFFECTS = (
    "levels",
    "programming",
    "variability",
    "faults",
    "drift",
    "read_noise",
    "wires",
    "converters",
)
ENCODINGS = ("auto", "amplitude", "pulse_width", "bit_serial")
COMPENSATIONS = ("none", "global", "column")
READ_MODES = ("none", "frozen", "white", "ou")


def _device() -> Device:
    return Device.preset("rram_generic")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogConfig:
    """Device, mapping, circuit, converters and timing of an analog matrix.

    Parameters
    ----------
    device : Device
        Family of the cells.
    mapping : Mapping
        Weights to conductances.
    r_word, r_bit, r_source, r_sense : float
        Ohms per segment and terminal; see :func:`hw.crossbar.wire` for nodes. All 0: no
        IR drop.
    topology : {"driven", "gated"}
        "driven": silent rows are at 0 V and sink current; "gated": 1T1R, silent rows
        are open, inputs are binary (others go bit by bit).
    rows_max, cols_max : int
        Largest array; larger matrices are split. Pairs and slices take columns.
    tiling : {"max", "equal"}
        Fill arrays one after the other, or split into equal parts.
    dac, adc : DAC, ADC or None
        Converters; None: ideal. One conversion per column (or pair) and array.
    encoding : {"auto", "amplitude", "pulse_width", "bit_serial"}
        How a number drives a row: a voltage; a pulse of that length, its charge read
        once (in driven arrays, which are linear, the same result); or one binary read
        and conversion per bit and sign. "auto": amplitude, in gated arrays bit_serial.
        Spikes are binary reads whatever this says.
    column_limit : float, optional
        Largest current of a column, amperes: what is above is lost before conversion.
    drift_compensation : {"none", "global", "column"}
        Digital factor behind the converters, one per matrix or per output, that brings
        the mean magnitude of the outputs for single driven rows back to that of
        `start_time`.
    read_mode : {"none", "frozen", "white", "ou"}
        How read noise behaves from read to read, see :meth:`hw.devices.Device`.
    v_read : float
        Volts at full-scale input.
    t_read : float
        Seconds of a read pulse.
    columns_per_adc : int
        Columns that share a converter: they convert one after the other (latency times
        this number, energy not).
    start_time : float
        Seconds between programming and t = 0.
    update_every : float
        Seconds between new blocks of weights while devices move.
    seconds_per_step : float
        Length of one unit of simulated time, seconds.
    tol : float
        Residual of the circuit solver.
    threads : int
        Of the circuit solver; results do not depend on it.

    Examples
    --------
    >>> config = AnalogConfig(device=Device.preset("pcm_nandakumar"), r_word=2.1)
    >>> config.only("wires").device.programming is None
    True
    """

    device: Device = field(default_factory=_device)
    mapping: Mapping = field(default_factory=Mapping)
    r_word: float = 0.0
    r_bit: float = 0.0
    r_source: float = 0.0
    r_sense: float = 0.0
    topology: str = "driven"
    rows_max: int = 256
    cols_max: int = 256
    tiling: str = "max"
    dac: DAC | None = None
    adc: ADC | None = None
    encoding: str = "auto"
    column_limit: float | None = None
    drift_compensation: str = "none"
    read_mode: str = "frozen"
    v_read: float = 0.2
    t_read: float = 10e-9
    columns_per_adc: int = 8
    start_time: float = 0.0
    update_every: float = 1.0
    seconds_per_step: float = 1.0
    tol: float = 1e-9
    threads: int = 1

    def __post_init__(self) -> None:
        self._check_parts()
        _checks.choice("AnalogConfig.topology", self.topology, ("driven", "gated"))
        _checks.choice("AnalogConfig.tiling", self.tiling, ("max", "equal"))
        _checks.choice("AnalogConfig.encoding", self.encoding, ENCODINGS)
        if self.topology == "gated" and self.encoding == "amplitude":
            raise ParameterError(
                "AnalogConfig.encoding: the inputs of gated arrays are binary; there "
                "take auto, bit_serial or pulse_width"
            )
        if self.column_limit is not None:
            limit = self.column_limit
            _checks.number(
                "AnalogConfig.column_limit", limit, 0.0, unit="A", above=True
            )
        _checks.choice(
            "AnalogConfig.drift_compensation", self.drift_compensation, COMPENSATIONS
        )
        _checks.choice("AnalogConfig.read_mode", self.read_mode, READ_MODES)
        for name in ("r_word", "r_bit", "r_source", "r_sense", "start_time"):
            _checks.number(f"AnalogConfig.{name}", getattr(self, name), 0.0)
        for name in ("v_read", "t_read", "update_every", "seconds_per_step"):
            value = getattr(self, name)
            _checks.number(f"AnalogConfig.{name}", value, 0.0, above=True)
        for name in ("rows_max", "cols_max", "columns_per_adc", "threads"):
            _checks.integer(f"AnalogConfig.{name}", getattr(self, name), 1, 2**20)

    def _check_parts(self) -> None:
        """Refuse names and numbers where a description is expected."""
        if isinstance(self.device, str):
            raise ParameterError(
                f"AnalogConfig.device: expected a Device, got {self.device!r}; write "
                f"Device.preset({self.device!r})"
            )
        for name, kind in (
            ("device", Device),
            ("mapping", Mapping),
            ("dac", DAC | None),
            ("adc", ADC | None),
        ):
            value = getattr(self, name)
            if not isinstance(value, kind):
                hint = f"; write {name.upper()}(bits={value})" if "c" in name else ""
                raise ParameterError(
                    f"AnalogConfig.{name}: expected {getattr(kind, '__name__', kind)}, "
                    f"got {value!r}{hint * isinstance(value, int)}"
                )

    @property
    def wired(self) -> bool:
        """Whether any wire has resistance."""
        return bool(self.r_word or self.r_bit or self.r_source or self.r_sense)

    @property
    def moving(self) -> bool:
        """Whether the devices change with time."""
        d = self.device
        return bool(
            d.drift is not None
            or d.telegraph is not None
            or d.timed_programming
            or (d.read_noise is not None and self.read_mode in ("frozen", "ou"))
        )

    def with_(self, **changes: Any) -> "AnalogConfig":
        """Return a copy with other fields."""
        known = {f.name for f in fields(self)}
        for key in changes:
            if key not in known:
                raise ParameterError(
                    f"AnalogConfig: no field {key!r}{did_you_mean(key, known)}; "
                    f"fields: {', '.join(sorted(known))}"
                )
        return replace(self, **changes)

    def ideal(self) -> "AnalogConfig":
        """Return the same layout without any effect."""
        return self.with_(
            device=self.device.ideal(),
            mapping=replace(self.mapping, levels=None),
            r_word=0.0,
            r_bit=0.0,
            r_source=0.0,
            r_sense=0.0,
            dac=None,
            adc=None,
            column_limit=None,
            drift_compensation="none",
            read_mode="none",
        )

    def only(self, *effects: str) -> "AnalogConfig":
        """Return the configuration with only the named effects of :data:`EFFECTS`."""
        d, base = self.device, self.ideal()
        kept: dict[str, Any] = {}
        wanted: dict[str, Any] = {}
        for effect in effects:
            _checks.choice("AnalogConfig.only", effect, EFFECTS)
            if effect == "levels":
                wanted["mapping"] = self.mapping
            elif effect == "programming":
                kept |= {
                    "programming": d.programming,
                    "programming_scale": d.programming_scale,
                    "timed_programming": d.timed_programming,
                    "verify": d.verify,
                }
            elif effect == "variability":
                kept["variability"] = d.variability
            elif effect == "faults":
                kept["faults"] = d.faults
            elif effect == "drift":
                kept |= {"drift": d.drift, "telegraph": d.telegraph}
                wanted["drift_compensation"] = self.drift_compensation
            elif effect == "read_noise":
                kept["read_noise"] = d.read_noise
                wanted["read_mode"] = self.read_mode
            elif effect == "wires":
                for name in ("r_word", "r_bit", "r_source", "r_sense"):
                    wanted[name] = getattr(self, name)
            else:
                for name in ("dac", "adc", "column_limit"):
                    wanted[name] = getattr(self, name)
        return base.with_(device=base.device.with_(**kept), **wanted)

    def adc_for(self, rows: int) -> ADC | None:
        """Return the converter of arrays with `rows` word lines, its range in amperes.

        A "calibrated" range is left open: conversion raises until it is calibrated.
        """
        adc = self.adc
        if adc is None or adc.range not in ("max", "granular"):
            return adc
        if adc.range == "granular":
            levels = self.mapping.levels
            count = (
                levels if isinstance(levels, int) else 2**self.mapping.bits_per_slice
            )
            span = self.device.g_max - self.device.g_min
            step = span / max(count - 1, 1) * self.v_read
            top = step * (adc.codes_count - 1) / (2 if adc.signed else 1)
        else:
            top = rows * self.device.g_max * self.v_read
        return adc.with_range(-top if adc.signed else 0.0, top)

    def describe(self) -> str:
        """List what is switched on."""
        lines = [self.device.describe()]
        lines += [
            f"{f.name}: {getattr(self, f.name)}"
            for f in fields(self)
            if f.name != "device"
        ]
        return "\n".join(lines)
