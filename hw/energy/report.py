r"""What a price is: terms, their sum with an exact range, and its written forms.

Every model prices linearly, :math:`E = \sum_k n_k f_k c_k` with counts
:math:`n_k \ge 0`, fixed factors :math:`f_k \ge 0` and constants :math:`c_k`. Taking
all constants low, or all high, therefore gives the exact interval of the total.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError
from neuro.results import to_json
from neuro.statistics import bootstrap_interval, summary

from .constants import Constant, Profile, ProfileError
from .load import LayerLoad, Load

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLUMNS", "Ann", "LayerEnergy", "Report", "Term", "build_report"]

COLUMNS = ("compute", "memory", "neuron", "convert", "static")
SCHEMA = "neuro.energy/1"


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


@dataclass(frozen=True)
class LayerEnergy:
    """One row of a report: work and joules of a layer, per inference."""

    layer: str
    kind: str
    out_shape: tuple[int, ...]
    weights: int
    synapses: int
    synapses_valid: int
    steps: int
    rate_in: float | None
    synops: float | None
    acs: float | None
    macs: float | None
    neuron_updates: float | None
    spikes_out: float | None
    total: float
    low: float
    high: float
    share: float
    columns: Mapping[str, float]
    components: Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True)
class Ann:
    """The equivalent artificial network on the same machine, J per inference."""

    name: str
    mapping: str
    a_bits: int
    w_bits: int
    total: float
    low: float
    high: float
    ratio: float | None


@dataclass(frozen=True)
class Report:
    """Energy of one inference under one model and one profile, joules.

    Attributes
    ----------
    layers : tuple of LayerEnergy
        Rows; each also splits its energy by column and component.
    total, low, high : float
        Sum, and its exact range over the ranges of all constants.
    ann : tuple of Ann
        Equivalent artificial networks.
    not_included : tuple of str
        What the price leaves out.
    inference : dict
        Spikes, spikes per synapse, bit budget, storage; per inference.
    """

    model: str
    profile: str
    profile_node: str
    profile_title: str
    n_samples: int
    layers: tuple[LayerEnergy, ...]
    total: float
    low: float
    high: float
    components: Mapping[str, tuple[float, float, float]]
    constants: Mapping[str, Constant]
    not_included: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cite: tuple[str, ...] = ()
    ann: tuple[Ann, ...] = ()
    inference: Mapping[str, Any] = field(default_factory=dict)
    breakeven: tuple[Mapping[str, Any], ...] = ()
    activity: Mapping[str, Any] = field(default_factory=dict)
    quantiles: Mapping[str, Any] = field(default_factory=dict)
    lower_bound: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        out: dict[str, Any] = {"schema": SCHEMA}
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in ("layers", "ann"):
                value = [{g.name: getattr(v, g.name) for g in fields(v)} for v in value]
            elif f.name == "constants":
                value = {k: c.to_dict() for k, c in value.items()}
            out[f.name] = value
        plain: dict[str, Any] = _plain(out)
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Report":
        """Rebuild from :meth:`to_dict`.

        Raises
        ------
        ParameterError
            If the schema is another one or parts are missing.
        """
        if data.get("schema") != SCHEMA:
            raise ParameterError(
                f"report: expected schema {SCHEMA!r}, got {data.get('schema')!r}"
            )
        values: dict[str, Any] = {}
        try:
            for f in fields(cls):
                value = data[f.name]
                if f.name == "layers":
                    value = tuple(
                        LayerEnergy(
                            **{
                                **v,
                                "out_shape": tuple(v["out_shape"]),
                                "components": _triples(v["components"]),
                            }
                        )
                        for v in value
                    )
                elif f.name == "ann":
                    value = tuple(Ann(**v) for v in value)
                elif f.name == "constants":
                    value = {k: Constant(**c) for k, c in value.items()}
                elif f.name == "components":
                    value = _triples(value)
                elif isinstance(value, list):
                    value = tuple(value)
                values[f.name] = value
        except (KeyError, TypeError) as error:
            raise ParameterError(f"report: incomplete or damaged ({error})") from None
        return cls(**values)

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return JSON with full doubles."""
        return to_json(self.to_dict(), indent=indent)

    def to_csv(self) -> str:
        """Return one header row and one row per layer; joules and counts in full."""
        from ._tables import csv_text

        return csv_text([self])

    def to_markdown(self) -> str:
        """Return Markdown tables."""
        from ._tables import markdown

        return markdown(self)

    def to_table(self) -> str:
        """Return a plain text table with SI prefixes and three digits."""
        from ._tables import table

        return table(self)

    def plot(self, ax: "Axes | None" = None) -> Any:
        """Draw the stacked bars per layer with the range of each."""
        from .plot import plot_breakdown

        return plot_breakdown(self, ax=ax)

    def __repr__(self) -> str:
        return (
            f"Report({self.model}, {self.profile}: {self.total:.3g} J per inference, "
            f"range {self.low:.3g}..{self.high:.3g})"
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _triples(data: Mapping[str, Any]) -> dict[str, tuple[float, float, float]]:
    return {k: (v[0], v[1], v[2]) for k, v in data.items()}


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
    if load.n_in and info.steps and load.has_synapses:
        rows, _ = load.rows()
        rate = float(rows.mean()) / (load.n_in * info.steps)
        # a sample of more steps than described (HTM): no rate can be told
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
