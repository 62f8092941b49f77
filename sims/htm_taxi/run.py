"""Taxi demand: passengers 2.5 hours ahead at every half hour (Fig. 10, 11).

Encoders -> spatial pooler (learnt on the first 5,000 unlabelled records, then frozen)
-> temporal memory, always learning, never reset -> online softmax over 22 buckets.
Scored from record 10,000 on; the perturbed stream from record 13,152 on. Controls are
the values one week, one day and no time before the target.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.counts import OpCounts
from neuro.encoders import MultiEncoder, PeriodicEncoder, ScalarEncoder
from neuro.htm import (
    AnomalyLikelihood,
    SdrClassifier,
    SpatialPooler,
    TemporalMemory,
    TemporalMemoryParams,
)
from neuro.random import stream

from .._config import Config
from .._runner import Context
from . import _figures
from ._scores import PAPER, PERTURBED, naive, scores

__all__ = ["run"]

BUCKETS = ScalarEncoder(n=50, w=29, minimum=0, maximum=40_000)
ENCODER = MultiEncoder(
    {
        "dayofweek": PeriodicEncoder(n=100, w=29, minimum=0, maximum=7),
        "passenger_count": ScalarEncoder(n=109, w=29, minimum=0, maximum=40_000),
        "timeofday": PeriodicEncoder(n=600, w=29, minimum=0, maximum=1411),
    }
)
METRICS = ("mape", "nrmse_global", "nrmse_scored", "nll_full", "nll_top8")


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    data = {v: ctx.data("nyc_taxi", variant=v) for v in ("perturb", "plain")}
    n = min(cfg.records, len(data["plain"]))
    ctx.split(
        n_train=0,
        n_test=n - cfg.first_scored - cfg.horizon,
        protocol="online: every record is predicted before it is learnt from",
    )
    values = {v: d.passenger_count[:n] for v, d in data.items()}
    bits = {v: _encode(d, n) for v, d in data.items()}
    held: dict[tuple[str, str], list[dict[str, Any]]] = {}
    jobs = [(k, c, v) for k in range(cfg.seeds) for c in cfg.columns for v in data]
    for k, column, variant in ctx.progress(jobs, label="memories"):
        pooler = ctx.step(f"pooler-{k}", lambda k=k: _pool(cfg, ctx, bits, k))
        found = ctx.step(
            f"{variant}-{column}-{k}",
            lambda k=k, c=column, v=variant, p=pooler: _forecast(
                cfg, ctx, p[v], values[v], c, k
            ),
        )
        held.setdefault((variant, column), []).append(found)
    # one sample per seed: the whole plain stream under the first parameter column
    ledgers = [json.loads(str(r["ledger"])) for r in held["plain", cfg.columns[0]]]
    ctx.counts(OpCounts.concatenate(map(OpCounts.from_dict, ledgers)))
    synthetic = data["plain"].synthetic
    table = _metrics(cfg, ctx, values, held, synthetic)
    _figures.comparison(ctx, table, synthetic=synthetic)
    _figures.perturbation(ctx, cfg, values, held)
    _figures.week(ctx, cfg, data["plain"], held)
    ctx.arrays(
        "predictions",
        **{
            f"{variant}/{column}/{k}/{part}": r[part]
            for (variant, column), runs in held.items()
            for k, r in enumerate(runs)
            for part in ("prediction", "anomaly", "likelihood")
        },
    )


def _encode(data: Any, n: int) -> list[NDArray[np.int32]]:
    return [
        ENCODER.encode({"dayofweek": d, "passenger_count": v, "timeofday": t})
        for d, v, t in zip(
            data.dayofweek[:n],
            data.passenger_count[:n],
            data.timeofday[:n],
            strict=True,
        )
    ]


def _pool(
    cfg: Config, ctx: Context, bits: dict[str, Any], k: int
) -> dict[str, NDArray[np.int32]]:
    """Learn the columns on the first records, then code both streams."""
    pooler = SpatialPooler(
        ENCODER.n,
        active_columns=cfg.pooler.active_columns,
        seed=int(stream(ctx.seed, "pooler", k).integers(2**31)),
    )
    for _ in range(cfg.pooler.passes):
        pooler.run(bits["plain"][: cfg.pooler.records])
    return {v: pooler.run(b, learn=False) for v, b in bits.items()}


def _forecast(
    cfg: Config,
    ctx: Context,
    columns: NDArray[np.int32],
    values: NDArray[np.float64],
    name: str,
    k: int,
) -> dict[str, NDArray[Any]]:
    """Run memory and classifier over a stream."""
    settings = cfg[name]
    params = TemporalMemoryParams(
        cells_per_column=settings.cells_per_column,
        max_synapses=settings.max_synapses,
        predicted_decrement=0.01,
    )
    memory = TemporalMemory(
        params, seed=int(stream(ctx.seed, "memory", k).integers(2**31))
    )
    classifier = SdrClassifier(
        params.n_cells, BUCKETS.n_buckets, horizons=(cfg.horizon,), alpha=settings.alpha
    )
    trace = memory.run(columns, keep_cells=True)
    predicted = classifier.run(
        trace.cells, trace.cell_ends, BUCKETS.buckets(values), values
    )
    counts = memory.counts
    return {
        "prediction": predicted.values[:, 0],
        "probabilities": predicted.probabilities[:, 0],
        "anomaly": trace.anomaly_scores,
        "likelihood": AnomalyLikelihood().update(trace.anomaly_scores),
        "size": np.array([memory.synapses.n_segments, memory.synapses.n_synapses]),
        "ops": np.array(
            [counts.total(op) for op in ("synop", "synop_zero", "plastic", "grow")]
        ),
        "ledger": np.array(json.dumps(counts.to_dict())),
    }


def _metrics(
    cfg: Config,
    ctx: Context,
    values: dict[str, NDArray[np.float64]],
    held: dict[tuple[str, str], list[dict[str, Any]]],
    synthetic: bool,
) -> dict[str, dict[str, float]]:
    """Record the metrics; return the table of all methods."""
    table: dict[str, dict[str, float]] = {}
    for name, lag in (("week", 336), ("day", 48), ("current", cfg.horizon)):
        for variant, suffix, first in _parts(cfg):
            score = naive(values[variant], lag, cfg.horizon, first)
            for metric, value in score.items():
                published = PAPER[f"naive, {name}"].get(metric)
                if suffix or synthetic:
                    published = None
                ctx.metric(f"{metric}_naive_{name}{suffix}", value, paper=published)
                table.setdefault(f"naive, {name}", {})[metric + suffix] = value
    for column in cfg.columns:
        tail = "" if column == "a" else f"_{column}"
        row = table.setdefault(f"HTM, ours ({column.upper()})", {})
        for variant, suffix, first in _parts(cfg):
            runs = [
                scores(
                    values[variant],
                    r["prediction"],
                    r["probabilities"],
                    BUCKETS,
                    cfg.horizon,
                    first,
                )
                for r in held[variant, column]
            ]
            published = PERTURBED["HTM"] if suffix else PAPER["HTM"]
            for metric in METRICS:
                samples = [r[metric] for r in runs]
                has_control = metric in ("mape", "nrmse_global", "nrmse_scored")
                ctx.metric(
                    f"{metric}{suffix}{tail}",
                    samples,
                    paper=None if synthetic else published.get(metric),
                    control=f"{metric}_naive_week{suffix}"
                    if has_control
                    else "uniform",
                )
                row[metric + suffix] = float(np.mean(samples))
        runs = held["plain", column]
        ctx.metric(
            f"synapses{tail}", [float(r["size"][1]) for r in runs], unit="synapses"
        )
        ctx.metric(
            f"visits_per_record{tail}",
            [float(r["ops"][:2].sum()) / len(r["prediction"]) for r in runs],
        )
    ctx.metric("uniform", float(np.log(BUCKETS.n_buckets)))
    return table


def _parts(cfg: Config) -> tuple[tuple[str, str, int], ...]:
    return (
        ("plain", "", cfg.first_scored),
        ("perturb", "_perturbed", cfg.perturbed_from),
    )
