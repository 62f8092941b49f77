"""Accuracy of liquids whose arrays suffer one effect at a time, and all of them.

Array k is formed and programmed from seeds of its own; without effects it gives
``accuracy_ideal``, and every effect acts on the same arrays, so that ``loss_*`` is
paired by array. Three figures per effect: the read-out trained on the imperfect array
(what a user would do), the same after one digital gain per array made up for lost
conductance (``_gain``: drift, wires, unformed cells, all), and the read-out trained on
the ideal array and then used on the imperfect one (``_transfer``, the hardest case).

Drift is also followed from an hour to a year.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.lsm import cross_validate
from neuro.random import stream

from .._config import Config
from .._liquids import Recordings, load_frames
from .._runner import Context
from ._arrays import degrade, imperfect_liquid
from ._figures import draw_drift, draw_effects

__all__ = ["run"]

Runs = dict[str, NDArray[np.float64]]
_WITH_GAIN = ("p_unformed", "drift", "wire_resistance", "all_effects")


def _features(
    cfg: Config,
    ctx: Context,
    data: Recordings,
    levels: dict[str, float],
    k: int,
    *,
    restore_gain: bool = False,
) -> tuple[NDArray[np.float64], float]:
    """Return spike counts and firing per step of liquid `k`."""
    frames = degrade(data.frames, levels, stream(ctx.seed, "input noise", k))
    liquid = imperfect_liquid(
        cfg, ctx.seed, k, frames[:20], levels, restore_gain=restore_gain
    )
    activity = liquid.run(frames)
    return activity.features, activity.rate


def _score(
    cfg: Config,
    ctx: Context,
    data: Recordings,
    x: NDArray[np.float64],
    tested: NDArray[np.float64] | None = None,
) -> float:
    found = cross_validate(
        x,
        data.labels,
        data.groups,
        folds=cfg.folds,
        kind=cfg.readout,
        test_features=tested,
        rng=stream(ctx.seed, "folds"),
    )
    return float(found.mean())


def _ideal(cfg: Config, ctx: Context, data: Recordings, k: int) -> dict[str, Any]:
    x, rate = _features(cfg, ctx, data, {}, k)
    return {"x": x, "score": _score(cfg, ctx, data, x), "rate": rate}


def _measure(
    cfg: Config,
    ctx: Context,
    data: Recordings,
    ideal: list[dict[str, Any]],
    levels: dict[str, float],
    *,
    gain: bool,
) -> dict[str, Any]:
    """Score every array: same, transfer and firing, and with the gain restored."""
    out: dict[str, list[float]] = {"same": [], "transfer": [], "rate": []}
    if gain:
        out |= {"same_gain": [], "transfer_gain": []}
    for k, clean in enumerate(ideal):
        x, rate = _features(cfg, ctx, data, levels, k)
        out["same"].append(_score(cfg, ctx, data, x))
        out["transfer"].append(_score(cfg, ctx, data, clean["x"], x))
        out["rate"].append(rate)
        if gain:
            x, _ = _features(cfg, ctx, data, levels, k, restore_gain=True)
            out["same_gain"].append(_score(cfg, ctx, data, x))
            out["transfer_gain"].append(_score(cfg, ctx, data, clean["x"], x))
    return {name: np.array(values) for name, values in out.items()}


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    data = load_frames(cfg, ctx)
    ctx.split(
        n_train=len(data.labels) - len(data.labels) // cfg.folds,
        n_test=len(data.labels),
        protocol=f"{cfg.folds}-fold cross-validation",
    )
    ideal = [
        ctx.step(f"ideal-{k}", partial(_ideal, cfg, ctx, data, k))
        for k in range(cfg.arrays)
    ]
    clean = np.array([float(a["score"]) for a in ideal])
    ctx.metric("accuracy_ideal", clean, control="chance")
    ctx.metric("firing_per_step_ideal", [float(a["rate"]) for a in ideal])
    ctx.metric("chance", data.chance)

    def measured(name: str, levels: dict[str, float], *, gain: bool) -> Runs:
        make = partial(_measure, cfg, ctx, data, ideal, levels, gain=gain)
        return ctx.step(name, make)

    curves: dict[str, list[tuple[float, Runs]]] = {}
    reference: dict[str, float] = {}
    for effect, levels in ctx.progress(cfg.levels.items(), label="effects"):
        reference[effect] = levels[-2]
        gain = effect in _WITH_GAIN
        curves[effect] = [
            (float(v), measured(f"{effect}-{v:g}", {effect: v}, gain=gain))
            for v in levels
        ]
        _record(ctx, effect, curves[effect][-2][1], clean)
    _record(ctx, "all_effects", measured("all", reference, gain=True), clean)
    ages = [
        (age, measured(f"age-{age:g}", {"drift": cfg.drift_nu, "age": age}, gain=True))
        for age in ctx.progress(cfg.ages_s, label="ages")
    ]
    for age, runs in ages:
        ctx.metric(f"accuracy_age_{age:g}s", runs["same"], control="accuracy_ideal")
    ctx.arrays(
        "curves",
        ideal=clean,
        **{
            f"{name}/{key}": np.array([[level, *runs[key]] for level, runs in points])
            for name, points in {**curves, "age": ages}.items()
            for key in points[0][1]
        },
    )
    draw_effects(ctx, curves, ideal=float(clean.mean()), chance=data.chance)
    draw_drift(ctx, ages, cfg.drift_nu, ideal=clean, chance=data.chance)


def _record(ctx: Context, name: str, runs: Runs, clean: NDArray[np.float64]) -> None:
    for key, suffix in (
        ("same", ""),
        ("same_gain", "_gain"),
        ("transfer", "_transfer"),
        ("transfer_gain", "_transfer_gain"),
    ):
        if key in runs:
            ctx.metric(f"accuracy_{name}{suffix}", runs[key], control="accuracy_ideal")
    ctx.metric(f"loss_{name}", clean - runs["same"], control="accuracy_ideal")
    ctx.metric(f"firing_per_step_{name}", runs["rate"])
