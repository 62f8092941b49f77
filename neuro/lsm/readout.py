"""Linear read-outs by scikit-learn, with the strength chosen inside the training set.

The regularisation strength of each fold is chosen on a validation part of that fold's
training samples; the fold's test samples are used once, for the figure.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError, did_you_mean
from neuro.statistics import group_folds

__all__ = ["READOUTS", "cross_validate", "fit_readout"]

READOUTS = ("logistic", "ridge")
# Inverse strength of the logistic, strength of the ridge, on standardised features.
_STRENGTHS = {
    "logistic": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "ridge": (3e1, 1e2, 3e2, 1e3, 3e3, 1e4),
}


def _model(kind: str, strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression, RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    linear = (
        LogisticRegression(C=strength, max_iter=1000, tol=1e-3)
        if kind == "logistic"
        else RidgeClassifier(alpha=strength)
    )
    return make_pipeline(StandardScaler(), linear)


def _validation_scores(
    kind: str,
    strengths: Sequence[float],
    train: tuple[NDArray[Any], NDArray[Any]],
    valid: tuple[NDArray[Any], NDArray[Any]],
) -> list[float]:
    """Return the validation accuracy of every strength."""
    if kind == "ridge":
        return _ridge_scores(strengths, train, valid)
    return [
        float(_model(kind, strength).fit(*train).score(*valid))
        for strength in strengths
    ]


def _ridge_scores(
    strengths: Sequence[float],
    train: tuple[NDArray[Any], NDArray[Any]],
    valid: tuple[NDArray[Any], NDArray[Any]],
) -> list[float]:
    """Score all ridge classifiers from one eigendecomposition of the Gram matrix.

    The decisions are those of scikit-learn's ``RidgeClassifier`` on standardised
    features: targets -1 and 1 for every class, both centred.
    """
    from scipy.linalg import eigh
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(train[0])
    a, b = scaler.transform(train[0]), scaler.transform(valid[0])
    classes = np.unique(train[1])
    targets = np.where(train[1][:, None] == classes, 1.0, -1.0)
    offset = targets.mean(0)
    if a.shape[0] <= a.shape[1]:
        values, vectors = eigh(a @ a.T)
        left, right = b @ (a.T @ vectors), vectors.T @ (targets - offset)
    else:
        values, vectors = eigh(a.T @ a)
        left, right = b @ vectors, vectors.T @ (a.T @ (targets - offset))
    values = np.maximum(values, 0.0)
    found = []
    for strength in strengths:
        decision = left @ (right / (values + strength)[:, None]) + offset
        found.append(float((classes[decision.argmax(1)] == valid[1]).mean()))
    return found


def fit_readout(
    features: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike,
    *,
    kind: str = "logistic",
    strengths: Sequence[float] | None = None,
    rng: np.random.Generator,
) -> Any:
    """Fit a read-out; its strength is chosen on a fifth of the samples held out.

    Parameters
    ----------
    features : array_like of float, shape (n, n_features)
        Standardised inside.
    labels, groups : array_like of int, shape (n,)
        Classes, and what the held-out part must not split.
    kind : {"logistic", "ridge"}
        Kind of classifier.
    strengths : sequence of float, optional
        Candidates (``C`` of the logistic, ``alpha`` of the ridge).
    rng : numpy.random.Generator
        Draws the held-out part.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Refitted on all samples.
    """
    if kind not in READOUTS:
        raise ParameterError(
            f"read-out {kind!r}{did_you_mean(kind, READOUTS)}; "
            f"accepted: {', '.join(READOUTS)}"
        )
    x, y, g = np.asarray(features), np.asarray(labels), np.asarray(groups)
    if x.ndim != 2 or len(x) != len(y) or len(x) != len(g):
        raise ShapeError(
            f"read-out: features {x.shape}, labels {y.shape}, groups {g.shape} must "
            "have the same first length"
        )
    candidates = tuple(strengths or _STRENGTHS[kind])
    best = candidates[0]
    if len(candidates) > 1:
        parts = min(5, len(np.unique(g)))
        train, valid = next(iter(group_folds(y, g, parts, rng=rng)))
        scores = _validation_scores(
            kind, candidates, (x[train], y[train]), (x[valid], y[valid])
        )
        best = candidates[int(np.argmax(scores))]
    return _model(kind, best).fit(x, y)


def cross_validate(
    features: ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike,
    *,
    folds: int = 10,
    kind: str = "logistic",
    strengths: Sequence[float] | None = None,
    test_features: ArrayLike | None = None,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the test accuracy of every fold, float64, shape (folds,).

    With several sets of `test_features`: shape (sets, folds).

    Parameters
    ----------
    features, labels, groups, kind, strengths, rng
        See :func:`fit_readout`. The same generator state gives the same folds.
    folds : int
        Number of folds.
    test_features : array_like of float, shape ([sets,] n, n_features), optional
        Tested instead of `features`, which are then only trained on: a read-out
        trained on clean and used on noisy activity. Several sets share the training.
    """
    x, y, g = np.asarray(features), np.asarray(labels), np.asarray(groups)
    tested = x if test_features is None else np.asarray(test_features)
    if tested.shape[-2:] != x.shape or tested.ndim not in (2, 3):
        raise ShapeError(
            f"cross_validate: test_features {tested.shape}, expected {x.shape}, or "
            "several of them"
        )
    sets = tested if tested.ndim == 3 else tested[None]
    fold_rng, inner_rng = rng.spawn(2)
    scores = []
    for train, test in group_folds(y, g, folds, rng=fold_rng):
        model = fit_readout(
            x[train], y[train], g[train], kind=kind, strengths=strengths, rng=inner_rng
        )
        scores.append([model.score(one[test], y[test]) for one in sets])
    found = np.asarray(scores).T
    return found if tested.ndim == 3 else found[0]
