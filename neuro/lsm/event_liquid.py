r"""The liquid without frames: microsecond events on the exact engine.

A frame of width :math:`\Delta` and a decay d per frame are a leaky neuron with

.. math:: \tau = -\Delta / \ln d

and a recurrence that arrives one :math:`\Delta` later. Here the events keep their time
stamps and their number (a binary frame keeps at most one event per line); nothing else
changes: events on the edges of the frames give the spikes of :class:`Liquid`.

Only fixed weights: noise that is redrawn in every read needs a step.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.core import Connectivity, Rows
from neuro.counts import OpCounts
from neuro.errors import ParameterError, ShapeError
from neuro.lsm.liquid import LiquidActivity
from neuro.lsm.windows import spike_windows
from neuro.network import Events, LifDelta, Network, Population, Projection

__all__ = ["EventLiquid"]

_CHUNK_SAMPLES = 64


class EventLiquid:
    """A fixed random reservoir driven by events.

    Parameters
    ----------
    input_weights : Connectivity or array_like of float, shape (n, n_in)
        From the channels to the liquid, ``w[post, pre]``.
    recurrent_weights : Connectivity or array_like of float, shape (n, n), optional
        Within the liquid; None leaves the recurrence out.
    tau_mem : float
        Membrane time constant, seconds.
    delay : float
        Of the recurrent connections, seconds.
    v_threshold : float
        Threshold, dimensionless; a spike needs a larger value.

    Examples
    --------
    >>> liquid = EventLiquid([[3.0]], [[-1.0]], tau_mem=8.656e-3, delay=6e-3,
    ...                      v_threshold=2.0)
    >>> t_us, channels = np.array([0, 6000, 18000]), np.zeros(3, int)
    >>> liquid.run([(t_us, channels)], duration=0.024).counts.tolist()
    [[[2]]]
    """

    __references__ = ("lin2025",)

    def __init__(
        self,
        input_weights: Connectivity | ArrayLike,
        recurrent_weights: Connectivity | ArrayLike | None = None,
        *,
        tau_mem: float = 57e-3,
        delay: float = 6e-3,
        v_threshold: float = 5.0,
    ) -> None:
        if not delay > 0:
            raise ParameterError(
                f"EventLiquid.delay: expected > 0 s, got {delay}; without a frame a "
                "spike cannot act on its own instant"
            )
        self.delay = float(delay)
        w_in = _connectivity(input_weights)
        self.n, self.n_in = w_in.n_post, w_in.n_pre
        nothing = np.zeros(0, np.int64)
        parts: list[Any] = [
            Events("events", self.n_in, nothing, nothing),
            Population(
                "liquid", self.n, LifDelta(tau_mem=tau_mem, v_threshold=v_threshold)
            ),
            # every event arrives one delay later, so that recurrent spikes and events
            # that coincide on a grid coincide here; `run` takes the delay off again
            Projection("events", "liquid", w_in, delay=delay),
        ]
        if recurrent_weights is not None:
            w_rec = _connectivity(recurrent_weights)
            if (w_rec.n_post, w_rec.n_pre) != (self.n, self.n):
                raise ShapeError(
                    f"EventLiquid: recurrent weights must be ({self.n}, {self.n}), got "
                    f"({w_rec.n_post}, {w_rec.n_pre})"
                )
            parts.append(Projection("liquid", "liquid", w_rec, delay=delay))
        self.network = Network(*parts, dt=delay, convention="nir")

    def __repr__(self) -> str:
        return f"EventLiquid({self.n_in} -> {self.n})"

    def run(
        self,
        recordings: Sequence[tuple[ArrayLike, ArrayLike]],
        duration: float,
        *,
        windows: int = 1,
        progress: Callable[[Iterable[int]], Iterable[int]] | None = None,
    ) -> LiquidActivity:
        """Run every recording from rest and count spikes in windows.

        Parameters
        ----------
        recordings : sequence of (t_us, channels)
            Integer microseconds, sorted, and the channel of each event.
        duration : float
            Seconds; later events are ignored.
        windows : int
            Equally long windows in which spikes are counted.
        progress : callable, optional
            Wraps the loop over chunks of recordings.
        """
        if windows < 1:
            raise ParameterError(f"windows: expected >= 1, got {windows}")
        simulation = self.network.build(engine="exact", seed=0)
        counts: list[NDArray[np.int64]] = []
        ledgers = []
        starts: Iterable[int] = range(0, len(recordings), _CHUNK_SAMPLES)
        for start in progress(starts) if progress is not None else starts:
            part = recordings[start : start + _CHUNK_SAMPLES]
            inputs: Any = [_within(*recording, duration) for recording in part]
            # up to the end, but not what would happen at the end itself
            until = duration + self.delay - 1e-9
            result = simulation.run_samples({"events": inputs}, until)
            spikes = result.spikes["liquid"]
            # a spike on the edge of a window belongs to the later one
            seconds = spikes.times - self.delay + 1e-12
            place = (seconds / duration * windows).astype(np.int64)
            counts.append(
                spike_windows(
                    np.minimum(place, windows - 1),
                    spikes.indices,
                    np.zeros(spikes.indices.size, np.int32)
                    if spikes.samples is None
                    else spikes.samples,
                    steps=windows,
                    windows=windows,
                    n=self.n,
                    n_samples=len(part),
                )
            )
            ledgers.append(result.counts)
        return LiquidActivity(
            np.concatenate(counts) if counts else np.zeros((0, windows, self.n), int),
            OpCounts.concatenate(ledgers),
            round(duration / self.network.dt),
        )


def _within(
    t_us: ArrayLike, channels: ArrayLike, duration: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the events before `duration`."""
    t = np.asarray(t_us, np.int64)
    kept = t < duration * 1e6
    return t[kept], np.asarray(channels, np.int64)[kept]


def _connectivity(weights: Connectivity | ArrayLike) -> Connectivity:
    if isinstance(weights, Connectivity):
        return weights
    return Rows(np.asarray(weights, np.float64))
