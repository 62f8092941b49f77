"""Recall of stored sequences from a one-frame cue; decoding to pixels."""

import numpy as np

from neuro.plot.sparsey import plot_strips
from neuro.sparsey import LevelParameters, Mac, Selection

from .._config import Config
from .._runner import Context
from .._sparsey import COLOURS, overload, random_items, replicates


def jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Shared over joint pixels, along the last axis."""
    both, either = (a & b).sum(-1), (a | b).sum(-1)
    return both / np.maximum(either, 1)


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    import matplotlib.pyplot as plt

    units: dict[tuple[str, int, int], list[np.ndarray]] = {}
    pixels: dict[tuple[str, int, int], list[np.ndarray]] = {}
    strips = {}
    for seed, rng in replicates(ctx, cfg.seeds):
        for q, k in zip(cfg.n_cms, cfg.n_units, strict=True):
            for n in cfg.sequences:
                items = random_items(
                    rng, n * cfg.n_frames, cfg.n_inputs, cfg.n_active
                ).reshape(n, cfg.n_frames, -1)
                for rule in ("separating", "random"):
                    p = LevelParameters(
                        n_cms=q, n_units=k, selection=Selection.preset(rule)
                    )
                    mac = Mac(cfg.n_inputs, p, horizontal=True, seed=seed)
                    with overload():
                        stored = [mac.store_sequence(s) for s in items]
                    got = [mac.recall(s[0], cfg.n_frames).codes[:, 0] for s in items]
                    same = np.stack([a == b for a, b in zip(got, stored, strict=True)])
                    decoded = mac.decode(np.concatenate(got), theta=cfg.theta)
                    decoded = decoded.reshape(items.shape)
                    units.setdefault((rule, q, n), []).append(same.mean((0, 2)))
                    pixels.setdefault((rule, q, n), []).append(
                        jaccard(decoded, items).mean(0)
                    )
                    if not strips:  # the first memory: sequences stored, then recalled
                        ctx.counts(mac.counts)
                    if rule == "separating" and len(strips) < 8:
                        strips.setdefault(f"{n} sequences: shown", items[0])
                        strips.setdefault(f"{n} sequences: recalled", decoded[0])
    chance = 1 / np.array(cfg.n_units)
    ctx.metric("chance", [chance[0]])
    for (rule, q, n), values in units.items():
        label = ("" if rule == "separating" else "_random_codes") + f"_q{q}_{n}"
        table = np.stack(values)
        ctx.metric(f"recall_unit_accuracy{label}", table.mean(1), control="chance")
        ctx.metric(f"recall_unit_accuracy_last{label}", table[:, -1], control="chance")
        ctx.metric(f"recall_jaccard{label}", np.stack(pixels[rule, q, n]).mean(1))
    main = ("separating", cfg.n_cms[0], 20)
    if main in units:
        ctx.metric("recall_unit_accuracy", np.stack(units[main]).mean(1))
        ctx.metric("recall_jaccard", np.stack(pixels[main]).mean(1))
    ctx.arrays(
        "recall", **{f"{r}_q{q}_{n}": np.stack(v) for (r, q, n), v in units.items()}
    )

    side = round(cfg.n_inputs**0.5)
    figure, ax = plt.subplots(figsize=(9, 1.3 * len(strips)))
    plot_strips(strips, ax=ax, shape=(side, side))
    ax.set_title("cue: frame 0; the rest by H alone")
    ctx.figure("strips", figure)

    figure, axes = plt.subplots(1, len(cfg.n_cms), figsize=(10, 4), sharey=True)
    for ax, q, k in zip(np.atleast_1d(axes), cfg.n_cms, cfg.n_units, strict=True):
        for i, n in enumerate(cfg.sequences):
            for rule, style in (("separating", "-"), ("random", "--")):
                table = np.stack(units[rule, q, n])
                label = f"{n} sequences" if rule == "separating" else None
                ax.plot(table.mean(0), style, color=COLOURS[i], label=label)
        ax.set_title(f"Q={q}, K={k} (dashed: random codes)")
        ax.set_xlabel("frame after the cue")
        ax.set_ylim(0, 1.05)
    np.atleast_1d(axes)[0].set_ylabel("unit accuracy")
    np.atleast_1d(axes)[0].legend(frameon=False, loc="lower left")
    ctx.figure("accuracy", figure)
