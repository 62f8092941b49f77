"""Stimuli: what enters a network; the only place where microseconds become steps.

Sources of events (``Frames``, ``Events``, ``SpikeList``) have channels and act through
projections. ``Poisson``, ``Current`` and ``Sine`` act on a port of a population
directly.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError, ShapeError
from neuro.network._brief import brief_fields

__all__ = ["Current", "Events", "Frames", "Poisson", "Sine", "SpikeList", "to_steps"]

Rounding = Literal["nearest", "floor", "ceil"]


@dataclass(frozen=True, slots=True)
class Frames:
    """A stimulus given as one array per step, handed in when the network runs.

    Frame ``k`` acts in the advance ``k -> k+1``.

    Parameters
    ----------
    name : str
        Unique name; the key of ``inputs`` in ``Simulation.run_samples``.
    n : int
        Number of channels.
    values : {"binary", "real"}
        ``"binary"``: an entry that is not zero is one event. ``"real"``: the entries
        are numbers that multiply the weights (counted as MACs).
    """

    name: str
    n: int
    values: Literal["binary", "real"] = "binary"

    def __post_init__(self) -> None:
        _check_size(self, self.n)
        if self.values not in ("binary", "real"):
            raise ParameterError(
                f"Frames({self.name!r}).values: 'binary' or 'real', got {self.values!r}"
            )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Events:
    """A stream of events with integer microseconds: cameras, cochleas.

    Parameters
    ----------
    name : str
        Unique name.
    n : int
        Number of channels.
    t_us : array_like of int, shape (n_events,)
        Times, microseconds, sorted.
    channels : array_like of int, shape (n_events,)
        Channel of each event.
    rounding : {"nearest", "floor", "ceil"}
        How a time becomes a step of the grid; several events of a channel in one step
        keep their multiplicity.
    sort : bool
        Sort the events by time instead of refusing unsorted ones.
    """

    name: str
    n: int
    t_us: Any
    channels: Any
    rounding: Rounding = "nearest"
    sort: bool = False

    __repr__ = brief_fields

    def __post_init__(self) -> None:
        _check_size(self, self.n)
        t = np.asarray(self.t_us)
        if t.size and t.dtype.kind not in "iu":
            raise ParameterError(
                f"Events({self.name!r}).t_us: microseconds are integers, got {t.dtype}"
            )
        _check_train(self, t.astype(np.int64), "t_us")

    @classmethod
    def from_array(
        cls,
        name: str,
        events: NDArray[Any],
        sensor_size: tuple[int, int, int],
        **kw: Any,
    ) -> "Events":
        """Make a stream of a structured array ``t, x, y, p``.

        Parameters
        ----------
        name : str
            Unique name.
        events : ndarray
            Structured array of events.
        sensor_size : tuple of int
            ``(W, H, P)``; channel = ``(p * H + y) * W + x``, the order of flattened
            frames.
        **kw
            Handed to the constructor.
        """
        w, h, p = sensor_size
        channel = (
            events["p"].astype(np.int64) % p * h + events["y"].astype(np.int64)
        ) * w + events["x"].astype(np.int64)
        return cls(name, w * h * p, events["t"].astype(np.int64), channel, **kw)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SpikeList:
    """Given spikes of `n` channels.

    Parameters
    ----------
    name : str
        Unique name.
    n : int
        Number of channels.
    times : array_like of float, shape (n_spikes,)
        Seconds (steps if dimensionless), sorted, >= 0.
    channels : array_like of int, shape (n_spikes,)
        Channel of each spike.
    rounding, sort
        See :class:`Events`.
    """

    name: str
    n: int
    times: Any
    channels: Any
    rounding: Rounding = "nearest"
    sort: bool = False

    __repr__ = brief_fields

    def __post_init__(self) -> None:
        _check_size(self, self.n)
        times = np.asarray(self.times, np.float64)
        bad = np.flatnonzero(~np.isfinite(times))
        if bad.size:
            raise ParameterError(
                f"SpikeList({self.name!r}).times[{bad[0]}] is {times[bad[0]]}; times "
                "must be finite"
            )
        _check_train(self, times, "times")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Poisson:
    """Independent Poisson input to every neuron of a population.

    Each neuron gets, in each step, a Poisson number of arrivals; all arrivals of one
    step are due at its end, without a delay.

    Parameters
    ----------
    target : str
        Population.
    rate_hz : float or array_like
        Arrivals per second (per step if dimensionless): a number; shape (n,), one per
        neuron; or, with `times`, one entry (or row) per interval.
    weight : float
        Weight of an arrival, in the unit of the port.
    port : str
        Port of the target's model.
    times : array_like of float, optional
        Beginnings of the intervals of a piecewise constant rate; the first is 0.
    name : str, optional
        Name of the random stream; ``"poisson -> target.port"`` by default.
    """

    target: str
    rate_hz: Any
    weight: float
    port: str = "input"
    times: Any = None
    name: str = ""

    __repr__ = brief_fields

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", f"poisson -> {self.target}.{self.port}")
        rate = np.asarray(self.rate_hz, np.float64)
        if not np.isfinite(rate).all() or (rate < 0).any():
            bad = rate.flat[int(np.argmax(~(np.isfinite(rate) & (rate >= 0))))]
            raise ParameterError(
                f"Poisson({self.name!r}).rate_hz: expected >= 0, got {bad}"
            )
        if np.ndim(self.weight) or not np.isfinite(self.weight):
            raise ParameterError(
                f"Poisson({self.name!r}).weight: expected one finite number, got "
                f"{self.weight}"
            )
        if self.times is not None:
            times = np.asarray(self.times, np.float64)
            if times.ndim != 1 or times.size != len(np.atleast_1d(rate)):
                raise ShapeError(
                    f"Poisson({self.name!r}): {times.shape} times for rates of shape "
                    f"{rate.shape}; give one rate (or row of rates) per time"
                )
            if times.size == 0 or times[0] != 0 or (np.diff(times) <= 0).any():
                raise ParameterError(
                    f"Poisson({self.name!r}).times: must begin at 0 and increase"
                )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Current:
    """Piecewise constant current (or any additive input) into a port.

    Parameters
    ----------
    target : str
        Population.
    amplitude : float or array_like
        A number; shape (n,), one per neuron; or, with `times`, one entry (or row) per
        interval. Unit of the port, e.g. amperes.
    times : array_like of float, optional
        Beginnings of the intervals; before the first the current is 0.
    port : str
        Port of the target's model.
    """

    target: str
    amplitude: Any
    times: Any = None
    port: str = "current"

    __repr__ = brief_fields

    def __post_init__(self) -> None:
        values = np.asarray(self.amplitude, np.float64)
        if not np.isfinite(values).all():
            raise ParameterError(f"Current -> {self.target!r}: amplitude is not finite")
        if self.times is not None:
            times = np.asarray(self.times, np.float64)
            if times.ndim != 1 or times.size != len(np.atleast_1d(values)):
                raise ShapeError(
                    f"Current -> {self.target!r}: {times.shape} times for amplitudes "
                    f"of shape {values.shape}; give one amplitude per time"
                )
            if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
                raise ParameterError(
                    f"Current -> {self.target!r}.times: must be finite and increase"
                )


@dataclass(frozen=True, slots=True)
class Sine:
    """``offset + amplitude * sin(2 pi frequency t + phase)`` into a port.

    The value of the advance n -> n+1 is that at t = n dt.

    Parameters
    ----------
    target : str
        Population.
    amplitude, offset : float
        Unit of the port.
    frequency : float
        Hertz (cycles per step if dimensionless).
    phase : float
        Radians.
    port : str
        Port of the target's model.
    """

    target: str
    amplitude: float
    frequency: float
    offset: float = 0.0
    phase: float = 0.0
    port: str = "current"

    def __post_init__(self) -> None:
        values = (self.amplitude, self.frequency, self.offset, self.phase)
        if not np.isfinite(values).all():
            raise ParameterError(f"Sine -> {self.target!r}: not finite: {values}")


def to_steps(
    stimulus: "Events | SpikeList", dt: float
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the steps and channels of a stream, in order of (step, channel).

    Parameters
    ----------
    stimulus : Events or SpikeList
        The stream.
    dt : float
        Step in the stream's unit: seconds for both kinds (steps if dimensionless).
    """
    if isinstance(stimulus, Events):
        at = np.asarray(stimulus.t_us, np.float64) / (dt * 1e6)
    else:
        at = np.asarray(stimulus.times, np.float64) / dt
    # a time that is a step but for rounding counts as that step in every mode
    near = np.rint(at)
    at = np.where(np.abs(at - near) < 1e-6, near, at)
    if stimulus.rounding == "floor":
        at = np.floor(at)
    elif stimulus.rounding == "ceil":
        at = np.ceil(at)
    else:
        at = np.floor(at + 0.5)
    steps = at.astype(np.int64)
    channels = np.asarray(stimulus.channels, np.int32)
    order = np.lexsort((channels, steps))
    return steps[order], channels[order]


