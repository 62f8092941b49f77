"""Model ``chip``: published energies per event of neuromorphic chips.

An operating-point average (whole-chip power divided by an event rate) is not a marginal
cost: such a profile refuses to price a load whose rate is more than 50 % away from its
operating point. Static power is priced only where the latency of one inference is
known; otherwise it is listed as left out.
"""

from dataclasses import dataclass

import numpy as np

from neuro.counts import OpCounts
from neuro.errors import ParameterError

from .constants import Constant, Profile, ProfileError, derived
from .load import LayerLoad, Load
from .report import Report
from .terms import Term, build_report, single_machine

__all__ = ["Chip", "affine_fit"]


def affine_fit(
    power_w: tuple[float, float], events_per_s: tuple[float, float]
) -> tuple[float, float]:
    """Split two measured powers into joules per event and static watts.

    Parameters
    ----------
    power_w, events_per_s : tuple of two floats
        Chip power and event rate at two operating points.
    """
    rate = events_per_s[1] - events_per_s[0]
    if rate == 0:
        raise ParameterError("affine_fit: both operating points have the same rate")
    marginal = (power_w[1] - power_w[0]) / rate
    return marginal, power_w[0] - marginal * events_per_s[0]


@dataclass(frozen=True)
class Chip:
    """Synaptic events, neuron updates, spikes and static power of a chip.

    Parameters
    ----------
    latency_s : float, optional
        Seconds of one inference; a ``latency_s`` measured by the run if None.
    hops : float
        Hops a spike travels between cores.
    seed, mc : int
        Bootstrap seed; draws of the constants.
    """

    name = "chip"
    __references__: tuple[str, ...] = ()
    latency_s: float | None = None
    hops: float = 0.0
    seed: int = 0
    mc: int = 0

    def __post_init__(self) -> None:
        if self.latency_s is not None and not self.latency_s > 0:
            raise ParameterError(f"chip: latency_s must be > 0, got {self.latency_s}")
        if self.hops < 0:
            raise ParameterError(f"chip: hops must be >= 0, got {self.hops}")

    def price(self, counts: OpCounts, profile: Profile) -> Report:
        """Price a ledger; J per sample."""
        single_machine(profile, ("chip",), self.name)
        load = Load(counts)
        held = profile.constants
        gone: list[str] = []
        notes: list[str] = []
        latency = self._latency(counts)
        dense = bool(profile.parameter("dense", False))
        if dense:
            notes.append("this device runs densely: every synapse and step is priced")
        self._operating_point(load, profile, latency)
        terms: list[Term] = []
        extra: dict[str, Constant] = {}
        ones = np.ones(load.n_samples)
        if "inference" in held:
            notes.append("priced per inference, whatever the counts")
            terms.append(
                Term(load.layers[0].name, "inference", "static", ones, "inference")
            )
        elif "synop" not in held:
            raise ProfileError(
                f"profile {profile.name!r} has no energy per synaptic event (synop)"
            )
        for layer in load:
            terms += self._layer(layer, held, dense)
        inside = str(profile.parameter("inside", ""))
        if inside:
            notes.append(inside)
        for op, text in (
            ("neuron_update", "neuron updates"),
            ("spike_out", "spikes sent"),
            ("plastic", "weight changes by learning"),
        ):
            if op in load.booked() and op not in held and not inside:
                gone.append(f"{text}: no published figure for {profile.name}")
        if any(layer.info.kind == "norm" for layer in load):
            gone.append("normalisation: no published figure for a product")
        self._static(load, profile, latency, terms, extra, gone)
        return build_report(
            self.name,
            profile,
            load,
            terms,
            extra=extra,
            not_included=gone,
            notes=notes,
            cite=self.__references__,
            needs=("neuron_update",) if "neuron_update" in held and not inside else (),
            seed=self.seed,
            mc=self.mc,
        )

    def _layer(self, layer: LayerLoad, held: object, dense: bool) -> list[Term]:
        constants: dict[str, Constant] = dict(held)  # type: ignore[call-overload]
        name, terms = layer.name, []
        if "synop" in constants and layer.has_synapses:
            events = layer.synops
            if not events.any() and layer.booked("ac"):
                events = layer.get("ac", "mac")
            if dense and layer.info.synapses:
                events = np.full(
                    layer.n_samples, float(layer.info.synapses * layer.info.steps)
                )
            terms.append(Term(name, "synaptic events", "compute", events, "synop"))
        for op, column in (("plastic", "compute"), ("neuron_update", "neuron")):
            if op in constants and layer.booked(op):
                text = {"plastic": "learning", "neuron_update": "neuron updates"}[op]
                terms.append(Term(name, text, column, layer.get(op), op))
        if layer.booked("spike_out"):
            sent = layer.get("spike_out")
            if "spike_out" in constants:
                terms.append(Term(name, "spikes sent", "convert", sent, "spike_out"))
            if "hop" in constants and self.hops:
                terms.append(Term(name, "hops", "convert", sent, "hop", self.hops))
        return terms

    def _latency(self, counts: OpCounts) -> float | None:
        if self.latency_s is not None:
            return self.latency_s
        measured = counts.measured("latency_s")
        return None if measured is None else measured / max(1, counts.n_samples)

    def _operating_point(
        self, load: Load, profile: Profile, latency: float | None
    ) -> None:
        averages = [k for k, c in profile.constants.items() if c.kind == "average"]
        if not averages:
            return
        point = profile.parameter("operating_point", "unknown")
        if latency is None:
            raise ProfileError(
                f"profile {profile.name!r} is an average at one operating point "
                f"({point}) and needs the latency of one inference to know how far the "
                "load is from it; give --latency, or take the affine profile"
            )
        rate = float(load.total("synop", "synop_zero").mean()) / latency
        per_neuron = "operating_events_per_neuron_s" in profile.parameters
        if per_neuron:
            neurons = sum(la.info.neurons for la in load)
            rate = rate / neurons if neurons else 0.0
        expected = float(
            profile.parameters[
                "operating_events_per_neuron_s"
                if per_neuron
                else "operating_events_per_s"
            ]
        )
        if not 0.5 * expected <= rate <= 1.5 * expected:
            unit = "events/s per neuron" if per_neuron else "events/s"
            raise ProfileError(
                f"profile {profile.name!r} holds at {point} ({expected:.3g} {unit}), "
                f"the load has {rate:.3g}: more than 50 % away; take the affine "
                "profile instead"
            )

    def _static(
        self,
        load: Load,
        profile: Profile,
        latency: float | None,
        terms: list[Term],
        extra: dict[str, Constant],
        gone: list[str],
    ) -> None:
        held = profile.constants
        if profile.parameter("contains_static", False):
            return
        powers = {k: held[k].si for k in ("static", "clock") if k in held}
        if not powers:
            gone.append(f"static power: no published figure for {profile.name}")
            return
        if latency is None:
            gone.append("static power: the latency of one inference is not known")
            return
        chips = float(profile.parameter("chips", 1))
        factor = {
            "static": chips,
            "clock": chips * float(profile.parameter("clock_mhz", 0.0)) * 1e6,
        }
        for name, (value, low, high) in powers.items():
            k = factor[name] * latency
            key = f"{name} power x {latency:.6g} s"
            extra[key] = derived(k * value, k * low, k * high, held[name].source)
            terms.append(
                Term(
                    load.layers[0].name,
                    f"{name} power",
                    "static",
                    np.ones(load.n_samples),
                    key,
                )
            )
