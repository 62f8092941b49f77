import numpy as np
import pytest

from hw.crossbar import ADC, DAC, Mapping, wire
from hw.crossbar.approximations import cubic_drop, fixed_point, scale_factors
from hw.crossbar.converters import bit_serial, bits_for_spikes, combine_bits, s_shape
from neuro.errors import ParameterError
from tests.naive import crossbar as naive

STYLES = [
    Mapping(),
    Mapping(style="differential_two_sided"),
    Mapping(style="offset"),
    Mapping(per_column=True),
    Mapping(subtract="digital"),
]


@pytest.mark.parametrize("mapping", STYLES, ids=lambda m: m.style)
def test_round_trip(rng, mapping):
    w = rng.normal(size=(5, 7))
    e = mapping.encode(w, 1e-6, 1e-4)
    np.testing.assert_allclose(e.weights(), w, rtol=1e-12, atol=1e-12)
    assert all(
        (p >= 1e-6 - 1e-20).all() and (p <= 1e-4 + 1e-18).all() for p in e.planes
    )
    assert len(e.planes) == mapping.cells_per_weight


@pytest.mark.parametrize("b", [1, 7])
@pytest.mark.parametrize("g_min", [0.0, 1e-6])
def test_differential_slices_are_exact_integers(rng, b, g_min):
    q = rng.integers(-127, 128, (5, 7))
    q[0, 0] = 127
    m = Mapping(style="bit_sliced", bits=8, bits_per_slice=b)
    e = m.encode(q * 0.5, g_min, 1e-4)
    np.testing.assert_allclose(e.weights(), q * 0.5, rtol=1e-12, atol=1e-11)
    assert len(e.planes) == m.cells_per_weight == 2 * 7 // b


@pytest.mark.parametrize("b", [1, 2, 4])
def test_offset_slices_are_exact_integers(rng, b):
    q = rng.integers(-127, 128, (5, 7))
    q[0, 0] = 127
    m = Mapping(style="bit_sliced", bits=8, bits_per_slice=b, sliced_as="offset")
    e = m.encode(q, 2e-6, 1e-4)
    np.testing.assert_allclose(e.weights(), q, atol=1e-10)
    assert len(e.planes) == m.cells_per_weight == 8 // b


def test_levels_and_clipping(rng):
    w = rng.normal(size=(50, 60))
    e = Mapping(levels=5, w_max=99.0).encode(w, 0.0, 4e-6)
    assert set(np.unique(e.planes[0]).round(12)) <= {0, 1e-6, 2e-6, 3e-6, 4e-6}
    assert e.clipped == pytest.approx(0.01, abs=1e-3)
    table = Mapping(levels=(1e-6, 3e-6, 10e-6)).encode(w, 1e-6, 1e-5)
    assert set(np.unique(table.planes[0])) == {1e-6, 3e-6, 1e-5}


@pytest.mark.parametrize(
    "options",
    [
        {"style": "x"},
        {"w_max": 0},
        {"levels": 1},
        {"style": "bit_sliced", "bits_per_slice": 2},
    ],
)
def test_mapping_mistakes(options):
    with pytest.raises(ParameterError):
        Mapping(**options)


# --- 10: converters


def test_adc_codes_edges_halves_and_order():
    adc = ADC(bits=3, range=(0.0, 7.0), signed=False)
    np.testing.assert_array_equal(adc.convert(np.arange(8.0)), np.arange(8))
    np.testing.assert_array_equal(adc.convert([-1.0, 9.0]), [0, 7])
    np.testing.assert_array_equal(adc.convert([0.5, 1.5, 2.5, 6.5]), [0, 2, 2, 6])
    x = np.linspace(-1, 8, 1001)
    y = adc(x)
    assert (np.diff(y) >= 0).all()
    np.testing.assert_array_equal(adc(y), y)
    inside = (x >= 0) & (x <= 7)
    assert np.abs(y - x)[inside].max() <= adc.lsb / 2 + 1e-12
    assert adc.clip_share(x) == pytest.approx((~inside).mean())


def test_signed_adc_has_a_zero_code():
    adc = ADC(bits=4, range=(-2.0, 3.0))
    assert adc.limits == (-3.0, 3.0)
    assert adc.codes_count == 15
    assert adc(0.0) == 0.0
    assert ADC(bits=20, range=(-1.0, 1.0))(0.123456) == pytest.approx(
        0.123456, abs=1e-6
    )


