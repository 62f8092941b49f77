r"""Model ``op45``: the field's convention, arithmetic alone.

.. math:: E = E_\mathrm{MAC} n_\mathrm{MAC} + E_\mathrm{AC} n_\mathrm{AC}

with 4.6 and 0.9 pJ (FP32, 45 nm). It leaves out what dominates on most machines,
and its criticisms are printed under each of its results.
"""

from dataclasses import dataclass

from neuro.counts import OpCounts

from .constants import Profile
from .load import Load
from .report import Report
from .terms import Term, build_report, single_machine

__all__ = ["Op45"]

CRITICISM = (
    "memory traffic (it dominates on digital hardware)",
    "neuron state: reading and writing membranes",
    "routing of events",
    "static power",
)
NOTE = (
    "0.9 pJ per accumulate is FP32, while a deployable ANN is int8 with 0.23 pJ per "
    "multiply-accumulate: do not compare this total with an FP32 ANN alone"
)


@dataclass(frozen=True)
class Op45:
    """Accumulates and multiply-accumulates times their energy.

    Parameters
    ----------
    seed, mc : int
        Bootstrap seed; draws of the constants (0: none).
    """

    name = "op45"
    __references__ = ("horowitz2014",)
    seed: int = 0
    mc: int = 0

    def price(self, counts: OpCounts, profile: Profile) -> Report:
        """Price a ledger; J per sample."""
        single_machine(profile, ("digital",), self.name)
        profile.need("mac", "ac", model=self.name)
        load = Load(counts)
        terms = [
            Term(layer.name, op, "compute", layer.get(op), op)
            for layer in load
            for op in ("mac", "ac")
            if layer.booked(op)
        ]
        unpriced = [
            f"{op} ({text})"
            for op, text in (
                ("plastic", "weight changes by learning"),
                ("grow", "synapses made"),
                ("adc_convert", "analogue conversions"),
            )
            if op in load.booked()
        ]
        return build_report(
            self.name,
            profile,
            load,
            terms,
            not_included=(*CRITICISM, *unpriced),
            notes=(NOTE,),
            cite=self.__references__,
            needs=("ac",) if not load.booked() & {"ac", "mac"} else (),
            seed=self.seed,
            mc=self.mc,
        )
