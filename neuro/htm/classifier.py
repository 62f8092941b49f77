"""SDR classifier: what value comes in h records, from the active cells now.

A linear softmax over buckets with one weight matrix per horizon, trained online: at
every record it first infers, then learns from the pattern seen `h` records ago (the
rule of NuPIC's ``sdr_classifier``). The value of a bucket is a running mean of the
values seen in it. Probabilities are the full softmax; nothing is truncated.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError
from neuro.htm._kernels import pooler as kernels

__all__ = ["Predictions", "SdrClassifier"]

VALUE_MEMORY = 0.7  # share of the old value in a bucket's running mean


class Predictions(NamedTuple):
    """What a stream of records predicted.

    Attributes
    ----------
    probabilities : ndarray of float64, shape (n_records, n_horizons, n_buckets)
        Distribution over buckets.
    bucket_values : ndarray of float64, shape (n_records, n_buckets)
        Value of each bucket when the prediction was made; the current value where a
        bucket has never been seen.
    """

    probabilities: NDArray[np.float64]
    bucket_values: NDArray[np.float64]

    @property
    def values(self) -> NDArray[np.float64]:
        """Value of the most likely bucket, float64, shape (n_records, n_horizons)."""
        best = self.probabilities.argmax(2)
        return np.take_along_axis(self.bucket_values, best, 1)


class SdrClassifier:
    """Online softmax from active cells to buckets.

    Parameters
    ----------
    n_cells : int
        Cells.
    n_buckets : int
        Buckets.
    horizons : sequence of int
        Records ahead, >= 0 (0: the present value).
    alpha : float
        Learning rate.
    """

    __references__ = ("cui2016",)

    def __init__(
        self,
        n_cells: int,
        n_buckets: int,
        *,
        horizons: Sequence[int] = (1,),
        alpha: float = 0.005,
    ) -> None:
        steps = [int(h) for h in horizons]
        if not steps or len(set(steps)) != len(steps) or min(steps) < 0:
            raise ParameterError(
                f"SdrClassifier.horizons: expected distinct integers >= 0, got {steps}"
            )
        if n_cells < 1 or n_buckets < 2 or not alpha > 0:
            raise ParameterError(
                "SdrClassifier: expected n_cells >= 1, n_buckets >= 2, alpha > 0, got "
                f"{n_cells}, {n_buckets}, {alpha}"
            )
        self.n_cells, self.n_buckets = int(n_cells), int(n_buckets)
        self.horizons, self.alpha = tuple(steps), float(alpha)
        self.weights = np.zeros((len(steps), n_cells, n_buckets))
        self.bucket_values = np.full(n_buckets, np.nan)
        self._past_cells = np.zeros(0, np.int32)
        self._past_ends = np.zeros(1, np.int64)
        self._past_buckets = np.zeros(0, np.int64)
        self.visited = 0

    def run(
        self,
        cells: NDArray[np.integer[Any]],
        ends: NDArray[np.integer[Any]],
        buckets: ArrayLike,
        values: ArrayLike,
        *,
        learn: bool = True,
    ) -> Predictions:
        """Infer and learn record by record; goes on from the last call.

        Parameters
        ----------
        cells, ends : ndarray of int
            Active cells of all records, one behind the other, and their limits, as in
            ``MemoryTrace``.
        buckets : array_like of int, shape (n_records,)
            Bucket of each record's value.
        values : array_like of float, shape (n_records,)
            The values.
        learn : bool
            Whether weights and bucket values change.
        """
        bucket = np.asarray(buckets, np.int64)
        value = np.asarray(values, np.float64)
        n = len(ends) - 1
        if bucket.shape != (n,) or value.shape != (n,):
            raise ShapeError(
                f"SdrClassifier.run: {n} records, {bucket.size} buckets, "
                f"{value.size} values; the three must agree"
            )
        if n and (bucket.min() < 0 or bucket.max() >= self.n_buckets):
            raise ParameterError(
                f"SdrClassifier.run: buckets must lie in 0..{self.n_buckets - 1}"
            )
        if len(cells) and (cells.min() < 0 or cells.max() >= self.n_cells):
            raise ParameterError(
                f"SdrClassifier.run: cells must lie in 0..{self.n_cells - 1}"
            )
        begin = self._past_buckets.size
        all_cells = np.concatenate([self._past_cells, cells]).astype(np.int32)
        all_ends = np.concatenate(
            [self._past_ends, self._past_ends[-1] + np.asarray(ends[1:], np.int64)]
        )
        all_buckets = np.concatenate([self._past_buckets, bucket])
        out = np.zeros((len(self.horizons), n, self.n_buckets))
        for k, horizon in enumerate(self.horizons):
            self.visited += int(
                kernels.classify(
                    self.weights[k],
                    all_cells,
                    all_ends,
                    all_buckets,
                    horizon,
                    self.alpha,
                    begin,
                    learn,
                    out[k],
                )
            )
        held = self._bucket_values(bucket, value, learn)
        keep = min(max(self.horizons), all_buckets.size)
        first = all_buckets.size - keep
        self._past_cells = all_cells[all_ends[first] :].copy()
        self._past_ends = all_ends[first:] - all_ends[first]
        self._past_buckets = all_buckets[first:].copy()
        return Predictions(np.ascontiguousarray(out.transpose(1, 0, 2)), held)

    def _bucket_values(
        self, bucket: NDArray[np.int64], value: NDArray[np.float64], learn: bool
    ) -> NDArray[np.float64]:
        held = np.empty((bucket.size, self.n_buckets))
        table = self.bucket_values if learn else self.bucket_values.copy()
        for r, (b, v) in enumerate(zip(bucket.tolist(), value.tolist(), strict=True)):
            held[r] = np.where(np.isnan(table), v, table)
            if learn:
                old = table[b]
                table[b] = (
                    v if np.isnan(old) else VALUE_MEMORY * old + (1 - VALUE_MEMORY) * v
                )
        return held

    def reset(self) -> None:
        """Forget the recent patterns, keep what was learnt."""
        self._past_cells = np.zeros(0, np.int32)
        self._past_ends = np.zeros(1, np.int64)
        self._past_buckets = np.zeros(0, np.int64)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state; weights of untouched cells are left out."""
        used = np.flatnonzero(self.weights.any((0, 2)))
        return {
            "used": used,
            "weights": self.weights[:, used],
            "bucket_values": self.bucket_values,
            "past_cells": self._past_cells,
            "past_ends": self._past_ends,
            "past_buckets": self._past_buckets,
        }

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Restore :meth:`to_arrays`."""
        self.weights[:] = 0
        self.weights[:, arrays["used"]] = arrays["weights"]
        self.bucket_values = arrays["bucket_values"].copy()
        self._past_cells = arrays["past_cells"]
        self._past_ends = arrays["past_ends"]
        self._past_buckets = arrays["past_buckets"]
