"""Accuracy of one liquid whose array suffers one effect at a time, and all of them.

Every copy is the same random weights programmed anew: differences between copies are
those of the array, not of the liquid. Two figures per effect: the read-out trained on
the same imperfect array (what a user would do), and trained on the ideal one and then
used on the imperfect one (``_transfer``, the harder case).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.crossbar import RandomWeights
from neuro.lsm import Liquid, cross_validate
from neuro.lsm.presets import RECURRENT_STATISTICS, WEIGHT_STATISTICS
from neuro.random import stream

from .._config import Config
from .._liquids import Recordings, load_frames
from .._runner import Context
from ._figures import draw

__all__ = ["run"]


def _options(effect: str, level: float, cfg: Config) -> dict[str, Any]:
    """Return the array's settings for one effect; input effects have none."""
    if effect == "drift":
        return {
            "drift_nu": level,
            "drift_nu_sd": level / 2,
            "age": cfg.year_s,
            "update_every": cfg.year_s,
        }
    if effect == "adc_bits":
        return {"adc_bits": int(level)}
    return {} if effect == "event_loss" else {effect: level}


def _features(
    cfg: Config, ctx: Context, data: Recordings, levels: dict[str, float], copy: int
) -> NDArray[np.float64]:
    """Run the liquid with the given effects at the given levels."""
    options: dict[str, Any] = {}
    for effect, level in levels.items():
        options |= _options(effect, level, cfg)
    frames = data.frames
    if "event_loss" in levels:
        rng = stream(ctx.seed, "event loss", copy)
        frames = frames * (rng.random(frames.shape, np.float32) >= levels["event_loss"])
    weights = [
        RandomWeights(
            (cfg.liquid.n, pre),
            const=cfg.liquid.const,
            mean=mean,
            sd=sd,
            seconds_per_step=cfg.frames.bin_us * 1e-6,
            seed=int(np.random.SeedSequence([ctx.seed, block]).generate_state(1)[0]),
            programming_seed=1000 * (copy + 1) + block,
            **options,
        )
        for block, (pre, (mean, sd)) in enumerate(
            (
                (frames.shape[2], WEIGHT_STATISTICS),
                (cfg.liquid.n, RECURRENT_STATISTICS),
            )
        )
    ]
    if "adc_bits" in levels:
        # a separate set calibrates the converters: the first recordings' frames
        weights[0].calibrate(frames[:20].reshape(-1, frames.shape[2]))
    liquid = Liquid(
        *weights,
        decay=cfg.liquid.decay,
        v_threshold=cfg.liquid.v_threshold,
        seed=ctx.seed + copy,
    )
    return liquid.run(frames).features


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    data = load_frames(cfg, ctx)
    ctx.split(
        n_train=len(data.labels) - len(data.labels) // cfg.folds,
        n_test=len(data.labels),
        protocol=f"{cfg.folds}-fold cross-validation",
    )

    def score(
        x: NDArray[np.float64], tested: NDArray[np.float64] | None = None
    ) -> float:
        return float(
            cross_validate(
                x,
                data.labels,
                data.groups,
                folds=cfg.folds,
                kind=cfg.readout,
                test_features=tested,
                rng=stream(ctx.seed, "folds"),
            ).mean()
        )

    ideal = ctx.step("ideal", lambda: {"x": _features(cfg, ctx, data, {}, 0)})["x"]

    def measure(levels: dict[str, float]) -> dict[str, Any]:
        found = [_features(cfg, ctx, data, levels, k) for k in range(cfg.copies)]
        return {
            "same": [score(x) for x in found],
            "transfer": [score(ideal, x) for x in found],
        }

    ctx.metric("accuracy_ideal", score(ideal), control="chance")
    ctx.metric("chance", data.chance)
    curves: dict[str, list[tuple[float, dict[str, NDArray[np.float64]]]]] = {}
    reference: dict[str, float] = {}
    for effect, levels in ctx.progress(cfg.levels.items(), label="effects"):
        reference[effect] = levels[-2]
        curves[effect] = []
        for level in levels:
            runs = ctx.step(
                f"{effect}-{level:g}", lambda e=effect, v=level: measure({e: v})
            )
            curves[effect].append((float(level), runs))
            if level == levels[-2]:
                _record(ctx, effect, runs)
    _record(ctx, "all_effects", ctx.step("all", lambda: measure(reference)))
    ctx.arrays(
        "curves",
        **{
            f"{effect}/{key}": np.array([[level, *runs[key]] for level, runs in points])
            for effect, points in curves.items()
            for key in ("same", "transfer")
        },
    )
    draw(ctx, curves, ideal=score(ideal), chance=data.chance)


def _record(ctx: Context, name: str, runs: dict[str, NDArray[np.float64]]) -> None:
    ctx.metric(f"accuracy_{name}", runs["same"], control="accuracy_ideal")
    ctx.metric(f"accuracy_{name}_transfer", runs["transfer"], control="accuracy_ideal")
