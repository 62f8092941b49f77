"""Exact counting of a described network with recorded activity.

One entry for an architecture file, a NIR graph, a network description of this project
and a saved ledger; torch modules are counted while they run
(:func:`neuro.counts.torch_hooks.record`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from neuro.counts.activity import ActivityError, normalise, read_activity
from neuro.counts.architecture import parse_architecture, read_architecture
from neuro.counts.booking import count_layers
from neuro.counts.layers import LayerSpec
from neuro.counts.ledger import OpCounts
from neuro.counts.netspec import NetSpec
from neuro.counts.saved import count_npz, spec_of_network
from neuro.errors import ParameterError

__all__ = ["count", "rate_everywhere", "spec_of"]


def count(
    net: Any,
    activity: Any = None,
    *,
    zero_weights: Literal["count", "skip"] = "count",
    method: Literal["exact", "rate"] = "exact",
    mode: Literal["clocked", "event"] = "clocked",
    multibit: Literal["serial", "mac"] = "serial",
    fold_scale: bool = False,
    fold_bn: bool = True,
    time_axis: int = 0,
    steps: int | None = None,
    strict: bool = True,
) -> OpCounts:
    """Count the operations of one inference per sample.

    Parameters
    ----------
    net : NetSpec, mapping, path, nir.NIRGraph or neuro.network.Network
        A path ends in ``.toml``, ``.yaml``, ``.nir`` or ``.npz``.
    activity : mapping of str to array or number, path, or float
        Rasters ``[T, batch, ...]`` or rates by layer; a single float is the rate of
        every layer.
    zero_weights : {"count", "skip"}
        Whether an event that meets a stored zero is an operation.
    method : {"exact", "rate"}
        ``"rate"`` takes rate times dense products even where rasters are given.
    mode : {"clocked", "event"}
        Neurons advance at every step, or only when an event reaches them.
    multibit : {"serial", "mac"}
        Multi-bit spikes as one addition per bit, or as one product.
    fold_scale : bool
        Fold a single common amplitude into the weights (additions, not products).
    fold_bn : bool
        Normalisation is folded into the weights; else one product per output and step.
    time_axis, steps : int
        Of the rasters.
    strict : bool
        Refuse unknown nodes; else they are left out (a lower bound).

    Returns
    -------
    OpCounts
        One sample per recorded sample; one sample where only rates are known.

    Raises
    ------
    ActivityError
        If activity is missing or does not fit.
    """
    if zero_weights not in ("count", "skip"):
        raise ParameterError(f"zero_weights: 'count' or 'skip', got {zero_weights!r}")
    rules: dict[str, Any] = {
        "zero_weights": zero_weights,
        "method": method,
        "mode": mode,
        "multibit": multibit,
        "fold_scale": fold_scale,
        "fold_bn": fold_bn,
    }
    if isinstance(net, (str, Path)) and Path(net).suffix == ".npz":
        return count_npz(Path(net), time_axis=time_axis, steps=steps, **rules)
    spec = spec_of(net, strict=strict)
    if steps is not None and steps < 1:
        raise ActivityError(f"T must be >= 1, got {steps}")
    if isinstance(activity, (str, Path)):
        activity = read_activity(activity)
    if isinstance(activity, (int, float)) and not isinstance(activity, bool):
        rate = float(activity)
        if not 0 <= rate <= 1:
            raise ActivityError(f"the rate must lie in [0, 1], got {rate:g}")
        activity = rate_everywhere(spec, rate)
    names = ["input", *(la.name for la in spec.layers)]
    signals = normalise(activity or {}, names, steps=steps, time_axis=time_axis)
    return count_layers(spec, signals, steps=steps, **rules)


def spec_of(net: Any, *, strict: bool = True) -> NetSpec:
    """Return the layers of anything that :func:`count` accepts."""
    if isinstance(net, NetSpec):
        return net
    if isinstance(net, (str, Path)):
        path = Path(net)
        if path.suffix == ".nir":
            from neuro.counts.nir_graph import read_nir

            return read_nir(path, strict=strict)
        if path.suffix in (".toml", ".yaml", ".yml"):
            return read_architecture(path, strict=strict)
        raise ParameterError(
            f"count: cannot read {path.name!r}; accepted: .toml, .yaml, .nir, .npz"
        )
    if isinstance(net, Mapping):
        return parse_architecture(net, strict=strict)
    if hasattr(net, "projections") and hasattr(net, "populations"):
        return spec_of_network(net)
    if hasattr(net, "nodes") and hasattr(net, "edges"):
        from neuro.counts.nir_graph import spec_of_graph

        return spec_of_graph(net, strict=strict)
    raise ParameterError(
        f"count: cannot count a {type(net).__name__}; accepted: an architecture, a NIR "
        "graph, a network description; torch modules are counted with record(module)"
    )


def rate_everywhere(spec: NetSpec, rate: float) -> dict[str, float]:
    """Return one rate for the input and every layer that sends spikes.

    Rates that the description states are overruled.
    """
    out: dict[str, float] = {}
    if spec.input_class != "real":
        out["input"] = rate
    consumed = {s for la in spec.layers for s in la.sources}
    passes = ("flatten", "pool", "avgpool", "add", "scale", "attention")
    for la in spec.layers:
        sends = la.neuron and la.neuron not in ("li", "cubali")
        feeds = la.has_weights and la.name in consumed and not _fed(spec, la)
        if la.kind not in passes and (sends or feeds):
            out[la.name] = rate
    return out


def _fed(spec: NetSpec, layer: LayerSpec) -> bool:
    """Whether the layer's output goes into separate neurons."""
    return any(
        layer.name in other.sources and other.kind == "neuron" for other in spec.layers
    )
