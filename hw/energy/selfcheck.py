"""Recompute every published anchor; any difference is an error.

Integers must be exact, floats within 1e-9 relative, printed figures to the printed
digit. Nothing is read from the network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro.counts import LayerInfo, LayerSpec, OpCounts
from neuro.counts.architecture import parse_architecture
from neuro.counts.layers import fan_out
from neuro.quantize import bit_planes, from_bit_planes

from ..bitbudget import bit_budget, budget, equivalent_bits, layers_of
from . import adc
from .architectures import resnet, spikformer, vgg16
from .arithmetic import mac_energy, operation_energy
from .chip import affine_fit
from .cim import array_energy
from .constants import Profile
from .estimate import price
from .yan24 import Comparison, breakeven_rate

__all__ = ["Anchor", "anchors", "lemaire_network"]


@dataclass(frozen=True)
class Anchor:
    """One figure: what was expected, what was computed, and whether they agree."""

    name: str
    expected: str
    got: str
    source: str

    @property
    def ok(self) -> bool:
        """Whether both are the same to the printed digit."""
        return self.expected == self.got


def _close(name: str, expected: float, got: float, source: str, rel: float) -> Anchor:
    text = repr(expected)
    same = abs(got - expected) <= rel * abs(expected)
    return Anchor(name, text, text if same else repr(got), source)


def lemaire_network() -> OpCounts:
    """Return the ledger of the integrate-and-fire network of the published anchor."""
    counts, steps = OpCounts(), 8
    shared: dict[str, Any] = {"steps": steps, "leaky": False}
    counts.layer(
        "conv1",
        LayerInfo(
            kind="conv",
            in_shape=(2, 16, 16),
            out_shape=(8, 16, 16),
            kernel=(5, 5),
            stride=(1, 1),
            padding=(2, 2),
            weights=400,
            synapses=102_400,
            neurons=2048,
            bias=True,
            **shared,
        ),
    )
    counts.layer(
        "conv2",
        LayerInfo(
            kind="conv",
            in_shape=(8, 16, 16),
            out_shape=(16, 8, 8),
            kernel=(3, 3),
            stride=(2, 2),
            padding=(1, 1),
            weights=1152,
            synapses=73_728,
            neurons=1024,
            **shared,
        ),
    )
    counts.layer(
        "fc",
        LayerInfo(
            kind="linear",
            in_shape=(1024,),
            out_shape=(10,),
            weights=10_240,
            synapses=10_240,
            neurons=10,
            bias=True,
            **shared,
        ),
    )
    for name, spikes_in, spikes_out, neurons in (
        ("conv1", 327, 3325, 2048),
        ("conv2", 3325, 3071, 1024),
        ("fc", 3071, 70, 10),
    ):
        synops = spikes_in * 10 if name == "fc" else 0
        counts.add(name, "synop", synops)
        counts.add(name, "ac", synops)
        counts.add(name, "spike_in", spikes_in)
        counts.add(name, "spike_out", spikes_out)
        counts.add(name, "reset", spikes_out)
        counts.add(name, "neuron_update", steps * neurons)
    return counts


def _budgets() -> Iterator[Anchor]:
    source = "Shen et al., CVPR 2024 (architecture recomputed)"
    rows = (
        ("ResNet-34", resnet(34), (16, 1, 4), 3_663_761_408, "234.48", "43.56"),
        ("ResNet-18", resnet(18), (16, 1, 4), 1_814_073_344, "116.10", "23.36"),
        (
            "Spikformer-8-384",
            spikformer(8, 384),
            (16, 1, 4),
            4_660_730_880,
            "298.29",
            "33.48",
        ),
        (
            "Spikformer-8-768",
            spikformer(8, 768),
            (16, 1, 4),
            18_512_099_328,
            "1184.77",
            "132.37",
        ),
        (
            "Spikformer-4-384 CIFAR-10",
            spikformer(4, 384, classes=10, small=True),
            (1, 1, 4),
            921_456_384,
            "3.69",
            "1.16",
        ),
        (
            "Spikformer-4-384 CIFAR-10",
            spikformer(4, 384, classes=10, small=True),
            (1, 4, 1),
            921_456_384,
            "3.69",
            "1.16",
        ),
        (
            "Spikformer-4-384 CIFAR-100",
            spikformer(4, 384, classes=100, small=True),
            (4, 2, 2),
            921_490_944,
            "14.74",
            "4.66",
        ),
        (
            "ResNet-18 32 x 32",
            resnet(18, classes=10, small=True),
            (1, 4, 1),
            555_422_720,
            "2.22",
            "1.40",
        ),
        ("VGG-16 32 x 32", vgg16(), (8, 1, 4), 313_201_664, "10.02", "14.72"),
    )
    for name, document, (w, s, t), n, effort, size in rows:
        spec = parse_architecture(document).with_bits(w_bits=w, s_bits=s, steps=t)
        b = budget(layers_of(spec))
        key = f"{name} {w}/{s}/{t}"
        yield Anchor(f"{key}: products per step", str(n), str(b.n), source)
        yield Anchor(f"{key}: S-ACE, G", effort, f"{b.s_ace / 1e9:.2f}", source)
        got = f"{b.storage_bits / 8e6:.2f}"
        yield Anchor(f"{key}: weights, MB", size, got, source)
    for config, expected in (
        ((16, 1, 4), 64),
        ((8, 8, 1), 64),
        ((8, 4, 1), 32),
        ((4, 4, 1), 16),
        ((4, 2, 2), 16),
        ((1, 1, 16), 16),
        ((1, 4, 4), 16),
        ((1, 16, 1), 16),
        ((1, 2, 8), 16),
        ((8, 1, 16), 128),
    ):
        text = "/".join(map(str, config))
        yield Anchor(
            f"bit budget {text}", str(expected), str(bit_budget(*config)), source
        )
    steps = (1, 2, 3, 4, 5, 6, 7, 8, 10, 15, 16, 32)
    yield Anchor(
        "levels mapping, T = 1..32",
        "1,2,2,3,3,3,3,4,4,4,5,6",
        ",".join(str(equivalent_bits(t)) for t in steps),
        "Yan et al., arXiv:2409.08290",
    )
    rng = np.random.default_rng(0)
    for bits in range(1, 9):
        weights = rng.integers(-1000, 1000, 64)
        a = rng.integers(0, 2**bits, 64)
        planes = bit_planes(a, bits).astype(np.int64)
        total = sum(2**k * int(weights @ planes[k]) for k in range(bits))
        product = str(int(weights @ a))
        yield Anchor(f"bit planes, B = {bits}", product, str(total), source)
        same = np.array_equal(from_bit_planes(planes), a)
        yield Anchor(f"bit planes inverse, B = {bits}", "True", str(same), source)


def _counting() -> Iterator[Anchor]:
    for stride, at, expected in (
        (1, (0, 0), 8),
        (1, (1, 1), 18),
        (2, (0, 0), 2),
        (2, (1, 1), 8),
    ):
        n = 4 if stride == 1 else 2
        layer = LayerSpec(
            name="conv",
            kind="conv",
            in_shape=(1, 4, 4),
            out_shape=(2, n, n),
            kernel=(3, 3),
            stride=(stride, stride),
            padding=(1, 1),
            dilation=(1, 1),
        )
        got = int(fan_out(layer)[(0, *at)])
        name = f"events of one spike at {at}, stride {stride}"
        yield Anchor(name, str(expected), str(got), "counting by hand")


def _op45() -> Iterator[Anchor]:
    def total(acs: int, macs: int) -> float:
        counts = OpCounts()
        counts.add("net", "ac", acs)
        counts.add("net", "mac", macs)
        return price(counts, model="op45", ann=()).total

    source = "syops-counter README"
    for name, acs, macs, text in (
        ("SEW-ResNet-18, mJ", 500_000_000, 2_750_000_000, "13.10"),
        ("ResNet-18, mJ", 0, 1_820_000_000, "8.372"),
        ("spiking ResNet-18, mJ", 100_000_000, 140_000_000, "0.734"),
    ):
        digits = len(text.partition(".")[2])
        yield Anchor(name, text, f"{1e3 * total(acs, macs):.{digits}f}", source)
    source = "zhouchenlin2096/Spikingformer README"
    for name, sops, first, text in (
        ("Spikingformer-8-384, mJ", 3_880_000_000, 65_028_096, "4.69"),
        ("Spikingformer-8-512, mJ", 6_520_000_000, 86_704_128, "7.46"),
    ):
        yield Anchor(name, text, f"{1e3 * total(sops, 4 * first):.2f}", source)


def _lemaire22() -> Iterator[Anchor]:
    source = "Lemaire et al. 2022; spikingjelly 2.0 analytical_energy.py"
    expected = {
        "piecewise": {
            "operations": "33184.00",
            "addressing": "80863.80",
            "inputs and outputs": "64399.41",
            "parameters": "3491940.57",
            "potentials": "6508606.84",
            "total": "10178994.62",
        },
        "regression": {
            "operations": "33184.00",
            "addressing": "80863.80",
            "inputs and outputs": "178695.12",
            "parameters": "8120246.19",
            "potentials": "16293479.78",
            "total": "24706468.89",
        },
    }
    for ram, parts in expected.items():
        report = price(
            lemaire_network(),
            model="lemaire22",
            profile="horowitz45-int32",
            ram=ram,
            ann=(),
        )
        values = {k: v[0] for k, v in report.components.items()}
        values["total"] = report.total
        for part, text in parts.items():
            got = f"{values[part] * 1e12:.2f}"
            yield Anchor(f"lemaire22 {ram}, {part}, pJ", text, got, source)


def _arithmetic() -> Iterator[Anchor]:
    source = "Horowitz, ISSCC 2014, Fig. 1.1.9"
    for name, mac, ac in (
        ("fp32", "4.60", "0.90"),
        ("fp16", "1.50", "0.40"),
        ("int8", "0.23", "0.03"),
        ("int32", "3.20", "0.10"),
    ):
        profile = Profile.load(f"horowitz45-{name}")
        for op, text in (("mac", mac), ("ac", ac)):
            got = f"{profile.constants[op].value:.2f}"
            yield Anchor(f"{name} {op}, pJ", text, got, source)
    profile = Profile.load("horowitz45-int32")
    _, mul = operation_energy(profile, 32, 32)
    yield Anchor("32 x 32 bit multiplication, pJ", "3.20", f"{mul * 1e12:.2f}", source)
    value = mac_energy(profile, 8, 8).value * 1e12
    yield Anchor("8-bit multiply-accumulate, pJ", "0.23", f"{value:.2f}", source)


def _yan24() -> Iterator[Anchor]:
    source = "closed form, 8-bit weights, fan-in 3 x 3 x 128, no memory term"
    for steps, text in ((15, "0.132"), (16, "0.140")):
        c = Comparison(
            synapses=1152 * 1000,
            neurons=1000,
            steps=steps,
            acc=0.1e-12,
            cmp=0.1e-12,
            sub=0.1e-12,
            mul_bit2=0.2e-12 / 64,
        )
        rate = breakeven_rate(c)
        yield Anchor(f"yan24 break-even, T = {steps}", text, f"{rate:.3f}", source)
        yield _close(
            f"yan24 SNN = QNN at T = {steps}", c.qnn(), c.snn(rate), source, 1e-12
        )


def _chips() -> Iterator[Anchor]:
    odin = Profile.load("odin")
    power = (
        odin.constants["static"].si[0]
        + odin.constants["clock"].si[0] * 75e6
        + odin.constants["synop"].si[0] * 37.5e6
    )
    source = "Frenkel et al. 2019, Fig. 8b (published 477 uW)"
    yield Anchor(
        "ODIN at 75 MHz, 37.5 MSOP/s, uW", "476.9", f"{power * 1e6:.1f}", source
    )
    close = abs(power - 477e-6) <= 0.25 * 477e-6
    yield Anchor("ODIN within 25 % of silicon", "True", str(close), source)
    rates = (11.58 * 128 * 2**20, 95.93 * 128 * 2**20)
    marginal, static = affine_fit((68e-3, 94e-3), rates)
    source = "Akopyan et al. 2015, Fig. 17"
    yield Anchor("TrueNorth, pJ/event", "2.297", f"{marginal * 1e12:.3f}", source)
    yield Anchor("TrueNorth, static mW", "64.43", f"{static * 1e3:.2f}", source)
    held = Profile.load("truenorth").constants
    same = (
        abs(held["synop"].si[0] - marginal) < 1e-15
        and abs(held["static"].si[0] - static) < 5e-6
    )
    yield Anchor("TrueNorth profile = fit", "True", str(same), source)


def _analogue() -> Iterator[Anchor]:
    for g, v, t, text in (
        (100e-6, 0.2, 10e-9, "40.0"),
        (50e-6, 0.1, 10e-9, "5.0"),
        (20e-6, 0.3, 30e-9, "54.0"),
    ):
        got = f"{array_energy(g, v_read=v, t_read=t) * 1e15:.1f}"
        yield Anchor(f"cell read {g:g} S {v} V {t:g} s, fJ", text, got, "t V^2 G")
    yield Anchor(
        "ADC isaac, pJ", "1.5625", f"{adc.isaac() * 1e12:.4f}", "Shafiee et al. 2016"
    )
    source = "Accelergy-Project/accelergy-adc-plug-in, model.yaml"
    for bits, nm, rate, text in (
        (4, 32, 100e6, "0.924"),
        (6, 32, 100e6, "1.065"),
        (8, 32, 100e6, "1.714"),
        (10, 32, 100e6, "3.310"),
        (8, 22, 100e6, "0.847"),
        (8, 7, 100e6, "0.0984"),
        (8, 32, 1.28e9, "1.929"),
    ):
        digits = len(text.partition(".")[2])
        got = f"{adc.survey(bits, nm=nm, rate_hz=rate) * 1e12:.{digits}f}"
        name = f"ADC survey, {bits} bit, {nm} nm, {rate / 1e6:g} MS/s, pJ"
        yield Anchor(name, text, got, source)
    source = "neurosim/DNN_NeuroSim_V1.4, SarADC.cpp"
    for bits, nm, text in ((8, 32, "0.1418"), (6, 45, "0.1753"), (4, 22, "0.0309")):
        got = f"{adc.neurosim(bits, nm=nm) * 1e12:.4f}"
        yield Anchor(f"ADC neurosim, {bits} bit, {nm} nm, pJ", text, got, source)
    yield Anchor("ADC Walden, 8 bit, pJ", "2.56", f"{adc.walden(8) * 1e12:.2f}", "FOM")
    for bits, text in ((8, "0.866"), (12, "17.98")):
        digits = len(text.partition(".")[2])
        got = f"{adc.noise_limited(bits) * 1e12:.{digits}f}"
        yield Anchor(f"ADC noise-limited, {bits} bit, pJ", text, got, "unverified")
    isaac = Profile.load("isaac-32nm").constants
    cell = array_energy(
        isaac["g_cell"].si[0],
        v_read=isaac["v_read"].si[0],
        t_read=isaac["t_read"].si[0],
    )
    yield Anchor(
        "ISAAC profile, cell read, fJ",
        "1.83",
        f"{cell * 1e15:.2f}",
        "Shafiee et al. 2016, Table I",
    )


def anchors() -> list[Anchor]:
    """Recompute all anchors."""
    return [
        a
        for part in (
            _arithmetic,
            _counting,
            _op45,
            _lemaire22,
            _yan24,
            _chips,
            _analogue,
            _budgets,
        )
        for a in part()
    ]
