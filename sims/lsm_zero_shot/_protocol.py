"""One choice of test classes: train, choose by validation classes, test once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.lsm.retrieval import (
    ClassSplit,
    few_shot_accuracy,
    retrieval_accuracy,
    retrieval_chance,
)
from neuro.random import stream

from .._config import Config
from ._pairs import Pairs

__all__ = ["FIGURES", "chances", "one_split"]

FIGURES = (
    "in_class",
    "zero_shot",
    "in_class_reverse",
    "zero_shot_reverse",
    "in_class_generalised",
    "in_class_generalised_reverse",
    "zero_shot_generalised",
    "zero_shot_generalised_reverse",
    "few_shot",
    "zero_shot_best_test_epoch",
)


def _candidates(cfg: Config, kind: str) -> list[dict[str, Any]]:
    """Return the settings among which the validation classes choose."""
    if kind == "prototype":
        p = cfg.prototype
        return [
            {
                "loss": "prototype",
                "temperature": p.temperature,
                "epochs": p.epochs,
                "batch": p.batch,
                "lr": cfg.lr,
            }
        ]
    if kind == "srnn":
        s = cfg.srnn
        return [
            {
                "loss": cfg.losses[0],
                "temperature": cfg.temperatures[0],
                "epochs": s.epochs,
                "batch": cfg.batch,
                "lr": s.lr,
                "clip": 1.0,
            }
        ]
    return [
        {
            "loss": loss,
            "temperature": temperature,
            "epochs": cfg.epochs,
            "batch": cfg.batch,
            "lr": cfg.lr,
        }
        for loss, temperature in zip(cfg.losses, cfg.temperatures, strict=True)
    ]


class Parts(NamedTuple):
    """Masks over all pairs, bool, shape (n,).

    Attributes
    ----------
    train, in_class : ndarray of bool
        Pairs of the training classes, trained on and held out.
    valid, test : ndarray of bool
        Pairs of the classes that choose and of those tested.
    """

    train: NDArray[np.bool_]
    in_class: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    test: NDArray[np.bool_]

    @property
    def everything(self) -> NDArray[np.bool_]:
        """Pool of the generalised figures."""
        return self.in_class | self.test


def parts_of(
    cfg: Config, seed: int, labels: NDArray[np.int64], split: ClassSplit
) -> Parts:
    """Return which pairs train, are held out of training, choose and test."""
    held_out = stream(seed, "in-class test").random(len(labels)) < cfg.test_share
    train, valid, test = (np.isin(labels, part) for part in split)
    return Parts(train & ~held_out, train & held_out, valid, test)


class Embedded(NamedTuple):
    """All pairs in the shared space, items of the second modality as they are tested.

    Attributes
    ----------
    a, b : ndarray of float64, shape (n, dim)
        Recordings; their partners.
    normalise : bool
        Whether similarity is the cosine.
    best_test : float
        Best zero-shot retrieval of all epochs of all candidates.
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    normalise: bool
    best_test: float


def _train(cfg: Config, seed: int, pairs: Pairs, parts: Parts, kind: str) -> Embedded:
    """Train every candidate; keep the one that finds the validation classes best."""
    from neuro.lsm.contrastive import train_projections

    y = pairs.labels
    train, valid, test = parts.train, parts.valid, parts.test

    def options() -> dict[str, Any]:
        if kind != "srnn":
            return {}
        from ._encoders import encoders

        n_a, n_b = pairs.events.shape[2], pairs.other.shape[2]
        return {"encoders": encoders(n_a, n_b, cfg, seed=seed)}

    best_test = 0.0
    chosen, normalise, found = None, True, -1.0
    for candidate in _candidates(cfg, kind):
        cosine = candidate["loss"] != "soft_clip"

        def watch(projections: Any, cosine: bool = cosine) -> None:
            nonlocal best_test
            now = retrieval_accuracy(
                projections.embed_a(pairs.events[test]),
                projections.embed_b(pairs.other_test[test]),
                y[test],
                y[test],
                normalise=cosine,
            )
            best_test = max(best_test, now)

        trained = train_projections(
            pairs.events[train],
            pairs.other[train],
            y[train],
            valid=(pairs.events[valid], pairs.other[valid], y[valid]),
            dim=cfg.dim,
            seed=seed,
            watch=watch,
            **candidate,
            **options(),
        )
        if trained.history.best > found:
            chosen, normalise, found = trained, cosine, trained.history.best
    if chosen is None:
        raise RuntimeError("no settings to choose from")
    a, b = chosen.embed_a(pairs.events), chosen.embed_b(pairs.other_test)
    return Embedded(a, b, normalise, best_test)


def one_split(
    cfg: Config, seed: int, pairs: Pairs, split: ClassSplit, kind: str
) -> NDArray[np.float64]:
    """Return all figures of one choice of classes, shape (n_figures,).

    Parameters
    ----------
    cfg, seed
        Configuration, the user's seed.
    pairs : Pairs
        Features, or frames where `kind` is of trained encoders.
    split : ClassSplit
        Classes that train, choose and test.
    kind : {"contrastive", "prototype", "srnn"}
        What is trained.

    Notes
    -----
    ``zero_shot_best_test_epoch`` is what the published procedure reports: the best of
    all epochs on the zero-shot test pairs themselves. It chooses nothing here.
    """
    y = pairs.labels
    parts = parts_of(cfg, seed, y, split)
    in_class, test, everything = parts.in_class, parts.test, parts.everything
    a, b, normalise, best_test = _train(cfg, seed, pairs, parts, kind)

    def score(
        q: NDArray[np.float64],
        x: NDArray[np.float64],
        queries: NDArray[np.bool_],
        items: NDArray[np.bool_],
    ) -> float:
        return retrieval_accuracy(
            q[queries], x[items], y[queries], y[items], normalise=normalise
        )

    few_shot = few_shot_accuracy(
        a[test],
        b[test],
        y[test],
        shots=cfg.shots,
        rng=stream(seed, "few-shot support", split.test),
    )
    return np.array(
        [
            score(a, b, in_class, in_class),
            score(a, b, test, test),
            score(b, a, in_class, in_class),
            score(b, a, test, test),
            score(a, b, in_class, everything),
            score(b, a, in_class, everything),
            score(a, b, test, everything),
            score(b, a, test, everything),
            few_shot,
            best_test,
        ]
    )


def chances(
    cfg: Config, seed: int, labels: NDArray[np.int64], splits: Sequence[ClassSplit]
) -> dict[str, list[float]]:
    """Return the chance of every pool, one value per split."""
    pools = ("in_class", "zero_shot", "in_class_generalised", "zero_shot_generalised")
    found: dict[str, list[float]] = {name: [] for name in pools}
    for split in splits:
        parts = parts_of(cfg, seed, labels, split)
        in_class, test = labels[parts.in_class], labels[parts.test]
        everything = labels[parts.everything]
        for name, queries, items in (
            ("in_class", in_class, in_class),
            ("zero_shot", test, test),
            ("in_class_generalised", in_class, everything),
            ("zero_shot_generalised", test, everything),
        ):
            found[name].append(retrieval_chance(queries, items))
    return found
