"""Written forms of a report: text, Markdown, CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ._rows import COLUMNS, LayerEnergy

if TYPE_CHECKING:
    from .report import Report

_PREFIXES = (
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "u"),
    (1e-9, "n"),
    (1e-12, "p"),
    (1e-15, "f"),
    (1e-18, "a"),
)


def si(value: float | None, unit: str = "") -> str:
    """Return three significant digits with an SI prefix."""
    if value is None:
        return "n/a"
    if value == 0:
        return f"0 {unit}".rstrip()
    scaled, prefix = value, ""
    for factor, prefix in _PREFIXES:  # noqa: B007
        scaled = float(f"{value / factor:.3g}")
        if abs(scaled) >= 1:
            break
    digits = f"{scaled:.3g}" if abs(scaled) < 1000 else f"{scaled:.0f}"
    return f"{digits} {prefix}{unit}".rstrip()


def effort(value: float) -> str:
    """Return bit operations: G with two decimals as papers print them, or three digits.

    Examples
    --------
    >>> effort(3.6858e9), effort(77.68e6)
    ('3.69 G', '77.7 M')
    """
    return f"{value / 1e9:.2f} G" if value >= 1e9 else si(value)


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "-"


_HEAD = (
    "layer",
    "type",
    "shape out",
    "weights",
    "n dense/step",
    "rate in",
    "SynOps",
    "ACs",
    "MACs",
    "neuron updates",
    *(f"E {c}" for c in COLUMNS if c != "static"),
    "E total",
    "share %",
)


_JOULES = tuple(c for c in COLUMNS if c != "static")


def _cells(row: LayerEnergy, priced: set[str]) -> list[str]:
    return [
        row.layer,
        row.kind,
        _shape(row.out_shape),
        si(row.weights),
        si(row.synapses),
        "n/a" if row.rate_in is None else f"{row.rate_in:.3g}",
        si(row.synops),
        si(row.acs),
        si(row.macs),
        si(row.neuron_updates),
        *(si(row.columns[c], "J") if c in priced else "-" for c in _JOULES),
        si(row.total, "J"),
        f"{100 * row.share:.1f}",
    ]


def _grid(report: "Report") -> list[list[str]]:
    """Head, one row per layer, totals; "-" where the model prices nothing."""

    def add(name: str) -> float | None:
        found = [getattr(r, name) for r in report.layers]
        return (
            sum(v for v in found if v is not None)
            if any(v is not None for v in found)
            else None
        )

    sums = {c: sum(r.columns[c] for r in report.layers) for c in _JOULES}
    priced = {c for c, joules in sums.items() if joules}
    total = [
        "total",
        "",
        "",
        si(add("weights")),
        si(add("synapses")),
        "",
        *(si(add(c)) for c in ("synops", "acs", "macs", "neuron_updates")),
        *(si(sums[c], "J") if c in priced else "-" for c in _JOULES),
        si(report.total, "J"),
        "100.0" if report.total else "0.0",
    ]
    return [list(_HEAD), *(_cells(r, priced) for r in report.layers), total]


def _facts(report: "Report") -> list[str]:
    """Lines below the table, the same in every written form."""
    bound = "lower bound " if report.lower_bound else ""
    lines = [
        f"energy per inference ({bound}{report.model}, {report.profile}): "
        f"{si(report.total, 'J')} = {report.total * 1e12:.3g} pJ, range "
        f"[{si(report.low, 'J')}, {si(report.high, 'J')}]"
    ]
    static = sum(r.columns["static"] for r in report.layers)
    if static:
        lines.append(f"of this static: {si(static, 'J')}")
    a = report.activity
    if a:
        sd = "n/a" if a.get("sd") is None else si(a["sd"], "J")
        ci = a.get("ci95")
        interval = (
            "n/a (needs 8 samples)"
            if ci is None
            else f"[{si(ci[0], 'J')}, {si(ci[1], 'J')}]"
        )
        samples = "1 sample" if a["n"] == 1 else f"{a['n']} samples"
        lines.append(f"over {samples}: sd {sd}, 95 % bootstrap {interval}")
    q = report.quantiles
    if q:
        lines.append(
            f"constants drawn log-uniform, {q['n']} draws: 5 % {si(q['q05'], 'J')}, "
            f"50 % {si(q['q50'], 'J')}, 95 % {si(q['q95'], 'J')}"
        )
    lines += inference_lines(report)
    for b in report.breakeven:
        lines.append(
            f"break-even, {b['name']}: {b['text']}; measured "
            f"{b['measured']:.3g} -> {b['verdict']}"
        )
    for c in report.ann:
        ratio = "n/a" if c.ratio is None else f"{c.ratio:.3g}"
        lines.append(
            f"ANN {c.name} ({c.w_bits}-bit weights, {c.a_bits}-bit activations; "
            f"{c.mapping}): {si(c.total, 'J')}, range [{si(c.low, 'J')}, "
            f"{si(c.high, 'J')}]; SNN/ANN {ratio}"
        )
    kinds = sorted({c.kind for c in report.constants.values()})
    lines.append(
        f"profile {report.profile}: {report.profile_title} ({report.profile_node}); "
        f"evidence {', '.join(kinds) or 'none used'}; cite {', '.join(report.cite)}"
    )
    lines += [f"note: {t}" for t in report.notes]
    lines += [f"not included: {t}" for t in report.not_included]
    lines += [f"warning: {t}" for t in report.warnings]
    return lines


def inference_lines(report: "Report") -> list[str]:
    """Lines on work and bit budget per inference."""
    d = report.inference
    if not d:
        return []
    per_synapse = d.get("spikes_per_synapse")
    lines = [
        f"spikes/inference {si(d.get('spikes'))}, SynOps/inference "
        f"{si(d.get('synops'))}, spikes/synapse/inference "
        f"{'n/a' if per_synapse is None else format(per_synapse, '.3g')}"
    ]
    if "s_ace" in d:
        bb, ns = d["bit_budget"], d["ns_ace"]
        budget = "mixed" if bb is None else f"{bb:g}"
        events = "n/a" if ns is None else effort(ns)
        lines.append(
            f"bit budget {budget} ({d['configuration']}), S-ACE "
            f"{effort(d['s_ace'])}, NS-ACE {events}, weights "
            f"{d['storage_bits'] / 8e6:.4g} MB = "
            f"{d['storage_bits'] / 8 / 2**20:.4g} MiB, state {si(d['state_bits'])} bit"
        )
    if d.get("s_ace_declared") is not None:
        lines.append(
            f"first layer with its declared input bits: S-ACE "
            f"{effort(d['s_ace_declared'])}"
        )
    return lines


def table(report: "Report", *, width: int | None = None) -> str:
    """Return aligned plain text.

    Parameters
    ----------
    report : Report
        What to print.
    width : int, optional
        Columns of the screen. Where the table is wider, it is cut behind the work of
        each layer, and the joules follow in a second block.
    """
    grid = _grid(report)
    whole = _aligned(grid)
    if width is None or len(whole[1]) <= width:
        blocks = [whole]
    else:
        cut = _HEAD.index("E compute")
        blocks = [
            _aligned([r[:cut] for r in grid]),
            _aligned([[r[0], *r[cut:]] for r in grid], left=1),
        ]
    lines = blocks[0] + [line for block in blocks[1:] for line in ("", *block)]
    return "\n".join([f"{report.model} / {report.profile}", *lines, *_facts(report)])


def _aligned(grid: Sequence[Sequence[str]], *, left: int = 3) -> list[str]:
    widths = [max(len(r[k]) for r in grid) for k in range(len(grid[0]))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = []
    for i, r in enumerate(grid):
        cells = [
            c.ljust(w) if k < left else c.rjust(w)
            for k, (c, w) in enumerate(zip(r, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
        if i in (0, len(grid) - 2):
            lines.append(rule)
    return lines


def markdown(report: "Report") -> str:
    """Return a Markdown section."""
    grid = [[c.replace("|", "\\|") for c in r] for r in _grid(report)]
    lines = [f"### {report.model} / {report.profile}", ""]
    lines.append("| " + " | ".join(grid[0]) + " |")
    lines.append("|" + "---|" * 3 + "--:|" * (len(_HEAD) - 3))
    lines += ["| " + " | ".join(r) + " |" for r in grid[1:]]
    return "\n".join([*lines, "", *(f"- {t}" for t in _facts(report))])


def csv_text(reports: "Sequence[Report]") -> str:
    """Return one header row and one row per model and layer."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [f.name for f in fields(LayerEnergy)][:13]
    writer.writerow(
        ["model", "profile", *names]
        + [f"{c}_j" for c in COLUMNS]
        + ["total_j", "low_j", "high_j", "share"]
    )
    for report in reports:
        for row in report.layers:
            cells: list[Any] = [getattr(row, n) for n in names]
            cells[2] = _shape(row.out_shape)
            writer.writerow(
                [report.model, report.profile]
                + ["" if c is None else c for c in cells]
                + [row.columns[c] for c in COLUMNS]
                + [row.total, row.low, row.high, row.share]
            )
    return out.getvalue()
