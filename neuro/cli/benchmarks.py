"""``neuro bench NAME``: one flat record per benchmark.

Each benchmark is a module of ``neuro.cli.bench`` with ``DESCRIPTION``,
``add_arguments(parser)`` and ``run(args) -> dict`` (flat; numbers and strings).
"""

import importlib
import pkgutil
from collections.abc import Sequence

import neuro.cli.bench as _bench
from neuro.cli.parser import Parser
from neuro.errors import ParameterError, did_you_mean

__all__ = ["main"]


def main(command: str, arguments: Sequence[str]) -> int:
    """Entry of the command."""
    names = [m.name for m in pkgutil.iter_modules(_bench.__path__)]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(
            "usage: neuro bench NAME [options] [--json]\n\nbenchmarks: "
            + ", ".join(names)
            + "\n\n'neuro bench NAME --help' says what is measured, and its options"
        )
        return 0
    name, *rest = arguments
    if name not in names:
        raise ParameterError(
            f"unknown benchmark {name!r}{did_you_mean(name, names)}; "
            f"accepted: {', '.join(names)}"
        )
    module = importlib.import_module(f"neuro.cli.bench.{name}")
    parser = Parser(prog=f"neuro bench {name}", description=module.DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    module.add_arguments(parser)
    args = parser.parse_args(rest)
    record = {"schema": "neuro.bench/1", "benchmark": name, **module.run(args)}
    if args.json:
        from neuro.results import to_json

        print(to_json(record, indent=None))
    else:
        for key, value in record.items():
            print(f"{key:<28} {value}")
    return 0
