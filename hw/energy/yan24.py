r"""Model ``yan24``: memory and network on chip, against a bit-matched quantised ANN.

.. math::

    E_\mathrm{SNN}(s) &= sTn(E_\mathrm{acc} + b_w E_w) + TN(E_\mathrm{cmp} + 2 b_v E_v)
        + sTN E_\mathrm{sub} + sTN h b_\mathrm{pkt} E_\mathrm{hop} \\
    E_\mathrm{QNN} &= (1-\gamma) n (E_\mathrm{MAC}(b_a, b_w) + b_w E_w)
        + N (b_a E_v + h b_a E_\mathrm{hop})

with n synapses, N neurons, rate s per neuron and step, T steps, h hops. It is affine in
s, so the rate at which both are equal has a closed form. The form is simplified from
Yan et al. (arXiv:2409.08290) and their constants are second-hand (unverified).

Notes
-----
Published break-even by version of the preprint: v1, sparsity above 92 % (classical) or
93 % (spatial dataflow) at T = 6, above 97 % for T > 16; v3, rate below 6.4 % for T in
5-10; v4, rate below 5.7 % at T = 5. Always cite the version.
"""

import math
from dataclasses import dataclass

from neuro.counts import OpCounts
from neuro.errors import ParameterError

from ..bitbudget import equivalent_bits
from .constants import Constant, Profile, derived
from .load import LayerLoad, Load
from .report import Report
from .terms import Term, build_report, single_machine

