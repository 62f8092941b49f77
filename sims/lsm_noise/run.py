"""Accuracy of liquids whose arrays suffer one effect at a time, and all of them.

Array k is formed and programmed from seeds of its own; without effects it gives
``accuracy_ideal``, and every effect acts on the same arrays, so that ``loss_*`` is
paired by array. Three figures per effect: the read-out trained on the imperfect array
(what a user would do), the same after one digital gain per array made up for lost
conductance (``_gain``: drift, wires, unformed cells, all), and the read-out trained on
the ideal array and then used on the imperfect one (``_transfer``, the hardest case).

Drift is also followed from an hour to a year.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

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
Levels = dict[str, float]
_WITH_GAIN = ("p_unformed", "drift", "wire_resistance")


class Condition(NamedTuple):
    """One setting of the arrays: effects at their levels, gain restored or not."""

    name: str
    levels: Levels
    restore_gain: bool = False


def _reference(levels: Sequence[object]) -> int:
    """Return the place of the level in the record: the last but one, or the only."""
    return max(len(levels) - 2, 0)


def _conditions(cfg: Config) -> list[Condition]:
    """Return everything that one array goes through, the ideal first."""
    found = [Condition("ideal", {})]
    for effect, levels in cfg.levels.items():
        gains = (False, True) if effect in _WITH_GAIN else (False,)
        found += [
            Condition(f"{effect}-{v:g}", {effect: v}, g) for v in levels for g in gains
        ]
    reference = {
        effect: levels[_reference(levels)] for effect, levels in cfg.levels.items()
    }
    ages: list[Levels] = [{"drift": cfg.drift_nu, "age": age} for age in cfg.ages_s]
    for gain in (False, True):
        found.append(Condition("all", reference, gain))
        found += [Condition(f"age-{x['age']:g}", x, gain) for x in ages]
    return found


def _one_array(
    cfg: Config, ctx: Context, data: Recordings, k: int
) -> dict[str, NDArray[np.float64]]:
    """Take array `k` through all conditions.

    Returns
    -------
    dict of ndarray of float64, shape (conditions,)
        ``same``: accuracy of a read-out trained under the condition; ``transfer``: of
        one trained on the ideal array; ``rate``: firing per step.
    """
    features, rates = [], []
    for condition in _conditions(cfg):
        levels = condition.levels
        frames = degrade(data.frames, levels, stream(ctx.seed, "input noise", k))
        liquid = imperfect_liquid(
            cfg,
            ctx.seed,
            k,
            frames[:20],
            levels,
            restore_gain=condition.restore_gain,
        )
        activity = liquid.run(frames)
        features.append(activity.features)
        rates.append(activity.rate)

    def score(
        x: NDArray[np.float64], tested: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        found = cross_validate(
            x,
            data.labels,
            data.groups,
            folds=cfg.folds,
            kind=cfg.readout,
            test_features=tested,
            rng=stream(ctx.seed, "folds"),
        )
        return np.asarray(found.mean(-1))

    return {
        "same": np.array([score(x) for x in features]),
        "transfer": score(features[0], np.stack(features)),
        "rate": np.array(rates),
    }


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    data = load_frames(cfg, ctx)
    ctx.split(
        n_train=len(data.labels) - len(data.labels) // cfg.folds,
        n_test=len(data.labels),
        protocol=f"{cfg.folds}-fold cross-validation",
    )
    arrays = [
        ctx.step(f"array-{k}", partial(_one_array, cfg, ctx, data, k))
        for k in ctx.progress(range(cfg.arrays), label="arrays")
    ]
    table = {key: np.stack([a[key] for a in arrays], axis=1) for key in arrays[0]}
    by_name: dict[str, Runs] = {}
    for i, condition in enumerate(_conditions(cfg)):
        suffix = "_gain" if condition.restore_gain else ""
        runs = by_name.setdefault(condition.name, {})
        runs |= {f"{key}{suffix}": values[i] for key, values in table.items()}
    clean = by_name["ideal"]["same"]
    ctx.metric("accuracy_ideal", clean, control="chance")
    ctx.metric("firing_per_step_ideal", by_name["ideal"]["rate"])
    ctx.metric("chance", data.chance)
    curves = {
        effect: [(float(v), by_name[f"{effect}-{v:g}"]) for v in levels]
        for effect, levels in cfg.levels.items()
    }
    for effect, points in curves.items():
        _record(ctx, effect, points[_reference(points)][1], clean)
    _record(ctx, "all_effects", by_name["all"], clean)
    ages = [(float(age), by_name[f"age-{age:g}"]) for age in cfg.ages_s]
    for age, runs in ages:
        for key, suffix in (("same", ""), ("same_gain", "_gain")):
            ctx.metric(
                f"accuracy_age_{age:g}s{suffix}", runs[key], control="accuracy_ideal"
            )
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
