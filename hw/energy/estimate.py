"""From a network, a ledger or a run folder to joules."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

from neuro.counts import OpCounts, count
from neuro.errors import DatasetError, ParameterError

from ..bitbudget import budget, layers_of
from ._models import EnergyModel, default_profile, make_model
from .ann import ann_columns
from .breakeven import breakeven_lines, spikes_per_synapse
from .constants import Profile
from .load import Load
from .report import Report

__all__ = ["estimate", "load_counts", "price"]


def load_counts(source: Any, activity: Any = None, **options: Any) -> OpCounts:
    """Return the ledger of a run folder, a record, a result, or count a network.

    Parameters
    ----------
    source : OpCounts, path of a run folder, Result, or anything ``count`` accepts
        A run folder is read from the ``counts`` of its ``metrics.json``.
    activity : optional
        Handed to :func:`neuro.counts.count`.
    **options
        Likewise.

    Raises
    ------
    DatasetError
        If a run folder has no readable record.
    """
    if isinstance(source, OpCounts):
        return source
    held = getattr(source, "counts", None)
    if isinstance(held, OpCounts):
        return held
    if isinstance(source, (str, Path)) and Path(source).is_dir():
        record = Path(source) / "metrics.json"
        try:
            data = json.loads(record.read_text("utf-8"))
        except FileNotFoundError:
            raise DatasetError(
                f"{source}: holds no metrics.json; give the folder of a finished run"
            ) from None
        except (OSError, ValueError) as error:
            raise DatasetError(f"{record}: cannot be read ({error})") from None
        counts = data.get("counts") or {}
        if not counts.get("entries"):
            name = data.get("experiment", "this experiment")
            raise DatasetError(
                f"{record}: {name} keeps no ledger of operations, there is nothing to "
                "price; give a run of an experiment that counts, such as nmnist-lsm, "
                "htm-taxi or sparsey-nmnist"
            )
        return OpCounts.from_dict(counts)
    return count(source, activity, **options)


def _w_bits(counts: OpCounts) -> int:
    widths = [
        info.w_bits
        for info in counts.layers.values()
        if info.kind != "population" and (info.weights or info.synapses)
    ]
    booked = [w for _, op, _, w, _ in counts.entries() if op in ("synop", "ac", "mac")]
    return max(booked or widths or [32])


def price(
    counts: OpCounts,
    *,
    model: str | EnergyModel,
    profile: str | Path | Profile | None = None,
    ann: Sequence[str] = ("int8", "levels"),
    **options: Any,
) -> Report:
    """Price a ledger under one model and one profile.

    Parameters
    ----------
    counts : OpCounts
        The ledger.
    model : str or EnergyModel
        ``op45``, ``lemaire22``, ``yan24``, ``chip``, ``cim`` or an own model.
    profile : str, path or Profile, optional
        Name, TOML file or profile; the model's default if not given.
    ann : sequence of str
        Equivalent networks to price beside it; ``("none",)`` for none.
    **options
        Of the model (``mode``, ``mc``, ``seed``, ``latency_s`` ...); those that it
        does not have are ignored.
    """
    made = make_model(model, **options)
    if profile is None:
        profile = default_profile(made.name, _w_bits(counts))
    if not isinstance(profile, Profile):
        profile = Profile.load(profile)
    report = made.price(counts, profile)
    return replace(
        report,
        ann=ann_columns(counts, profile, made, report, ann),
        **_inference(counts),
    )


def _inference(counts: OpCounts) -> dict[str, Any]:
    """Work, bit budget and break-even of one inference."""
    load = Load(counts)
    sent = "spike_out" if "spike_out" in load.booked() else "spike_in"
    values: dict[str, Any] = {
        "spikes": float(load.total(sent).mean()),
        "synops": float(load.total("synop", "synop_zero").mean()),
        "spikes_per_synapse": None,
    }
    lines: tuple[dict[str, Any], ...] = ()
    static = [la for la in load if la.info.kind not in ("segment", "mac")]
    if load.synapses and len(static) == len(load.layers):
        values["spikes_per_synapse"] = spikes_per_synapse(counts)
        lines = breakeven_lines(counts, w_bits=_w_bits(counts))
        values |= budget(layers_of(counts)).to_dict()
    return {"inference": values, "breakeven": lines}


@overload
def estimate(
    net: Any,
    activity: Any = None,
    *,
    model: str | EnergyModel,
    profile: str | Path | Profile | None = None,
    **options: Any,
) -> Report: ...
@overload
def estimate(
    net: Any,
    activity: Any = None,
    *,
    model: Sequence[str | EnergyModel] = ("lemaire22", "op45"),
    profile: str | Path | Profile | None = None,
    **options: Any,
) -> list[Report]: ...
def estimate(
    net: Any,
    activity: Any = None,
    *,
    model: str | EnergyModel | Sequence[str | EnergyModel] = ("lemaire22", "op45"),
    profile: str | Path | Profile | None = None,
    **options: Any,
) -> Report | list[Report]:
    """Estimate the energy of one inference.

    Parameters
    ----------
    net : OpCounts, Result, path of a run folder, NIR graph, description
        What to price; see :func:`load_counts`.
    activity : optional
        Spikes or rates per layer, where `net` holds no counts.
    model : str, EnergyModel or sequence of them
        One model gives one report, several a list.
    profile : str, path or Profile, optional
        Constants; the default of each model if not given.
    **options
        Of the models and of the count.

    Examples
    --------
    >>> from neuro.counts import OpCounts, count
    >>> counts = OpCounts()
    >>> counts.add("hidden", "ac", 1000)
    >>> report = estimate(counts, model="op45", profile="horowitz45-fp32")
    >>> round(report.total * 1e12, 6)
    900.0
    """
    counting: dict[str, Any] = {
        k: options.pop(k)
        for k in (
            "zero_weights",
            "method",
            "multibit",
            "fold_scale",
            "fold_bn",
            "time_axis",
            "steps",
            "strict",
        )
        if k in options
    }
    if "mode" in options:
        counting["mode"] = options["mode"]
    counts = load_counts(net, activity, **counting)
    if not isinstance(model, str) and isinstance(model, Sequence):
        if not model:
            raise ParameterError("estimate: no model given")
        return [
            price(
                counts,
                model=m,
                profile=None if m == "op45" and len(model) > 1 else profile,
                **options,
            )
            for m in model
        ]
    return price(counts, model=model, profile=profile, **options)
