"""Build and run the network of this folder in NEST 3; write its spikes as npz.

    python run_nest.py --ms 1000 [--threads 2] [--out spikes.npz] [--seed 1]

With MPI each rank writes its own file. Needs nest and numpy only.
"""

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Run from the command line."""
    nest: Any = importlib.import_module("nest")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ms", type=float, required=True, help="duration, ms")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default="spikes.npz")
    args = parser.parse_args()
    folder = Path(__file__).resolve().parent
    spec = json.loads((folder / "network.json").read_text())
    arrays = np.load(folder / "arrays.npz")
    if hasattr(nest, "VerbosityLevel"):
        nest.verbosity = nest.VerbosityLevel.ERROR
    else:
        nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.set(
        resolution=spec["dt_ms"],
        local_num_threads=args.threads,
        rng_seed=args.seed,
    )
    nodes = {}
    for name, p in spec["populations"].items():
        if p["n"]:
            nodes[name] = nest.Create(p["model"], p["n"], params=p["params"])
    for name, s in spec["sources"].items():
        nodes[name] = generators = nest.Create("spike_generator", s["n"])
        times = arrays[f"{s['key']}_times"]
        channels = arrays[f"{s['key']}_channels"]
        for k in np.unique(channels):
            mine = times[channels == k]
            if spec["precise"]:
                generators[int(k)].set(precise_times=True, spike_times=mine)
            else:
                at, n = np.unique(mine, return_counts=True)
                generators[int(k)].set(
                    spike_times=at, spike_multiplicities=n.astype(int)
                )
    for d in spec["poisson"]:
        drive = nest.Create(
            "poisson_generator_ps" if spec["precise"] else "poisson_generator",
            params={"rate": d["rate"]},
        )
        nest.Connect(
            drive,
            nodes[d["target"]],
            syn_spec={"weight": d["weight"], "delay": spec["dt_ms"]},
        )
    for q in spec["projections"]:
        pre, post = arrays[f"{q['key']}_pre"], arrays[f"{q['key']}_post"]
        if pre.size == 0:
            continue
        first, last = nodes[q["pre"]][0].global_id, nodes[q["post"]][0].global_id
        nest.Connect(
            pre.astype(np.int64) + first,
            post.astype(np.int64) + last,
            {"rule": "one_to_one"},
            {
                "weight": arrays[f"{q['key']}_weight"],
                "delay": arrays[f"{q['key']}_delay"],
                "synapse_model": "static_synapse",
            },
        )
    recorders = {}
    for name in spec["populations"]:
        if name in nodes:
            recorders[name] = nest.Create("spike_recorder")
            nest.Connect(nodes[name], recorders[name])
    nest.Simulate(args.ms)
    out = {"version": np.array(nest.__version__)}
    for name, recorder in recorders.items():
        events = recorder.get("events")
        senders = np.asarray(events["senders"]) - nodes[name][0].global_id
        times = np.asarray(events["times"], dtype=float)
        order = np.lexsort((senders, times))
        out[f"{name}/times_ms"] = times[order]
        out[f"{name}/indices"] = senders[order].astype(np.int32)
    target = Path(args.out)
    if nest.num_processes > 1:
        target = target.with_name(f"{target.stem}-{nest.Rank()}{target.suffix}")
    np.savez_compressed(target, **out)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
