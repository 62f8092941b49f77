"""What the sub-commands of ``neuro energy`` do."""

import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from neuro._version import __version__
from neuro.counts import NetSpec, OpCounts
from neuro.errors import DatasetError
from neuro.results import atomic_write, to_json

from ..bitbudget import BudgetLayer, budget, layers_of, ns_ace, s_ace
from ._inputs import Source, UsageError, count_source, load_source
from ._tables import csv_text, si
from .constants import Profile, ProfileError, profile_names
from .estimate import price
from .report import SCHEMA, Report

__all__ = ["run"]

_KIND_OF = {
    "op45": ("digital",),
    "lemaire22": ("digital",),
    "yan24": ("yan24",),
    "chip": ("chip",),
    "cim": ("cim",),
}


def run(args: Namespace) -> int:
    """Dispatch."""
    command: dict[str, Any] = {
        "estimate": _estimate,
        "budget": _budget,
        "profiles": _profiles,
        "selfcheck": _selfcheck,
    }
    code: int = command[args.command](args)
    return code


def _write(text: str, output: str | None) -> None:
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        return
    data = (text if text.endswith("\n") else text + "\n").encode()
    atomic_write(output, lambda f: f.write(data))


# estimate


def _estimate(args: Namespace) -> int:
    if (args.source is None) == (args.report is None):
        raise UsageError("give either INPUT or --from REPORT.json, not both or none")
    if args.plot and Path(args.plot).suffix not in (".png", ".svg", ".pdf"):
        raise UsageError(f"--plot {args.plot}: the name must end in .png, .svg or .pdf")
    if args.latency is not None and not args.latency > 0:
        raise UsageError(f"--latency must be > 0 s, got {args.latency:g}")
    document = _from_report(args.report) if args.report else _fresh(args)
    reports = [Report.from_dict(r) for r in document["reports"]]
    _write(_rendered(document, reports, args.format), args.output)
    if not args.quiet:
        for text in document["warnings"]:
            sys.stderr.write(f"neuro energy: warning: {text}\n")
    if args.plot:
        _plot(reports, args.plot)
    if args.fail_above is not None and reports[0].total > args.fail_above:
        sys.stderr.write(
            f"neuro energy: {reports[0].model}: {reports[0].total:.3g} J per inference "
            f"is above the limit of {args.fail_above:.3g} J\n"
        )
        return 1
    return 0


def _from_report(path: str) -> dict[str, Any]:
    try:
        data = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise DatasetError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise DatasetError(
            f"{path}: no report of 'neuro energy' (schema {SCHEMA!r} expected)"
        )
    if "reports" not in data:
        data = {"reports": [data], "warnings": [], "input": {}, "model_spread": None}
    return data


def _pairs(args: Namespace) -> list[tuple[str, Profile | None]]:
    """Models and profiles to run: at least two models, never op45 alone."""
    profiles = [Profile.load(name) for name in args.profile]
    models: list[str] = list(dict.fromkeys(args.model or []))
    if not models:
        by_kind = {"chip": "chip", "cim": "cim", "yan24": "yan24"}
        models = list(dict.fromkeys(by_kind.get(p.kind, "lemaire22") for p in profiles))
        if not models:
            models = ["lemaire22"]
    out: list[tuple[str, Profile | None]] = []
    used = set()
    for model in models:
        own = [p for p in profiles if p.kind in _KIND_OF[model]]
        if model == "op45" and len(models) > 1:
            own = []
        used |= {p.name for p in own}
        out += [(model, p) for p in own] or [(model, None)]
    for profile in profiles:
        if profile.name not in used:
            raise ProfileError(
                f"profile {profile.name!r} is of kind {profile.kind!r}, which "
                f"{' and '.join(models)} cannot use; name the model that can"
            )
    if len({m for m, _ in out}) == 1:
        partner = "lemaire22" if models == ["op45"] else "op45"
        out.append((partner, None))
    return out


def _fresh(args: Namespace) -> dict[str, Any]:
    pairs = _pairs(args)
    source = load_source(args.source, strict=args.strict)
    counts, warnings = count_source(source, args)
    skipped: tuple[str, ...] = getattr(source.value, "skipped", ())
    names = ("int8", "levels") if args.ann is None else (args.ann,)
    reports = []
    for model, profile in pairs:
        report = price(
            counts,
            model=model,
            profile=profile,
            ann=names,
            mode=args.mode,
            mc=args.mc,
            seed=args.seed,
            batch=args.batch,
            latency_s=args.latency,
            hops=args.hops,
        )
        values = dict(report.inference)
        declared = _declared(source, args)
        if declared is not None and "s_ace" in values:
            if args.first_layer == "declared":
                values["s_ace"] = declared
            else:
                values["s_ace_declared"] = declared
        reports.append(
            replace(
                report,
                inference=values,
                lower_bound=bool(skipped),
                warnings=(
                    *report.warnings,
                    *(
                        [f"skipped, totals are a lower bound: {', '.join(skipped)}"]
                        if skipped
                        else []
                    ),
                ),
            )
        )
    if args.count == "rate" or not _has_rasters(source, args):
        warnings = [*warnings, "counts from rates are approximate"]
    totals = [r.total for r in reports if r.total > 0]
    from .neurobench import neurobench_block

    return {
        "schema": SCHEMA,
        "version": __version__,
        "command": ["neuro", "energy", *args.argv],
        "input": {"path": source.path, "kind": source.kind, "sha256": source.sha256},
        "reports": [r.to_dict() for r in reports],
        "model_spread": max(totals) / min(totals) if len(totals) > 1 else None,
        "neurobench": neurobench_block(counts),
        "warnings": list(warnings),
    }


