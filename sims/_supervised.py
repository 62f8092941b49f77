"""A liquid with a linear read-out, its mandatory controls, its price and figures.

The controls: a linear read-out on the event counts, the liquid without its recurrence,
both in the same number of windows, and chance. Cross-validation instead of the
published best test epoch; every variant is scored on the same folds.
"""

import logging
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.counts import OpCounts
from neuro.errors import optional_import
from neuro.lsm import Liquid, cross_validate, input_counts
from neuro.random import stream
from neuro.statistics import standard_error

from . import _liquid_figures as figures
from ._config import Config
from ._liquids import Recordings, array_liquid, price
from ._runner import Context

__all__ = ["supervised"]

log = logging.getLogger(__name__)


class Variant(NamedTuple):
    """A liquid to be scored."""

    n: int
    recurrence: float


def supervised(
    cfg: Config, ctx: Context, data: Recordings, *, paper: float | None
) -> None:
    """Score all variants, count and price the published one, draw.

    Parameters
    ----------
    cfg : Config
        With ``folds``, ``readout``, ``liquids``, ``windows``, ``liquid``, ``large``,
        ``array`` and ``paper_readout``.
    ctx : Context
        The run.
    data : Recordings
        Input.
    paper : float or None
        The paper's accuracy, None where the data are not the paper's.
    """
    ctx.split(
        n_train=len(data.labels) - len(data.labels) // cfg.folds,
        n_test=len(data.labels),
        protocol=f"{cfg.folds}-fold cross-validation, every sample tested once",
    )
    one, many = cfg.liquid.n, cfg.windows
    variants = {
        "liquid": Variant(one, 1.0),
        "no_recurrence": Variant(one, 0.0),
        "large": Variant(cfg.large.n, cfg.large.recurrence),
        "large_no_recurrence": Variant(cfg.large.n, 0.0),
    }
    scores = {
        name: ctx.step(name, partial(_control, cfg, ctx, data, windows))["scores"]
        for name, windows in (("counts", 1), ("counts_3win", many))
    }
    rates: list[float] = []
    by_fold = dict(scores)
    for name, variant in ctx.progress(variants.items(), label="liquids"):
        runs = [
            ctx.step(f"{name}-{k}", partial(_score, cfg, ctx, data, variant, k))
            for k in range(cfg.liquids)
        ]
        for windows in ("", "_3win"):
            table = np.stack([r[f"scores{windows}"] for r in runs])
            by_fold[name + windows] = table.mean(0)
            scores[name + windows] = table[0] if cfg.liquids == 1 else table.mean(1)
        if name == "liquid":
            rates = [float(r["rate"]) for r in runs]
    _metrics(ctx, data, scores, by_fold, rates, paper)
    if cfg.paper_readout.steps:
        _paper_readout(cfg, ctx, data, paper)
    counts = OpCounts.from_dict(_ledger(cfg, ctx, data))
    reports = price(counts)
    ctx.counts(counts)
    ctx.energy({name: report.to_dict() for name, report in reports.items()})
    for name, report in reports.items():
        ctx.metric(f"energy_{name}", report.total, unit="J")
    ctx.arrays("scores", **scores, **{f"folds/{k}": v for k, v in by_fold.items()})
    figures.raster(
        ctx,
        _liquid(cfg, ctx, data, variants["liquid"], 0).raster(data.frames[0]),
        n=one,
        steps=data.frames.shape[1],
    )
    figures.accuracy(ctx, scores, chance=data.chance, windows=many, large=cfg.large.n)
    figures.energy(ctx, reports)
    log.info("what the controls show (a gain counts beyond two standard errors):")
    for name, control, text in (
        ("liquid", "counts", f"{one} neurons, one window"),
        ("liquid_3win", "counts_3win", f"{one} neurons, {many} windows"),
        ("large", "counts", f"{cfg.large.n} neurons, one window"),
        ("large_3win", "counts_3win", f"{cfg.large.n} neurons, {many} windows"),
    ):
        log.info("  %s: %s", text, _verdict(by_fold[name] - by_fold[control]))


def _verdict(gain: NDArray[np.float64]) -> str:
    """Say in words whether a liquid beats event counts, from paired folds."""
    points, error = 100 * float(gain.mean()), 100 * standard_error(gain)
    word = "no better than"
    if abs(points) > 2 * error:
        word = "better than" if points > 0 else "worse than"
    return f"{word} counting events ({points:+.1f} +- {error:.1f} points)"