def _check_size(stimulus: Any, n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
        raise ParameterError(
            f"{type(stimulus).__name__}({stimulus.name!r}).n: expected an integer >= 0,"
            f" got {n!r}"
        )


def _check_train(stimulus: Any, times: NDArray[Any], field: str) -> None:
    who = f"{type(stimulus).__name__}({stimulus.name!r})"
    channels = np.asarray(stimulus.channels)
    if channels.size and channels.dtype.kind not in "iu":
        raise ShapeError(f"{who}.channels: expected integers, got {channels.dtype}")
    if times.ndim != 1 or channels.shape != times.shape:
        raise ShapeError(
            f"{who}: {field} and channels must be 1-D and equally long, got "
            f"{times.shape} and {channels.shape}"
        )
    if stimulus.rounding not in ("nearest", "floor", "ceil"):
        raise ParameterError(
            f"{who}.rounding: 'nearest', 'floor' or 'ceil', got {stimulus.rounding!r}"
        )
    channels = channels.astype(np.int32)
    bad = np.flatnonzero((channels < 0) | (channels >= stimulus.n))
    if bad.size:
        raise ParameterError(
            f"{who}.channels[{bad[0]}] = {channels[bad[0]]}: out of range "
            f"0..{stimulus.n - 1}"
        )
    if times.size and times.min() < 0:
        at = int(np.argmax(times < 0))
        raise ParameterError(f"{who}.{field}[{at}] = {times[at]}: before time 0")
    late = np.flatnonzero(np.diff(times) < 0)
    if late.size:
        if not stimulus.sort:
            raise ParameterError(
                f"{who}.{field}[{late[0] + 1}] = {times[late[0] + 1]} comes before its "
                "predecessor; sort the events or pass sort=True"
            )
        order = np.argsort(times, kind="stable")
        times, channels = times[order], channels[order]
    object.__setattr__(stimulus, field, times)
    object.__setattr__(stimulus, "channels", channels)
