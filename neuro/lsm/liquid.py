r"""The liquid: a fixed random recurrent network of leaky neurons on frames.

.. math::
    u_t = d\,u_{t-1}(1 - s_{t-1}) + W_\mathrm{in} x_t + W_\mathrm{rec} s_{t-1},
    \qquad s_t = [u_t > V_\mathrm{th}]

No refractory time, no bias, nothing trained. The liquid is a dimensionless
:class:`neuro.network.Network` (one step = one frame) and has no loop of its own; its
weights come from a connectivity or from hardware (:class:`neuro.network.WeightSource`).

References
----------
.. [1] Lin et al., Nature Computational Science (2025), s43588-024-00751-z.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuro.core import Connectivity
from neuro.counts import OpCounts
from neuro.errors import ParameterError, ShapeError
from neuro.lsm.windows import input_counts, spike_windows
from neuro.network import (
    Frames,
    Network,
    Population,
    Projection,
    Spikes,
    WeightSource,
    register_neuron,
)

__all__ = ["Liquid", "LiquidActivity", "LiquidNeuron"]

# Spikes are reduced to window counts in chunks of samples: bounds the raster's memory.
_CHUNK_NEURON_STEPS = 40_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidNeuron:
    """Leaky neuron with multiplicative reset to zero and a strict threshold.

    Parameters
    ----------
    decay : float or ndarray of shape (n,)
        Factor on the membrane per step, in [0, 1].
    v_threshold : float or ndarray of shape (n,)
        Threshold, dimensionless.
    """

    params: ClassVar[tuple[str, ...]] = ("decay", "v_threshold")
    state: ClassVar[tuple[str, ...]] = ("v",)
    ports: ClassVar[tuple[str, ...]] = ("input",)

    decay: Any = 0.9
    v_threshold: Any = 5.0

    def __post_init__(self) -> None:
        decay = np.asarray(self.decay, np.float64)
        if not ((decay >= 0) & (decay <= 1)).all():
            raise ParameterError(
                f"LiquidNeuron.decay: expected 0..1 per step, got {self.decay}"
            )
        if not np.isfinite(np.asarray(self.v_threshold, np.float64)).all():
            raise ParameterError(
                f"LiquidNeuron.v_threshold: must be finite, got {self.v_threshold}"
            )


@register_neuron(LiquidNeuron)
def liquid_step(params, state, inputs, spiked, dt):  # type: ignore[no-untyped-def]
    """Advance by one frame: decay, add the summed input once, test, reset."""
    v, arriving = state[0], inputs[0]
    single = params.shape[1] == 1
    for i in range(spiked.size):
        k = 0 if single else i
        u = params[0, k] * v[i] + arriving[i]
        fired = u > params[1, k]
        spiked[i] = fired
        v[i] = 0.0 if fired else u


@dataclass(frozen=True)
class LiquidActivity:
    """What a liquid answered to a batch.

    Attributes
    ----------
    counts : ndarray of int64, shape (n_samples, windows, n)
        Spikes per neuron and window.
    operations : OpCounts
        Exact ledger, per sample.
    steps : int
        Frames per sample.
    """

    counts: NDArray[np.int64]
    operations: OpCounts
    steps: int

    @property
    def features(self) -> NDArray[np.float64]:
        """Counts as read-out features, float64, shape (n_samples, windows * n)."""
        return self.counts.reshape(len(self.counts), -1).astype(np.float64)

    def in_windows(self, windows: int) -> NDArray[np.float64]:
        """Sum adjacent windows into fewer ones, as read-out features.

        Parameters
        ----------
        windows : int
            Windows left. A run counted in one window per step gives the features of
            every number of windows.

        Returns
        -------
        ndarray of float64, shape (n_samples, windows * n)
            As :attr:`features` of a run with that many windows.

        Examples
        --------
        >>> counts = np.arange(4).reshape(1, 4, 1)
        >>> LiquidActivity(counts, OpCounts(), 4).in_windows(2).tolist()
        [[1.0, 5.0]]
        """
        return input_counts(self.counts, windows)

    @property
    def rate(self) -> float:
        """Mean share of neurons that fire in a step, 0..1."""
        n = self.counts.shape[2]
        return float(self.counts.sum() / max(1, len(self.counts) * self.steps * n))


class Liquid:
    """A fixed random reservoir.

    Parameters
    ----------
    input_weights : Connectivity or WeightSource
        From the input lines to the liquid, ``w[post, pre]``.
    recurrent_weights : Connectivity or WeightSource, optional
        Within the liquid; None leaves the recurrence out (a control).
    decay, v_threshold : float
        See :class:`LiquidNeuron`.
    seed : int
        Seed of the read noise, if the weights have any.

    Examples
    --------
    >>> from neuro.core import Rows
    >>> liquid = Liquid(Rows([[3.0]]), Rows([[-1.0]]), decay=0.5, v_threshold=2.0)
    >>> frames = np.array([[[1], [1], [0], [1]]], np.uint8)
    >>> liquid.run(frames).counts.tolist()
    [[[2]]]
    """

    __references__ = ("lin2025",)

    def __init__(
        self,
        input_weights: Connectivity | WeightSource,
        recurrent_weights: Connectivity | WeightSource | None = None,
        *,
        decay: Any = 0.9,
        v_threshold: Any = 5.0,
        seed: int = 0,
    ) -> None:
        self.n, self.n_in = _shape(input_weights)
        parts: list[Any] = [
            Frames("events", self.n_in),
            Population(
                "liquid", self.n, LiquidNeuron(decay=decay, v_threshold=v_threshold)
            ),
            Projection("events", "liquid", input_weights),
        ]
        if recurrent_weights is not None:
            if _shape(recurrent_weights) != (self.n, self.n):
                raise ShapeError(
                    f"Liquid: recurrent weights must be ({self.n}, {self.n}), got "
                    f"{_shape(recurrent_weights)}"
                )
            parts.append(Projection("liquid", "liquid", recurrent_weights, delay=1.0))
        self.network = Network(*parts, dt=1.0, convention="nir", dimensionless=True)
        self.seed = seed

    def __repr__(self) -> str:
        return f"Liquid({self.n_in} -> {self.n})"

    def _check(self, frames: NDArray[Any]) -> None:
        if frames.ndim != 3 or frames.shape[2] != self.n_in:
            raise ShapeError(
                f"Liquid: frames must be (samples, steps, {self.n_in}), got "
                f"{frames.shape}"
            )

    def run(
        self,
        frames: NDArray[Any],
        *,
        windows: int = 1,
        workers: int = 1,
        progress: Callable[[Iterable[int]], Iterable[int]] | None = None,
    ) -> LiquidActivity:
        """Run every sample from rest and count spikes in windows.

        Parameters
        ----------
        frames : ndarray of uint8, shape (n_samples, steps, n_in)
            Binary frames.
        windows : int
            Equally long windows in which spikes are counted.
        workers : int
            Threads; the result does not depend on it.
        progress : callable, optional
            Wraps the loop over chunks of samples, e.g. ``ctx.progress``.
        """
        self._check(frames)
        n_samples, steps, _ = frames.shape
        chunk = max(1, _CHUNK_NEURON_STEPS // (steps * max(self.n, 1)))
        simulation = self.network.build(engine="grid", seed=self.seed)
        counts, ledgers = [], []
        starts: Iterable[int] = range(0, n_samples, chunk)
        for start in progress(starts) if progress is not None else starts:
            part = frames[start : start + chunk]
            result = simulation.run_samples(
                {"events": part}, float(steps), workers=workers
            )
            spikes = result.spikes["liquid"]
            counts.append(
                spike_windows(
                    np.rint(spikes.times).astype(np.int64) - 1,
                    spikes.indices,
                    _samples(spikes),
                    steps=steps,
                    windows=windows,
                    n=self.n,
                    n_samples=len(part),
                )
            )
            ledgers.append(result.counts)
        return LiquidActivity(
            np.concatenate(counts) if counts else np.zeros((0, windows, self.n), int),
            OpCounts.concatenate(ledgers),
            steps,
        )

    def raster(self, frames: NDArray[Any]) -> Spikes:
        """Return the spikes of one sample, times in steps (frame k fires at k + 1).

        Parameters
        ----------
        frames : ndarray of uint8, shape (steps, n_in)
            One sample.
        """
        self._check(frames[None])
        simulation = self.network.build(engine="grid", seed=self.seed)
        result = simulation.run_samples({"events": frames[None]}, float(len(frames)))
        return result.spikes["liquid"]


def _shape(weights: Connectivity | WeightSource) -> tuple[int, int]:
    if isinstance(weights, WeightSource):
        return weights.shape
    return weights.n_post, weights.n_pre


def _samples(spikes: Spikes) -> NDArray[np.int32]:
    if spikes.samples is None:
        return np.zeros(spikes.indices.size, np.int32)
    return spikes.samples