def _liquid(
    cfg: Config, ctx: Context, data: Recordings, variant: Variant, k: int
) -> Liquid:
    return array_liquid(
        cfg,
        ctx.seed,
        k,
        variant.n,
        data.frames.shape[2],
        recurrence=variant.recurrence,
        calibration=data.frames[:20],
    )


def _readout(
    cfg: Config, ctx: Context, data: Recordings, features: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Score features on the folds that every variant shares."""
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


def _score(
    cfg: Config, ctx: Context, data: Recordings, variant: Variant, k: int
) -> dict[str, Any]:
    """Run one liquid once; score its counts in one window and in several."""
    liquid = _liquid(cfg, ctx, data, variant, k)
    activity = liquid.run(data.frames, windows=cfg.windows)
    one_window = activity.counts.sum(1).astype(np.float64)
    return {
        "scores": _readout(cfg, ctx, data, one_window),
        "scores_3win": _readout(cfg, ctx, data, activity.features),
        "rate": activity.rate,
    }


def _paper_readout(
    cfg: Config, ctx: Context, data: Recordings, paper: float | None
) -> None:
    """Score the published size with the published read-out, event counts beside."""
    optional_import("torch", "grad")
    from ._paper_readout import paper_readout

    def make(inputs: list[NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        return paper_readout(cfg, ctx.seed, np.stack(inputs), data.labels, data.groups)

    def liquids() -> dict[str, NDArray[np.float64]]:
        variant = Variant(cfg.liquid.n, 1.0)
        return make(
            [
                _liquid(cfg, ctx, data, variant, k).run(data.frames).features
                for k in range(cfg.liquids)
            ]
        )

    counts = ctx.step("paper-readout-counts", lambda: make([input_counts(data.frames)]))
    found = ctx.step("paper-readout-liquid", liquids)
    for key, suffix in (("last", ""), ("best_test", "_best_test_epoch")):
        control = f"accuracy_counts_paper_readout{suffix}"
        ctx.metric(control, counts[key][0], control="chance")
        values = found[key]
        ctx.metric(
            f"accuracy_liquid_paper_readout{suffix}",
            values.mean(1) if len(values) > 1 else values[0],
            paper=paper,
            control=control,
        )
    ctx.metric(
        "gain_liquid_paper_readout",
        found["last"].mean(0) - counts["last"][0],
        control="accuracy_counts_paper_readout",
    )


def _ledger(cfg: Config, ctx: Context, data: Recordings) -> dict[str, Any]:
    """Count the operations of the paper's liquid over all recordings."""
    liquid = _liquid(cfg, ctx, data, Variant(cfg.liquid.n, 1.0), 0)
    return liquid.run(data.frames).operations.to_dict()


def _metrics(
    ctx: Context,
    data: Recordings,
    scores: dict[str, NDArray[np.float64]],
    by_fold: dict[str, NDArray[np.float64]],
    rates: list[float],
    paper: float | None,
) -> None:
    for name, values in scores.items():
        windows = "_3win" if name.endswith("_3win") else ""
        ctx.metric(
            f"accuracy_{name}",
            values,
            paper=paper if name == "liquid" else None,
            control=(
                "chance" if name.startswith("counts") else f"accuracy_counts{windows}"
            ),
        )
    # paired, fold by fold, mean over liquids: the error over recordings, not arrays
    for name, control in (
        ("liquid", "counts"),
        ("liquid_3win", "counts_3win"),
        ("no_recurrence_3win", "counts_3win"),
        ("large", "counts"),
        ("large_3win", "counts_3win"),
        ("large_no_recurrence", "counts"),
        ("large_no_recurrence_3win", "counts_3win"),
    ):
        ctx.metric(
            f"gain_{name}",
            by_fold[name] - by_fold[control],
            control=f"accuracy_{control}",
        )
    for windows in ("", "_3win"):
        control = f"large_no_recurrence{windows}"
        ctx.metric(
            f"gain_of_recurrence_large{windows}",
            by_fold[f"large{windows}"] - by_fold[control],
            control=f"accuracy_{control}",
        )
    ctx.metric("chance", data.chance)
    ctx.metric("firing_per_step", rates)
    ctx.metric("input_lines_per_step", data.frames.sum() / data.frames[:, :, 0].size)
