"""Anchors of devices: chips against silicon, crossbar cells, converters."""

from collections.abc import Iterator

from .. import adc
from ..chip import affine_fit
from ..cim import array_energy
from ..constants import Profile
from .anchor import Anchor

__all__ = ["anchors"]


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


def anchors() -> Iterator[Anchor]:
    """Recompute them."""
    for part in (_chips, _analogue):
        yield from part()
