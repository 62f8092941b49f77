import numpy as np
import pytest

from hw.crossbar import (
    ADC,
    DAC,
    AnalogConfig,
    AnalogMatrix,
    Mapping,
)
from hw.devices import Device, PowerDrift

IDEAL = Device(name="ideal", g_min=1e-6, g_max=1e-4)
CLEAN = AnalogConfig(device=IDEAL, read_mode="none")


@pytest.fixture
def w(rng):
    return rng.normal(size=(8, 13))


@pytest.mark.parametrize("how", ["global", "column"])
def test_drift_compensation_restores_the_mean_output(rng, w, how):
    """One exponent for all cells: nothing is left. Spread exponents: the mean is."""
    x = rng.normal(size=(5, 13))
    same = IDEAL.with_(drift=PowerDrift(t_0=20.0, mean=0.06, spread=0.0))
    lost, held = (
        AnalogMatrix(w, CLEAN.with_(device=same, drift_compensation=c)).at_time(1e5)
        for c in ("none", how)
    )
    np.testing.assert_allclose(lost.forward(x), (1e5 / 20 + 1) ** -0.06 * (x @ w.T))
    np.testing.assert_allclose(held.forward(x), x @ w.T, rtol=1e-10)
    spread = IDEAL.with_(drift=PowerDrift(t_0=20.0, mean=0.06, spread=0.02))
    a = AnalogMatrix(w, CLEAN.with_(device=spread, drift_compensation=how), seed=3)
    axis = 1 if how == "column" else None
    before, after = a.effective_weights(0.0), a.effective_weights(1e5)
    np.testing.assert_allclose(
        np.abs(after).mean(axis), np.abs(before).mean(axis), rtol=1e-9
    )
    assert np.abs(after - before).max() > 0.01 * np.abs(before).max()
    np.testing.assert_allclose(a.at_time(1e5) @ np.eye(13), after, rtol=1e-9)


def test_compensated_converter_stays_where_it_is(rng, w):
    """The factor stands behind the converter: its range in weights grows with it."""
    device = IDEAL.with_(drift=PowerDrift(t_0=20.0, mean=0.06, spread=0.02))
    config = CLEAN.with_(
        device=device, adc=ADC(bits=6, range="max"), drift_compensation="global"
    )
    a = AnalogMatrix(w, config, seed=3)
    lo, hi, codes = a.block(0.0).adc
    later = a.block(1e5).adc
    gain = a.gain(a._seconds(1e5)[0])[0]
    assert gain > 1.3
    assert later == pytest.approx((gain * lo, gain * hi, codes))
    s = rng.random(13) < 0.5
    sums = a.block(1e5).w @ s
    lsb = (later[1] - later[0]) / (codes - 1)
    assert np.abs(a.spike_read(s, 1e5) - sums).max() <= lsb / 2 * (1 + 1e-9)
    assert AnalogMatrix(w, config.with_(drift_compensation="column")).needs_reader


@pytest.mark.parametrize("mapping", [Mapping(), Mapping(style="offset")])
def test_encodings_of_numbers_agree_without_wires(rng, w, mapping):
    """Bits, lengths of pulses and voltages of one converter are the same numbers."""
    x = rng.normal(size=(3, 13))
    base = CLEAN.with_(device=IDEAL, mapping=mapping, dac=DAC(bits=5), rows_max=8)
    expected = DAC(bits=5)(x) @ w.T
    for topology, encoding in (
        ("driven", "auto"),
        ("driven", "amplitude"),
        ("driven", "pulse_width"),
        ("driven", "bit_serial"),
        ("gated", "auto"),
        ("gated", "pulse_width"),
    ):
        config = base.with_(topology=topology, encoding=encoding)
        found = AnalogMatrix(w, config).forward(x)
        np.testing.assert_allclose(found, expected, atol=1e-12, err_msg=encoding)


def test_pulse_lengths_in_gated_arrays_with_wires(rng, w):
    """Charge of each slot from its own pattern of open rows."""
    config = CLEAN.with_(
        device=IDEAL,
        topology="gated",
        encoding="pulse_width",
        dac=DAC(bits=3, signed=False, x_max=7.0),
        r_word=50.0,
        r_bit=50.0,
    )
    a = AnalogMatrix(w, config)
    x = rng.integers(0, 8, 13).astype(float)
    slots = sum(a.spike_read(x >= k) for k in range(1, 8))
    np.testing.assert_allclose(a @ x, slots, rtol=1e-10)
    serial = AnalogMatrix(w, config.with_(encoding="bit_serial"))
    assert np.abs(serial @ x - slots).max() > 1e-3 * np.abs(slots).max()


def test_column_limit_is_reached_before_conversion(w):
    free = AnalogMatrix(w, CLEAN.with_(device=IDEAL))
    ones = np.ones(13)
    currents = ones @ free.tiles[0][0].cells(0.0) * 0.2
    limit = float(np.median(currents))
    a = AnalogMatrix(w, CLEAN.with_(device=IDEAL, column_limit=limit))
    assert a.needs_reader
    cut = np.minimum(currents, limit)
    expected = free.encoded.factors[0][0] * (cut[::2] - cut[1::2]) / 0.2
    np.testing.assert_allclose(a @ ones, expected, rtol=1e-9)
