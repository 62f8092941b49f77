"""``neuro energy estimate | budget | profiles | selfcheck``.

Exit codes: 0 ok; 1 an anchor does not match, or ``--fail-above`` is exceeded; 2 usage;
3 input missing, unreadable or corrupt, or output not writable; 4 unsupported layer or
node; 5 activity missing or not fitting; 6 bad or unknown profile.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from neuro.counts.activity import ActivityError
from neuro.errors import NeuroError, UnsupportedNodeError

from ._usage import UsageError
from .constants import ProfileError

__all__ = ["main"]

PROG = "neuro energy"
_MODELS = ("op45", "lemaire22", "yan24", "chip", "cim")


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected an integer, got {text!r}") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected an integer >= 1, got {value}")
    return value


def _natural(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected an integer, got {text!r}") from None
    if value < 0:
        raise argparse.ArgumentTypeError(f"expected an integer >= 0, got {value}")
    return value


def _shape(text: str) -> tuple[int, ...]:
    return tuple(_positive(part) for part in text.split(","))


def _numbers(text: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected numbers separated by commas, got {text!r}"
        ) from None
    return values


class _Parser(argparse.ArgumentParser):
    """Argparse whose errors have the form of all others."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(
            2,
            f"{PROG}: error: {message} (command line): see '{self.prog} --help'\n",
        )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROG, description="From operation counts to joules and bits.")
    commands = parser.add_subparsers(
        dest="command", required=True, parser_class=_Parser, metavar="COMMAND"
    )
    estimate = commands.add_parser(
        "estimate", help="energy of one inference, with ranges and equivalent ANNs"
    )
    _input_options(estimate, source="?")
    _counting_options(estimate)
    _pricing_options(estimate)
    budget = commands.add_parser("budget", help="bit budget, S-ACE, NS-ACE, storage")
    _input_options(budget)
    profiles = commands.add_parser("profiles", help="list, show or start a profile")
    profiles.add_argument("action", nargs="?", choices=("list", "show", "new"))
    profiles.add_argument("name", nargs="?")
    check = commands.add_parser("selfcheck", help="recompute all published anchors")
    for sub in (profiles, check):
        _format_options(sub)
    return parser


def _counting_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("counting").add_argument
    add(
        "--rate",
        type=float,
        metavar="R",
        help="non-zero entries per unit and step, all layers (no default)",
    )
    add(
        "--spikes-per-layer",
        type=_numbers,
        metavar="a,b,...",
        help="spikes per inference of each spiking layer",
    )
    add(
        "--count",
        choices=("exact", "rate"),
        help="pairs of event and weight (default), or rate times dense products",
    )
    add(
        "--zero-weights",
        choices=("count", "skip"),
        default="count",
        help="whether an event that meets a stored zero is an operation (default)",
    )
    add(
        "--mode",
        choices=("clocked", "event"),
        help="neurons advance at every step (default), or where an event reaches them; "
        "arrays of cim are read at every step, or where a row is driven (default)",
    )
    add(
        "--multibit",
        choices=("serial", "mac"),
        default="serial",
        help="a spike of b bits is b additions (default), or one product",
    )
    add("--fold-scale", action="store_true", help="fold one amplitude into the weights")
    add("--no-fold-bn", action="store_true", help="count normalisation apart")
    add("--vbits", type=_positive, metavar="B", help="membrane bits")
    add = parser.add_argument_group("input of a torch module").add_argument
    add("--input", metavar="FILE.npy|.pt", help="what it is fed with")
    add(
        "--input-shape",
        type=_shape,
        metavar="A,B,...",
        help="one sample and step; drawn with --rate and --seed",
    )
    add(
        "--time-axis",
        choices=("none", "0", "1"),
        default="none",
        help="axis of time, step by step; none (default): the module loops itself. "
        "Of --activity: 0 for [T, batch, ...] (default), 1 for [batch, T, ...]",
    )


