r"""Model ``lemaire22``: arithmetic, addressing and memory of digital hardware.

Lemaire et al. (ICONIP 2022, arXiv:2210.13107) count the accesses that each input
event causes in four memories per layer: event queues, parameters, potentials and the
output. An access costs :math:`E_\mathrm{RAM}` of that memory's size.

Two published forms of :math:`E_\mathrm{RAM}` disagree by up to ten times for small
memories: linear interpolation through 0 B, 8 KB, 32 KB and 1 MB (default), and a
regression; the other one is the range of each memory.

Notes
-----
The published text multiplies the additions of a fully connected layer by its number
of inputs once more than its own memory formulas do; here they are events times
outputs. One implementation leaves :math:`C_\mathrm{out}` out of the address count of a
convolution although its comment has it; here it is in. The 64-bit packing of SRAM
accesses does not apply: each word is one access.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuro.counts import OpCounts
from neuro.errors import ParameterError

from .constants import Constant, Profile, derived
from .load import LayerLoad, Load
from .report import Report
from .terms import Term, build_report, single_machine

__all__ = ["Lemaire22", "ram_constant", "ram_piecewise", "ram_regression"]

Float = NDArray[np.float64]
FIFO_WORDS = 1000
_KB = 1024.0
_SIZES = (0.0, 8 * _KB, 32 * _KB, 1024 * _KB)


def ram_piecewise(n_bytes: float, sram: tuple[float, float, float]) -> float:
    """Return joules per word access, interpolated; constant above 1 MB.

    Parameters
    ----------
    n_bytes : float
        Size of the memory.
    sram : tuple of float
        Joules per access at 8 KB, 32 KB and 1 MB.
    """
    return float(np.interp(n_bytes, _SIZES, (0.0, *sram)))


def ram_regression(words: float, bits: int, slope: float, offset: float) -> float:
    """Return joules per word access, ``slope * words * bits + offset``.

    Parameters
    ----------
    words : float
        Words of the memory.
    bits : int
        Bits of a word.
    slope, offset : float
        Joules per bit of the memory, and joules.
    """
    return slope * words * bits + offset


def ram_constant(
    profile: Profile, words: float, bits: int, *, variant: str = "piecewise"
) -> Constant:
    """Return the access energy of a memory with both variants as its range.

    Parameters
    ----------
    profile : Profile
        Constants of the machine.
    words : float
        Words of the memory.
    bits : int
        Bits of a word.
    variant : {"piecewise", "regression"}
        Which form gives the value.
    """
    names = ("sram_8k", "sram_32k", "sram_1m")
    sizes = [profile.constants[n].si for n in names]
    n_bytes = words * bits / 8
    forms = {
        "piecewise": tuple(
            ram_piecewise(n_bytes, (sizes[0][k], sizes[1][k], sizes[2][k]))
            for k in range(3)
        )
    }
    if "ram_slope" in profile.constants:
        slope, offset = (profile.constants[n].si for n in ("ram_slope", "ram_offset"))
        forms["regression"] = tuple(
            ram_regression(words, bits, slope[k], offset[k]) for k in range(3)
        )
    if variant not in forms:
        raise ParameterError(
            f"lemaire22: RAM variant {variant!r} not in profile {profile.name!r}; "
            f"accepted: {', '.join(forms)}"
        )
    return derived(
        forms[variant][0],
        min(f[1] for f in forms.values()),
        max(f[2] for f in forms.values()),
        f"{variant} E_RAM of {words:g} words of {bits} bits; the range spans "
        + " and ".join(forms),
        node=profile.node,
    )


@dataclass(frozen=True)
class _Layer:
    """Accesses of one layer, float64 per sample."""

    acc: Float
    mac: Float
    address_acc: Float
    address_mac: Float
    read_in: Float
    read_params: Float
    potentials: Float
    write_out: Float
    write_params: Float
    in_words: float
    out_words: float


@dataclass(frozen=True)
class Lemaire22:
    """Compute, addressing, and memory accesses.

    Parameters
    ----------
    ram : {"piecewise", "regression"}
        Form of the access energy; the other one is the range.
    batch : int
        Samples that share one fetch of the weights where layers run densely (layers
        fed with real values, equivalent ANNs); events share none.
    seed, mc : int
        Bootstrap seed; draws of the constants.
    """

    name = "lemaire22"
    __references__ = ("lemaire2022",)
    ram: str = "piecewise"
    batch: int = 1
    seed: int = 0
    mc: int = 0

    def price(self, counts: OpCounts, profile: Profile) -> Report:
        """Price a ledger; J per sample."""
        single_machine(profile, ("digital",), self.name)
        profile.need("add", "mul", "sram_8k", "sram_32k", "sram_1m", model=self.name)
        load = Load(counts)
        bits = int(profile.parameter("word_bits", 32))
        outputs = _outputs(load)
        terms: list[Term] = []
        extra: dict[str, Constant] = {}

        def ram(name: str, words: float) -> str:
            key = f"E_RAM {name}"
            extra[key] = ram_constant(profile, words, bits, variant=self.ram)
            return key

        for layer in load:
            w = _accesses(layer, outputs, self.batch)
            if w is None:
                continue
            name = layer.name
            words = max(1.0, _stored(layer))
            terms += [
                Term(name, "operations", "compute", w.acc + w.mac, "add"),
                Term(name, "operations", "compute", w.mac, "mul"),
                Term(
                    name,
                    "addressing",
                    "compute",
                    w.address_acc + w.address_mac,
                    "add",
                ),
                Term(name, "addressing", "compute", w.address_mac, "mul"),
                Term(
                    name,
                    "inputs and outputs",
                    "memory",
                    w.read_in,
                    ram(f"{name} in", w.in_words),
                ),
                Term(
                    name,
                    "inputs and outputs",
                    "memory",
                    w.write_out,
                    ram(f"{name} out", w.out_words),
                ),
                Term(
                    name,
                    "parameters",
                    "memory",
                    w.read_params + w.write_params,
                    ram(f"{name} parameters", words),
                ),
                Term(
                    name,
                    "potentials",
                    "neuron",
                    2.0 * w.potentials,
                    ram(f"{name} potentials", max(1, layer.n_out)),
                ),
            ]
        unpriced = [
            f"{op} ({text})"
            for op, text in (("adc_convert", "analogue conversions"),)
            if op in load.booked()
        ]
        return build_report(
            self.name,
            profile,
            load,
            [t for t in terms if t.count.any()],
            extra=extra,
            not_included=(
                "static power",
                "routing between cores",
                "off-chip memory (DRAM): all parameters are taken to lie on the chip",
                *unpriced,
            ),
            notes=(
                "every memory's range spans both published forms of its access energy",
            ),
            cite=self.__references__,
            needs=("neuron_update",),
            seed=self.seed,
            mc=self.mc,
        )


def _stored(layer: LayerLoad) -> float:
    """Words of the parameter memory; synapses grown where none were declared."""
    if layer.info.kind == "norm":
        return 2.0 * layer.info.out_shape[0]  # a scale and a shift per channel
    declared = layer.info.weights + _biases(layer)
    return float(declared or layer.get("grow").sum())


def _biases(layer: LayerLoad) -> int:
    if not layer.info.bias:
        return 0
    shape = layer.info.out_shape
    return (shape[0] if layer.info.kind == "conv" and shape else layer.n_out) or 0


def _outputs(load: Load) -> dict[str, Float]:
    """Spikes sent by each layer, and those of populations by the name of the pre."""
    return {la.name: la.get("spike_out") for la in load if la.booked("spike_out")}


def _accesses(layer: LayerLoad, outputs: dict[str, Float], batch: int) -> _Layer | None:
    info, n = layer.info, layer.n_samples
    zero = np.zeros(n)
    if info.kind == "pool":
        return None
    synaptic, neural = layer.has_synapses, layer.has_neurons
    learns = layer.booked("plastic") or layer.booked("grow")
    if not (synaptic or neural or learns or info.kind == "norm"):
        return None
    steps, n_out = float(info.steps), float(layer.n_out)
    ones = np.ones(n)
    acc = address_acc = address_mac = read_in = params = potentials = zero
    mac = write_out = zero
    in_words = out_words = float(FIFO_WORDS)
    if info.kind == "norm":
        # scale and shift: one product, two parameters read
        mac, params = layer.get("mac"), 2.0 * layer.get("mac")
    elif synaptic:
        real = info.input_class == "real"
        theta = _theta(layer, outputs)
        if real:
            # the ANN column, once per step
            dense = float(info.synapses) * steps * ones
            mac = mac + dense
            read_in = dense if info.kind == "conv" else layer.n_in * steps * ones
            params = params + dense / batch
            address_acc = address_acc + steps * (
                layer.n_in
                + n_out
                + (
                    info.out_shape[0] * float(np.prod(info.kernel))
                    if info.kind == "conv"
                    else 0.0
                )
            )
            in_words = max(1.0, float(layer.n_in))
        elif info.kind == "conv":
            fan = info.out_shape[0] / info.groups * float(np.prod(info.kernel))
            strided = info.out_shape[0] / info.groups
            for k, s in zip(info.kernel, info.stride or (1,) * 9, strict=False):
                strided *= math.ceil(k / s)
            acc = acc + theta * strided
            address_acc = address_acc + theta * fan
            address_mac = address_mac + 2.0 * theta
            read_in = read_in + theta
            params = params + theta * fan
            potentials = potentials + theta * fan
        else:
            events = layer.synops
            acc = acc + events
            address_acc = address_acc + events
            read_in = read_in + theta
            params = params + events
            potentials = potentials + events
            if layer.booked("mac"):
                # products of real-valued inputs (Sparsey's normalised sums)
                mac = mac + layer.get("mac")
        if info.bias:
            acc = acc + steps * n_out
            params = params + steps * n_out
    if neural:
        updates = layer.get("neuron_update")
        if info.leaky:
            mac = mac + updates
        acc = acc + layer.get("reset")
        potentials = potentials + updates
        write_out = write_out + layer.get("spike_out")
    changed = layer.get("plastic")
    acc = acc + changed
    params = params + changed
    return _Layer(
        acc=acc,
        mac=mac,
        address_acc=address_acc,
        address_mac=address_mac,
        read_in=read_in,
        read_params=params,
        potentials=potentials,
        write_out=write_out,
        write_params=changed + layer.get("grow"),
        in_words=in_words,
        out_words=out_words,
    )


def _theta(layer: LayerLoad, outputs: dict[str, Float]) -> Float:
    if not layer.booked("spike_in") and " -> " in layer.name:
        source = layer.name.partition(" -> ")[0]
        if source in outputs:
            return outputs[source]
    return layer.rows()[0]
