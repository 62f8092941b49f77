"""The machine's own limit of delivery: a scatter loop without anything around it."""

import argparse
import time
from typing import Any

DESCRIPTION = (
    "rate of a plain scatter loop over random targets (Brunel's size: 12,500 rows of "
    "1,250), one thread, in million events per second, in C where there is a compiler "
    "(cc -O3 -march=native) and in Numba; the engine's delivery is quoted against it"
)

_SPIKES = 700  # in a window of Brunel's network


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--n", type=int, default=12_500, help="targets and rows")
    parser.add_argument("--k", type=int, default=1_250, help="targets per row")
    parser.add_argument("--repeats", type=int, default=5, help="the best one counts")
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark."""
    import numpy as np

    from neuro.cli._c_scatter import compile_scatter
    from neuro.core._kernels.limit import scatter_constant, scatter_weighted
    from neuro.errors import ParameterError

    if not 1 <= args.n <= 65_535 or args.k < 1:
        raise ParameterError(f"--n 1..65535 and --k >= 1, got {args.n}, {args.k}")
    rng = np.random.default_rng(args.seed)
    targets = rng.integers(0, args.n, (args.n, args.k), dtype=np.uint16)
    targets.sort(axis=1)
    wide = targets.astype(np.uint32)
    weights = rng.random(targets.shape, dtype=np.float32)
    rows = np.sort(rng.integers(0, args.n, _SPIKES))  # as many bytes as the engine's
    out = np.zeros(args.n, np.float32)

    def rate(kernel: Any, *arrays: Any) -> float:
        kernel(rows[:2], *arrays)
        best = np.inf
        for _ in range(20 * args.repeats):
            start = time.process_time()
            kernel(rows, *arrays)
            best = min(best, time.process_time() - start)
        return float(rows.size * args.k / best / 1e6)

    def delivery() -> float:
        """Engine: one window's spikes on Brunel's own rows."""
        from neuro.core._kernels.grid_deliver import deliver_window
        from neuro.network.standard import brunel

        engine: Any = brunel().build(seed=args.seed)._grid()
        st, m = engine.state, _SPIKES
        st.merged[0, :m] = np.sort(rng.integers(0, engine.plan.n_neurons, m))
        st.merged_step[0, :m] = np.arange(m) * engine.window // m
        best = np.inf
        for k in range(1 + 20 * args.repeats):
            start = time.process_time()
            deliver_window(None, engine.layout, st, 0, 0, m)
            if k:
                best = min(best, time.process_time() - start)
        return float(m * 1250 / best / 1e6)

    one = np.ones(1, np.float32)
    short, unit = np.zeros(args.n, np.int16), np.ones(1, np.int16)
    in_c = compile_scatter()
    loops = {
        "c_constant_int16": ("constant_int16", unit, short),
        "c_constant_float32": ("constant_float32", one, out),
        "c_float32": ("weighted_float32", weights, out),
    }
    c_rates = {
        f"{key}_per_us": rate(in_c[name], targets, *arrays) if in_c else None
        for key, (name, *arrays) in loops.items()
    }
    delivered = delivery()
    limit = c_rates["c_constant_int16_per_us"]
    return {
        "n_targets": args.n,
        "row": args.k,
        "uint16_constant_int16_per_us": rate(scatter_constant, targets, unit, short),
        "uint16_constant_float32_per_us": rate(scatter_constant, targets, one, out),
        "uint16_float32_per_us": rate(scatter_weighted, targets, weights, out),
        "uint32_float32_per_us": rate(scatter_weighted, wide, weights, out),
        **c_rates,
        "engine_brunel_int16_per_us": delivered,
        "engine_of_c": delivered / limit if limit else None,
    }