def _has_rasters(source: Source, args: Namespace) -> bool:
    if source.kind in ("run", "ledger", "module"):
        return True
    return bool(args.activity) and not str(args.activity).endswith(".csv")


def _declared(source: Source, args: Namespace) -> int | None:
    spec = source.value
    if not isinstance(spec, NetSpec) or spec.input_bits == spec.s_bits:
        return None
    spec = spec.with_bits(
        w_bits=args.wbits, s_bits=args.sbits, v_bits=None, steps=args.timesteps
    )
    return s_ace(layers_of(spec, first_layer="declared"))


def _rendered(document: Mapping[str, Any], reports: Sequence[Report], form: str) -> str:
    if form == "json":
        return to_json(document)
    if form == "csv":
        return csv_text(reports)
    held = document.get("input") or {}
    lines = []
    if held:
        lines.append(f"input: {held['path']} ({held['kind']})")
    spread = document.get("model_spread")
    tail = [] if spread is None else [f"model spread x{spread:.3g}"]
    tail += [f"warning: {text}" for text in document["warnings"]]
    if form == "md":
        parts = [r.to_markdown() for r in reports]
        tail = [f"- {t}" for t in tail]
    else:
        parts = [r.to_table() for r in reports]
    return "\n\n".join([*lines, *parts, "\n".join(tail)]).rstrip()


