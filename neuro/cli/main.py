"""``neuro``: run, list, sweep, energy, data, bench, warmup, cite.

Exit codes: 0 ok, 1 a check failed, 2 the user's mistake (one line, no traceback).
Sub-commands live in modules of their own and are imported only when called.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from neuro._version import __version__
from neuro.cli.parser import Parser
from neuro.errors import NeuroError, ParameterError, did_you_mean

__all__ = ["main"]

# name -> (module under neuro.cli, one line of help)
_COMMANDS = {
    "run": ("run", "run an experiment by name"),
    "list": ("run", "list the experiments"),
    "sweep": ("sweep", "run an experiment over a grid of settings and seeds"),
    "energy": ("energy", "estimate energy, bit budgets; show profiles; self-check"),
    "data": ("data", "where data sets are, checksums, synthetic stand-ins"),
    "bench": ("benchmarks", "measure speed; beside a peer where one is installed"),
    "warmup": ("warmup", "compile the standard kernels into the cache"),
    "cite": ("cite", "print the BibTeX of the systems implemented here"),
}


def check_shadowing() -> None:
    """Refuse to go on when a user's own hw or sims hides ours.

    Raises
    ------
    NeuroError
        Naming the file in the way.
    """
    import importlib.util

    home = Path(__file__).resolve().parent.parent.parent
    for name in ("hw", "sims"):
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or origin.parent.parent != home:
            raise NeuroError(
                f"the package {name!r} of spikejoule is hidden by {origin}; rename "
                "that file, or start neuro from another folder"
            )


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="neuro",
        description="Neuromorphic simulation: from events to joules.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="commands:\n"
        + "\n".join(f"  {k:<8} {text}" for k, (_, text) in _COMMANDS.items())
        + "\n\n'neuro COMMAND --help' shows the options of a command.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("command", metavar="COMMAND", help="one of those below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    name = "neuro"
    try:
        if not (sys.argv[1:] if argv is None else argv):
            _parser().print_help()
            return 2
        first = (sys.argv[1:] if argv is None else argv)[0]
        if first.startswith("-") and first not in ("-h", "--help", "--version"):
            raise ParameterError(
                f"unknown option {first!r} before a command; accepted: --help, "
                f"--version, or a command: {', '.join(_COMMANDS)}"
            )
        args = _parser().parse_args(argv)
        if args.command not in _COMMANDS:
            raise ParameterError(
                f"unknown command {args.command!r}"
                f"{did_you_mean(args.command, _COMMANDS)}; accepted: "
                f"{', '.join(_COMMANDS)}"
            )
        name = f"neuro {args.command}"
        check_shadowing()
        import importlib

        from neuro.logs import shown

        module = importlib.import_module(f"neuro.cli.{_COMMANDS[args.command][0]}")
        # an experiment shows its whole log, or nothing, by itself
        own = args.command in ("run", "sweep") or "--quiet" in args.arguments
        with shown(*() if own else ("neuro.compiled",)):
            return int(module.main(args.command, args.arguments))
    except NeuroError as error:
        message = " ".join(str(error).split())
        print(f"{name}: error: {message}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
