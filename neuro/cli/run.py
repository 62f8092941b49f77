"""``neuro run`` and ``neuro list``."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from neuro.cli.parser import Parser

__all__ = ["main"]


def main(command: str, arguments: Sequence[str]) -> int:
    """Entry of both commands."""
    return _list(arguments) if command == "list" else _run(arguments)


def _list(arguments: Sequence[str]) -> int:
    parser = Parser(prog="neuro list", description="List the experiments.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(arguments)
    experiments = importlib.import_module("sims._config").experiments()
    if args.json:
        from neuro.results import to_json

        print(to_json({"schema": "neuro.list/1", "experiments": experiments}))
        return 0
    for e in experiments:
        minutes = ", ".join(f"{k} {v:g} min" for k, v in e["minutes"].items())
        print(f"{e['name']:<20} {e['title']}")
        print(f"{'':<20} {e['paper']} | data: {e['data'] or 'none'} | {minutes}")
    return 0


def _run(arguments: Sequence[str]) -> int:
    if len(arguments) > 1 and {"-h", "--help"} & set(arguments):
        name = next((a for a in arguments if not a.startswith("-")), None)
        if name is not None:
            print(importlib.import_module("sims._config").describe(name))
            return 0
    parser = Parser(
        prog="neuro run",
        description="Run an experiment; 'neuro list' names them, "
        "'neuro run NAME --help' shows the settings of one.",
    )
    parser.add_argument("name", help="experiment, for example nmnist-lsm")
    parser.add_argument("--preset", default="demo", help="smoke, demo (default), paper")
    parser.add_argument("--seed", type=int, default=0, help="default 0")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting; may be repeated",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="output folder; an unfinished run goes on",
    )
    parser.add_argument("--json", action="store_true", help="print the run record")
    parser.add_argument("--quiet", action="store_true", help="no progress, no log")
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare with expected.json; exit 1 on drift",
    )
    args = parser.parse_args(arguments)
    runner = importlib.import_module("sims._runner")
    record, problems = runner.run_experiment(
        args.name,
        preset=args.preset,
        seed=args.seed,
        settings=args.set,
        out=args.out,
        quiet=args.quiet,
        check=args.check,
    )
    if args.json:
        from neuro.results import to_json

        print(to_json(record))
    else:
        runner.print_summary(record)
    for problem in problems:
        print(f"neuro run: check: {problem}", file=sys.stderr)
    return 1 if problems else 0
