"""What a run returns: spikes, traces, counts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.counts import OpCounts
from neuro.errors import ParameterError, did_you_mean
from neuro.network.checkpoint import read_saved
from neuro.results import to_json, write_arrays

__all__ = ["Result", "Spikes", "Trace"]

_SCHEMA = "neuro.result/1"


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

    def __repr__(self) -> str:
        n, neurons = self.times.size, np.unique(self.indices).size
        span = f", {self.times.min():g}..{self.times.max():g}" if n else ""
        batch = ""
        if self.samples is not None:
            batch = f" in {np.unique(self.samples).size} samples"
        return f"Spikes({n} of {neurons} neurons{batch}{span})"


class Trace(NamedTuple):
    """Recorded state: ``values[k, i]`` of neuron ``indices[i]`` at ``times[k]``."""

    times: NDArray[np.float64]
    indices: NDArray[np.int32]
    values: NDArray[np.float64]

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.values.shape))
        return f"Trace({shape} of {self.indices.size} neurons)"


@dataclass(frozen=True, repr=False)
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

    def save(self, path: Path | str) -> None:
        """Write all of it to one compressed npz, atomically."""
        head = {
            "schema": _SCHEMA,
            "populations": list(self._spike_counts),
            "spikes": list(self.spikes),
            "traces": list(self.traces),
            "counts": self.counts.to_dict(),
            "duration": self.duration,
            "engine": self.engine,
            "seed": self.seed,
            "wall_s": self.wall_s,
        }
        arrays: dict[str, Any] = {"head": np.array(to_json(head, indent=None))}
        for k, s in enumerate(self.spikes.values()):
            arrays[f"spikes/{k}/times"] = s.times
            arrays[f"spikes/{k}/indices"] = s.indices
            if s.samples is not None:
                arrays[f"spikes/{k}/samples"] = s.samples
        for k, t in enumerate(self.traces.values()):
            arrays[f"traces/{k}/times"] = t.times
            arrays[f"traces/{k}/indices"] = t.indices
            arrays[f"traces/{k}/values"] = t.values
        for k, n in enumerate(self._spike_counts.values()):
            arrays[f"spike_counts/{k}"] = n
        write_arrays(path, arrays)

    @classmethod
    def load(cls, path: Path | str) -> "Result":
        """Read what :meth:`save` wrote.

        Raises
        ------
        ParameterError
            If the file is no saved result.
        """
        f = read_saved(path, "Result.load")
        head = json.loads(str(f["head"])) if "head" in f else {}
        if head.get("schema") != _SCHEMA:
            raise ParameterError(
                f"Result.load({str(path)!r}): expected schema {_SCHEMA!r}, got "
                f"{head.get('schema')!r}"
            )
        spikes = {
            name: Spikes(
                f[f"spikes/{k}/times"],
                f[f"spikes/{k}/indices"],
                f.get(f"spikes/{k}/samples"),
            )
            for k, name in enumerate(head["spikes"])
        }
        traces = {
            name: Trace(*(f[f"traces/{k}/{part}"] for part in Trace._fields))
            for k, name in enumerate(head["traces"])
        }
        counted = {
            name: f[f"spike_counts/{k}"] for k, name in enumerate(head["populations"])
        }
        return cls(
            spikes=spikes,
            traces=traces,
            counts=OpCounts.from_dict(head["counts"]),
            duration=head["duration"],
            engine=head["engine"],
            seed=head["seed"],
            wall_s=head["wall_s"],
            _spike_counts=counted,
        )

    def __repr__(self) -> str:
        n = sum(s.times.size for s in self.spikes.values())
        return (
            f"Result({n} spikes of {len(self._spike_counts)} populations, "
            f"duration={self.duration:g}, engine={self.engine!r}, seed={self.seed})"
        )
