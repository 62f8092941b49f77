"""What is kept of a run besides the counters."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro.errors import ParameterError, ShapeError

__all__ = ["Record", "RecordWeights"]


@dataclass(frozen=True, slots=True)
class Record:
    """Recording of one population.

    Without a `Record` a population's spikes are kept and no state is. Counters
    (``Result.spike_counts``, ``Result.counts``) need no recorder.

    Parameters
    ----------
    population : str
        Name of the population.
    variables : tuple of str
        State rows to record, found as ``result.traces["population.variable"]``.
    indices : array_like of int, optional
        Neurons whose state is recorded; all by default.
    interval : float, optional
        Time between samples of the state, seconds (steps if dimensionless); one step
        by default, rounded to a multiple of the step.
    spikes : bool
        Whether the spikes are kept.
    """

    population: str
    variables: tuple[str, ...] = ()
    indices: Any = None
    interval: float | None = None
    spikes: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.variables, str):
            object.__setattr__(self, "variables", (self.variables,))
        else:
            object.__setattr__(self, "variables", tuple(self.variables))
        if self.interval is not None and not self.interval > 0:
            raise ParameterError(
                f"Record({self.population!r}).interval: expected > 0, got "
                f"{self.interval}"
            )
        if self.indices is not None:
            index = np.asarray(self.indices)
            if index.ndim != 1 or (index.size and index.dtype.kind not in "iu"):
                raise ShapeError(
                    f"Record({self.population!r}).indices: expected a 1-D array of "
                    f"integers, got {index.dtype} of shape {index.shape}"
                )
            object.__setattr__(self, "indices", index.astype(np.int32))


@dataclass(frozen=True, slots=True)
class RecordWeights:
    """Weights of a plastic projection at given times.

    Found as ``result.traces["projection.weight"]``: one row per time, the synapses in
    the order of :meth:`Simulation.weights`, each as its last presynaptic spike left it.

    Parameters
    ----------
    projection : str
        Name of the projection, such as ``"E -> E"``.
    times : array_like
        Seconds (steps if dimensionless), rounded to steps; 0 is before the first step.
    """

    projection: str
    times: Any

    def __post_init__(self) -> None:
        times = np.unique(np.asarray(self.times, np.float64))
        if not (np.isfinite(times).all() and (times >= 0).all()):
            raise ParameterError(
                f"RecordWeights({self.projection!r}).times: expected finite times >= "
                f"0, got {self.times!r}"
            )
        object.__setattr__(self, "times", times)
