r"""The equivalent artificial network: the same layers, run once, on the same machine.

``int8``: 8-bit weights and activations, the honest competitor. ``fp32``: the usual but
generous one. ``ops``: as many bit operations, :math:`b_a = T b_s`. ``levels``: as many
distinguishable activation values, :math:`b_a = \lceil\log_2(T(2^{b_s}-1)+1)\rceil`; the
last two keep the spiking network's weight bits.

A recurrent network has no single-pass equivalent: its projections are then charged at
every step, and the mapping says so. HTM and Sparsey ledgers have none at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuro.counts import LayerInfo, OpCounts
from neuro.errors import ParameterError

from ..bitbudget import equivalent_bits
from ._models import EnergyModel
from .arithmetic import mac_energy, operation_energy
from .constants import Constant, Profile
from .lemaire22 import ram_constant
from .load import LayerLoad, Load
from .report import Ann, Report
from .yan24 import comparison_of

__all__ = ["ANN_NAMES", "ann_columns", "is_recurrent"]

ANN_NAMES = ("none", "fp32", "int8", "ops", "levels")
_MAPPING = {
    "fp32": "floating point",
    "int8": "8-bit integers",
    "ops": "equal operations, b_a = T b_s",
    "levels": "equal levels, b_a = ceil(log2(T (2^b_s - 1) + 1))",
}
_NO_ANN = ("segment", "mac")


@dataclass(frozen=True)
class _Widths:
    name: str
    a_bits: int
    w_bits: int
    floating: bool = False


def is_recurrent(load: Load) -> bool:
    """Whether projections ``pre -> post`` form a cycle.

    Parameters
    ----------
    load : Load
        Work of the layers.
    """
    targets: dict[str, set[str]] = {}
    for layer in load:
        pre, arrow, post = layer.name.partition(" -> ")
        if arrow:
            targets.setdefault(pre, set()).add(post)

    def reaches(start: str) -> bool:
        seen: set[str] = set()
        stack = list(targets.get(start, ()))
        while stack:
            name = stack.pop()
            if name == start:
                return True
            if name not in seen:
                seen.add(name)
                stack += targets.get(name, ())
        return False

    return any(reaches(name) for name in targets)


def ann_columns(
    counts: OpCounts,
    profile: Profile,
    model: EnergyModel,
    report: Report,
    names: Sequence[str] = ("int8", "levels"),
) -> tuple[Ann, ...]:
    """Price the equivalent networks under the report's model.

    Parameters
    ----------
    counts : OpCounts
        Ledger of the spiking network.
    profile, model, report
        What priced it.
    names : sequence of str
        Of :data:`ANN_NAMES`.
    """
    for name in names:
        if name not in ANN_NAMES:
            raise ParameterError(
                f"ann: unknown network {name!r}; accepted: {', '.join(ANN_NAMES)}"
            )
    names = [n for n in names if n != "none"]
    load = Load(counts)
    layers = [la for la in load if la.info.synapses and la.info.kind != "attention"]
    if not names or not layers or any(la.info.kind in _NO_ANN for la in load):
        return ()
    steps = max(la.info.steps for la in load)
    passes = steps if is_recurrent(load) else 1
    s_bits = max((la.info.a_bits for la in layers if la.info.a_bits <= 16), default=1)
    w_bits = max(la.w_bits for la in layers)
    out = []
    for name in names:
        if name == "fp32":
            widths = _Widths(name, 32, 32, floating=True)
        elif name == "int8":
            widths = _Widths(name, 8, 8)
        else:
            bits = equivalent_bits(steps, s_bits, mapping=name)  # type: ignore[arg-type]
            widths = _Widths(name, bits, w_bits)
        total, low, high = _price(layers, load, profile, model, widths)
        text = _MAPPING[name]
        if passes > 1:
            text += f", recurrent: all layers at each of {passes} steps"
        if _by_reference(model, profile):
            text += ", priced by lemaire22 on 45 nm logic as a reference"
        out.append(
            Ann(
                name=name,
                mapping=text,
                a_bits=widths.a_bits,
                w_bits=widths.w_bits,
                total=passes * total,
                low=passes * low,
                high=passes * high,
                ratio=report.total / (passes * total) if total else None,
            )
        )
    return tuple(out)


def _by_reference(model: EnergyModel, profile: Profile) -> bool:
    """Whether a model knows no ANN: a chip, or a user's own on such a profile."""
    own = model.name not in ("op45", "lemaire22", "yan24", "cim", "chip")
    return model.name == "chip" or (own and "sram_8k" not in profile.constants)


