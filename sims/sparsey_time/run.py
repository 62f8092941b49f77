"""Cost of one store and one retrieval, from an empty mac to far beyond capacity."""

import copy
import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import MissingExtraError, optional_import
from neuro.sparsey import Level, LevelParameters, whole_field

from .._config import Config
from .._runner import Context
from .._sparsey import COLOURS, overload, random_items, replicates

log = logging.getLogger(__name__)
OPS = ("ac", "mac", "neuron_update", "plastic")
REPEATS = 5  # of every timing; the fastest counts


def fastest(call: Callable[[], Any]) -> float:
    """Seconds of the fastest repetition."""
    best = np.inf
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return float(best)


def linear_scan(n_bits: int) -> tuple[str, Any, Callable[[Any, Any], None]]:
    """Exact nearest neighbour in Hamming distance: faiss, or NumPy without it."""
    try:
        faiss = optional_import("faiss", "bench")
    except MissingExtraError:
        log.info("faiss-cpu is not installed: linear scan by NumPy")
        held: list[NDArray[np.uint8]] = []

        def scan(_index: Any, asked: NDArray[np.uint8]) -> None:
            stored = np.concatenate(held)
            for row in asked:
                np.bitwise_count(stored ^ row).sum(1, dtype=np.int64).argmin()

        return "NumPy", held, scan
    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(n_bits)

    def search(held: Any, asked: NDArray[np.uint8]) -> None:
        for row in asked:
            held.search(row[None], 1)

    return "faiss", index, search


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    points = np.unique(np.geomspace(10, cfg.n_items, cfg.n_points).astype(int))
    ops: dict[str, list[NDArray[np.int64]]] = {"store": [], "retrieval": []}
    times: dict[str, list[list[float]]] = {"store": [], "retrieval": [], "scan": []}
    accuracy = []
    who = ""
    for seed, rng in replicates(ctx, cfg.seeds):
        items = random_items(rng, cfg.n_items, cfg.n_inputs, cfg.n_active)
        extra = np.random.default_rng(seed)  # items stored into copies
        p = LevelParameters(n_cms=cfg.n_cms, n_units=cfg.n_units)
        level = Level(p, whole_field(cfg.n_inputs), seed=seed)
        level.run(items[:1])  # compiled before the clock runs
        level.clear_counts()
        width = -(-cfg.n_inputs // 8) * 8
        who, index, search = linear_scan(width)
        packed = np.packbits(np.pad(items, ((0, 0), (0, width - cfg.n_inputs))), axis=1)
        rows: dict[str, list[float]] = {"store": [], "retrieval": [], "scan": []}
        found, done = [], 0
        codes = np.empty((cfg.n_items, cfg.n_cms), np.int16)
        per: dict[str, list[NDArray[np.int64]]] = {"store": [], "retrieval": []}
        for n in points:
            with overload():
                codes[done:n] = level.run(items[done:n], learn=True).codes[:, 0]
                # the clock runs on copies, so that every batch has the same size
                copies = [copy.deepcopy(level) for _ in range(REPEATS)]
                new = random_items(extra, cfg.n_asked, cfg.n_inputs, cfg.n_active)
                seconds = fastest(lambda: copies.pop().run(new, learn=True))  # noqa: B023
                rows["store"].append(seconds / cfg.n_asked)
            per["store"].append(sum(level.counts.per_sample(op) for op in OPS))  # type: ignore[arg-type]
            level.clear_counts()
            if isinstance(index, list):
                index.append(packed[done:n])
            else:
                index.add(packed[done:n])
            done = int(n)
            asked = rng.integers(0, n, cfg.n_asked)
            seconds = fastest(lambda: level.run(items[asked]))  # noqa: B023
            rows["retrieval"].append(seconds / cfg.n_asked)
            level.clear_counts()
            answer = level.run(items[asked]).codes[:, 0]
            per["retrieval"].append(sum(level.counts.per_sample(op) for op in OPS))  # type: ignore[arg-type]
            found.append(float((answer == codes[asked]).mean()))
            if cfg.scan:
                few = packed[asked[:50]]
                seconds = fastest(lambda: search(index, few))  # noqa: B023
                rows["scan"].append(seconds / len(few))
            if not accuracy and n == points[-1]:
                ctx.counts(level.counts)  # retrievals of the first seed at full load
            level.clear_counts()
        for kind, values in per.items():
            ops[kind].append(np.concatenate(values))
        for kind, found_times in rows.items():
            times[kind].append(found_times)
        accuracy.append(found)
    for kind in ("store", "retrieval"):
        table = np.stack(ops[kind])
        ctx.metric(f"ops_per_{kind}", table.mean(1), unit="operations")
        ctx.metric(
            f"ops_per_{kind}_spread", table.max(1) - table.min(1), unit="operations"
        )
        per_item = np.array(times[kind])
        slope = [np.polyfit(np.log(points), np.log(t), 1)[0] for t in per_item]
        ctx.metric(f"time_slope_{kind}", slope, control="time_slope_scan")
        ctx.metric(f"time_per_{kind}", per_item[:, -1] * 1e6, unit="us")
    if cfg.scan:
        per_item = np.array(times["scan"])[:, 1:]
        # the last half of the points, where the scan is no longer dominated by calls
        half = len(points) // 2
        slope = [
            np.polyfit(np.log(points[1 + half :]), np.log(t[half:]), 1)[0]
            for t in per_item
        ]
        ctx.metric("time_slope_scan", slope)
        ctx.metric("time_per_scan", per_item[:, -1] * 1e6, unit="us")
    good = np.array(accuracy) >= 0.97
    last = [int(points[row].max()) if row.any() else 0 for row in good]
    ctx.metric("largest_load_at_97", last, unit="items")
    ctx.arrays(
        "time",
        items=points,
        accuracy=np.array(accuracy),
        **{f"{k}_s": np.array(v) for k, v in times.items()},
    )
    _figure(cfg, ctx, points, times, ops, np.array(accuracy), who)


def _figure(
    cfg: Config,
    ctx: Context,
    points: NDArray[np.int64],
    seconds: dict[str, list[list[float]]],
    ops: dict[str, list[NDArray[np.int64]]],
    accuracy: NDArray[np.float64],
    who: str,
) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 1, figsize=(7, 9), sharex=True)
    labels = {
        "store": "mac: store",
        "retrieval": "mac: retrieve",
        "scan": f"exact search of the same items ({who})",
    }
    for kind, label in labels.items():
        if seconds[kind] and seconds[kind][0]:
            t = np.array(seconds[kind]) * 1e6
            style = {"marker": "o", "ms": 3, "color": COLOURS[list(labels).index(kind)]}
            axes[0].plot(points, np.median(t, 0), **style, label=label)
    axes[0].set_yscale("log")
    axes[0].set_ylabel("time per item, us")
    axes[0].legend(framealpha=1, edgecolor="white", loc="upper left")
    for i, kind in enumerate(("store", "retrieval")):
        n = ops[kind][0]
        at = np.linspace(0, cfg.n_items, n.size)
        axes[1].plot(
            np.maximum(at, points[0]), n, ("-", "--")[i], color=COLOURS[i], lw=2,
            label=f"mac: {kind} ({n.mean():,.0f})",
        )  # fmt: skip
    axes[1].plot(
        points,
        points * cfg.n_inputs / 8,
        color=COLOURS[2],
        label="scan: bytes compared",
    )
    axes[1].set_yscale("log")
    axes[1].set_ylabel("operations per item")
    axes[1].legend(frameon=False)
    axes[2].plot(points, accuracy.mean(0), "o-", ms=3, color=COLOURS[0])
    axes[2].axhline(1 / cfg.n_units, color="0.5", ls=":", label="chance 1/K")
    limit = points[(accuracy.mean(0) >= 0.97)]
    if limit.size:
        for ax in axes:
            ax.axvline(limit.max(), color="0.5", ls="--")
        axes[2].text(
            limit.max() * 0.9, 0.4, "capacity of the mac;\nright of it\nwrong answers",
            ha="right",
        )  # fmt: skip
    axes[2].set_ylabel("unit accuracy of the mac")
    axes[2].set_xlabel("items stored")
    axes[2].set_xscale("log")
    axes[2].legend(frameon=False)
    ctx.figure("fixed_time", figure)
