"""What the exact core is made of: cells, synapses, event sources, over plain arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.core.exact._kernels import layout as k
from neuro.errors import ParameterError, ShapeError

__all__ = [
    "WINDOW",
    "CellGroup",
    "EventSource",
    "OwnModel",
    "SynapseGroup",
    "psp_peak",
]

WINDOW = 1000.0  # length of a window, time units (ms)
WINDOW_NS = 1_000_000_000
MODELS = {"if_delta": k.IF_DELTA, "lif_delta": k.LIF_DELTA, "lif_exp": k.LIF_EXP}


class OwnModel(NamedTuple):
    """A model outside the kernels: three compiled functions of one neuron.

    Times that its functions get and give are in the unit told to :class:`ExactCore`.

    Attributes
    ----------
    advance : callable
        ``advance(params, state, dt)``: move `state` on by dt > 0 without an event.
    crossing : callable
        ``crossing(params, state) -> float``: time to the next spike if no event comes,
        0 if it is due now, inf if there is none.
    reset : callable
        ``reset(params, state)``: what a spike does to the state.
    params : ndarray of float64, shape (n_params, 1 or n)
        Rows of parameters.
    state : ndarray of float64, shape (n_state, n)
        Initial state.
    """

    advance: Any
    crossing: Any
    reset: Any
    params: NDArray[np.float64]
    state: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellGroup:
    """Neurons of one model; every value is a scalar or an array of shape (n,).

    Parameters
    ----------
    n : int
        Number of neurons.
    model : {"if_delta", "lif_delta", "lif_exp"}
        Equations.
    tau_mem, tau_syn, t_ref : float or ndarray
        Time units; `tau_syn` for lif_exp only.
    v_threshold, v_reset : float or ndarray
        Voltages.
    v_inf : float or ndarray
        Asymptote with the constant drive, ``E_L + R I_e``; the slope for if_delta.
    r : float or ndarray
        Factor of the synaptic current (lif_exp).
    v, i_syn : float or ndarray
        Initial state.
    subtract : bool
        Subtract the threshold at a spike instead of setting `v_reset`.
    keep : bool
        Delta models: inputs during refractoriness act at its end instead of never.
    strict : bool
        Delta models: spike at ``v > v_threshold`` instead of ``>=``.
    own : OwnModel, optional
        The model itself; everything but `n` is then unused, `model` is a name.
    """

    n: int
    model: str
    v_threshold: Any = 0.0
    v_reset: Any = 0.0
    tau_mem: Any = np.inf
    tau_syn: Any = 1.0
    v_inf: Any = 0.0
    r: Any = 1.0
    t_ref: Any = 0.0
    v: Any = 0.0
    i_syn: Any = 0.0
    subtract: bool = False
    keep: bool = False
    strict: bool = False
    own: OwnModel | None = None

    def __post_init__(self) -> None:
        if self.own is None and self.model not in MODELS:
            raise ParameterError(
                f"exact engine: no model {self.model!r}; it has {', '.join(MODELS)}"
            )

    def table(self) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return the distinct parameter rows and the row of each neuron."""
        columns = np.zeros((self.n, k.N_COLUMNS))
        tau_m = np.asarray(self.tau_mem, float)
        tau_s = np.asarray(self.tau_syn, float)
        if self.model != "lif_exp":
            tau_s = np.ones(())
        for column, value in (
            (k.TAU_MEM, tau_m),
            (k.TAU_SYN, tau_s),
            (k.THETA, self.v_threshold),
            (k.V_RESET, self.v_reset),
            (k.V_INF, self.v_inf),
            (k.GAIN, self.r),
            (k.T_REF, self.t_ref),
            (k.SUBTRACT, float(self.subtract)),
            (k.KEEP, float(self.keep)),
            (k.STRICT, float(self.strict)),
        ):
            columns[:, column] = value
        if self.n == 0:
            return np.zeros((1, k.N_COLUMNS)), np.zeros(0, np.int32)
        first = columns[:1]
        if (columns == first).all():
            rows, index = first.copy(), np.zeros(self.n, np.int64)
        else:
            rows, index = np.unique(columns, axis=0, return_inverse=True)
        rows[:, k.RATE_M] = -1.0 / rows[:, k.TAU_MEM]
        if self.model == "lif_exp":
            tau_m, tau_s = rows[:, k.TAU_MEM], rows[:, k.TAU_SYN]
            rows[:, k.RATE_S] = -1.0 / tau_s
            apart = np.where(tau_s == tau_m, np.inf, tau_s - tau_m)
            rows[:, k.COUPLING] = tau_s / apart
            rows[:, k.RHO] = tau_m / tau_s - 1.0
            rows[:, k.DELTA] = rows[:, k.RHO] / tau_m
            rows[:, k.NEAR] = np.abs(tau_s / tau_m - 1.0) < 0.1
            rows[:, k.KAPPA] = psp_peak(tau_m, tau_s)[1] * (1.0 + 1e-12)
        return rows, index.astype(np.int32).reshape(-1)