Triple = tuple[float, float, float]


def _price(
    layers: Sequence[LayerLoad],
    load: Load,
    profile: Profile,
    model: EnergyModel,
    widths: _Widths,
) -> Triple:
    if model.name == "op45":
        return _op45(layers, profile, widths)
    if model.name == "yan24":
        return _yan24(load, profile, widths)
    if model.name == "cim":
        return _cim(layers, profile, model, widths)
    if _by_reference(model, profile):
        reference = "horowitz45-int8" if widths.w_bits <= 8 else "horowitz45-fp32"
        return _lemaire22(layers, Profile.load(reference), widths, 1)
    return _lemaire22(layers, profile, widths, getattr(model, "batch", 1))


def _op45(layers: Sequence[LayerLoad], profile: Profile, widths: _Widths) -> Triple:
    n = float(sum(la.info.synapses for la in layers))
    mac = mac_energy(profile, widths.a_bits, widths.w_bits, floating=widths.floating)
    return n * mac.value, n * mac.low, n * mac.high


def _lemaire22(
    layers: Sequence[LayerLoad], profile: Profile, widths: _Widths, batch: int
) -> Triple:
    """The ANN columns of Lemaire et al., with memories of the ANN's own widths."""
    add, mul = operation_energy(
        profile, widths.a_bits, widths.w_bits, floating=widths.floating
    )
    total = np.zeros(3)

    def ram(words: float, bits: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        held: Constant = ram_constant(profile, max(1.0, words), bits)
        return np.array([held.value, held.low, held.high])

    for la in layers:
        info = la.info
        n, n_in, n_out = float(info.synapses), float(la.n_in), float(la.n_out)
        bias = n_out if info.bias else 0.0
        kernel = float(np.prod(info.kernel)) if info.kernel else 0.0
        conv = info.kind == "conv"
        address = n_in + n_out + (info.out_shape[0] * kernel if conv else 0.0)
        total += n * (add + mul) + (bias + address) * add
        total += (n if conv else n_in) * ram(n_in, widths.a_bits)
        total += (n + bias) / batch * ram(info.weights + bias, widths.w_bits)
        total += n_out * ram(n_out, widths.a_bits)
    return float(total[0]), float(total[1]), float(total[2])


def _yan24(load: Load, profile: Profile, widths: _Widths) -> Triple:
    values = []
    base = comparison_of(load, profile, w_bits=widths.w_bits)
    memory = (
        "dram_bit"
        if profile.parameter("weight_memory", "sram") == "dram"
        else "weight_bit"
    )
    for k in range(3):
        c = {n: held.si[k] for n, held in profile.constants.items()}
        values.append(
            replace(
                base,
                a_bits=widths.a_bits,
                acc=c["acc"],
                mul_bit2=c["mac_bit2"],
                weight_bit=c[memory],
                state_bit=c["state_bit"],
                hop_dense=c["hop_dense"],
            ).qnn()
        )
    return values[0], values[1], values[2]


def _cim(
    layers: Sequence[LayerLoad],
    profile: Profile,
    model: EnergyModel,
    widths: _Widths,
) -> Triple:
    """Bit-serial inputs on the same arrays; half of the bits of a value are ones."""
    passes = widths.a_bits
    counts = OpCounts(1)
    for la in layers:
        info: LayerInfo = replace(
            la.info,
            w_bits=widths.w_bits,
            steps=passes,
            a_bits=1,
            kind="conv" if la.info.kind == "conv" else "linear",
            v_bits=32,
            leaky=False,
        )
        counts.layer(la.name, info)
        counts.add(
            la.name, "synop", round(info.synapses * passes / 2), w_bits=widths.w_bits
        )
        positions = info.synapses / max(1, la.n_out)
        driven = (
            positions * np.prod(info.out_shape[1:]) if info.kind == "conv" else la.n_in
        )
        counts.add(la.name, "spike_in", round(float(driven) * passes / 2))
        counts.add(la.name, "neuron_update", la.n_out)
    report = model.price(counts, profile)
    return report.total, report.low, report.high
