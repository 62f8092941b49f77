"""Speed of the temporal memory and the spatial pooler, one thread, learning on."""

import argparse
import resource
import time
from typing import Any

import numpy as np

DESCRIPTION = (
    "HTM: records per second of CPU time, temporal memory with learning on the E1 "
    "stream and on the taxi stream (2048 x 32 cells), spatial pooler, spiking network; "
    "peak memory"
)

# fastest C++ implementation and the layout's first form, on a core that does 0.70 G
# events/s in 'neuro bench limit' (8-byte rows at Brunel's size)
PEER = {"e1": 3470.0, "taxi": 2900.0}
TARGET = 14_000.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--records", type=int, default=20_000, help="of the E1 stream")
    parser.add_argument("--repeats", type=int, default=3, help="the best one counts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--no-spiking", action="store_true", help="leave out the spiking network"
    )
    parser.add_argument("--data", default="", help="root with nyc_taxi/")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark."""
    from neuro.datasets import load
    from neuro.encoders import (
        CategoryEncoder,
        MultiEncoder,
        PeriodicEncoder,
        ScalarEncoder,
    )
    from neuro.htm import SpatialPooler, TemporalMemory, TemporalMemoryParams
    from neuro.htm.sequences import NOISE_SYMBOLS, sequence_set, symbol_stream
    from neuro.random import stream

    task = sequence_set("H1")
    encoder = CategoryEncoder(
        range(task.n_symbols + NOISE_SYMBOLS), rng=stream(args.seed, "codes")
    )
    symbols = symbol_stream(
        task, args.records, rng=stream(args.seed, "bench"), change_at=10_000
    ).symbols
    data = load("nyc_taxi", path=args.data or None)
    taxi = MultiEncoder(
        {
            "dayofweek": PeriodicEncoder(n=100, w=29, minimum=0, maximum=7),
            "count": ScalarEncoder(n=109, w=29, minimum=0, maximum=40_000),
            "timeofday": PeriodicEncoder(n=600, w=29, minimum=0, maximum=1411),
        }
    )
    bits = [
        taxi.encode({"dayofweek": d, "count": v, "timeofday": t})
        for d, v, t in zip(
            data.dayofweek, data.passenger_count, data.timeofday, strict=True
        )
    ]
    start = time.process_time()
    pooler = SpatialPooler(taxi.n, seed=args.seed)
    pooler.run(bits[:20])
    TemporalMemory(TemporalMemoryParams(), seed=args.seed).run(encoder.codes[:20])
    compiled = time.process_time() - start
    learning = _rate(
        lambda: SpatialPooler(taxi.n, seed=args.seed),
        lambda p: p.run(bits[:5000]),
        5000,
        args.repeats,
    )
    for _ in range(5):
        pooler.run(bits[:5000])
    frozen = _rate(
        lambda: pooler,
        lambda p: p.run(bits, learn=False),
        len(bits),
        args.repeats,
    )
    columns = pooler.run(bits, learn=False)
    out: dict[str, Any] = {"compile_cpu_s": compiled}
    for name, records, punishment in (
        ("e1", encoder.codes[symbols], 0.02),
        ("taxi", columns, 0.01),
    ):
        params = TemporalMemoryParams(predicted_decrement=punishment)
        held: list[Any] = []

        def make(
            params: TemporalMemoryParams = params, held: list[Any] = held
        ) -> TemporalMemory:
            held[:] = [TemporalMemory(params, seed=args.seed)]
            memory: TemporalMemory = held[0]
            return memory

        def feed(memory: TemporalMemory, records: Any = records) -> None:
            memory.run(records)

        rate = _rate(make, feed, len(records), args.repeats)
        memory = held[0]
        counts = memory.counts
        visits = counts.total("synop") + counts.total("synop_zero")
        out |= {
            f"{name}_records_per_cpu_s": rate,
            f"{name}_records": len(records),
            f"{name}_visits_per_record": visits / len(records),
            f"{name}_segments": memory.synapses.n_segments,
            f"{name}_synapses": memory.synapses.n_synapses,
            f"{name}_memory_bytes": memory.nbytes,
            f"{name}_peer_records_per_s": PEER[name],
            f"{name}_target_records_per_s": TARGET,
        }
    out |= {
        "taxi_data": data.name,
        "pooler_learning_records_per_cpu_s": learning,
        "pooler_frozen_records_per_cpu_s": frozen,
        "pooler_target_records_per_s": 5000.0,
        **({} if args.no_spiking else _spiking(args.seed)),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "numpy": np.__version__,
    }
    return out


def _spiking(seed: int, episodes: int = 12) -> dict[str, Any]:
    """Time the spiking network on set I, compiled by one episode before."""
    from neuro.htm.spiking_memory import SpikingMemory, spiking_task

    memory = SpikingMemory(spiking_task("I"), episodes=episodes + 1, seed=1 + seed)
    memory.run_episode()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(episodes):
        memory.run_episode()
    biological = episodes * memory.task.episode
    return {
        "spiking_neurons": memory.groups * (memory.group + 1),
        "spiking_cpu_s_per_biological_s": (time.process_time() - cpu) / biological,
        "spiking_wall_s_per_biological_s": (time.perf_counter() - wall) / biological,
        "spiking_target_s_per_biological_s": 3.4,
    }


def _rate(make: Any, work: Any, n: int, repeats: int) -> float:
    """Return records per second of CPU time, the best of some repeats."""
    best = float("inf")
    for _ in range(repeats):
        made = make()
        start = time.process_time()
        work(made)
        best = min(best, time.process_time() - start)
    return n / best
