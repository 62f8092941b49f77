"""Snippets learnt once; recognised again, and actions of persons never seen."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.plot.sparsey import plot_strips
from neuro.sparsey import (
    BACK_OFF_CHAIN,
    EpisodicReadout,
    LabelField,
    Level,
    LevelParameters,
    Logistic,
    Selection,
    square_fields,
)

from .._config import Config
from .._runner import Context
from .._sparsey import COLOURS, replicates

# name -> (H in use, persistence in use, back-off in retrieval)
LABELS = {
    "u": "U only",
    "uh": "U and H",
    "uh_persistence": "U, H, persistence",
    "uh_back_off": "U, H, back-off",
}
CASES = {
    "u": (False, False, False),
    "uh": (True, False, False),
    "uh_persistence": (True, True, False),
    "uh_back_off": (True, False, True),
}


def build(cfg: Config, case: str, shape: tuple[int, int], seed: int) -> Level:
    """Macs over the outline."""
    with_h, persists, backs_off = CASES[case]
    p = LevelParameters(
        n_cms=cfg.n_cms,
        n_units=cfg.n_units,
        band=tuple(cfg.band),
        freeze_u=cfg.freeze_u,
        freeze_h=cfg.freeze_h,
        persistence=cfg.persistence if persists else 1,
        back_off=BACK_OFF_CHAIN if backs_off else (),
        selection=Selection(sigmoid=Logistic(slope=40.0, inflection=0.9)),
    )
    fields = square_fields(shape, cfg.receptive_field, stride=cfg.stride)
    return Level(p, fields, horizontal="own" if with_h else None, seed=seed)


def snippets(data: Any, n_frames: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All snippets with evenly spaced frames, (n, n_frames, h, w); their starts."""
    clips = []
    for i in range(len(data)):
        clip = data[i]
        at = np.linspace(0, len(clip) - 1, n_frames).round().astype(int)
        clips.append(clip[at])
    x = np.stack(clips).astype(np.uint8)
    starts = np.zeros((len(x), n_frames), np.int64)
    starts[:, 0] = 1
    return x, starts


