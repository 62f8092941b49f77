"""Order of code intersections against order of input overlaps."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from neuro.plot.sparsey import plot_likelihoods
from neuro.sparsey import Level, LevelParameters, Selection, likelihoods, whole_field

from .._config import Config
from .._runner import Context
from .._sparsey import random_items, replicates

CASES = {
    "": ("separating", False),
    "_soft": ("separating", True),
    "_graded": ("graded", False),
    "_graded_soft": ("graded", True),
}


def stored_items(
    rng: np.random.Generator, probe: NDArray[np.uint8], overlaps: list[int]
) -> NDArray[np.uint8]:
    """Items that share the given numbers of features with the probe."""
    on, off = np.flatnonzero(probe), np.flatnonzero(probe == 0)
    out = np.zeros((len(overlaps), probe.size), np.uint8)
    for row, shared in zip(out, overlaps, strict=True):
        row[rng.choice(on, shared, replace=False)] = 1
        row[rng.choice(off, on.size - shared, replace=False)] = 1
    return out


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    import matplotlib.pyplot as plt

    overlaps = np.array(cfg.overlaps)
    held: dict[str, list[NDArray[np.float64]]] = {case: [] for case in CASES}
    for seed, rng in replicates(ctx, cfg.seeds):
        for case, (preset, soft) in CASES.items():
            p = LevelParameters(
                n_cms=cfg.n_cms,
                n_units=cfg.n_units,
                selection=Selection.preset(preset),
            )
            found = np.empty((cfg.draws, overlaps.size))
            for draw in range(cfg.draws):
                level = Level(p, whole_field(cfg.n_inputs), seed=seed, name=f"{draw}")
                probe = random_items(rng, 1, cfg.n_inputs, cfg.n_active)
                items = stored_items(rng, probe[0], cfg.overlaps)
                order = rng.permutation(len(items))
                codes = np.empty((len(items), cfg.n_cms), np.int16)
                codes[order] = level.run(items[order], learn=True).codes[:, 0]
                code = level.run(probe, soft=soft).codes[0, 0]
                found[draw] = likelihoods(code, codes)
                if not case and not held[case] and draw == 0:
                    ctx.counts(level.counts)  # six stores and one retrieval
            held[case].append(found)
    ctx.metric("chance", [1 / cfg.n_units])
    for case, values in held.items():
        first = [float(((v[:, :1] > v[:, 1:]).all(1)).mean()) for v in values]
        ranks = [
            float(np.mean([spearmanr(row, overlaps).statistic for row in v]))
            for v in values
        ]
        of_mean = [float(spearmanr(v.mean(0), overlaps).statistic) for v in values]
        ctx.metric(f"first_correct{case}", first)
        ctx.metric(f"rank_correlation{case}", ranks)
        ctx.metric(f"rank_correlation_of_mean{case}", of_mean)
        for i, shared in enumerate(cfg.overlaps):
            ctx.metric(
                f"likelihood{case}_{shared:02d}",
                [float(v[:, i].mean()) for v in values],
                control="chance",
            )
    ctx.arrays("likelihoods", **{f"case{c}": np.stack(v) for c, v in held.items()})
    figure, ax = plt.subplots(figsize=(8, 4.5))
    plot_likelihoods(
        {
            f"{preset}, {'soft' if soft else 'hard'}": np.concatenate(held[case])
            for case, (preset, soft) in CASES.items()
        },
        ax=ax,
        overlap=overlaps / cfg.n_active,
        chance=1 / cfg.n_units,
    )
    ax.set_xticklabels([f"{o} shared" for o in cfg.overlaps])
    ctx.figure("likelihoods", figure)
