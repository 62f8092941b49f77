"""Liquids of several sizes, windows and resolutions against event counts.

Every configuration is scored on the same folds as its control: a linear read-out on the
event counts of the same input in the same windows. The best configuration and the best
control are chosen *inside* each fold, on a held-out part of its training samples, and
then tested once (nested cross-validation), so neither figure profits from the choice.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.lsm import fit_readout, input_counts
from neuro.random import stream
from neuro.statistics import group_folds

from .._config import Config
from .._liquids import array_liquid, bin_recordings
from .._runner import Context
from ._figures import draw

__all__ = ["run"]

# one strength while configurations are compared inside a fold: three times cheaper
_CHOICE_STRENGTH = {"ridge": 1e3, "logistic": 1e-2}


class Cell(NamedTuple):
    """One configuration; ``n = 0`` is the control (event counts)."""

    inputs: str
    windows: int
    n: int
    recurrence: float

    @property
    def name(self) -> str:
        """Name in the record."""
        if self.n == 0:
            return f"counts_{self.inputs}_{self.windows}win"
        kind = "" if self.recurrence else "_no_recurrence"
        return f"liquid_{self.inputs}_{self.n}{kind}_{self.windows}win"


def _cells(cfg: Config) -> Iterator[Cell]:
    for inputs in cfg.inputs:
        for windows in cfg.windows:
            yield Cell(inputs, windows, 0, 0.0)
            for n in cfg.sizes:
                for recurrence in cfg.recurrence:
                    yield Cell(inputs, windows, n, recurrence)


def _scores(
    cfg: Config, ctx: Context, features: NDArray[np.float64], data: Any
) -> dict[str, NDArray[np.float64]]:
    """Return test accuracy and inner validation accuracy of every fold."""
    labels, groups = data.labels, data.groups
    fold_rng, inner_rng, choice_rng = stream(ctx.seed, "folds").spawn(3)
    test_scores, choice_scores = [], []
    for train, test in group_folds(labels, groups, cfg.folds, rng=fold_rng):
        model = fit_readout(
            features[train],
            labels[train],
            groups[train],
            kind=cfg.readout,
            rng=inner_rng,
        )
        test_scores.append(model.score(features[test], labels[test]))
        inner = []
        for a, b in group_folds(labels[train], groups[train], 3, rng=choice_rng):
            part = fit_readout(
                features[train[a]],
                labels[train[a]],
                groups[train[a]],
                kind=cfg.readout,
                strengths=[_CHOICE_STRENGTH[cfg.readout]],
                rng=inner_rng,
            )
            inner.append(part.score(features[train[b]], labels[train[b]]))
        choice_scores.append(np.mean(inner))
    return {"test": np.array(test_scores), "choice": np.array(choice_scores)}


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.samples or None)
    if data.synthetic and not cfg.samples:
        data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.stand_in_samples)
    ctx.split(
        n_train=len(data) - len(data) // cfg.folds,
        n_test=len(data),
        protocol=f"nested {cfg.folds}-fold cross-validation",
    )
    frames = {
        "crop": lambda: bin_recordings(data, **cfg.frames.to_dict()),
        "full": lambda: bin_recordings(
            data, **{**cfg.frames.to_dict(), "crop": 0, "polarity": -1}
        ),
    }
    binned = {k: frames[k]() for k in cfg.inputs}
    cells = list(_cells(cfg))
    results: dict[Cell, dict[str, NDArray[np.float64]]] = {}
    for cell in ctx.progress(cells, label="configurations"):
        x = binned[cell.inputs]
        runs = [
            ctx.step(
                f"{cell.name}-{k}",
                lambda c=cell, x=x, k=k: _scores(
                    cfg, ctx, _features(cfg, ctx, x, c, k), data
                ),
            )
            for k in range(cfg.liquids if cell.n else 1)
        ]
        results[cell] = {
            key: np.mean([r[key] for r in runs], axis=0) for key in ("test", "choice")
        }
    _record(ctx, results)
    chance = float(np.bincount(data.labels).max() / len(data))
    ctx.metric("chance", chance)
    ctx.arrays("scores", **{c.name: r["test"] for c, r in results.items()})
    draw(ctx, {c: r["test"] for c, r in results.items()}, synthetic=data.synthetic)


def _features(
    cfg: Config, ctx: Context, x: NDArray[np.uint8], cell: Cell, k: int
) -> NDArray[np.float64]:
    if cell.n == 0:
        return input_counts(x, cell.windows)
    active = x.sum() / (x.shape[0] * x.shape[1])
    liquid = array_liquid(
        cfg,
        ctx.seed,
        k,
        cell.n,
        x.shape[2],
        recurrence=cell.recurrence,
        drive=float((cfg.reference_lines / active) ** 0.5),
    )
    return liquid.run(x, windows=cell.windows).features


def _nested(
    results: dict[Cell, dict[str, NDArray[np.float64]]], *, control: bool
) -> NDArray[np.float64]:
    """Return per fold the test score of the cell its inner validation prefers."""
    cells = [c for c in results if (c.n == 0) == control]
    choice = np.stack([results[c]["choice"] for c in cells])
    test = np.stack([results[c]["test"] for c in cells])
    return test[choice.argmax(0), np.arange(test.shape[1])]


def _record(ctx: Context, results: dict[Cell, dict[str, NDArray[np.float64]]]) -> None:
    best, control = _nested(results, control=False), _nested(results, control=True)
    ctx.metric("accuracy_best", best, control="accuracy_best_control")
    ctx.metric("accuracy_best_control", control, control="chance")
    ctx.metric("gain_best", best - control, control="accuracy_best_control")
    for cell, scores in results.items():
        twin = Cell(cell.inputs, cell.windows, 0, 0.0)
        ctx.metric(
            f"accuracy_{cell.name}",
            scores["test"],
            control=f"accuracy_{twin.name}" if cell.n else "chance",
        )
        if cell.n:
            ctx.metric(
                f"gain_{cell.name}",
                scores["test"] - results[twin]["test"],
                control=f"accuracy_{twin.name}",
            )
