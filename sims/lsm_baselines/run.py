"""Trained recurrent networks on the liquid's folds, liquid and event counts beside.

SRNN: the liquid's equations with input, recurrent and output weights trained through
time by the authors' surrogate; read out linearly or by leaky neurons. RNN: tanh units.
All have the liquid's 200 neurons and see the liquid's frames. Every network is
stopped by a validation part of its training folds and tested once; the published
figures are best test epochs on the whole set.
"""

from typing import Any

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
        protocol=f"{cfg.folds}-fold cross-validation, stopped on a tenth of the "
        "training recordings, every recording tested once",
    )
    scores: dict[str, NDArray[np.float64]] = {}
    for windows, suffix in ((1, ""), (cfg.windows, f"_{cfg.windows}win")):
        scores[f"counts{suffix}"] = ctx.step(
            f"counts{suffix}",
            lambda w=windows: {
                "scores": _readout(cfg, ctx, data, input_counts(data.frames, w))
            },
        )["scores"]
    liquids = ctx.step("liquid", lambda: _liquids(cfg, ctx, data))
    scores["liquid"] = liquids["scores"].mean(0)
    training: dict[str, dict[str, Any]] = {}
    for name in MODELS:
        rows = [
            ctx.step(
                f"{name}-{k}",
                lambda n=name, k=k, f=fold: _train_and_test(cfg, ctx, data, n, k, f),
            )
            for k, fold in ctx.progress(list(enumerate(folds)), label=name)
        ]
        scores[name] = np.array([float(r["accuracy"]) for r in rows])
        best_test = [float(r["best_test"]) for r in rows]
        ctx.metric(f"accuracy_{name}_best_test_epoch", best_test)
        if "rate" in rows[0]:
            ctx.metric(f"firing_per_step_{name}", [float(r["rate"]) for r in rows])
        training[name] = rows[0]
    for name, values in scores.items():
        ctx.metric(
            f"accuracy_{name}",
            values,
            paper=None if data.synthetic else PAPER.get(name),
            control="chance" if name.startswith("counts") else "accuracy_counts",
        )
    for name in MODELS:
        ctx.metric(
            f"gain_{name}_over_liquid",
            scores[name] - scores["liquid"],
            control="accuracy_liquid",
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
    """Train on one fold's recordings; test once, and once more per epoch as an extra.

    ``best_test`` is what the published procedure reports: the best of all epochs on
    the test recordings. It is biased upwards and chooses nothing here.
    """
    import torch

    from neuro.grad import accuracy, fit

    from ._models import build, squared_error

    train, test = fold
    labels, groups = data.labels, data.groups
    rng = stream(ctx.seed, "validation", name, k)
    inner, valid = next(iter(group_folds(labels[train], groups[train], 10, rng=rng)))
    seed = int(stream(ctx.seed, "weights", name, k).integers(2**31))
    classes = int(labels.max()) + 1
    model = build(name, cfg, data.frames.shape[2], classes, seed=seed)
    tested = (torch.from_numpy(data.frames[test]), torch.from_numpy(labels[test]))
    by_epoch: list[float] = []
    seen = 0

    def watched(model: Any, batch: Any) -> Any:
        nonlocal seen
        seen += len(batch[0])
        if seen % len(valid) == 0:
            by_epoch.append(float(accuracy(model, tested).mean()))
        return accuracy(model, batch)

    history = fit(
        model,
        (data.frames[train[inner]], labels[train[inner]]),
        (data.frames[train[valid]], labels[train[valid]]),
        loss=squared_error,
        metric=watched,
        lr=cfg.lr[name],
        seed=seed,
        epochs=cfg.epochs,
        batch=cfg.batch,
        patience=cfg.patience,
        decay="cosine",
        clip=1.0,
    )
    out: dict[str, Any] = {
        "accuracy": float(accuracy(model, tested).mean()),
        "best_test": max(by_epoch, default=np.nan),
        "loss": np.array(history.loss),
        "valid": np.array(history.valid),
    }
    if model.recurrent.spiking:
        with torch.no_grad():
            spikes = model.recurrent(tested[0].transpose(0, 1).float())
        out["rate"] = float(spikes.mean())
    return out
