"""Mean, spread and n; folds; rates, irregularity and correlations of spike trains.

The one place for "mean, spread, n": a summary carries the sample standard deviation
(``ddof=1``, None for a single value) and the number of values.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError

__all__ = [
    "Summary",
    "bootstrap_interval",
    "cv_isi",
    "group_folds",
    "paired_difference",
    "standard_error",
    "summary",
]


class Summary(NamedTuple):
    """Mean, sample standard deviation (None if n < 2) and number of values."""

    mean: float
    sd: float | None
    n: int


def summary(values: ArrayLike) -> Summary:
    """Summarise a sample.

    Examples
    --------
    >>> summary([1.0, 3.0])
    Summary(mean=2.0, sd=1.4142135623730951, n=2)
    """
    x = np.atleast_1d(np.asarray(values, np.float64)).ravel()
    if x.size == 0:
        raise ParameterError("summary: expected at least one value, got none")
    return Summary(
        float(x.mean()), float(x.std(ddof=1)) if x.size > 1 else None, int(x.size)
    )


def standard_error(values: ArrayLike) -> float:
    """Return the standard error of the mean; NaN for a single value."""
    _mean, sd, n = summary(values)
    return float("nan") if sd is None else sd / float(np.sqrt(n))


def paired_difference(a: ArrayLike, b: ArrayLike) -> Summary:
    """Summarise ``a - b`` element by element: same folds, same seeds."""
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if x.shape != y.shape:
        raise ParameterError(
            f"paired_difference: shapes {x.shape} and {y.shape} differ; "
            "pair the same folds or seeds"
        )
    return summary(x - y)


def bootstrap_interval(
    values: ArrayLike,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 1000,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean.

    Parameters
    ----------
    values : array_like, shape (n,)
        The sample.
    rng : numpy.random.Generator
        Source of the resamples.
    level : float
        Coverage, in (0, 1).
    resamples : int
        Number of resamples.
    """
    x = np.asarray(values, np.float64).ravel()
    draws = x[rng.integers(0, x.size, (resamples, x.size))].mean(1)
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def group_folds(
    labels: ArrayLike,
    groups: ArrayLike,
    n_folds: int,
    *,
    rng: np.random.Generator,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield (train, test) index arrays, stratified by label, never splitting a group.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
        Classes; every fold gets nearly equal shares of each.
    groups : array_like of int, shape (n,)
        What must stay together (writer, speaker, source image). Groups are dealt to
        folds by the label of their first member.
    n_folds : int
        Number of folds, >= 2.
    rng : numpy.random.Generator
        Shuffles the groups within a class.
    """
    y = np.asarray(labels)
    g = np.asarray(groups)
    if n_folds < 2:
        raise ParameterError(f"group_folds: n_folds must be >= 2, got {n_folds}")
    unique, first, inverse = np.unique(g, return_index=True, return_inverse=True)
    if unique.size < n_folds:
        raise ParameterError(
            f"group_folds: {n_folds} folds need as many groups, got {unique.size}"
        )
    fold_of_group = np.empty(unique.size, np.int64)
    offset = 0
    for label in np.unique(y):
        members = np.flatnonzero(y[first] == label)
        members = members[rng.permutation(members.size)]
        fold_of_group[members] = (np.arange(members.size) + offset) % n_folds
        offset += members.size
    fold = fold_of_group[inverse.ravel()]
    for k in range(n_folds):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def cv_isi(
    times: ArrayLike, indices: ArrayLike, *, min_intervals: int = 5
) -> NDArray[np.float64]:
    """Return the coefficient of variation of inter-spike intervals, per neuron.

    Parameters
    ----------
    times : array_like of float, shape (n_spikes,)
        Spike times, sorted.
    indices : array_like of int, shape (n_spikes,)
        Neuron of each spike.
    min_intervals : int
        Neurons with fewer intervals are left out.

    Returns
    -------
    ndarray of float64, shape (n_neurons_with_enough_intervals,)
        One value per neuron, in the order of the neuron's index.
    """
    t = np.asarray(times, np.float64)
    i = np.asarray(indices)
    order = np.lexsort((t, i))
    t, i = t[order], i[order]
    cuts = np.flatnonzero(np.diff(i)) + 1
    out: list[Any] = []
    for train in np.split(t, cuts):
        isi = np.diff(train)
        if isi.size >= min_intervals and isi.mean() > 0:
            out.append(isi.std() / isi.mean())
    return np.asarray(out, np.float64)
