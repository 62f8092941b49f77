"""``neuro sweep``: an experiment over a grid of settings and seeds, on Dask."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from neuro.cli.parser import Parser
from neuro.logs import shown

__all__ = ["main"]


def main(command: str, arguments: Sequence[str]) -> int:
    """Entry of the command."""
    parser = Parser(
        prog="neuro sweep",
        description="Run an experiment for all combinations of some settings and "
        "several seeds; tabulate mean and spread over seeds. The same command with the "
        "same --out goes on where it stopped.",
    )
    parser.add_argument("name", help="experiment, for example nmnist-lsm")
    parser.add_argument(
        "--grid",
        action="append",
        default=[],
        metavar="KEY=A,B,C",
        help="values of a setting; may be repeated, all combinations are run",
    )
    parser.add_argument(
        "--seeds", type=int, default=1, help="seeds per point, default 1"
    )
    parser.add_argument("--seed", type=int, default=0, help="the first, default 0")
    parser.add_argument("--preset", default="demo", help="smoke, demo (default), paper")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting in all cells; may be repeated",
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="NAME",
        help="metric of the table; may be repeated (default: the first accuracies)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the sweep")
    parser.add_argument(
        "--workers",
        type=int,
        help="processes (default: one per processor); 1: in this process, without Dask",
    )
    parser.add_argument(
        "--scheduler",
        default="",
        metavar="ADDRESS",
        help="a running Dask scheduler, for example tcp://10.0.0.1:8786",
    )
    parser.add_argument("--json", action="store_true", help="print sweep.json")
    parser.add_argument("--quiet", action="store_true", help="no progress, no log")
    args = parser.parse_args(arguments)
    sweep = importlib.import_module("sims._sweep")
    with shown(*() if args.quiet else ("sims._sweep", "sims._dask")):
        record = sweep.run_sweep(
            args.name,
            grid=args.grid,
            preset=args.preset,
            settings=args.set,
            seed=args.seed,
            seeds=args.seeds,
            metrics=args.metric,
            out=args.out,
            workers=args.workers,
            scheduler=args.scheduler,
            quiet=args.quiet,
        )
    if args.json:
        from neuro.results import to_json

        print(to_json(record))
    else:
        sweep.print_table(record)
    failed = [c for c in record["cells"] if c["status"] != "finished"]
    for cell in failed if args.quiet else ():  # else said when it happened
        where = ", ".join(f"{k}={v}" for k, v in cell["parameters"].items())
        print(f"{where}, seed {cell['seed']}: {cell['error']}", file=sys.stderr)
    if failed:
        print(
            f"neuro sweep: {len(failed)} of {len(record['cells'])} cells failed; the "
            "same command with this --out tries them again",
            file=sys.stderr,
        )
    return 1 if failed else 0
