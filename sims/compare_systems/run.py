"""Every system on the same recordings and folds: accuracy, stored bits, joules.

Each system is trained on the training recordings of a fold and answers once on its
test recordings; the operations of these answers, and of nothing else, are priced. All
figures are per recording. A spread over folds is one over recordings and, since every
fold draws its own, initial weights.
"""

import importlib.util
import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hw.energy import estimate
from neuro.counts import OpCounts
from neuro.errors import ParameterError, did_you_mean
from neuro.events import frame_batch
from neuro.statistics import group_folds

from .._config import Config
from .._runner import Context
from . import _figures, _fixed
from ._answers import Answer, Task

__all__ = ["run"]

log = logging.getLogger(__name__)

_TRAINED = ("snn", "ann")  # need torch
_SYSTEMS = ("counts", "liquid", "htm", "sparsey", *_TRAINED)


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    systems = _chosen(cfg)
    task = _load(cfg, ctx)
    folds = list(group_folds(task.labels, task.groups, cfg.folds, rng=ctx.rng("folds")))
    ctx.split(
        n_train=len(folds[0][0]),
        n_test=len(task.labels),
        protocol=f"{cfg.folds}-fold cross-validation, every recording tested once",
    )
    chance = float(np.bincount(task.labels).max() / len(task.labels))
    ctx.metric("chance", chance)
    rows: dict[str, dict[str, Any]] = {}
    todo = [(name, k) for name in systems for k in range(len(folds))]
    parts: dict[str, list[dict[str, Any]]] = {name: [] for name in systems}
    for name, k in ctx.progress(todo, label="systems and folds"):
        make = partial(_fold, cfg, ctx, task, name, k, folds[k])
        parts[name].append(ctx.step(f"{name}-{k}", make))
    reports: dict[str, Any] = {}
    for name in systems:
        rows[name] = _row(cfg, ctx, name, parts[name], reports)
    ctx.energy({"schema": "neuro.energy/1", "reports": reports})
    _table(ctx, rows)
    _figures.trade_off(ctx, rows, cfg.models, chance)


def _chosen(cfg: Config) -> list[str]:
    for name in cfg.systems:
        if name not in _SYSTEMS:
            raise ParameterError(
                f"systems: unknown {name!r}{did_you_mean(name, _SYSTEMS)}; accepted: "
                f"{', '.join(_SYSTEMS)}"
            )
    if importlib.util.find_spec("torch") is not None:
        return list(cfg.systems)
    left_out = [name for name in cfg.systems if name in _TRAINED]
    if left_out:
        log.warning(
            "left out %s: they need torch, pip install 'spikejoule[grad]'",
            ", ".join(left_out),
        )
    return [name for name in cfg.systems if name not in _TRAINED]


def _load(cfg: Config, ctx: Context) -> Task:
    data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.samples or None)
    if data.synthetic and not cfg.samples:
        data = ctx.data("nmnist", seed=ctx.seed, limit=cfg.stand_in_samples)

    def binned(f: Config, polarity: int) -> NDArray[np.uint8]:
        return frame_batch(
            data, data.sensor_size, bin_us=f.bin_us, n_bins=f.n_bins,
            crop=f.crop or None, pool=f.pool,
            polarity=None if polarity < 0 else polarity,
        )  # fmt: skip

    held = ctx.step(
        "frames",
        lambda: {"fine": binned(cfg.frames, cfg.frames.polarity),
                 "coarse": binned(cfg.events, -1)},
    )  # fmt: skip
    fine = held["fine"]
    labels = np.unique(data.labels, return_inverse=True)[1]
    return Task(
        fine.reshape(*fine.shape[:2], -1),
        held["coarse"],
        labels,
        np.asarray(data.groups),
        int(labels.max()) + 1,
    )


def _fold(
    cfg: Config, ctx: Context, task: Task, name: str, k: int, fold: Any
) -> dict[str, Any]:
    """Return accuracy, bits and ledger of a system on one fold."""
    room: Any = _fixed
    if name in _TRAINED:
        import torch

        torch.set_num_threads(1)
        from . import _trained as room
    system: Callable[..., Answer] = getattr(room, name)
    train, test = fold
    answer = system(cfg, task, train, test, seed=ctx.seed, fold=k)
    return {
        "accuracy": float((answer.predicted == task.labels[test]).mean()),
        "bits": answer.bits,
        "ledger": np.array(json.dumps(answer.counts.to_dict())),
    }


def _row(
    cfg: Config,
    ctx: Context,
    name: str,
    parts: list[dict[str, Any]],
    reports: dict[str, Any],
) -> dict[str, Any]:
    """Record the metrics of a system; return its row of the table."""
    control = "chance" if name == "counts" else "accuracy_counts"
    accuracy = [float(p["accuracy"]) for p in parts]
    bits = [float(p["bits"]) for p in parts]
    ledgers = [OpCounts.from_dict(json.loads(str(p["ledger"]))) for p in parts]
    synops = [c.total("synop") / c.n_samples for c in ledgers]
    ctx.metric(f"accuracy_{name}", accuracy, control=control)
    ctx.metric(f"stored_{name}", bits, unit="bits")
    ctx.metric(f"synops_{name}", synops, unit="per recording")
    energy: dict[str, Any] = {}
    for model in [*cfg.models, *(["cim"] if name == "liquid" else [])]:
        priced = [estimate(counts, model=model) for counts in ledgers]
        ctx.metric(f"energy_{name}_{model}", [r.total for r in priced], unit="J")
        energy[model] = tuple(
            float(np.mean([getattr(r, end) for r in priced]))
            for end in ("total", "low", "high")
        )
        reports[f"{name} {model}"] = priced[0].to_dict()
    return {
        "accuracy": accuracy,
        "bits": float(np.mean(bits)),
        "synops": float(np.mean(synops)),
        "energy": energy,
    }


def _table(ctx: Context, rows: dict[str, dict[str, Any]]) -> None:
    """Write the table and say it."""
    models = list(dict.fromkeys(m for row in rows.values() for m in row["energy"]))
    columns: dict[str, list[Any]] = {"system": list(rows)}
    columns["accuracy"] = [float(np.mean(r["accuracy"])) for r in rows.values()]
    columns["accuracy_sd"] = [
        float(np.std(r["accuracy"], ddof=1)) for r in rows.values()
    ]
    columns["stored_bits"] = [r["bits"] for r in rows.values()]
    columns["synops"] = [r["synops"] for r in rows.values()]
    for m in models:
        for k, end in enumerate(("", "_low", "_high")):
            columns[f"{m}_j{end}"] = [
                r["energy"][m][k] if m in r["energy"] else "" for r in rows.values()
            ]
    ctx.table("systems", **columns)
    head = f"{'system':<9}{'accuracy':>17}{'stored':>17}{'synops':>10}" + "".join(
        f"{m + ' [nJ]':>36}" for m in models
    )
    log.info("per recording; energy with the range of the model's constants:\n%s", head)
    for name, r in rows.items():
        mean, sd = np.mean(r["accuracy"]), np.std(r["accuracy"], ddof=1)
        cells = "".join(
            f"{_range(r['energy'][m]) if m in r['energy'] else '-':>36}" for m in models
        )
        log.info(
            "%-9s%17s%17s%10s%s", name, f"{mean:.3f} +- {sd:.3f}",
            f"{r['bits'] / 1e3:.4g} kbit", f"{r['synops']:.3g}", cells,
        )  # fmt: skip


def _range(energy: tuple[float, float, float]) -> str:
    value, low, high = (1e9 * e for e in energy)
    return f"{value:.3g} ({low:.3g} to {high:.3g})"
