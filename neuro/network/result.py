"""What a run returns: spikes, traces, counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.counts import OpCounts
from neuro.errors import ParameterError, did_you_mean

__all__ = ["Result", "Spikes", "Trace"]


class Spikes(NamedTuple):
    """A spike train, in and out.

    Attributes
    ----------
    times : ndarray of float64
        Seconds (steps if dimensionless), sorted within a sample.
    indices : ndarray of int32
        Neuron of each spike.
    samples : ndarray of int32, or None
        Sample of each spike in a batch.
    """

    times: NDArray[np.float64]
    indices: NDArray[np.int32]
    samples: NDArray[np.int32] | None = None


class Trace(NamedTuple):
    """Recorded state: ``values[k, i]`` of neuron ``indices[i]`` at ``times[k]``."""

    times: NDArray[np.float64]
    indices: NDArray[np.int32]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Result:
    """Outcome of a run; frozen."""

    spikes: Mapping[str, Spikes]
    traces: Mapping[str, Trace]
    counts: OpCounts
    duration: float
    engine: str
    seed: int
    wall_s: float
    _spike_counts: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    def spike_counts(self, population: str) -> NDArray[np.int64]:
        """Return spikes per neuron, int64, shape (n_samples, n)."""
        try:
            return self._spike_counts[population]
        except KeyError:
            raise ParameterError(
                f"Result.spike_counts: no population {population!r}"
                f"{did_you_mean(population, self._spike_counts)}"
            ) from None

    def save(self, path: Any) -> None:
        """Write spikes and spike counts to a compressed npz."""
        arrays: dict[str, Any] = {}
        for name, s in self.spikes.items():
            arrays[f"{name}/times"] = s.times
            arrays[f"{name}/indices"] = s.indices
            if s.samples is not None:
                arrays[f"{name}/samples"] = s.samples
        for name, n in self._spike_counts.items():
            arrays[f"{name}/spike_counts"] = n
        np.savez_compressed(path, **arrays)
