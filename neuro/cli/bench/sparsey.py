"""Speed of Sparsey: single-trial learning of digits, retrieval, memory bandwidth.

Times are of one process on one core unless ``--threads`` says otherwise; compilation is
not included (every kernel runs once before the clock starts). The accuracy of every
timed network stands beside its time.
"""

import argparse
import time
from typing import Any

import numpy as np

DESCRIPTION = "single-trial learning of MNIST (or its stand-in), retrieval, bandwidth"

# network of the reference rows: (K, freezing threshold)
_NETWORKS = {"k150": (150, 0.05), "k400": (400, 0.03)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--per-class", type=int, default=200, help="training images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3, help="the best time counts")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure; return one flat record."""
    from neuro.datasets import load
    from neuro.errors import ParameterError
    from neuro.random import stream
    from neuro.sparsey import line_images

    for name in ("per_class", "threads", "repeats"):
        if getattr(args, name) < 1:
            raise ParameterError(f"--{name.replace('_', '-')}: expected >= 1")
    data = load("mnist")
    train, test = data.indices("train"), data.indices("test")
    rng = stream(args.seed, "bench sparsey")
    chosen = []
    for c in range(10):
        of_class = train[data.labels[train] == c]
        n = min(args.per_class, of_class.size)
        chosen.append(rng.choice(of_class, n, replace=False))
    order = rng.permutation(np.concatenate(chosen))
    pixels = line_images(data.images[np.concatenate([order, test])])
    x, tx = pixels[: order.size], pixels[order.size :]
    y, ty = data.labels[order], data.labels[test]
    record: dict[str, Any] = {
        "data": data.name,
        "n_train": int(order.size),
        "n_test": int(test.size),
        "threads": args.threads,
        "seed": args.seed,
    }
    for name, (n_units, freeze) in _NETWORKS.items():
        found = _network(args, n_units, freeze, (x, y), (tx, ty))
        record |= {f"{name}_{k}": v for k, v in found.items()}
    record |= _one_mac(args.seed)
    bandwidth = _bandwidth()
    record["memory_bytes_per_s"] = bandwidth
    for name in _NETWORKS:
        used = record[f"{name}_retrieve_bytes_per_s"]
        record[f"{name}_retrieve_share_of_bandwidth"] = round(used / bandwidth, 3)
    record["peer"] = "none installed; the author's program: 220 s at 200 per class"
    return record


def _network(
    args: argparse.Namespace, n_units: int, freeze: float, train: Any, test: Any
) -> dict[str, Any]:
    from neuro.sparsey import (
        LabelField,
        Level,
        LevelParameters,
        Logistic,
        Selection,
        square_fields,
    )

    (x, y), (tx, ty) = train, test
    parameters = LevelParameters(
        n_cms=5,
        n_units=n_units,
        band=(4, 12),
        freeze_u=freeze,
        selection=Selection(sigmoid=Logistic(slope=40.0, inflection=0.9)),
    )
    fields = square_fields((20, 20), 6)

    def build() -> Level:
        return Level(parameters, fields, seed=args.seed, threads=args.threads)

    warm = build()  # compiles
    warm.run(x[:2], learn=True)
    warm.run(x[:2])
    learning, asking, field_s = [], [], []
    for _ in range(args.repeats):
        level = build()
        start = time.perf_counter()
        codes = level.run(x, learn=True).codes
        learning.append(time.perf_counter() - start)
        label = LabelField(10, [(level.n_macs, 5, n_units)])
        start = time.perf_counter()
        label.learn(codes, y)
        field_s.append(time.perf_counter() - start)
        level.clear_counts()
        start = time.perf_counter()
        asked = level.run(tx).codes
        asking.append(time.perf_counter() - start)
    visits = level.counts.total("ac")
    return {
        "learn_s": round(min(learning) + min(field_s), 4),
        "learn_us_per_item": round(min(learning) / len(x) * 1e6, 1),
        "retrieve_items_per_s": round(len(tx) / min(asking)),
        "retrieve_synapses_per_s": round(visits / min(asking)),
        "retrieve_bytes_per_s": round(visits / min(asking)),
        "bytes_per_synapse_visit": 1,
        "weights_mb": round(level.nbytes / 1e6, 2),
        "accuracy_binary": round(float((label.predict(asked) == ty).mean()), 4),
        "accuracy_loglik": round(
            float((label.predict(asked, "loglik") == ty).mean()), 4
        ),
    }


def _one_mac(seed: int) -> dict[str, Any]:
    """A mac beyond cache: the row sum alone sets the pace."""
    from neuro.random import stream
    from neuro.sparsey import Level, LevelParameters, whole_field

    n, size, count = 20_000, 100, 400
    rng = stream(seed, "bench sparsey mac")
    x = np.zeros((count, n), np.uint8)
    for row in x:
        row[rng.choice(n, size, replace=False)] = 1
    level = Level(LevelParameters(n_cms=64, n_units=64), whole_field(n), seed=seed)
    level.run(x[:2], learn=True)
    start = time.perf_counter()
    level.run(x, learn=True)
    store = time.perf_counter() - start
    level.clear_counts()
    start = time.perf_counter()
    level.run(x)
    retrieve = time.perf_counter() - start
    visits = level.counts.total("ac")
    return {
        "large_mac_mb": round(level.nbytes / 1e6, 1),
        "large_mac_store_us": round(store / count * 1e6, 1),
        "large_mac_retrieve_us": round(retrieve / count * 1e6, 1),
        "large_mac_bytes_per_s": round(visits / retrieve),
    }


def _bandwidth() -> float:
    """Bytes read per second from an array far larger than any cache."""
    a = np.ones(1 << 25, np.int64)  # 256 MB
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        a.sum()
        best = min(best, time.perf_counter() - start)
    return float(round(a.nbytes / best))
