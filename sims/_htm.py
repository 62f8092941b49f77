"""What the sequence experiments share: one stream through one memory, and curves."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.counts import OpCounts
from neuro.encoders import CategoryEncoder
from neuro.htm import TemporalMemory, TemporalMemoryParams
from neuro.htm.sequences import (
    NOISE_SYMBOLS,
    SequenceSet,
    SymbolStream,
    last_element_hits,
    moving_accuracy,
)
from neuro.random import stream as random_stream

__all__ = ["Learner", "accuracy_at", "converged_at", "curve", "ledger"]

GRID = 100  # elements between the points of a curve
WINDOW = 100  # sequences of the moving accuracy


class Learner:
    """A memory with the codes of its symbols, all drawn from one seed and index."""

    def __init__(
        self, task: SequenceSet, params: TemporalMemoryParams, seed: int, k: int
    ) -> None:
        self.rng = random_stream(seed, "sequences", k)
        self.task = task.scrambled(rng=self.rng)
        self.encoder = CategoryEncoder(
            range(task.n_symbols + NOISE_SYMBOLS),
            n=params.columns,
            rng=random_stream(seed, "codes", k),
        )
        self.params = params
        self.memory = TemporalMemory(
            params, seed=int(random_stream(seed, "memory", k).integers(2**31))
        )

    def run(self, stream: SymbolStream, *, learn: bool = True) -> NDArray[np.bool_]:
        """Feed a stream; return for each scored element whether it was predicted."""
        trace = self.memory.run(
            self.encoder.codes[stream.symbols], learn=learn, keep_predicted=True
        )
        return last_element_hits(
            stream,
            trace,
            self.encoder.codes[: self.task.n_symbols],
            self.params.columns,
            self.task.n_predictions,
            rng=self.rng,
        )


class Curve(NamedTuple):
    """Accuracy over elements."""

    elements: NDArray[np.int64]
    accuracy: NDArray[np.float64]


def curve(scored: NDArray[np.int64], hits: NDArray[np.bool_], n: int) -> Curve:
    """Return the moving accuracy on a grid of elements; NaN before the first score."""
    grid = np.arange(GRID, n + 1, GRID)
    at = np.searchsorted(scored, grid, side="right") - 1
    values = moving_accuracy(hits)
    return Curve(grid, np.where(at >= 0, values[np.maximum(at, 0)], np.nan))


def accuracy_at(
    scored: NDArray[np.int64],
    hits: NDArray[np.bool_],
    element: int,
    window: int = WINDOW,
) -> float:
    """Return the accuracy over the last sequences scored up to `element`."""
    k = int(np.searchsorted(scored, element, side="right"))
    return float(np.mean(hits[max(0, k - window) : k])) if k else float("nan")


def converged_at(
    scored: NDArray[np.int64], hits: NDArray[np.bool_], begin: int, end: int
) -> float:
    """Return elements after `begin` until 95 % of the value at `end` is exceeded.

    Smoothed as in the paper: trailing mean of 100 sequences, then a boxcar of 100,
    which lags by some 400 to 800 elements.
    """
    smooth = moving_accuracy(moving_accuracy(hits))  # type: ignore[arg-type]
    inside = np.flatnonzero((scored >= begin) & (scored < end))
    if begin == 0:  # only where both windows are full
        inside = inside[min(2 * WINDOW, inside.size - 1) :]
    final = smooth[inside[-1]]
    if begin:  # the dip after a change comes first: count from its lowest point
        inside = inside[int(np.argmin(smooth[inside])) :]
    above = inside[smooth[inside] > 0.95 * final]
    return float(scored[above[0]] - begin) if above.size else float("nan")


def ledger(learners: list[Any]) -> OpCounts:
    """Join the counts of several memories: one sample each."""
    return OpCounts.concatenate([m.counts for m in learners])
