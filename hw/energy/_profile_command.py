"""``neuro energy profiles`` and ``neuro energy selfcheck``."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from neuro._version import __version__
from neuro.results import to_json

from ._output import save, write
from ._usage import UsageError
from .constants import Profile, profile_names

__all__ = ["run_profiles", "run_selfcheck"]


def run_profiles(args: Namespace) -> int:
    action = args.action or "list"
    if action == "list":
        held = [Profile.load(n) for n in profile_names()]
        if args.format == "json":
            write(to_json([_head(p) for p in held]), None)
            return 0
        rows = [["name", "kind", "node", "description"]]
        rows += [[p.name, p.kind, p.node, p.title] for p in held]
        if args.format == "csv":
            import csv

            csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
            return 0
        widths = [max(len(r[k]) for r in rows) for k in range(3)]
        write(
            "\n".join(
                "  ".join(
                    [*(c.ljust(w) for c, w in zip(r, widths, strict=False)), r[3]]
                )
                for r in rows
            ),
            None,
        )
        return 0
    if args.name is None:
        raise UsageError(f"profiles {action} needs a name")
    if action == "show":
        profile = Profile.load(args.name)
        if args.format == "json":
            write(to_json(profile.to_dict()), None)
            return 0
        lines = [f"{profile.name} ({profile.kind}, {profile.node}): {profile.title}"]
        lines += [f"  {k} = {v}" for k, v in profile.parameters.items()]
        for name, c in profile.constants.items():
            voltage = "V not stated" if c.voltage is None else f"{c.voltage:g} V"
            lines.append(
                f"  {name}: {c.value:g} [{c.low:g}, {c.high:g}] {c.unit} ({c.node}, "
                f"{voltage}; {c.kind}; {c.source})"
            )
        write("\n".join(lines), None)
        return 0
    path = Path(args.name)
    if path.suffix != ".toml":
        raise UsageError(f"profiles new {path}: the name must end in .toml")
    if path.exists():
        raise UsageError(f"profiles new {path}: the file exists; choose another name")
    save(path, lambda f: f.write(_TEMPLATE.format(name=path.stem).encode()))
    sys.stderr.write(f"written to {path}\n")
    return 0


def _head(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "kind": profile.kind,
        "node": profile.node,
        "title": profile.title,
    }


_TEMPLATE = """\
# A profile of your own. Every constant needs value, unit, kind and source; low and high
# default to value. kind: measured, simulated, vendor, derived, average, convention,
# assumed. Check it with: neuro energy profiles show {name}.toml
name = "{name}"
kind = "chip"              # digital | chip | cim | yan24
node = "28 nm"
title = "one line about the machine"
cite = []

[parameters]
chips = 1

[constants.synop]
value = 10.0
low = 8.0
high = 12.0
unit = "pJ"
node = "28 nm"
voltage = 0.8
kind = "measured"
source = "where this number was published"

[constants.static]
value = 1.0
unit = "mW"
node = "28 nm"
kind = "measured"
source = "where this number was published"
"""


def run_selfcheck(args: Namespace) -> int:
    from .selfcheck import anchors

    found = anchors()
    wrong = [a for a in found if not a.ok]
    if args.format == "json":
        text = to_json(
            {
                "schema": "neuro.selfcheck/1",
                "version": __version__,
                "n": len(found),
                "mismatches": len(wrong),
                "anchors": [{**vars(a), "ok": a.ok} for a in found],
            }
        )
    elif args.format == "csv":
        import csv
        import io

        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["name", "expected", "got", "ok", "source"])
        writer.writerows([a.name, a.expected, a.got, a.ok, a.source] for a in found)
        text = out.getvalue()
    else:
        grid = [["", "anchor", "expected", "got"]]
        grid += [["ok" if a.ok else "WRONG", a.name, a.expected, a.got] for a in found]
        if args.format == "md":
            lines = ["| " + " | ".join(r) + " |" for r in grid]
            lines.insert(1, "|---|---|--:|--:|")
        else:
            width = max(len(r[1]) for r in grid)
            lines = [f"{r[0]:<6}{r[1]:<{width}}  {r[2]:>14}  {r[3]:>14}" for r in grid]
        text = "\n".join([*lines, "", f"{len(found)} anchors, {len(wrong)} mismatches"])
    write(text, None)
    return 1 if wrong else 0