def _pricing_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("pricing").add_argument
    add(
        "--from",
        dest="report",
        metavar="REPORT.json",
        help="print a saved report instead",
    )
    add(
        "--model",
        action="append",
        choices=_MODELS,
        help="may be given several times; lemaire22 and op45 if not given",
    )
    add(
        "--profile",
        action="append",
        metavar="NAME|FILE.toml",
        default=[],
        help="constants; may be given several times ('neuro energy profiles' lists)",
    )
    add(
        "--ann",
        choices=("none", "fp32", "int8", "ops", "levels"),
        help="equivalent ANN beside it; int8 and levels if not given",
    )
    add(
        "--batch",
        type=_positive,
        default=1,
        metavar="N",
        help="samples that share one fetch of weights in dense layers",
    )
    add("--latency", type=float, metavar="S", help="seconds of one inference")
    add(
        "--hops",
        type=float,
        default=0.0,
        metavar="N",
        help="hops of a spike between cores of a chip",
    )
    add(
        "--mc",
        type=_natural,
        default=0,
        metavar="N",
        help="draws of the constants, for quantiles",
    )
    add("--seed", type=_natural, default=0, metavar="N", help="of all draws")
    add("--plot", metavar="FILE.png|.svg|.pdf", help="draw the report")
    add("--fail-above", type=float, metavar="J", help="exit 1 above this energy")


def _format_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("output").add_argument
    add("--format", choices=("table", "json", "csv", "md"), default="table")
    add(
        "--json",
        dest="format",
        action="store_const",
        const="json",
        help="the same as --format json",
    )
    add("-q", "--quiet", action="store_true", help="no warnings on standard error")
    add("-v", "--verbose", action="store_true", help="traceback on errors")


def _input_options(parser: argparse.ArgumentParser, *, source: str = "") -> None:
    add = parser.add_argument
    add(
        "source",
        metavar="INPUT",
        help="run folder, .npz, .nir, .toml or package.module:attribute",
        **({"nargs": source} if source else {}),  # type: ignore[arg-type]
    )
    add("--activity", metavar="FILE", help=".npz or .h5 rasters, or .csv rates")
    add(
        "-T",
        "--timesteps",
        type=_positive,
        metavar="N",
        help="steps of one inference; from the data if they tell",
    )
    add("--wbits", type=_positive, metavar="B", help="weight bits")
    add("--sbits", type=_positive, metavar="B", help="bits of one spike")
    add("-o", "--output", metavar="FILE", help="write there, not to standard output")
    add(
        "--first-layer",
        choices=("uniform", "declared"),
        default="uniform",
        help="bits of the first layer's input in the budget: the network's spike bits "
        "(default), or its own",
    )
    add(
        "--strict",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="refuse unsupported layers (default), or leave them out: a lower bound",
    )
    _format_options(parser)


# error -> exit code, and what to do where the message does not say it
_CODES: tuple[tuple[type[Exception], int, str], ...] = (
    (UsageError, 2, "see 'neuro energy --help'"),
    (UnsupportedNodeError, 4, "leave it out with --no-strict"),
    (ActivityError, 5, "correct the activity or its options"),
    (ProfileError, 6, "correct the profile"),
    (Exception, 3, "correct the file or give another"),
)


def _line(error: Exception, where: str) -> tuple[int, str]:
    """Return exit code and ``neuro energy: error: <what> (<where>): <how to fix>``.

    Where `what` names the place by itself, it is not said again.
    """
    code, fix = next((c, f) for kind, c, f in _CODES if isinstance(error, kind))
    text = " ".join(str(error).split())
    what, cut, said = text.rpartition("; ")
    if cut:
        fix = said
    else:
        what = text
    if where not in what:
        what = f"{what} ({where})"
    return code, f"{PROG}: error: {what}: {fix}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        args = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    args.argv = argv
    where = str(getattr(args, "source", None) or args.command)
    try:
        from . import _commands

        code = _commands.run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (NeuroError, OSError) as error:
        if args.verbose:
            traceback.print_exc()
        if isinstance(error, OSError) and not isinstance(error, NeuroError):
            name = error.filename or where
            error = NeuroError(
                f"{name}: {error.strerror or error}; check the path and its permissions"
            )
        code, line = _line(error, where)
        print(line, file=sys.stderr)
        return code