__all__ = ["Comparison", "Yan24", "breakeven_rate", "verdict_of_rate"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A network and its machine, for both sides of the comparison.

    Parameters
    ----------
    synapses, neurons, steps : int
        n, N, T.
    w_bits, v_bits : int
        Widths of weight and membrane.
    a_bits : int or None
        Activation bits of the ANN; ``ceil(log2(T + 1))`` if None.
    silent : float
        Share of zero activations of the ANN.
    hops, packet_bits : float
        Hops of a message, bits of a spike packet.
    acc, cmp, sub : float
        J per accumulate, compare, subtract.
    mac : float or None
        J per multiply-accumulate; ``acc + a_bits w_bits mul_bit2`` if None.
    mul_bit2 : float
        J per bit squared of a multiplication.
    weight_bit, state_bit : float
        J per bit read from the weight and the state memory.
    hop_event, hop_dense : float
        J per bit and hop of spikes and of dense activations.
    """

    synapses: int
    neurons: int
    steps: int
    w_bits: int = 8
    v_bits: int = 16
    a_bits: int | None = None
    silent: float = 0.0
    hops: float = 0.0
    packet_bits: float = 32.0
    acc: float = 0.05448e-12
    cmp: float = 0.05448e-12
    sub: float = 0.05448e-12
    mac: float | None = None
    mul_bit2: float = 0.0017025e-12
    weight_bit: float = 0.0
    state_bit: float = 0.0
    hop_event: float = 3e-12
    hop_dense: float = 0.25e-12

    def __post_init__(self) -> None:
        for name in ("synapses", "neurons", "steps"):
            if getattr(self, name) < 1:
                raise ParameterError(
                    f"yan24: {name} must be >= 1, got {getattr(self, name)}"
                )
        if not 0 <= self.silent <= 1:
            raise ParameterError(f"yan24: silent must lie in [0, 1], got {self.silent}")

    @property
    def activation_bits(self) -> int:
        """Activation bits of the ANN."""
        return self.a_bits or equivalent_bits(self.steps, 1, mapping="levels")

    def snn(self, rate: float) -> float:
        """J per inference of the spiking network at a rate."""
        t, n, m = self.steps, self.synapses, self.neurons
        return (
            rate * t * n * (self.acc + self.w_bits * self.weight_bit)
            + t * m * (self.cmp + 2 * self.v_bits * self.state_bit)
            + rate * t * m * self.sub
            + rate * t * m * self.hops * self.packet_bits * self.hop_event
        )

    def qnn(self) -> float:
        """J per inference of the quantised ANN."""
        b = self.activation_bits
        mac = (
            self.acc + b * self.w_bits * self.mul_bit2 if self.mac is None else self.mac
        )
        active = (1 - self.silent) * self.synapses
        return active * (mac + self.w_bits * self.weight_bit) + self.neurons * (
            b * self.state_bit + self.hops * b * self.hop_dense
        )


def breakeven_rate(c: Comparison) -> float:
    """Return the rate at which both networks cost the same.

    <= 0: the spiking network never costs less; > 1: it always does. Infinite where
    its cost does not depend on the rate.

    Parameters
    ----------
    c : Comparison
        The two networks and their constants.
    """
    rest = c.snn(0.0)
    slope = c.steps * (
        c.synapses * (c.acc + c.w_bits * c.weight_bit)
        + c.neurons * (c.sub + c.hops * c.packet_bits * c.hop_event)
    )
    if slope == 0:
        return math.inf if c.qnn() > rest else -math.inf
    return (c.qnn() - rest) / slope


def verdict_of_rate(rate: float) -> str:
    """Say what a break-even rate means.

    Parameters
    ----------
    rate : float
        As :func:`breakeven_rate` returns it.
    """
    if rate <= 0:
        return "never"
    return "always" if rate > 1 else f"below {rate:.3g} spikes per neuron and step"


def comparison_of(load: Load, profile: Profile, *, w_bits: int) -> Comparison:
    """Return the comparison of a ledger under a profile."""
    synapses = load.synapses
    neurons = sum(la.info.neurons for la in load if la.has_neurons or la.info.neurons)
    steps = max((la.info.steps for la in load), default=1)
    v_bits = max((la.info.v_bits for la in load), default=16)
    if synapses < 1 or neurons < 1:
        raise ParameterError(
            "yan24: the ledger names no synapses or no neurons; spikes per synapse and "
            "break-even are undefined"
        )
    si = {k: c.si[0] for k, c in profile.constants.items()}
    return Comparison(
        synapses=synapses,
        neurons=neurons,
        steps=steps,
        w_bits=w_bits,
        v_bits=v_bits,
        hops=float(profile.parameter("hops", 0.0)),
        packet_bits=float(profile.parameter("packet_bits", 32)),
        acc=si["acc"],
        cmp=si["cmp"],
        sub=si["sub"],
        mul_bit2=si["mac_bit2"],
        weight_bit=si[_weight_memory(profile)],
        state_bit=si["state_bit"],
        hop_event=si["hop_event"],
        hop_dense=si["hop_dense"],
    )


def _weight_memory(profile: Profile) -> str:
    kind = profile.parameter("weight_memory", "sram")
    names = {"sram": "weight_bit", "dram": "dram_bit"}
    if kind not in names:
        raise ParameterError(
            f"profile {profile.name!r}: weight_memory 'sram' or 'dram', got {kind!r}"
        )
    return names[str(kind)]


@dataclass(frozen=True)
class Yan24:
    """Accumulates, weight and state memory, and spike packets.

    Parameters
    ----------
    seed, mc : int
        Bootstrap seed; draws of the constants.
    """

    name = "yan24"
    __references__ = ("yan2024",)
    seed: int = 0
    mc: int = 0

    def price(self, counts: OpCounts, profile: Profile) -> Report:
        """Price a ledger; J per sample."""
        single_machine(profile, ("yan24",), self.name)
        profile.need(
            "acc",
            "cmp",
            "sub",
            "mac_bit2",
            "state_bit",
            "hop_event",
            "hop_dense",
            _weight_memory(profile),
            model=self.name,
        )
        load = Load(counts)
        hops = float(profile.parameter("hops", 0.0))
        packet = float(profile.parameter("packet_bits", 32))
        memory = _weight_memory(profile)
        terms: list[Term] = []
        extra: dict[str, Constant] = {}
        for layer in load:
            name, info = layer.name, layer.info
            w_bits = float(layer.w_bits)
            if info.kind == "norm" or (
                info.input_class == "real" and layer.booked("mac")
            ):
                key = f"mac {layer.a_bits} x {layer.w_bits}"
                extra[key] = _product(profile, layer)
                products = layer.get("mac")
                # a normalisation reads scale and shift
                words = 2.0 * w_bits if info.kind == "norm" else w_bits
                terms += [
                    Term(name, "products", "compute", products, key),
                    Term(name, "weights", "memory", products, memory, words),
                ]
            elif layer.has_synapses:
                pairs = layer.synops
                terms += [
                    Term(name, "accumulates", "compute", pairs, "acc"),
                    Term(name, "weights", "memory", pairs, memory, w_bits),
                ]
            if layer.booked("plastic"):
                changed = layer.get("plastic")
                terms += [
                    Term(name, "learning", "compute", changed, "acc"),
                    Term(name, "learning", "memory", changed, memory, 2 * w_bits),
                ]
            if layer.has_neurons:
                updates = layer.get("neuron_update")
                sent = layer.get("spike_out")
                terms += [
                    Term(name, "threshold", "neuron", updates, "cmp"),
                    Term(
                        name, "state", "neuron", updates, "state_bit", 2.0 * info.v_bits
                    ),
                    Term(name, "reset", "neuron", layer.get("reset"), "sub"),
                ]
                if hops:
                    terms.append(
                        Term(
                            name,
                            "routing",
                            "convert",
                            sent,
                            "hop_event",
                            hops * packet,
                        )
                    )
        gone = ["static power"]
        if not hops:
            gone.append("routing (the profile's hops are 0)")
        return build_report(
            self.name,
            profile,
            load,
            terms,
            extra=extra,
            not_included=gone,
            notes=(
                "simplified from the preprint, whose constants are second-hand and "
                "whose break-even differs by version (v1 92-97 % sparsity, v3 rate "
                "< 6.4 %, v4 rate < 5.7 % at T = 5)",
            ),
            cite=self.__references__,
            needs=("neuron_update",),
            seed=self.seed,
            mc=self.mc,
        )


def _product(profile: Profile, layer: LayerLoad) -> Constant:
    """Energy of one multiply-accumulate at the layer's widths."""
    acc, bit2 = (profile.constants[k].si for k in ("acc", "mac_bit2"))
    width = layer.a_bits * layer.w_bits
    return derived(
        acc[0] + width * bit2[0],
        acc[1] + width * bit2[1],
        acc[2] + width * bit2[2],
        "accumulate plus bit-parallel product",
        node=profile.node,
    )