def _plot(reports: Sequence[Report], path: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from .plot import figure

    fig = figure(reports)
    kind = Path(path).suffix[1:]
    metadata: dict[str, Any] = {
        "png": {"Software": None},
        "svg": {"Date": None},
        "pdf": {"CreationDate": None},
    }[kind]
    with plt.rc_context({"svg.hashsalt": "neuro energy"}):
        atomic_write(
            path,
            lambda f: fig.savefig(f, format=kind, dpi=150, metadata=metadata),
        )
    plt.close(fig)


# budget


def _budget(args: Namespace) -> int:
    source = load_source(args.source, strict=args.strict)
    layers, declared, notes = _budget_layers(source, args)
    b = budget(layers, declared=declared)
    rows = [
        {
            "layer": la.name,
            "n": la.n,
            "weights": la.weights,
            "w_bits": la.w_bits,
            "s_bits": la.s_bits,
            "steps": la.steps,
            "bit_budget": la.w_bits * la.spike_bits,
            "rate": la.rate,
            "s_ace": s_ace([la]),
            "ns_ace": None if la.rate is None else ns_ace([la]),
            "storage_bits": la.weights * la.w_bits,
        }
        for la in layers
        if la.n
    ]
    if args.format == "json":
        text = to_json(
            {
                "schema": "neuro.budget/1",
                "version": __version__,
                "command": ["neuro", "energy", *args.argv],
                "input": {
                    "path": source.path,
                    "kind": source.kind,
                    "sha256": source.sha256,
                },
                "budget": b.to_dict(),
                "layers": rows,
                "warnings": notes,
            }
        )
    else:
        text = _budget_text(b.to_dict(), rows, notes, args.format)
    _write(text, args.output)
    return 0


def _budget_layers(
    source: Source, args: Namespace
) -> tuple[list[BudgetLayer], list[BudgetLayer] | None, list[str]]:
    notes = list(source.warnings) if args.wbits is None else []
    if source.kind == "module":
        raise UsageError("budget reads .toml, .nir, .npz or a run folder, no module")
    if isinstance(source.value, OpCounts):
        layers = [
            replace(
                la,
                w_bits=args.wbits or la.w_bits,
                s_bits=args.sbits or la.s_bits,
                steps=args.timesteps or la.steps,
            )
            for la in layers_of(source.value)
        ]
        return layers, None, notes
    spec: NetSpec = source.value.with_bits(
        w_bits=args.wbits, s_bits=args.sbits, steps=args.timesteps
    )
    layers = layers_of(spec, first_layer=args.first_layer)
    other = None
    if spec.input_bits != spec.s_bits and args.first_layer == "uniform":
        other = layers_of(spec, first_layer="declared")
    stated = any(la.rate is not None or la.spikes is not None for la in spec.layers)
    if args.activity or (stated and spec.input_rate is not None):
        for name, value in {
            "rate": None,
            "spikes_per_layer": None,
            "zero_weights": "count",
            "count": None,
            "mode": "clocked",
            "multibit": "serial",
            "fold_scale": False,
            "no_fold_bn": False,
            "time_axis": "0",
            "vbits": None,
        }.items():
            setattr(args, name, value)
        counts, more = count_source(source, args)
        rates = {la.name: la.rate for la in layers_of(counts)}
        layers = [replace(la, rate=rates.get(la.name)) for la in layers]
        notes += more
    return layers, other, notes


def _budget_text(
    b: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    notes: Sequence[str],
    form: str,
) -> str:
    names = list(rows[0])
    if form == "csv":
        lines = [",".join(names)]
        lines += [
            ",".join("" if r[k] is None else str(r[k]) for k in names) for r in rows
        ]
        return "\n".join(lines)
    widths = ("w_bits", "s_bits", "steps", "bit_budget")
    grid = [names]
    grid += [
        [
            str(r["layer"]),
            si(r["n"]),
            si(r["weights"]),
            *(str(r[k]) for k in widths),
            "n/a" if r["rate"] is None else f"{r['rate']:.3g}",
            si(r["s_ace"]),
            si(r["ns_ace"]),
            si(r["storage_bits"]),
        ]
        for r in rows
    ]
    ns = b["ns_ace"]
    facts = [
        f"configuration b_w/b_s/T: {b['configuration']}",
        f"bit budget: {'mixed' if b['bit_budget'] is None else b['bit_budget']}",
        f"products per step: {b['n']}",
        f"S-ACE: {b['s_ace'] / 1e9:.2f} G",
        "NS-ACE: n/a (needs activity)" if ns is None else f"NS-ACE: {ns / 1e9:.4g} G",
        f"weights: {b['storage_bits']} bit = {b['storage_bits'] / 8e6:.4g} MB = "
        f"{b['storage_bits'] / 8 / 2**20:.4g} MiB",
        f"membranes (not in the budget): {b['state_bits']} bit",
        f"equivalent ANN activations: {b['ann_bits']['ops']} bit (ops mapping), "
        f"{b['ann_bits']['levels']} bit (levels mapping)",
    ]
    if b["s_ace_declared"] is not None:
        facts.insert(
            4,
            f"S-ACE with the first layer's own input bits: "
            f"{b['s_ace_declared'] / 1e9:.2f} G",
        )
    facts += [f"warning: {n}" for n in notes]
    if form == "md":
        lines = ["| " + " | ".join(r) + " |" for r in grid]
        lines.insert(1, "|---|" + "--:|" * (len(names) - 1))
        return "\n".join([*lines, "", *(f"- {f}" for f in facts)])
    return "\n".join([*_aligned(grid), "", *facts])


def _aligned(grid: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(r[k]) for r in grid) for k in range(len(grid[0]))]
    return [
        "  ".join(
            c.rjust(w) if k else c.ljust(w)
            for k, (c, w) in enumerate(zip(r, widths, strict=True))
        ).rstrip()
        for r in grid
    ]


# profiles


def _profiles(args: Namespace) -> int:
    action = args.action or "list"
    if action == "list":
        held = [Profile.load(n) for n in profile_names()]
        if args.format == "json":
            _write(to_json([_head(p) for p in held]), None)
            return 0
        rows = [["name", "kind", "node", "description"]]
        rows += [[p.name, p.kind, p.node, p.title] for p in held]
        if args.format == "csv":
            import csv

            csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
            return 0
        widths = [max(len(r[k]) for r in rows) for k in range(3)]
        _write(
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
            _write(to_json(profile.to_dict()), None)
            return 0
        lines = [f"{profile.name} ({profile.kind}, {profile.node}): {profile.title}"]
        lines += [f"  {k} = {v}" for k, v in profile.parameters.items()]
        for name, c in profile.constants.items():
            voltage = "" if c.voltage is None else f", {c.voltage:g} V"
            lines.append(
                f"  {name}: {c.value:g} [{c.low:g}, {c.high:g}] {c.unit} ({c.node}"
                f"{voltage}; {c.kind}; {c.source})"
            )
        _write("\n".join(lines), None)
        return 0
    path = Path(args.name)
    if path.suffix != ".toml":
        raise UsageError(f"profiles new {path}: the name must end in .toml")
    if path.exists():
        raise UsageError(f"profiles new {path}: the file exists; choose another name")
    atomic_write(path, lambda f: f.write(_TEMPLATE.format(name=path.stem).encode()))
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


# selfcheck


def _selfcheck(args: Namespace) -> int:
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
    _write(text, None)
    return 1 if wrong else 0
