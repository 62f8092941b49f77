"""Spike trains to and from neo objects (``neo.Segment``, ``neo.SpikeTrain``)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro.errors import ParameterError, optional_import
from neuro.network.result import Result, Spikes

__all__ = ["from_neo", "to_neo"]


def to_neo(
    spikes: Result | Mapping[str, Spikes],
    *,
    n: Mapping[str, int],
    t_stop: float,
    t_start: float = 0.0,
) -> Any:
    """Return a ``neo.Block``: a segment per sample, a train per neuron.

    Parameters
    ----------
    spikes : Result or mapping of str to Spikes
        Trains by population, seconds.
    n : mapping of str to int
        Neurons of each population, silent ones included.
    t_stop, t_start : float
        Limits of the recording, seconds.

    Notes
    -----
    Each train is annotated with ``population`` and ``index``.
    """
    neo = optional_import("neo", "dev")
    given = spikes.spikes if isinstance(spikes, Result) else spikes
    n_samples = 1 + max((_last_sample(s) for s in given.values()), default=0)
    block = neo.Block()
    for sample in range(n_samples):
        segment = neo.Segment(name=f"sample {sample}")
        for name, s in given.items():
            if name not in n:
                raise ParameterError(
                    f"to_neo: n has no entry for population {name!r}; it needs one for "
                    "each population"
                )
            mine = np.ones(s.times.size, bool)
            if s.samples is not None:
                mine = s.samples == sample
            times, indices = s.times[mine], s.indices[mine]
            order = np.argsort(indices, kind="stable")
            limits = np.searchsorted(indices[order], np.arange(n[name] + 1))
            for k in range(n[name]):
                train = neo.SpikeTrain(
                    times[order[limits[k] : limits[k + 1]]],
                    units="s",
                    t_start=t_start,
                    t_stop=t_stop,
                    name=f"{name}[{k}]",
                    population=name,
                    index=k,
                )
                segment.spiketrains.append(train)
        block.segments.append(segment)
    return block


def _last_sample(s: Spikes) -> int:
    return 0 if s.samples is None else int(np.max(s.samples, initial=0))


def from_neo(block: Any) -> dict[str, Spikes]:
    """Return the spike trains of a ``neo.Block`` or ``neo.Segment``.

    Trains without the annotations ``population`` and ``index`` are numbered in their
    order, in a population ``"spikes"``.
    """
    segments = block.segments if hasattr(block, "segments") else [block]
    parts: dict[str, list[tuple[Any, Any, Any]]] = {}
    for sample, segment in enumerate(segments):
        for k, train in enumerate(segment.spiketrains):
            name = str(train.annotations.get("population", "spikes"))
            index = int(train.annotations.get("index", k))
            times = np.asarray(train.rescale("s").magnitude, np.float64)
            parts.setdefault(name, []).append(
                (times, np.full(times.size, index), np.full(times.size, sample))
            )
    out = {}
    for name, found in parts.items():
        times, indices, samples = (np.concatenate(x) for x in zip(*found, strict=True))
        order = np.lexsort((indices, times, samples))
        out[name] = Spikes(
            times[order],
            indices[order].astype(np.int32),
            samples[order].astype(np.int32) if len(segments) > 1 else None,
        )
    return out
