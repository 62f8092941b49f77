"""``neuro data list|path|check|synth``: data sets, checksums, synthetic recordings."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuro.cli.parser import Parser
from neuro.errors import DatasetError, ParameterError, did_you_mean

__all__ = ["main"]

_ROUND = 256  # recordings simulated before they are written


def main(command: str, arguments: Sequence[str]) -> int:
    """Entry of the command."""
    parser = Parser(
        prog="neuro data",
        description="Data sets: where they are looked for (--path, then NEURO_DATA, "
        "then ./data), whether they are intact, and recordings made here.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shared = Parser(add_help=False)
    shared.add_argument("--path", type=Path, help="root to look in, nowhere else")
    shared.add_argument("--json", action="store_true", help="print one JSON object")
    actions.add_parser("list", parents=[shared], help="the sets and where they are")
    one = actions.add_parser("path", parents=[shared], help="the folder of one set")
    one.add_argument("name")
    check = actions.add_parser("check", parents=[shared], help="verify the files")
    check.add_argument("names", nargs="*", metavar="name", help="default: all found")
    synth = actions.add_parser("synth", help="make recordings with the event camera")
    synth.add_argument("--out", type=Path, required=True, help="new or empty folder")
    synth.add_argument("--n", type=int, default=1000, help="recordings (default 1000)")
    synth.add_argument(
        "--from",
        dest="source",
        choices=("digits", "mnist"),
        default="digits",
        help="images: scikit-learn's digits (default) or MNIST",
    )
    synth.add_argument("--split", choices=("train", "test", "all"), default="all")
    synth.add_argument("--skip", type=int, default=0, help="images to leave out first")
    synth.add_argument("--seed", type=int, default=0)
    synth.add_argument("--threads", type=int, help="default: all cores")
    synth.add_argument("--path", type=Path, help="root with mnist/")
    synth.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(arguments)
    return {"list": _list, "path": _path, "check": _check, "synth": _synth}[
        args.action
    ](args)


def _where(name: str, path: Path | None) -> Path | None:
    from neuro.datasets.checksums import SETS
    from neuro.datasets.lookup import find

    if name not in SETS:
        raise ParameterError(
            f"unknown data set {name!r}{did_you_mean(name, SETS)}; accepted: "
            f"{', '.join(SETS)}"
        )
    info = SETS[name]
    return find(name, info.folders, path, info.is_set)


def _print_json(schema: str, **content: Any) -> None:
    from neuro.results import to_json

    print(to_json({"schema": schema, **content}))


def _list(args: argparse.Namespace) -> int:
    from neuro.datasets.checksums import SETS
    from neuro.datasets.lookup import roots

    if args.path and not args.path.is_dir():
        raise ParameterError(f"--path {args.path}: no such folder")
    rows = []
    for name, info in SETS.items():
        try:
            place = _where(name, args.path)
        except DatasetError:  # a given root that lacks this set
            place = None
        rows.append(
            {
                "name": name,
                "content": info.content,
                "found": place,
                "stand_in": info.stand_in or None,
            }
        )
    if args.json:
        _print_json("neuro.data/1", roots=roots(args.path), sets=rows)
        return 0
    print("looked in: " + ", ".join(str(r) for r in roots(args.path)))
    for row in rows:
        found = row["found"] or f"not found; stand-in: {row['stand_in'] or 'none'}"
        print(f"{row['name']:<20} {row['content']}\n{'':<20} {found}")
    return 0


def _path(args: argparse.Namespace) -> int:
    place = _where(args.name, args.path)
    if args.json:
        _print_json("neuro.data/1", name=args.name, found=place)
    elif place is not None:
        print(place)
    else:
        print(f"neuro data: {args.name} is not found", file=sys.stderr)
    return 0 if place is not None else 1


def _check(args: argparse.Namespace) -> int:
    from neuro.datasets.checksums import SETS, check_set

    names = args.names or list(SETS)
    report: dict[str, Any] = {}
    failed = False
    for name in names:
        try:
            _where(name, args.path)
            findings = check_set(name, args.path)
        except DatasetError:
            if args.names:
                raise
            findings = None
        if findings is None:
            report[name] = None
            failed |= bool(args.names)
            continue
        report[name] = [f._asdict() for f in findings]
        failed |= not all(f.ok for f in findings)
    if args.json:
        _print_json("neuro.data/1", ok=not failed, sets=report)
    else:
        for name, findings_ in report.items():
            if findings_ is None:
                print(f"{name}: not found")
            for f in findings_ or []:
                verdict = "ok" if f["ok"] else "WRONG"
                print(f"{name}: {f['item']}: {verdict}, {f['detail']}")
    return int(failed)


def _synth(args: argparse.Namespace) -> int:
    from tqdm.auto import tqdm

    from neuro.datasets.nmnist import stand_in
    from neuro.events import encode
    from neuro.results import write_json

    if args.n < 1 or args.skip < 0:
        raise ParameterError(
            f"synth: expected --n >= 1 and --skip >= 0, got {args.n} and {args.skip}"
        )
    if args.threads is not None and args.threads < 1:
        raise ParameterError(f"--threads: expected >= 1, got {args.threads}")
    data = stand_in(seed=args.seed, source=args.source, data_path=args.path)
    if args.split != "all":
        data = data.subset(data.indices(args.split))
    if args.skip + args.n > len(data):
        raise ParameterError(
            f"--n {args.n}: only {max(0, len(data) - args.skip)} images of "
            f"{args.source} are left; lower --n or --skip"
        )
    data = data.subset(range(args.skip, args.skip + args.n))
    out: Path = args.out
    n_events = 0
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ParameterError(f"--out {out}: not empty; give a new or empty folder")
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as tmp:
            made = Path(tmp) / "set"
            made.mkdir()
            with tqdm(total=args.n, disable=not sys.stderr.isatty()) as bar:
                for first in range(0, args.n, _ROUND):
                    part = data.subset(range(first, min(first + _ROUND, args.n)))
                    part.preload(threads=args.threads)
                    for k in range(len(part)):
                        split = str(part.splits[k]).capitalize()
                        folder = made / split / str(part.labels[k])
                        folder.mkdir(parents=True, exist_ok=True)
                        file = folder / f"{part.source_index[k] + 1:05d}.bin"
                        file.write_bytes(encode(part[k]))
                        n_events += part[k].size
                    bar.update(len(part))
            write_json(
                made / "metadata.json",
                {**data.metadata, "sensor_size": data.sensor_size, "n": args.n},
            )
            if out.exists():
                out.rmdir()
            made.rename(out)
    except OSError as error:
        raise ParameterError(
            f"--out {out}: cannot be written ({error.strerror}); choose another folder"
        ) from None
    mean = n_events / args.n
    if args.json:
        _print_json(
            "neuro.data/1", out=out, n=args.n, synthetic=True, events_per_recording=mean
        )
    else:
        print(f"{args.n} synthetic recordings, {mean:.0f} events each, in {out}")
    return 0
