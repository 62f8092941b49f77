"""Trained recurrent networks on the liquid's folds, liquid and event counts beside.

SRNN: the liquid's equations with input, recurrent and output weights trained through
time by the authors' surrogate; read out linearly or by leaky neurons. RNN: tanh units.
All have the liquid's 200 neurons and see the liquid's frames. In every fold the rate,
the initial recurrence and the epoch are chosen by a validation part of its training
recordings, and the network is tested once; the published figures are best test epochs
on the whole set.
"""

from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.lsm import cross_validate, input_counts
from neuro.random import stream
from neuro.statistics import group_folds

from .._config import Config
from .._liquids import Recordings, array_liquid, load_frames
from .._runner import Context
from ._figures import draw

__all__ = ["run"]

# Lin et al., N-MNIST, whole set, best test epoch
PAPER = {"srnn_ann": 0.9696, "srnn_snn": 0.9393, "rnn": 0.9623, "liquid": 0.8966}


class Parts(NamedTuple):
    """Places of the recordings that train, choose and test in one fold."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]


def candidates(name: str, cfg: Config) -> list[dict[str, float]]:
    """Return the settings among which the validation part of each fold chooses."""
    recurrences = [0.0] if name == "rnn" else cfg.srnn.recurrences
    return [{"lr": lr, "recurrence": r} for lr, r in product(cfg.lr[name], recurrences)]


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    import torch

    from ._models import MODELS

    torch.set_num_threads(cfg.threads)
    data = load_frames(cfg, ctx)
    # the folds that cross_validate makes for liquid and counts
    fold_rng = stream(ctx.seed, "folds").spawn(2)[0]
    folds = list(group_folds(data.labels, data.groups, cfg.folds, rng=fold_rng))
    ctx.split(
        n_train=len(folds[0][0]),
        n_test=len(data.labels),
        protocol=f"{cfg.folds}-fold cross-validation, settings and epoch chosen on "
        f"1/{cfg.validation_parts} of the training recordings, every one tested once",
    )
    scores: dict[str, NDArray[np.float64]] = {}
    for windows, suffix in ((1, ""), (cfg.windows, f"_{cfg.windows}win")):
        scores[f"counts{suffix}"] = ctx.step(
            f"counts{suffix}", partial(_control, cfg, ctx, data, windows)
        )["scores"]
    liquids = ctx.step("liquid", partial(_liquids, cfg, ctx, data))
    scores["liquid"] = liquids["scores"].mean(0)
    training: dict[str, dict[str, Any]] = {}
    for name in MODELS:
        rows = [
            ctx.step(
                f"{name}-{k}", partial(_train_and_test, cfg, ctx, data, name, k, fold)
            )
            for k, fold in ctx.progress(list(enumerate(folds)), label=name)
        ]
        scores[name] = np.array([float(r["accuracy"]) for r in rows])
        best_test = [float(r["best_test"]) for r in rows]
        ctx.metric(f"accuracy_{name}_best_test_epoch", best_test)
        if "rate" in rows[0]:
            ctx.metric(f"firing_per_step_{name}", [float(r["rate"]) for r in rows])
        for setting in ("lr", "recurrence"):
            if len({float(r[setting]) for r in rows}) > 1:
                ctx.metric(
                    f"chosen_{setting}_{name}", [float(r[setting]) for r in rows]
                )
        training[name] = rows[0]
    for name, values in scores.items():
        ctx.metric(
            f"accuracy_{name}",
            values,
            paper=None if data.synthetic else PAPER.get(name),
            control="chance" if name.startswith("counts") else "accuracy_counts",
        )
    for name in MODELS:
        for control in ("liquid", f"counts_{cfg.windows}win"):
            ctx.metric(
                f"gain_{name}_over_{control}",
                scores[name] - scores[control],
                control=f"accuracy_{control}",
            )
    ctx.metric("chance", data.chance)
    ctx.arrays("scores", **scores)
    draw(ctx, scores, training, PAPER, chance=data.chance, synthetic=data.synthetic)


def _readout(
    cfg: Config, ctx: Context, data: Recordings, features: NDArray[np.float64]
) -> NDArray[np.float64]:
    return cross_validate(
        features,
        data.labels,
        data.groups,
        folds=cfg.folds,
        kind=cfg.readout,
        rng=stream(ctx.seed, "folds"),
    )


def _control(
    cfg: Config, ctx: Context, data: Recordings, windows: int
) -> dict[str, Any]:
    features = input_counts(data.frames, windows)
    return {"scores": _readout(cfg, ctx, data, features)}


def _liquids(cfg: Config, ctx: Context, data: Recordings) -> dict[str, Any]:
    """Score every liquid; shape (liquids, folds)."""
    found = []
    for k in range(cfg.liquids):
        liquid = array_liquid(
            cfg,
            ctx.seed,
            k,
            cfg.liquid.n,
            data.frames.shape[2],
            calibration=data.frames[:20],
        )
        found.append(_readout(cfg, ctx, data, liquid.run(data.frames).features))
    return {"scores": np.stack(found)}


def _train_and_test(
    cfg: Config, ctx: Context, data: Recordings, name: str, k: int, fold: Any
) -> dict[str, Any]:
    """Train one fold's recordings with every candidate; test the chosen one once.

    The candidate with the best validation accuracy is chosen; its best epoch too. All
    candidates share the validation part and the initial weights' seed. ``best_test`` is
    what the published procedure reports: the best of all epochs on the test recordings,
    here of the chosen candidate. It is biased upwards and chooses nothing.
    """
    train, test = fold
    labels, groups = data.labels, data.groups
    rng = stream(ctx.seed, "validation", name, k)
    inner, valid = next(
        iter(group_folds(labels[train], groups[train], cfg.validation_parts, rng=rng))
    )
    parts = Parts(train[inner], train[valid], test)
    chosen: dict[str, Any] = {"best_valid": -1.0}
    for candidate in candidates(name, cfg):
        found = _train(cfg, ctx, data, name, k, parts, candidate)
        if found["best_valid"] > chosen["best_valid"]:
            chosen = found | {key: float(v) for key, v in candidate.items()}
    return chosen


def _train(
    cfg: Config,
    ctx: Context,
    data: Recordings,
    name: str,
    k: int,
    parts: Parts,
    candidate: dict[str, float],
) -> dict[str, Any]:
    """Train with one candidate's settings; test at the best validation epoch."""
    import torch

    from neuro.grad import accuracy, fit

    from ._models import build, squared_error

    labels = data.labels
    seed = int(stream(ctx.seed, "weights", name, k).integers(2**31))
    classes = int(labels.max()) + 1
    n_in = data.frames.shape[2]
    model = build(
        name, cfg, n_in, classes, recurrence=candidate["recurrence"], seed=seed
    )
    tested = (
        torch.from_numpy(data.frames[parts.test]),
        torch.from_numpy(labels[parts.test]),
    )
    by_epoch: list[float] = []
    seen = 0

    def watched(model: Any, batch: Any) -> Any:
        nonlocal seen
        seen += len(batch[0])
        if seen % len(parts.valid) == 0:
            by_epoch.append(float(accuracy(model, tested).mean()))
        return accuracy(model, batch)

    history = fit(
        model,
        (data.frames[parts.train], labels[parts.train]),
        (data.frames[parts.valid], labels[parts.valid]),
        loss=squared_error,
        metric=watched,
        lr=candidate["lr"],
        seed=seed,
        epochs=cfg.epochs,
        batch=cfg.batch,
        patience=cfg.patience,
        decay="cosine",
        clip=1.0,
    )
    out: dict[str, Any] = {
        "accuracy": float(accuracy(model, tested).mean()),
        "best_valid": history.best,
        "best_test": max(by_epoch, default=np.nan),
        "loss": np.array(history.loss),
        "valid": np.array(history.valid),
    }
    if model.recurrent.spiking:
        with torch.no_grad():
            spikes = model.recurrent(tested[0].transpose(0, 1).float())
        out["rate"] = float(spikes.mean())
    return out
