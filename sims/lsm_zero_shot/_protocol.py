"""One choice of test classes: train, choose by validation classes, test once."""

from typing import Any

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


def one_split(
    cfg: Config, seed: int, pairs: Pairs, split: ClassSplit, kind: str
) -> NDArray[np.float64]:
    """Return all figures of one choice of classes, shape (n_figures,).

    Parameters
    ----------
    cfg, seed
        Configuration, the user's seed.
    pairs : Pairs
        Features, or frames where `kind` is "srnn".
    split : ClassSplit
        Classes that train, choose and test.
    kind : {"contrastive", "prototype", "srnn"}
        What is trained.

    Notes
    -----
    ``zero_shot_best_test_epoch`` is what the published procedure reports: the best of
    all epochs on the zero-shot test pairs themselves. It chooses nothing here.
    """
    from neuro.lsm.contrastive import train_projections

    y = pairs.labels
    held_out = stream(seed, "in-class test").random(len(y)) < cfg.test_share
    train, valid, test = (np.isin(y, part) for part in split)
    train, in_class = train & ~held_out, train & held_out

    def options() -> dict[str, Any]:
        if kind != "srnn":
            return {}
        from ._encoders import encoders

        a, b = pairs.events.shape[2], pairs.other.shape[2]
        return {"encoders": encoders(a, b, cfg, seed=seed)}

    best_epoch = 0.0
    chosen, normalise, found = None, True, -1.0
    for candidate in _candidates(cfg, kind):
        cosine = candidate["loss"] != "soft_clip"

        def watch(projections: Any, cosine: bool = cosine) -> None:
            nonlocal best_epoch
            now = retrieval_accuracy(
                projections.embed_a(pairs.events[test]),
                projections.embed_b(pairs.other_test[test]),
                y[test],
                y[test],
                normalise=cosine,
            )
            best_epoch = max(best_epoch, now)

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
    everything = in_class | test

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
            score(a, b, test, everything),
            score(b, a, test, everything),
            few_shot,
            best_epoch,
        ]
    )


def chances(labels: NDArray[np.int64], splits: list[ClassSplit]) -> dict[str, Any]:
    """Return the chance of every pool, one value per split."""
    found: dict[str, list[float]] = {
        "in_class": [],
        "zero_shot": [],
        "zero_shot_generalised": [],
    }
    for split in splits:
        train = labels[np.isin(labels, split.train)]
        test = labels[np.isin(labels, split.test)]
        pool = np.concatenate([train, test])
        found["in_class"].append(retrieval_chance(train, train))
        found["zero_shot"].append(retrieval_chance(test, test))
        found["zero_shot_generalised"].append(retrieval_chance(test, pool))
    return found
