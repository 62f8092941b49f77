"""What the sub-commands of ``neuro energy`` do."""

import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from neuro._version import __version__
from neuro.counts import NetSpec
from neuro.errors import DatasetError
from neuro.results import to_json

from ..bitbudget import layers_of, s_ace
from ._budget_command import run_budget
from ._inputs import Source, count_source, load_source
from ._output import save, screen_width, write
from ._profile_command import run_profiles, run_selfcheck
from ._tables import csv_text
from ._usage import UsageError
from .constants import Profile, ProfileError
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
        "budget": run_budget,
        "profiles": run_profiles,
        "selfcheck": run_selfcheck,
    }
    code: int = command[args.command](args)
    return code


def _estimate(args: Namespace) -> int:
    if (args.source is None) == (args.report is None):
        raise UsageError("give either INPUT or --from REPORT.json, not both or none")
    if args.plot and Path(args.plot).suffix not in (".png", ".svg", ".pdf"):
        raise UsageError(f"--plot {args.plot}: the name must end in .png, .svg or .pdf")
    if args.latency is not None and not args.latency > 0:
        raise UsageError(f"--latency must be > 0 s, got {args.latency:g}")
    if args.report:
        _refuse_with_report(args)
    document = _from_report(args.report) if args.report else _fresh(args)
    reports = [Report.from_dict(r) for r in document["reports"]]
    width = screen_width() if args.output is None else None
    write(_rendered(document, reports, args.format, width), args.output)
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


def _refuse_with_report(args: Namespace) -> None:
    """Refuse options that would need the counts again."""
    for option, default in _PRICING.items():
        if getattr(args, option) != default:
            raise UsageError(
                f"--{option.replace('_', '-')} with --from: a saved report is printed "
                "as it was priced; give the input again to price it anew"
            )


# options of counting and pricing, and their defaults
_PRICING: dict[str, Any] = {
    "activity": None,
    "rate": None,
    "spikes_per_layer": None,
    "timesteps": None,
    "wbits": None,
    "sbits": None,
    "vbits": None,
    "batch": 1,
    "model": None,
    "profile": [],
    "count": None,
    "zero_weights": "count",
    "mode": None,
    "ann": None,
    "first_layer": "uniform",
    "multibit": "serial",
    "fold_scale": False,
    "no_fold_bn": False,
    "mc": 0,
    "input": None,
    "input_shape": None,
    "time_axis": "none",
    "latency": None,
    "hops": 0.0,
}


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
    args.model = [model for model, _ in pairs]
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
            **({} if args.mode is None else {"mode": args.mode}),
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


def _rendered(
    document: Mapping[str, Any],
    reports: Sequence[Report],
    form: str,
    width: int | None = None,
) -> str:
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
        parts = [r.to_table(width=width) for r in reports]
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
        save(
            path,
            lambda f: fig.savefig(f, format=kind, dpi=150, metadata=metadata),
        )
    plt.close(fig)
