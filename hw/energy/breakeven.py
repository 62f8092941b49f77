"""Spikes per synapse and inference beside the published break-even values."""

from typing import Any

from neuro.counts import OpCounts
from neuro.errors import ParameterError

from .constants import Profile
from .load import Load
from .yan24 import breakeven_rate, comparison_of, verdict_of_rate

__all__ = ["breakeven_lines", "spikes_per_synapse"]

__references__ = ("davidson2021", "dampfhoffer2023", "yan2024")
# name, low, high, text
PUBLISHED = (
    (
        "Davidson and Furber 2021",
        1.72,
        1.72,
        "a spiking network loses above about 1.72 spikes per synapse and inference",
    ),
    (
        "Dampfhoffer et al. 2023",
        0.15,
        1.38,
        "competitive only below 0.15 to 1.38 spikes per synapse and inference",
    ),
)


def spikes_per_synapse(counts: OpCounts) -> float:
    """Return synaptic events over synapses, mean over samples.

    Parameters
    ----------
    counts : OpCounts
        The ledger.

    Raises
    ------
    ParameterError
        If the ledger names no synapses or has no samples.
    """
    load = Load(counts)
    synapses = load.synapses
    if synapses < 1:
        raise ParameterError(
            "spikes per synapse: the ledger names no synapses; the figure is undefined"
        )
    return float(load.total("synop", "synop_zero").mean()) / synapses


def _verdict(value: float, low: float, high: float) -> str:
    if value < low:
        return "below"
    return "above" if value > high else "inside"


def breakeven_lines(counts: OpCounts, *, w_bits: int) -> tuple[dict[str, Any], ...]:
    """Return measured value, published limits, and verdict.

    Parameters
    ----------
    counts : OpCounts
        The ledger.
    w_bits : int
        Weight bits of both networks of the ``yan24`` line.
    """
    measured = spikes_per_synapse(counts)
    lines: list[dict[str, Any]] = [
        {
            "name": name,
            "low": low,
            "high": high,
            "measured": measured,
            "text": text,
            "verdict": _verdict(measured, low, high),
        }
        for name, low, high, text in PUBLISHED
    ]
    load = Load(counts)
    if any(la.info.neurons for la in load):
        c = comparison_of(load, Profile.load("yan24-22nm"), w_bits=w_bits)
        rate = breakeven_rate(c)
        limit = max(0.0, rate * c.steps)
        lines.append(
            {
                "name": "yan24",
                "low": limit,
                "high": limit,
                "measured": measured,
                "rate": rate,
                "text": f"s* T = {limit:.3g} spikes per synapse and inference at "
                f"T = {c.steps} (spiking cheaper: {verdict_of_rate(rate)}; "
                f"{c.activation_bits}-bit ANN of the same weights)",
                "verdict": _verdict(measured, limit, limit),
            }
        )
    return tuple(lines)