def psp_peak(tau_mem: ArrayLike, tau_syn: ArrayLike) -> tuple[Any, Any]:
    r"""Time and height of the response of lif_exp to a jump of R I to 1.

    .. math:: t^* = \frac{\tau_m \tau_s}{\tau_m - \tau_s}\ln\frac{\tau_m}{\tau_s},
              \qquad v(t^*) = e^{-t^*/\tau_s}

    Parameters
    ----------
    tau_mem, tau_syn : array_like
        Time constants; equal ones are allowed.
    """
    tau_m, tau_s = np.broadcast_arrays(
        np.asarray(tau_mem, float), np.asarray(tau_syn, float)
    )
    rho = tau_m / tau_s - 1.0
    safe = np.where(rho == 0.0, 1.0, rho)
    t = np.where(rho == 0.0, tau_m, tau_m * np.log1p(rho) / safe)
    return t, np.exp(-t / tau_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class SynapseGroup:
    """Synapses of one projection between global neuron (or channel) numbers.

    Parameters
    ----------
    pre, post : ndarray of int, shape (n_synapses,)
        Source (neuron, or channel of `source`) and target neuron.
    weight, delay : float or ndarray
        Added to the current (lif_exp) or the voltage; time units, > 0 between
        neurons, >= 0 from a source.
    source : int or None
        Number of the event source; None: the neurons themselves.
    into : int
        Row of the state of an :class:`OwnModel` that the weights are added to.
    """

    pre: NDArray[Any]
    post: NDArray[Any]
    weight: Any
    delay: Any
    source: int | None = None
    into: int = 0


class EventSource(NamedTuple):
    """Events of a stimulus, asked for window by window.

    Attributes
    ----------
    n : int
        Channels.
    window : callable
        ``window(w) -> (t, channel)``: float64 times from the start of window ``w`` in
        ``[0, WINDOW)``, sorted; int channels. The same w gives the same events.
    """

    n: int
    window: Callable[[int], tuple[NDArray[np.float64], NDArray[Any]]]

    @classmethod
    def from_ns(cls, t_ns: ArrayLike, channel: ArrayLike, n: int) -> "EventSource":
        """Return a source of events at integer nanoseconds, sorted."""
        t = np.asarray(t_ns, np.int64)
        ch = np.asarray(channel, np.int64)
        _check_events(t, ch, n)

        def window(w: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
            lo, hi = np.searchsorted(t, (w * WINDOW_NS, (w + 1) * WINDOW_NS))
            return (t[lo:hi] - w * WINDOW_NS) / 1e6, ch[lo:hi]

        return cls(n, window)

    @classmethod
    def from_times(cls, t: ArrayLike, channel: ArrayLike, n: int) -> "EventSource":
        """Return a source of events at float times (time units), sorted."""
        times = np.asarray(t, np.float64)
        ch = np.asarray(channel, np.int64)
        _check_events(times, ch, n)

        def window(w: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
            lo, hi = np.searchsorted(times, (w * WINDOW, (w + 1) * WINDOW))
            return times[lo:hi] - w * WINDOW, ch[lo:hi]

        return cls(n, window)


def _check_events(t: NDArray[Any], channel: NDArray[Any], n: int) -> None:
    if t.shape != channel.shape or t.ndim != 1:
        raise ShapeError(
            f"events: times {t.shape} and channels {channel.shape} must be equal 1-D"
        )
    if t.size and (np.diff(t) < 0).any():
        at = int(np.argmax(np.diff(t) < 0)) + 1
        raise ParameterError(
            f"events: event {at} at {t[at]} is earlier than the one before it; "
            "sort the events"
        )
    if t.size and t[0] < 0:
        raise ParameterError(f"events: event 0 at {t[0]} is before the start")
    if channel.size and (channel.min() < 0 or channel.max() >= n):
        at = int(np.argmax((channel < 0) | (channel >= n)))
        raise ParameterError(
            f"events: event {at} has channel {channel[at]}; channels are 0..{n - 1}"
        )
