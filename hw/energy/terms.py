r"""From counts times constants to a report, with an exact range.

Every model prices linearly, :math:`E = \sum_k n_k f_k c_k` with counts
:math:`n_k \ge 0`, fixed factors :math:`f_k \ge 0` and constants :math:`c_k`. Taking
all constants low, or all high, therefore gives the exact interval of the total.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.statistics import bootstrap_interval, summary

from .constants import Constant, Profile, ProfileError
from .load import LayerLoad, Load
from .report import COLUMNS, LayerEnergy, Report

__all__ = ["Term", "build_report", "single_machine"]


@dataclass(frozen=True)
class Term:
    """One product of a count and a constant.

    Parameters
    ----------
    layer, component : str
        Where it belongs.
    column : str
        One of :data:`COLUMNS`.
    count : ndarray of float64, shape (n_samples,)
        Operations per sample.
    constant : str
        Name of the constant, joules per operation.
    factor : float
        Constants per operation.
    """

    layer: str
    component: str
    column: str
    count: NDArray[np.float64]
    constant: str
    factor: float = 1.0


def _sums(
    terms: Sequence[Term], constants: Mapping[str, tuple[float, float, float]]
) -> tuple[float, float, float]:
    total = np.zeros(3)
    for t in terms:
        total += t.factor * float(t.count.mean()) * np.asarray(constants[t.constant])
    return float(total[0]), float(total[1]), float(total[2])


def _row(
    load: LayerLoad,
    terms: Sequence[Term],
    si: Mapping[str, tuple[float, float, float]],
    total: float,
) -> LayerEnergy:
    def mean(*ops: str) -> float | None:
        return (
            float(load.get(*ops).mean()) if any(load.booked(o) for o in ops) else None
        )

    value, low, high = _sums(terms, si)
    info = load.info
    rate = None
    # a sample of HTM or Sparsey is a stream of any length: no rate can be told
    streamed = info.kind in ("segment", "mac")
    if load.n_in and info.steps and load.has_synapses and not streamed:
        rows, _ = load.rows()
        rate = float(rows.mean()) / (load.n_in * info.steps)
        rate = rate if rate <= 1 else None
    return LayerEnergy(
        layer=load.name,
        kind=info.kind if load.described else "?",
        out_shape=info.out_shape or ((info.neurons,) if info.neurons else ()),
        weights=info.weights,
        synapses=info.synapses,
        synapses_valid=info.synapses_valid or info.synapses,
        steps=info.steps,
        rate_in=rate,
        synops=mean("synop", "synop_zero"),
        acs=mean("ac"),
        macs=mean("mac"),
        neuron_updates=mean("neuron_update"),
        spikes_out=mean("spike_out"),
        total=value,
        low=low,
        high=high,
        share=value / total if total else 0.0,
        columns={c: _sums([t for t in terms if t.column == c], si)[0] for c in COLUMNS},
        components={
            c: _sums([t for t in terms if t.component == c], si)
            for c in dict.fromkeys(t.component for t in terms)
        },
    )


def build_report(
    model: str,
    profile: Profile,
    load: Load,
    terms: Sequence[Term],
    *,
    extra: Mapping[str, Constant] | None = None,
    not_included: Sequence[str] = (),
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
    cite: Sequence[str] = (),
    needs: Sequence[str] = (),
    seed: int = 0,
    mc: int = 0,
) -> Report:
    """Sum the terms of a model into a report.

    Parameters
    ----------
    model, profile, load, terms
        What was priced, and how.
    extra : mapping of str to Constant
        Constants derived for this load (memories, converters).
    not_included, notes, warnings, cite : sequence of str
        Text of the report.
    needs : sequence of str
        Operations the model would price; those never booked are listed as left out.
    seed, mc : int
        Seed of the bootstrap and of `mc` draws of all constants, log-uniform.
    """
    held = {**profile.constants, **(extra or {})}
    used = {t.constant: held[t.constant] for t in terms}
    si = {k: c.si for k, c in used.items()}
    value, low, high = _sums(terms, si)
    by_layer: dict[str, list[Term]] = {layer.name: [] for layer in load}
    for t in terms:
        by_layer.setdefault(t.layer, []).append(t)
    rows = [_row(layer, by_layer[layer.name], si, value) for layer in load]
    per_sample = np.zeros(load.n_samples)
    for t in terms:
        per_sample += t.factor * si[t.constant][0] * t.count
    activity: dict[str, Any] = {"n": load.n_samples, "sd": summary(per_sample).sd}
    if load.n_samples >= 8:
        ci = bootstrap_interval(per_sample, rng=np.random.default_rng(seed))
        activity["ci95"] = list(ci)
    else:
        activity["ci95"] = None
    booked = load.booked()
    missing = [f"{op}: not counted by the run" for op in needs if op not in booked]
    return Report(
        model=model,
        profile=profile.name,
        profile_node=profile.node,
        profile_title=profile.title,
        n_samples=load.n_samples,
        layers=tuple(rows),
        total=value,
        low=low,
        high=high,
        components={
            c: _sums([t for t in terms if t.component == c], si)
            for c in dict.fromkeys(t.component for t in terms)
        },
        constants=used,
        not_included=(*not_included, *missing),
        notes=tuple(notes),
        warnings=tuple(warnings),
        cite=tuple(dict.fromkeys((*cite, *profile.cite))),
        activity=activity,
        quantiles=_monte_carlo(terms, si, mc, seed),
        parameters=dict(profile.parameters),
    )


def _monte_carlo(
    terms: Sequence[Term],
    si: Mapping[str, tuple[float, float, float]],
    n: int,
    seed: int,
) -> dict[str, Any]:
    if n <= 0:
        return {}
    rng = np.random.default_rng(seed)
    draws: dict[str, NDArray[np.float64]] = {}
    for name in sorted(si):
        value, low, high = si[name]
        draws[name] = (
            np.exp(rng.uniform(np.log(low), np.log(high), n))
            if 0 < low < high
            else rng.uniform(low, high, n)
            if low < high
            else np.full(n, value)
        )
    total = np.zeros(n)
    for t in terms:
        total += t.factor * float(t.count.mean()) * draws[t.constant]
    q = np.quantile(total, [0.05, 0.5, 0.95])
    return {"n": n, "q05": float(q[0]), "q50": float(q[1]), "q95": float(q[2])}


def single_machine(profile: Profile, kinds: Sequence[str], model: str) -> None:
    """Refuse a profile of the wrong kind.

    Parameters
    ----------
    profile : Profile
        What the user chose.
    kinds : sequence of str
        Kinds that the model can price with.
    model : str
        Its name, for the message.

    Raises
    ------
    ProfileError
        Naming what the model accepts.
    """
    if profile.kind not in kinds:
        raise ProfileError(
            f"model {model!r} needs a profile of kind {' or '.join(kinds)}, but "
            f"{profile.name!r} is {profile.kind!r}"
        )
