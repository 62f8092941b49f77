"""Speed of the spiking engine on the standard networks, with the peers' fields."""

import argparse
import resource
import time
from typing import Any

DESCRIPTION = (
    "spiking engine: build time, run time per biological second, synaptic events per "
    "second and peak memory on the standard networks"
)
_NETWORKS = ("cuba", "coba", "brunel", "brunel-stdp", "microcircuit", "camera")
# sim_ms and warm_ms where not given
_DEFAULTS = {
    "cuba": (1000.0, 100.0, 1.0),
    "coba": (1000.0, 100.0, 1.0),
    "brunel": (500.0, 100.0, 1.0),
    "brunel-stdp": (500.0, 100.0, 1.0),
    "microcircuit": (1000.0, 100.0, 0.1),
    "camera": (3010.0, 0.0, 1.0),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--network", choices=_NETWORKS, default="brunel")
    parser.add_argument("--engine", choices=("grid", "exact"), default="grid")
    parser.add_argument("--scale", type=float, help="factor on the number of neurons")
    parser.add_argument("--k-scale", type=float, help="microcircuit: factor on inputs")
    parser.add_argument(
        "--indegree-scale", type=float, default=1.0, help="brunel: factor on inputs"
    )
    parser.add_argument(
        "--input", choices=("poisson", "dc"), default="poisson",
        help="microcircuit: background; dc means something at full in-degree only",
    )  # fmt: skip
    parser.add_argument("--n", type=int, default=1000, help="camera: neurons")
    parser.add_argument("--repeat", type=int, default=10, help="camera: recordings")
    parser.add_argument("--sim-ms", type=float)
    parser.add_argument("--warm-ms", type=float)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dt", type=float, default=0.1, help="milliseconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--precision", choices=("single", "double"), default="single")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark."""
    import numpy as np

    import neuro
    from neuro.network import standard
    from neuro.statistics import cv_isi

    sim_ms, warm_ms, scale = _DEFAULTS[args.network]
    sim_ms = sim_ms if args.sim_ms is None else args.sim_ms
    warm_ms = warm_ms if args.warm_ms is None else args.warm_ms
    scale = scale if args.scale is None else args.scale
    dt = args.dt * 1e-3
    extra: dict[str, Any] = {}
    begun = time.perf_counter()
    if args.network in ("cuba", "coba"):
        net = standard.vogels_abbott(args.network, scale=scale, dt=dt, seed=args.seed)
    elif args.network.startswith("brunel"):
        net = standard.brunel(
            scale=scale,
            indegree_scale=args.indegree_scale,
            dt=dt,
            stdp=args.network == "brunel-stdp",
        )
        extra |= {"scale": scale, "indegree_scale": args.indegree_scale}
    elif args.network == "microcircuit":
        k_scale = scale if args.k_scale is None else args.k_scale
        net = standard.microcircuit(
            scale=scale, k_scale=k_scale, drive=args.input, dt=dt
        )
        extra |= {"input": args.input, "scale": scale, "k_scale": k_scale}
    else:
        net = standard.camera(args.n, repeat=args.repeat, dt=dt)
        sim_ms, warm_ms = args.repeat * 301.0, 0.0
        extra["mode"] = args.engine
    sim = net.build(
        engine=args.engine,
        seed=args.seed,
        threads=args.threads,
        precision=args.precision,
    )
    build = time.perf_counter() - begun
    sim.run(warm_ms * 1e-3)
    wall, cpu = time.perf_counter(), time.process_time()
    result = sim.run(sim_ms * 1e-3)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    n = sum(p.n for p in net.populations.values())
    offset, times, units = 0, [], []
    for name, p in net.populations.items():
        times.append(result.spikes[name].times)
        units.append(result.spikes[name].indices.astype(np.int64) + offset)
        offset += p.n
    t, u = np.concatenate(times), np.concatenate(units)
    order = np.argsort(t, kind="stable")
    cv = cv_isi(t[order], u[order], min_intervals=5)
    bio = sim_ms * 1e-3
    counts = result.counts
    events = sum(counts.total("ac", name) for name in net.names)
    if args.network == "microcircuit":
        extra["rates"] = ", ".join(
            f"{k} {result.spike_counts(k).sum() / max(p.n, 1) / bio:.3f}"
            for k, p in net.populations.items()
        )
    if args.network == "brunel-stdp":
        w = sim.weights("E -> E")[2]
        extra |= {"w_mean": float(w.mean()) * 1e3, "w_sd": float(w.std()) * 1e3}
    return {
        "tool": "neuro",
        "version": neuro.__version__,
        "network": args.network.replace("-", "_").replace("camera", "sparse"),
        **extra,
        "engine": args.engine,
        "n_neurons": n,
        "n_synapses": sum(
            counts.layers[name].synapses for name in net.names if name in counts.layers
        ),
        "dt_ms": args.dt,
        "threads": args.threads,
        "t_bio_s": bio,
        "spikes": int(t.size),
        "rate_hz": t.size / max(n, 1) / bio,
        "cv_isi": float(cv.mean()) if cv.size else None,
        "wall_build_s": build,
        "wall_run_s": wall,
        "cpu_run_s": cpu,
        "syn_events_per_s": events / wall,
        "syn_events_per_bio_s": events / bio,
        "rtf": wall / bio,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    }
