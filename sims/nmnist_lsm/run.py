"""Recordings -> liquid on a noisy crossbar -> class -> joules, controls beside it.

Reproduces the set-up of Lin et al. 2025 (200 neurons, 50 frames, one polarity, centre
crop) with cross-validation instead of the best test epoch. The controls are mandatory:
a linear read-out on the event counts, the liquid without its recurrence, both in the
same number of windows, and chance.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.lsm import Liquid, LiquidActivity, cross_validate, input_counts
from neuro.random import stream

from .._config import Config
from .._runner import Context
from . import _figures
from ._parts import array_weights, load_frames, price

__all__ = ["run"]

PAPER_SOFTWARE, PAPER_ARRAY = 0.8911, 0.8966  # full set, best test epoch


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    data = load_frames(cfg, ctx)
    frames, labels, groups = data.frames, data.labels, data.groups
    _classes, class_sizes = np.unique(labels, return_counts=True)
    ctx.split(
        n_train=len(labels) - len(labels) // cfg.folds,
        n_test=len(labels),
        protocol=f"{cfg.folds}-fold cross-validation",
    )

    def score(features: NDArray[np.float64]) -> NDArray[np.float64]:
        return cross_validate(
            features,
            labels,
            groups,
            folds=min(cfg.folds, int(class_sizes.min())),
            kind=cfg.readout,
            rng=stream(ctx.seed, "folds"),
        )

    def control(windows: int) -> NDArray[np.float64]:
        return score(input_counts(frames, windows))

    def liquid(k: int, n: int, *, recurrent: bool, windows: int) -> LiquidActivity:
        w_in, w_rec = array_weights(cfg, ctx.seed, k, n, frames.shape[2])
        return Liquid(
            w_in,
            w_rec if recurrent else None,
            decay=cfg.liquid.decay,
            v_threshold=cfg.liquid.v_threshold,
            seed=ctx.seed,
        ).run(frames, windows=windows)

    variants = {
        "liquid": (cfg.liquid.n, True, 1),
        "no_recurrence": (cfg.liquid.n, False, 1),
        "liquid_3win": (cfg.liquid.n, True, cfg.windows),
        "no_recurrence_3win": (cfg.liquid.n, False, cfg.windows),
        "large_3win": (cfg.large.n, True, cfg.windows),
    }
    scores: dict[str, NDArray[np.float64]] = {
        "counts": ctx.step("counts", lambda: {"scores": control(1)})["scores"],
        "counts_3win": ctx.step(
            "counts_3win", lambda: {"scores": control(cfg.windows)}
        )["scores"],
    }
    rates: list[float] = []
    first: LiquidActivity | None = None
    for name, (n, recurrent, windows) in ctx.progress(
        variants.items(), label="liquids"
    ):
        per_liquid = []
        for k in range(cfg.liquids):
            activity = None

            def make(n=n, k=k, recurrent=recurrent, windows=windows) -> dict[str, Any]:  # type: ignore[no-untyped-def]
                nonlocal activity
                activity = liquid(k, n, recurrent=recurrent, windows=windows)
                return {"scores": score(activity.features), "rate": activity.rate}

            step = ctx.step(f"{name}-{k}", make)
            per_liquid.append(step["scores"])
            if name == "liquid":
                rates.append(float(step["rate"]))
                if k == 0:
                    first = activity or liquid(0, n, recurrent=True, windows=1)
        scores[name] = (
            per_liquid[0]
            if cfg.liquids == 1
            else np.array([s.mean() for s in per_liquid])
        )

    paper = {"liquid": PAPER_ARRAY} if not data.synthetic else {}
    controls = {
        "liquid": "accuracy_counts",
        "no_recurrence": "accuracy_counts",
        "liquid_3win": "accuracy_counts_3win",
        "no_recurrence_3win": "accuracy_counts_3win",
        "large_3win": "accuracy_counts_3win",
        "counts": "chance",
        "counts_3win": "chance",
    }
    for name, values in scores.items():
        ctx.metric(
            f"accuracy_{name}",
            values,
            paper=paper.get(name),
            control=controls[name],
        )
    ctx.metric("chance", float(class_sizes.max() / len(labels)))
    ctx.metric("firing_per_step", rates)
    ctx.metric("input_lines_per_step", float(frames.sum() / frames[:, :, 0].size))
    if first is not None:
        ctx.counts(first.operations)
        reports = price(first.operations)
        ctx.energy({name: r.to_dict() for name, r in reports.items()})
        for name, report in reports.items():
            ctx.metric(f"energy_{name}", report.total, unit="J")
        _figures.energy(ctx, reports)
    _figures.events(ctx, data.example_events, int(labels[0]))
    w_in, w_rec = array_weights(cfg, ctx.seed, 0, cfg.liquid.n, frames.shape[2])
    _figures.raster(
        ctx,
        Liquid(
            w_in,
            w_rec,
            decay=cfg.liquid.decay,
            v_threshold=cfg.liquid.v_threshold,
            seed=ctx.seed,
        ).raster(frames[0]),
        n=cfg.liquid.n,
        steps=frames.shape[1],
        bin_ms=cfg.frames.bin_us / 1000,
    )
    _figures.accuracy(
        ctx,
        scores,
        chance=float(class_sizes.max() / len(labels)),
        windows=cfg.windows,
        large=cfg.large.n,
    )
    ctx.arrays("scores", **scores)
