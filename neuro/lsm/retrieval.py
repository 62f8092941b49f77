"""Cross-modal retrieval and the zero-shot protocol, on plain arrays.

A query of one modality takes the most similar item of the other; it is right if the
labels agree. Queries are scored inside a pool: test samples of the training classes
(in-class), of classes never seen (zero-shot), or unseen queries in a pool of all
classes (generalised). Chance depends on the pool and is always stated.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError

__all__ = [
    "ClassSplit",
    "class_splits",
    "few_shot_accuracy",
    "retrieval_accuracy",
    "retrieval_chance",
]


class ClassSplit(NamedTuple):
    """Which classes train, choose (validation) and test.

    Attributes
    ----------
    train, valid, test : tuple of int
        Disjoint classes; `test` classes are used once, for the figure.
    """

    train: tuple[int, ...]
    valid: tuple[int, ...]
    test: tuple[int, ...]


def class_splits(
    classes: ArrayLike,
    *,
    n_test: int = 2,
    n_valid: int = 2,
    rng: np.random.Generator,
) -> Iterator[ClassSplit]:
    """Yield one split for every choice of test classes, validation classes drawn.

    Parameters
    ----------
    classes : array_like of int
        All classes.
    n_test, n_valid : int
        Classes held out for testing and for choosing the epoch.
    rng : numpy.random.Generator
        Draws the validation classes.
    """
    known = tuple(int(c) for c in np.unique(classes))
    if n_test < 1 or n_valid < 1 or n_test + n_valid >= len(known):
        raise ParameterError(
            f"class_splits: {n_test} test and {n_valid} validation classes leave none "
            f"of {len(known)} for training"
        )
    for test in combinations(known, n_test):
        rest = [c for c in known if c not in test]
        valid = tuple(sorted(rng.choice(rest, n_valid, replace=False).tolist()))
        yield ClassSplit(tuple(c for c in rest if c not in valid), valid, test)


def _unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(norm > 0, norm, 1.0))


def retrieval_accuracy(
    queries: ArrayLike,
    items: ArrayLike,
    query_labels: ArrayLike,
    item_labels: ArrayLike,
    *,
    normalise: bool = True,
) -> float:
    """Return the top-1 share of queries whose most similar item has their label.

    Parameters
    ----------
    queries : array_like of float, shape (n_queries, dim)
        Embeddings of one modality.
    items : array_like of float, shape (n_items, dim)
        Embeddings of the other; the first of equally similar items is taken.
    query_labels, item_labels : array_like of int
        Classes.
    normalise : bool
        Cosine similarity; otherwise the raw dot product.
    """
    q, x = np.asarray(queries, np.float64), np.asarray(items, np.float64)
    if q.ndim != 2 or x.ndim != 2 or q.shape[1] != x.shape[1]:
        raise ShapeError(
            f"retrieval: embeddings (n, dim) of one dimension, got {q.shape}, {x.shape}"
        )
    if not len(q) or not len(x):
        raise ShapeError("retrieval: the pool is empty")
    if normalise:
        q, x = _unit(q), _unit(x)
    found = np.asarray(item_labels)[np.argmax(q @ x.T, axis=1)]
    return float(np.mean(found == np.asarray(query_labels)))


def retrieval_chance(query_labels: ArrayLike, item_labels: ArrayLike) -> float:
    """Return the accuracy of picking an item at random.

    Parameters
    ----------
    query_labels, item_labels : array_like of int
        Classes of the queries and of the pool.
    """
    q, x = np.asarray(query_labels), np.asarray(item_labels)
    shares = {c: np.mean(x == c) for c in np.unique(q)}
    return float(np.mean([shares[c] for c in q]))


def few_shot_accuracy(
    queries: ArrayLike,
    items: ArrayLike,
    labels: ArrayLike,
    *,
    shots: int,
    rng: np.random.Generator,
) -> float:
    """Return the share of queries nearest to the prototype of their own class.

    Needs labelled samples of the tested classes: few-shot, never zero-shot. Support
    pairs, of both modalities, are left out of the queries.

    Parameters
    ----------
    queries, items : array_like of float, shape (n, dim)
        Paired embeddings of the two modalities; queries are of the first.
    labels : array_like of int, shape (n,)
        Class of each pair.
    shots : int
        Support pairs per class.
    rng : numpy.random.Generator
        Draws them.
    """
    q, x = _unit(np.asarray(queries, np.float64)), _unit(np.asarray(items, np.float64))
    y = np.asarray(labels)
    if q.shape != x.shape or len(q) != len(y):
        raise ShapeError(
            f"few-shot: paired embeddings and labels, got {q.shape}, {x.shape}, "
            f"{y.shape}"
        )
    classes = np.unique(y)
    if shots < 1 or any((y == c).sum() <= shots for c in classes):
        raise ParameterError(
            f"few-shot: {shots} support pairs per class leave a class without queries"
        )
    support = np.concatenate(
        [rng.choice(np.flatnonzero(y == c), shots, replace=False) for c in classes]
    )
    prototypes = (q[support] + x[support]).reshape(len(classes), shots, -1).mean(1) / 2
    rest = np.setdiff1d(np.arange(len(y)), support)
    distance = ((q[rest, None] - prototypes[None]) ** 2).sum(2)
    return float(np.mean(classes[distance.argmin(1)] == y[rest]))
