"""Liquids of several sizes, windows, resolutions and memories against event counts.

Every configuration is scored on the same folds as its control: a linear read-out on the
event counts of the same input in the same windows. The best configuration and the best
control are chosen *inside* each fold, on a held-out part of its training samples, and
then tested once (nested cross-validation), so neither figure profits from the choice.

``exact`` liquids get the events with their time stamps instead of binary frames; their
control counts all events.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.events import frames as bin_events
from neuro.lsm import EventLiquid, Liquid, LiquidActivity, fit_readout, input_counts
from neuro.random import stream
from neuro.statistics import group_folds

from .._config import Config
from .._liquids import array_weights, bin_recordings
from .._runner import Context
from ._figures import draw

__all__ = ["run"]

# one strength while configurations are compared inside a fold: three times cheaper
_CHOICE_STRENGTH = {"ridge": 1e3, "logistic": 1e-2}


class Reservoir(NamedTuple):
    """One kind of liquid; ``n = 0`` is the control (event counts)."""

    inputs: str
    n: int
    recurrence: float
    decay: float


class Cell(NamedTuple):
    """A liquid, or event counts, read in some windows."""

    reservoir: Reservoir
    windows: int
    standard_decay: float

    @property
    def name(self) -> str:
        """Name in the record."""
        r = self.reservoir
        if r.n == 0:
            return f"counts_{r.inputs}_{self.windows}win"
        kind = "" if r.recurrence else "_no_recurrence"
        if r.decay != self.standard_decay:
            kind += f"_decay_{r.decay:g}"
        return f"liquid_{r.inputs}_{r.n}{kind}_{self.windows}win"

    @property
    def control(self) -> "Cell":
        """Event counts of the same input in the same windows."""
        inputs = self.reservoir.inputs
        nothing = Reservoir(inputs, 0, 0.0, self.standard_decay)
        return self._replace(reservoir=nothing)


Scores = dict[str, NDArray[np.float64]]


def _reservoirs(cfg: Config) -> Iterator[Reservoir]:
    decay = cfg.liquid.decay
    for inputs in cfg.inputs:
        yield Reservoir(inputs, 0, 0.0, decay)
        for n in cfg.event_sizes if inputs == "exact" else cfg.sizes:
            for recurrence in cfg.recurrence:
                yield Reservoir(inputs, n, recurrence, decay)
    for other in cfg.memory.decays:
        for recurrence in cfg.recurrence:
            yield Reservoir(cfg.memory.inputs, cfg.memory.n, recurrence, other)


def _scores(
    cfg: Config, ctx: Context, features: NDArray[np.float64], data: Any
) -> Scores:
    """Return test accuracy and inner validation accuracy of every fold."""
    labels, groups = data.labels, data.groups
    fold_rng, inner_rng, choice_rng = stream(ctx.seed, "folds").spawn(3)
    test_scores, choice_scores = [], []
    for train, test in group_folds(labels, groups, cfg.folds, rng=fold_rng):
        model = fit_readout(
            features[train],
            labels[train],
            groups[train],
            kind=cfg.readout,
            rng=inner_rng,
        )
        test_scores.append(model.score(features[test], labels[test]))
        inner = []
        for a, b in group_folds(labels[train], groups[train], 3, rng=choice_rng):
            part = fit_readout(
                features[train[a]],
                labels[train[a]],
                groups[train[a]],
                kind=cfg.readout,
                strengths=[_CHOICE_STRENGTH[cfg.readout]],
                rng=inner_rng,
            )
            inner.append(part.score(features[train[b]], labels[train[b]]))
        choice_scores.append(np.mean(inner))
    return {"test": np.array(test_scores), "choice": np.array(choice_scores)}


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.samples or None)
    if data.synthetic and not cfg.samples:
        data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.stand_in_samples)
    ctx.split(
        n_train=len(data) - len(data) // cfg.folds,
        n_test=len(data),
        protocol=f"nested {cfg.folds}-fold cross-validation",
    )
    makers = {
        "crop": partial(bin_recordings, data, **cfg.frames.to_dict()),
        "full": partial(
            bin_recordings, data, **{**cfg.frames.to_dict(), "crop": 0, "polarity": -1}
        ),
        "exact": partial(_all_events, cfg, data),
    }
    binned = {name: makers[name]() for name in cfg.inputs}
    results: dict[Cell, Scores] = {}
    rates: dict[str, list[float]] = {}
    for r in ctx.progress(list(_reservoirs(cfg)), label="liquids"):
        first = Cell(r, 1, cfg.liquid.decay).name.removesuffix("_1win")
        runs = [
            ctx.step(
                f"{first}-{k}",
                partial(_one_reservoir, cfg, ctx, data, binned[r.inputs], r, k),
            )
            for k in range(cfg.liquids if r.n else 1)
        ]
        for w in cfg.windows:
            results[Cell(r, w, cfg.liquid.decay)] = {
                key: np.stack([run[f"{key}-{w}"] for run in runs])
                for key in ("test", "choice")
            }
        if r.n:
            rates[first] = [float(run["rate"]) for run in runs]
    _record(ctx, results, rates)
    ctx.metric("chance", float(np.bincount(data.labels).max() / len(data)))
    ctx.arrays("scores", **{c.name: s["test"] for c, s in results.items()})
    draw(
        ctx,
        {c: s["test"].mean(0) for c, s in results.items()},
        synthetic=data.synthetic,
    )


def _all_events(cfg: Config, data: Any) -> NDArray[np.uint8]:
    """Count every event of the same pixels and polarity, uint8 (n, steps, lines)."""
    f = cfg.frames
    return np.stack(
        [
            bin_events(
                data[k],
                data.sensor_size,
                bin_us=f.bin_us,
                n_bins=f.n_bins,
                crop=f.crop or None,
                polarity=f.polarity,
                binary=False,
            ).reshape(f.n_bins, -1)
            for k in range(len(data))
        ]
    )


def _recordings(cfg: Config, data: Any) -> list[tuple[Any, Any]]:
    """Return time stamps and channels of the central pixels of one polarity."""
    f = cfg.frames
    width, height, _ = data.sensor_size
    left, top = (width - f.crop) // 2, (height - f.crop) // 2
    found = []
    for k in range(len(data)):
        events = data[k]
        x, y = events["x"] - left, events["y"] - top
        kept = (events["p"] == f.polarity) & (x >= 0) & (x < f.crop)
        kept &= (y >= 0) & (y < f.crop)
        channels = y[kept].astype(np.int64) * f.crop + x[kept]
        found.append((events["t"][kept], channels))
    return found


def _activity(
    cfg: Config, ctx: Context, data: Any, x: NDArray[np.uint8], r: Reservoir, k: int
) -> LiquidActivity:
    """Run liquid `k` and count its spikes step by step."""
    active = x.sum() / (x.shape[0] * x.shape[1])
    w_in, w_rec = array_weights(
        cfg,
        ctx.seed,
        k,
        r.n,
        x.shape[2],
        recurrence=r.recurrence,
        drive=float((cfg.reference_lines / active) ** 0.5),
    )
    f = cfg.frames
    if r.inputs == "exact":
        step_s = f.bin_us * 1e-6
        events = EventLiquid(
            w_in.block(0.0).w,
            w_rec.block(0.0).w if r.recurrence else None,
            tau_mem=-step_s / np.log(r.decay),
            delay=step_s,
            v_threshold=cfg.liquid.v_threshold,
        )
        recordings = _recordings(cfg, data)
        return events.run(recordings, f.n_bins * step_s, windows=f.n_bins)
    liquid = Liquid(
        w_in,
        w_rec if r.recurrence else None,
        decay=r.decay,
        v_threshold=cfg.liquid.v_threshold,
        seed=ctx.seed,
    )
    return liquid.run(x, windows=f.n_bins)


def _one_reservoir(
    cfg: Config, ctx: Context, data: Any, x: NDArray[np.uint8], r: Reservoir, k: int
) -> dict[str, Any]:
    """Score one liquid, or event counts, in every number of windows."""
    out: dict[str, Any] = {}
    if r.n:
        activity = _activity(cfg, ctx, data, x, r, k)
        out["rate"] = activity.rate
    for w in cfg.windows:
        features = activity.in_windows(w) if r.n else input_counts(x, w)
        found = _scores(cfg, ctx, features, data)
        out |= {f"{key}-{w}": values for key, values in found.items()}
    return out


def _nested(results: dict[Cell, Scores], *, control: bool) -> NDArray[np.float64]:
    """Return per fold the test score of the cell its inner validation prefers."""
    cells = [c for c in results if (c.reservoir.n == 0) == control]
    choice = np.stack([results[c]["choice"].mean(0) for c in cells])
    test = np.stack([results[c]["test"].mean(0) for c in cells])
    return np.asarray(test[choice.argmax(0), np.arange(test.shape[1])])


def _record(
    ctx: Context, results: dict[Cell, Scores], rates: dict[str, list[float]]
) -> None:
    best, control = _nested(results, control=False), _nested(results, control=True)
    ctx.metric("accuracy_best", best, control="accuracy_best_control")
    ctx.metric("accuracy_best_control", control, control="chance")
    ctx.metric("gain_best", best - control, control="accuracy_best_control")
    for cell, scores in results.items():
        test = scores["test"]
        liquid = cell.reservoir.n > 0
        # over liquids; over folds where there is one or none
        ctx.metric(
            f"accuracy_{cell.name}",
            test.mean(1) if len(test) > 1 else test[0],
            control=f"accuracy_{cell.control.name}" if liquid else "chance",
        )
        if liquid:
            ctx.metric(
                f"gain_{cell.name}",
                test.mean(0) - results[cell.control]["test"][0],
                control=f"accuracy_{cell.control.name}",
            )
        twin = cell._replace(reservoir=cell.reservoir._replace(recurrence=0.0))
        if liquid and cell.reservoir.recurrence and twin in results:
            ctx.metric(
                f"gain_of_recurrence_{cell.name}",
                test.mean(0) - results[twin]["test"].mean(0),
                control=f"accuracy_{twin.name}",
            )
    for name, values in rates.items():
        ctx.metric(f"firing_per_step_{name}", values)
