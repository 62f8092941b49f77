"""Digits from event frames: one pass, three read-outs, with and without H."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.events.frames import frame_batch
from neuro.plot.sparsey import plot_strips
from neuro.sparsey import (
    EpisodicReadout,
    LabelField,
    Level,
    LevelParameters,
    Logistic,
    Mac,
    Selection,
    square_fields,
)
from neuro.statistics import group_folds

from .._config import Config
from .._runner import Context
from .._sparsey import replicates

CASES = {"u": None, "uh": "own"}


def build(cfg: Config, horizontal: str | None, seed: int) -> Level:
    """Macs over the cropped sensor."""
    side = cfg.frames.crop
    p = LevelParameters(
        n_cms=cfg.n_cms,
        n_units=cfg.n_units,
        band=tuple(cfg.band),
        freeze_u=cfg.freeze_u,
        freeze_h=cfg.freeze_h,
        selection=Selection(sigmoid=Logistic(slope=40.0, inflection=0.9)),
    )
    fields = square_fields((side, side), cfg.receptive_field, stride=cfg.stride)
    return Level(p, fields, horizontal=horizontal, seed=seed)


def show(
    level: Level, x: NDArray[np.uint8], *, learn: bool = False
) -> NDArray[np.int16]:
    """Codes of all frames of recordings shown one after the other."""
    flat = x.reshape(-1, x.shape[2])
    starts = np.arange(len(flat)) % x.shape[1] == 0
    return level.run(flat, starts=starts, learn=learn).codes


def fold(
    cfg: Config, level: Level, x: NDArray[np.uint8], y: NDArray[np.int64],
    train: NDArray[np.int64], test: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:  # fmt: skip
    """Learn the training recordings once; answer on the others."""
    n_frames = x.shape[1]
    shape = [(level.n_macs, cfg.n_cms, cfg.n_units)]
    codes = show(level, x[train], learn=True)
    asked = show(level, x[test])
    any_time = LabelField(10, shape)
    any_time.learn(codes, np.repeat(y[train], n_frames))

    def vote(kind: Any) -> NDArray[np.int64]:
        table = any_time.evidence(asked, kind)
        return table.reshape(len(test), n_frames, -1).sum(1).argmax(1)

    # a recording is one long code: frame by frame at the same time
    def joined(c: NDArray[np.int16]) -> list[NDArray[np.int16]]:
        steps = c.reshape(-1, n_frames, *c.shape[1:])
        return [np.ascontiguousarray(steps[:, t]) for t in range(n_frames)]

    field = LabelField(10, shape * n_frames)
    field.learn(joined(codes), y[train])
    episodic = EpisodicReadout(joined(codes), y[train], shape * n_frames)
    again = show(level, x[train])
    on = codes >= 0
    return {
        "accuracy_binary": field.predict(joined(asked)) == y[test],
        "accuracy_loglik": field.predict(joined(asked), "loglik") == y[test],
        "accuracy_binary_any_time": vote("binary") == y[test],
        "accuracy_loglik_any_time": vote("loglik") == y[test],
        "accuracy_episodic": episodic.predict(joined(asked)) == y[test],
        "recall_items": episodic.nearest(joined(again)) == np.arange(len(train)),
        "recall_unit_accuracy": np.array([(again == codes)[on].mean()]),
    }


def nearest(
    x: NDArray[np.uint8], y: NDArray[np.int64],
    train: NDArray[np.int64], test: NDArray[np.int64],
) -> dict[str, NDArray[np.bool_]]:  # fmt: skip
    """Control: nearest recording, all frames as one binary vector."""
    a = x[train].reshape(len(train), -1).astype(np.float32)
    b = x[test].reshape(len(test), -1).astype(np.float32)
    shared, size = b @ a.T, a.sum(1)
    return {
        "accuracy_1nn_hamming": y[train][(2 * shared - size).argmax(1)] == y[test],
        "accuracy_1nn_cosine": y[train][
            (shared / np.sqrt(np.maximum(size, 1))).argmax(1)
        ]
        == y[test],
    }


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    data = _load(cfg, ctx)
    n = min(cfg.samples, len(data)) if cfg.samples else len(data)
    chosen = ctx.rng("samples").permutation(len(data))[:n]
    x = frame_batch(
        [data[int(i)] for i in ctx.progress(chosen, label="frames")],
        data.sensor_size,
        bin_us=cfg.frames.bin_us,
        n_bins=cfg.frames.n_bins,
        crop=cfg.frames.crop,
        polarity=cfg.frames.polarity,
    ).reshape(n, cfg.frames.n_bins, -1)
    y, groups = np.asarray(data.labels)[chosen], np.asarray(data.groups)[chosen]
    ctx.split(n_train=n - n // cfg.folds, n_test=n)
    ctx.metric("chance", [float(np.bincount(y).max() / n)])
    ctx.metric("active_pixels", [float(x.sum(2).mean())], unit="pixels")

    def make() -> dict[str, Any]:
        rows: dict[str, list[float]] = {}
        for seed, rng in replicates(ctx, cfg.seeds):
            parts: dict[str, list[NDArray[Any]]] = {}
            for train, test in group_folds(y, groups, cfg.folds, rng=rng):
                for k, v in nearest(x, y, train, test).items():
                    parts.setdefault(k, []).append(v)
                for case, horizontal in CASES.items():
                    level = build(cfg, horizontal, seed)
                    for k, v in fold(cfg, level, x, y, train, test).items():
                        parts.setdefault(f"{k}_{case}", []).append(v)
            for k, v in parts.items():
                rows.setdefault(k, []).append(float(np.concatenate(v).mean()))
        return {k: np.array(v) for k, v in rows.items()}

    table = ctx.step("folds", make)
    for name, values in table.items():
        control = "accuracy_1nn_cosine" if name.startswith("accuracy_") else None
        ctx.metric(name, values, control=None if "1nn" in name else control)
    names = ("accuracy_binary", "accuracy_loglik", "accuracy_episodic", "recall_items")
    for name in names:
        ctx.metric(name, table[f"{name}_uh"])
    for name in names[:3]:
        ctx.metric(
            f"context_gain_{name.removeprefix('accuracy_')}",
            table[f"{name}_uh"] - table[f"{name}_u"],
        )
    _recall(cfg, ctx, x, y)


def _load(cfg: Config, ctx: Context) -> Any:
    data = ctx.data("nmnist")
    if data.synthetic and len(data) > cfg.stand_in_samples:
        data = ctx.data("nmnist", limit=cfg.stand_in_samples)
    return data


def _recall(
    cfg: Config, ctx: Context, x: NDArray[np.uint8], y: NDArray[np.int64]
) -> None:
    """One mac over the whole sensor: cue the first frame, decode the rest by H."""
    import matplotlib.pyplot as plt

    p = LevelParameters(n_cms=cfg.recall.n_cms, n_units=cfg.recall.n_units)
    mac = Mac(x.shape[2], p, horizontal=True, seed=ctx.seed)
    few = [
        int(np.flatnonzero(y == c)[0]) for c in np.unique(y)[: cfg.recall.recordings]
    ]
    stored = [mac.store_sequence(x[i]) for i in few]
    ctx.counts(mac.counts)
    strips, score, pixels = {}, [], []
    for i, code in zip(few, stored, strict=True):
        got = mac.recall(x[i, 0], x.shape[1])
        score.append(float((got.codes[:, 0] == code).mean()))
        decoded = mac.decode(got.codes)
        both = (decoded & x[i])[1:].sum()
        either = (decoded | x[i])[1:].sum()
        pixels.append(float(both / max(1, either)))
        if len(strips) < 6:
            strips[f"{y[i]}: shown"] = x[i]
            strips[f"{y[i]}: recalled"] = decoded
    ctx.metric("cue_unit_accuracy", [float(np.mean(score))])
    ctx.metric("cue_jaccard", [float(np.mean(pixels))])
    figure, ax = plt.subplots(figsize=(11, 1.1 * max(1, len(strips))))
    if strips:
        plot_strips(strips, ax=ax, shape=(cfg.frames.crop, cfg.frames.crop))
    ax.set_title("cue: frame 0; the rest by H alone")
    ctx.figure("recall", figure)
