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
        scores = [
            _model(kind, s).fit(x[train], y[train]).score(x[valid], y[valid])
            for s in candidates
        ]
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

    Parameters
    ----------
    features, labels, groups, kind, strengths, rng
        See :func:`fit_readout`. The same generator state gives the same folds.
    folds : int
        Number of folds.
    test_features : array_like of float, shape (n, n_features), optional
        Tested instead of `features`, which are then only trained on: a read-out
        trained on clean and used on noisy activity.
    """
    x, y, g = np.asarray(features), np.asarray(labels), np.asarray(groups)
    tested = x if test_features is None else np.asarray(test_features)
    if tested.shape != x.shape:
        raise ShapeError(
            f"cross_validate: test_features {tested.shape}, expected {x.shape}"
        )
    fold_rng, inner_rng = rng.spawn(2)
    scores = []
    for train, test in group_folds(y, g, folds, rng=fold_rng):
        model = fit_readout(
            x[train], y[train], g[train], kind=kind, strengths=strengths, rng=inner_rng
        )
        scores.append(model.score(tested[test], y[test]))
    return np.asarray(scores)
