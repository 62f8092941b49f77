"""``neuro energy budget``."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from neuro._version import __version__
from neuro.counts import NetSpec
from neuro.results import to_json

from ..bitbudget import BudgetLayer, budget, layers_of, ns_ace, s_ace
from ._inputs import Source, count_source, load_source
from ._output import write
from ._tables import effort, si
from ._usage import UsageError

__all__ = ["run_budget"]


# how activity is counted for NS-ACE: the defaults of ``estimate``
_COUNTING = {
    "rate": None,
    "spikes_per_layer": None,
    "zero_weights": "count",
    "count": None,
    "mode": None,
    "multibit": "serial",
    "fold_scale": False,
    "no_fold_bn": False,
    "time_axis": "0",
    "vbits": None,
}


def run_budget(args: Namespace) -> int:
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
    write(text, args.output)
    return 0


def _budget_layers(
    source: Source, args: Namespace
) -> tuple[list[BudgetLayer], list[BudgetLayer] | None, list[str]]:
    notes = source.notes(args)
    for name, value in _COUNTING.items():
        setattr(args, name, value)
    if source.kind == "module":
        raise UsageError("budget reads .toml, .nir, .npz or a run folder, no module")
    if source.kind in ("ledger", "run", "rasters"):
        held = source.value
        if source.kind == "rasters":
            held, more = count_source(source, args)
            notes = [*dict.fromkeys((*notes, *more))]
        layers = [
            replace(
                la,
                w_bits=args.wbits or la.w_bits,
                s_bits=args.sbits or la.s_bits,
                steps=args.timesteps or la.steps,
            )
            for la in layers_of(held)
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
        counts, more = count_source(source, args)
        rates = {la.name: la.rate for la in layers_of(counts)}
        layers = [replace(la, rate=rates.get(la.name)) for la in layers]
        notes = [*dict.fromkeys((*notes, *more))]
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
        f"S-ACE: {effort(b['s_ace'])}",
        "NS-ACE: n/a (needs activity)" if ns is None else f"NS-ACE: {effort(ns)}",
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
            f"{effort(b['s_ace_declared'])}",
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
