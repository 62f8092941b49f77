r"""Energy of one analogue-to-digital conversion: models that disagree.

``survey`` is a fit to Murmann's survey of published converters (optimistic: best
possible), ``isaac`` a simulated 8-bit converter at 1.28 GS/s in 32 nm, ``neurosim`` a
SAR converter sized by column current, ``walden`` a figure of merit, ``noise`` a
noise-limited bound. At 8 bits and 32 nm they span 0.14 to 2.6 pJ; the spread is real
disagreement and is reported as the range.

References
----------
.. [1] Accelergy-Project/accelergy-adc-plug-in, adc_data/model.yaml (version 6851cb8).
.. [2] Shafiee et al., ISCA 2016, Table I.
.. [3] neurosim/DNN_NeuroSim_V1.4, SarADC.cpp.
"""

import math

from neuro.errors import ParameterError, ValidityError

from .constants import Constant, derived

__all__ = ["adc_constant", "isaac", "neurosim", "noise_limited", "survey", "walden"]

# nm: (uW per bit, uW, W, exponent)
_SAR = {
    130: (6.4806, 49.047, 0.207452, -2.367),
    90: (4.3474, 31.782, 0.1649, -2.345),
    65: (2.9503, 22.047, 0.128483, -2.321),
    45: (2.1843, 11.931, 0.097754, -2.296),
    32: (1.0157, 7.6286, 0.083709, -2.313),
    22: (0.7213, 3.3041, 0.084273, -2.311),
    14: (0.4710, 1.9529, 0.060584, -2.311),
    10: (0.3076, 1.1543, 0.049418, -2.311),
    7: (0.2008, 0.6823, 0.04031, -2.311),
}


def survey(bits: float, *, nm: float, rate_hz: float = 100e6) -> float:
    """Return joules per conversion from the fit to Murmann's survey.

    Parameters
    ----------
    bits : float
        Effective number of bits, 1 to 16.
    nm : float
        Process node, nanometres.
    rate_hz : float
        Conversions per second; below 100 MS/s the energy no longer falls.
    """
    if not 1 <= bits <= 16:
        raise ValidityError(f"adc.survey: bits 1..16, got {bits}")
    if nm <= 0 or rate_hz <= 0:
        raise ParameterError(f"adc.survey: nm and rate_hz > 0, got {nm}, {rate_hz}")
    ceiling = 128.3068287 + 3.2205115 * math.ceil(bits)
    fom = min(213.7806687 - 2.8719030 * math.log(rate_hz), ceiling)
    sndr = 6.0206 * bits + 1.7609
    picojoule = (
        0.5
        * 10 ** (-(fom - sndr) / 10)
        * math.exp(
            26.0496216
            + 1.8800369 * math.log(nm)
            - 2.8291256 * math.log(bits)
            - 1.4702022
        )
    )
    return picojoule * 1e-12


def isaac() -> float:
    """Return joules per 8-bit conversion: 16 mW / 8 ADCs, 100 ns, 128 columns."""
    return 16e-3 / 8 * 100e-9 / 128


def neurosim(
    bits: int,
    *,
    nm: int,
    r_column: float = math.inf,
    v_read: float = 0.5,
    kelvin: float = 300.0,
) -> float:
    """Return joules per conversion of a SAR converter.

    Parameters
    ----------
    bits : int
        Resolution.
    nm : int
        High-performance node: 130, 90, 65, 45, 32, 22, 14, 10 or 7.
    r_column : float
        Parallel resistance of the column, ohm; infinite: no column current.
    v_read : float
        Read voltage, volts.
    kelvin : float
        Temperature.
    """
    if nm not in _SAR:
        raise ValidityError(
            f"adc.neurosim: nodes {', '.join(map(str, _SAR))} nm, got {nm}"
        )
    a, c, k, m = _SAR[nm]
    power = (a * bits + c) * 1e-6
    if math.isfinite(r_column):
        if r_column <= 0 or v_read <= 0:
            raise ParameterError("adc.neurosim: r_column and v_read must be > 0")
        power += k * math.exp(m * math.log10(r_column * 0.5 / v_read))
    return power * (1 + 1.3e-3 * (kelvin - 300)) * (bits + 1) * 1e-9


def walden(bits: float, *, fom_j: float = 10e-15) -> float:
    """Return joules per conversion, figure of merit times 2**bits.

    Parameters
    ----------
    bits : float
        Resolution.
    fom_j : float
        Figure of merit, joules per conversion step.
    """
    return float(fom_j * 2**bits)


def noise_limited(bits: float, *, k1: float = 100e-15, k2: float = 1e-18) -> float:
    """Return joules per conversion, ``k1 B + k2 4^B`` (constants unverified).

    Parameters
    ----------
    bits : float
        Resolution B.
    k1, k2 : float
        Joules per bit, and per level squared.
    """
    return float(k1 * bits + k2 * 4**bits)


def adc_constant(
    bits: int, *, nm: int, rate_hz: float = 100e6, model: str = "survey"
) -> Constant:
    """Return the conversion energy of one model with the others as its range.

    Parameters
    ----------
    bits, nm, rate_hz
        Converter.
    model : {"survey", "neurosim", "walden", "noise", "isaac"}
        Which value to take.
    """
    values = {
        "survey": survey(bits, nm=nm, rate_hz=rate_hz),
        "walden": walden(bits),
        "noise": noise_limited(bits),
    }
    if nm in _SAR:
        values["neurosim"] = neurosim(bits, nm=nm)
    if bits == 8 and nm == 32:
        values["isaac"] = isaac()
    if model not in values:
        raise ParameterError(
            f"adc model {model!r} does not cover {bits} bits at {nm} nm; "
            f"accepted: {', '.join(values)}"
        )
    text = ", ".join(f"{k} {v * 1e12:.4g} pJ" for k, v in sorted(values.items()))
    return derived(
        values[model],
        min(values.values()),
        max(values.values()),
        f"{bits}-bit conversion, {model}; range over the models: {text}",
        node=f"{nm} nm",
    )