def test_adc_errors_and_calibration(rng):
    x = rng.normal(size=5000)
    adc = ADC(bits=8, range="calibrated", percentile=99.0).calibrate(x)
    assert adc.clip_share(x) == pytest.approx(0.01, abs=2e-3)
    with pytest.raises(ParameterError, match="calibrate"):
        ADC(range="calibrated").convert(x)
    base = ADC(bits=8, range=(-4.0, 4.0))
    gain = ADC(bits=8, range=(-4.0, 4.0), gain_error=0.1)
    assert np.polyfit(x, gain(x), 1)[0] == pytest.approx(1.1, rel=0.01)
    off = ADC(bits=8, range=(-4.0, 4.0), offset=3.0)
    assert (off.convert(x) - base.convert(x)).mean() == pytest.approx(3.0, abs=0.01)
    bow = ADC(bits=8, range=(-4.0, 4.0), inl_codes=4.0)
    assert bow.convert(0.0) - base.convert(0.0) == 4
    assert bow.convert(4.0) == base.convert(4.0)
    st = ADC(bits=3, range=(0.0, 7.0), signed=False, stochastic=True)
    mean = st(np.full(20000, 2.3), np.random.default_rng(0)).mean()
    assert mean == pytest.approx(2.3, abs=0.02)


def test_dac_and_bit_serial(rng):
    dac = DAC(bits=4, x_max=1.0)
    np.testing.assert_array_equal(
        dac.codes([-2, -1, 0, 0.5 / 7, 1.5 / 7, 1]), [-7, -7, 0, 0, 2, 7]
    )
    np.testing.assert_allclose(dac(dac([0.3, -0.8])), dac([0.3, -0.8]))
    assert DAC(bits=8).calibrate(rng.normal(size=9999), 99.0).x_max == pytest.approx(
        2.58, abs=0.1
    )
    q = rng.integers(0, 256, (5, 9))
    w = rng.integers(-9, 10, (9, 4))
    reads = bit_serial(q, 8)
    np.testing.assert_array_equal(combine_bits(reads @ w), q @ w)
    with pytest.raises(ParameterError):
        bit_serial([256], 8)
    assert [bits_for_spikes(k) for k in (1, 3, 4, 255)] == [1, 2, 3, 8]
    assert s_shape(1.0, 0.5) == pytest.approx(2 / 3)


# --- wires and approximations

NEUROSIM = {
    130: (0.86, 0.29, 0.14),
    90: (1.50, 0.50, 0.25),
    65: (1.49, 0.50, 0.25),
    45: (2.09, 0.70, 0.35),
    32: (3.13, 1.04, 0.52),
    22: (4.69, 1.56, 0.78),
    14: (6.09, 2.03, 1.02),
}


@pytest.mark.parametrize("node", sorted(NEUROSIM))
def test_wire_table_of_neurosim(node):
    w = wire(node)
    expected = NEUROSIM[node]
    assert (w.r_word, w.r_bit, w.r_crosspoint) == pytest.approx(expected, abs=5.1e-3)


def test_unknown_node():
    with pytest.raises(ParameterError, match="nodes"):
        wire(40)


def test_fixed_point_approaches_the_exact_solution(rng):
    g, v = rng.uniform(1e-6, 5e-5, (24, 20)), rng.random(24)
    exact = naive.solve(g, v, 1.0, 1.0)[0]
    out, error = fixed_point(g, v, 1.0, 1.0, tol=1e-6)
    assert error < 1e-6
    np.testing.assert_allclose(out, exact, rtol=1e-5)
    np.testing.assert_allclose(naive.fixed_point(g, v, 1.0, 1.0), exact, rtol=1e-10)


def test_cubic_and_scale(rng):
    w, x = rng.uniform(-1, 1, (6, 30)), rng.uniform(-1, 1, (4, 30))
    np.testing.assert_allclose(cubic_drop(w, x, r_wire=0.0), x @ w.T)
    lossy = np.abs(cubic_drop(np.abs(w), np.abs(x))) < np.abs(np.abs(x) @ np.abs(w).T)
    assert lossy.all()
    g = rng.random((5, 3))
    np.testing.assert_allclose(scale_factors(g, 0.9 * g), 0.9)
