"""Anchors of digital hardware: arithmetic and the models op45, lemaire22, yan24."""

from collections.abc import Iterator
from typing import Any

from neuro.counts import LayerInfo, OpCounts

from ..arithmetic import mac_energy, operation_energy
from ..constants import Profile
from ..estimate import price
from ..yan24 import Comparison, breakeven_rate
from .anchor import Anchor, close_to

__all__ = ["anchors", "lemaire_network"]


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
        yield close_to(
            f"yan24 SNN = QNN at T = {steps}", c.qnn(), c.snn(rate), source, 1e-12
        )


def anchors() -> Iterator[Anchor]:
    """Recompute them."""
    for part in (_arithmetic, _op45, _lemaire22, _yan24):
        yield from part()
