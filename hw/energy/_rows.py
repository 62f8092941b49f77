"""Rows of a report: work and joules of a layer, and of the network beside it."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["COLUMNS", "Ann", "LayerEnergy"]

COLUMNS = ("compute", "memory", "neuron", "convert", "static")


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