def votes(values: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Class of largest sum over the frames of each snippet."""
    return values.reshape(n, -1, values.shape[1]).sum(1).argmax(1)


def fold(
    cfg: Config, case: str, x: NDArray[np.uint8], y: NDArray[np.int64],
    test: NDArray[np.bool_], seed: int,
) -> dict[str, NDArray[np.float64]]:  # fmt: skip
    """Learn all snippets but one person's; answer on both."""
    level = build(cfg, case, x.shape[2:], seed)  # type: ignore[arg-type]
    shape = [(level.n_macs, cfg.n_cms, cfg.n_units)]
    n_frames = x.shape[1]

    def show(some: NDArray[np.uint8], *, learn: bool = False) -> NDArray[np.int16]:
        flat = some.reshape(-1, *some.shape[2:])
        starts = np.arange(len(flat)) % n_frames == 0
        return level.run(flat, starts=starts, learn=learn).codes

    codes = show(x[~test], learn=True)
    per_frame = np.repeat(y[~test], n_frames)
    field = LabelField(10, shape)
    field.learn(codes, per_frame)
    # the label of the last frame only, as in the author's protocol
    last = LabelField(10, shape)
    last.learn(codes[n_frames - 1 :: n_frames], y[~test])
    which = np.repeat(np.arange((~test).sum()), n_frames)
    episodic = EpisodicReadout(codes, which, shape)
    again, asked = show(x[~test]), show(x[test])
    on = codes >= 0

    def best(some: NDArray[np.int16], n: int) -> NDArray[np.int64]:
        """Snippet whose frames intersect most, summed over every third frame."""
        score = np.zeros((n, (~test).sum()))
        for begin in range(n):
            part = some[begin * n_frames : (begin + 1) * n_frames][::3]
            shared = episodic.intersections(part).reshape(len(part), -1, n_frames)
            score[begin] = shared.max(2).sum(0)
        return score.argmax(1)

    n_test, n_train = int(test.sum()), int((~test).sum())
    found = best(asked, n_test)
    recalled = best(again, n_train)
    return {
        "accuracy_binary": votes(field.evidence(asked), n_test) == y[test],
        "accuracy_loglik": votes(field.evidence(asked, "loglik"), n_test) == y[test],
        "accuracy_last_frame": last.predict(asked[n_frames - 1 :: n_frames]) == y[test],
        "accuracy_episodic": y[~test][found] == y[test],
        "recall_items": recalled == np.arange(n_train),
        "recall_unit_accuracy": np.array([(again == codes)[on].mean()]),
    }  # type: ignore[dict-item]


def frame_nearest(
    x: NDArray[np.uint8], y: NDArray[np.int64], test: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Control: nearest training frame of every frame, majority over the snippet."""
    n_frames = x.shape[1]
    a = x[~test].reshape((~test).sum() * n_frames, -1).astype(np.float32)
    b = x[test].reshape(test.sum() * n_frames, -1).astype(np.float32)
    labels = np.repeat(y[~test], n_frames)
    shared = b @ a.T
    size = a.sum(1)
    out = {}
    for kind, score in (
        ("hamming", 2 * shared - size),
        ("cosine", shared / np.sqrt(np.maximum(size, 1))),
    ):
        label = labels[score.argmax(1)].reshape(-1, n_frames)
        vote = np.array([np.bincount(row, minlength=10).argmax() for row in label])
        out[f"accuracy_1nn_{kind}"] = vote == y[test]
    return out


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    import matplotlib.pyplot as plt

    data = ctx.data("weizmann")
    x, _ = snippets(data, cfg.n_frames)
    y, person = np.asarray(data.labels), np.asarray(data.groups)
    persons = np.unique(person)
    persons = persons[: cfg.folds] if cfg.folds else persons
    ctx.split(n_train=int(len(x) * 8 / 9), n_test=len(x), n_snippets=len(x))
    tested = np.isin(person, persons)
    ctx.metric("chance", [float(np.bincount(y).max() / len(y))])
    controls: dict[str, list[NDArray[np.bool_]]] = {}
    for one in persons:
        for kind, right in frame_nearest(x, y, person == one).items():
            controls.setdefault(kind, []).append(right)
    for kind, values in controls.items():
        ctx.metric(kind, [float(np.concatenate(values).mean())])
    summary: dict[str, dict[str, NDArray[np.float64]]] = {}
    for case in CASES:

        def make(case=case) -> dict[str, Any]:  # type: ignore[no-untyped-def]
            held: dict[str, list[float]] = {}
            for seed, _rng in replicates(ctx, cfg.seeds):
                parts: dict[str, list[NDArray[np.float64]]] = {}
                for one in persons:
                    for k, v in fold(cfg, case, x, y, person == one, seed).items():
                        parts.setdefault(k, []).append(v)
                for k, v in parts.items():
                    held.setdefault(k, []).append(float(np.concatenate(v).mean()))
            return {k: np.array(v) for k, v in held.items()}

        summary[case] = ctx.step(f"case-{case}", make)
        for name, values in summary[case].items():
            control = "accuracy_1nn_hamming" if name.startswith("accuracy") else None
            ctx.metric(f"{name}_{case}", values, control=control)
    for name in next(iter(summary.values())):
        ctx.metric(
            name,
            summary["uh"][name],
            control="accuracy_1nn_hamming" if name.startswith("accuracy") else None,
        )
    for name in ("accuracy_binary", "accuracy_loglik", "accuracy_episodic"):
        gain = summary["uh"][name] - summary["u"][name]
        ctx.metric(f"context_gain_{name.removeprefix('accuracy_')}", gain)

    # the ledger, for pricing: ten snippets learnt, then recognised
    level = build(cfg, "uh", x.shape[2:], ctx.seed)  # type: ignore[arg-type]
    few = x[:10].reshape(-1, *x.shape[2:])
    starts = np.arange(len(few)) % cfg.n_frames == 0
    level.run(few, starts=starts, learn=True)
    level.run(few, starts=starts)
    ctx.counts(level.counts)

    figure, ax = plt.subplots(figsize=(8, 4))
    names = ("accuracy_binary", "accuracy_loglik", "accuracy_episodic", "recall_items")
    for i, case in enumerate(CASES):
        table = np.stack([np.asarray(summary[case][n]) for n in names])
        sd = table.std(1, ddof=1) if table.shape[1] > 1 else None
        at = np.arange(len(names)) + (i - 1.5) * 0.2
        ax.bar(
            at, table.mean(1), 0.2, yerr=sd, ecolor="0.3", color=COLOURS[i],
            label=LABELS[case],
        )  # fmt: skip
    for kind in controls:
        level = float(np.concatenate(controls[kind]).mean())
        ax.plot([-0.5, 2.5], [level, level], ls="--", color="0.4", lw=1)
        name = kind.removeprefix("accuracy_1nn_")
        ax.text(2.52, level, f"1-NN {name}", fontsize=7, va="bottom")
    ax.set_xticks(
        range(len(names)),
        ["class, binary", "class, loglik", "class, episodic", "snippet identified"],
    )
    ax.set_ylabel("share correct")
    ax.set_ylim(0, 1.05)
    ax.legend(frameon=False, ncol=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    ctx.figure("accuracy", figure)

    figure, ax = plt.subplots(figsize=(10, 5))
    shown = np.flatnonzero(tested)[:10:2]
    plot_strips(
        {str(data.keys[i]): x[i, :: max(1, cfg.n_frames // 10)] for i in shown},
        ax=ax,
        shape=x.shape[2:],
    )
    ctx.figure("snippets", figure)
