from dataclasses import replace

import numpy as np
import pytest

from hw.crossbar import (
    ADC,
    DAC,
    AnalogConfig,
    AnalogMatrix,
    Crossbar,
    Mapping,
    RandomWeights,
    error_budget,
    map_network,
)
from hw.devices import Device, Faults, RelativeReadNoise
from neuro.core import Csr, Rows
from neuro.counts import OpCounts
from neuro.errors import ParameterError
from neuro.network import ColumnReader, WeightSource

IDEAL = Device(name="ideal", g_min=1e-6, g_max=1e-4)
CLEAN = AnalogConfig(device=IDEAL, read_mode="none")
LAYOUTS = {
    "pair": CLEAN,
    "two_sided": CLEAN.with_(mapping=Mapping(style="differential_two_sided")),
    "offset": CLEAN.with_(mapping=Mapping(style="offset")),
    "dummy": CLEAN.with_(mapping=Mapping(style="offset", offset_by="dummy")),
    "dummy_tiled": CLEAN.with_(
        mapping=Mapping(style="offset", offset_by="dummy", per_column=True),
        rows_max=5,
        cols_max=4,
    ),
    "tiled": CLEAN.with_(rows_max=5, cols_max=6),
    "equal": CLEAN.with_(rows_max=5, cols_max=7, tiling="equal"),
    "digital": CLEAN.with_(mapping=Mapping(subtract="digital", per_column=True)),
}


@pytest.fixture
def w(rng):
    return rng.normal(size=(8, 13))


# --- 1: no effects


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_ideal_layouts_give_the_product(rng, w, name):
    a = AnalogMatrix(w, LAYOUTS[name])
    x = rng.normal(size=(4, 13))
    np.testing.assert_allclose(a.forward(x), x @ w.T, atol=1e-12)
    np.testing.assert_allclose(a @ x[0], w @ x[0], atol=1e-12)
    np.testing.assert_allclose(a @ x.T, w @ x.T, atol=1e-12)
    np.testing.assert_allclose(a.T @ w[:, 0], w.T @ w[:, 0], atol=1e-12)
    np.testing.assert_allclose(a.block(0.0).w, w, atol=1e-12)
    s = rng.random(13) < 0.4
    np.testing.assert_allclose(a.spike_read(s), w @ s, atol=1e-12)
    np.testing.assert_allclose(a.spike_read(np.flatnonzero(s)), w @ s, atol=1e-12)


def test_bit_slices_and_bit_serial_are_exact(rng):
    q = rng.integers(-7, 8, (6, 9)).astype(float)
    q[0, 0] = 7
    m = Mapping(style="bit_sliced", bits=4, bits_per_slice=1)
    x = rng.integers(-3, 4, (5, 9)).astype(float)
    x[0, 0] = 3
    for config in (
        CLEAN.with_(mapping=m),
        CLEAN.with_(mapping=m, topology="gated", dac=DAC(bits=3)),
        CLEAN.with_(mapping=replace(m, sliced_as="offset"), rows_max=4),
        CLEAN.with_(mapping=replace(m, sliced_as="offset", offset_by="dummy")),
    ):
        a = AnalogMatrix(q, config)
        np.testing.assert_allclose(a.forward(x), x @ q.T, atol=1e-9)


@pytest.mark.parametrize("topology", ["driven", "gated"])
def test_wires_are_those_of_the_physical_array(rng, w, topology):
    config = CLEAN.with_(r_word=20.0, r_bit=30.0, topology=topology)
    a = AnalogMatrix(w, config)
    s = rng.random(13) < 0.5
    g = a.tiles[0][0].cells(0.0)
    assert g.shape == (13, 16)
    i = Crossbar(g, 20.0, 30.0, topology=topology).mvm(0.2 * s)
    f = np.abs(w).max() / (1e-4 - 1e-6)
    np.testing.assert_allclose(a.spike_read(s), f * (i[::2] - i[1::2]) / 0.2, rtol=1e-6)
    assert np.abs(a.spike_read(s) - w @ s).max() > 1e-3


# --- converters in place


def test_block_converter_matches_spike_read(rng, w):
    config = CLEAN.with_(adc=ADC(bits=5, range="calibrated"))
    a = AnalogMatrix(w, config).calibrate(rng.random((200, 13)) < 0.3)
    assert not a.needs_reader
    assert a.source() is a
    block = a.block(0.0)
    lo, hi, codes = block.adc
    assert codes == 31
    s = rng.random((20, 13)) < 0.3
    step = (hi - lo) / (codes - 1)
    y = s @ block.w.T
    expected = lo + step * np.rint((np.clip(y, lo, hi) - lo) / step)
    np.testing.assert_allclose(a.spike_read(s), expected, atol=1e-9)
    assert np.abs(expected - y).max() > 0


@pytest.mark.parametrize("name", ["offset", "tiled", "digital"])
def test_converters_that_do_not_superpose_need_a_reader(rng, w, name):
    a = AnalogMatrix(w, LAYOUTS[name].with_(adc=ADC(bits=6)))
    assert a.needs_reader
    reader = a.source()
    assert isinstance(reader, ColumnReader)
    out = reader.read(np.array([1, 5], np.int32), 0.0)
    np.testing.assert_allclose(out, a.spike_read([1, 5]))


def test_adc_ranges(w):
    top = AnalogMatrix(w, CLEAN.with_(adc=ADC(bits=8)))._adc.limits[1]
    assert top == pytest.approx(13 * 1e-4 * 0.2)
    config = CLEAN.with_(mapping=Mapping(levels=4), adc=ADC(bits=8, range="granular"))
    assert AnalogMatrix(w, config)._adc.lsb == pytest.approx(33e-6 * 0.2)


# --- time, noise, faults


def test_drift_moves_with_simulated_time(w):
    config = AnalogConfig(
        device=Device.preset("pcm_nandakumar", read_noise=None, programming=None),
        seconds_per_step=0.1,
        update_every=10.0,
        start_time=20.0,
    )
    a = AnalogMatrix(w, config, seed=1)
    b0, b1 = a.block(0.0), a.block(150.0)
    assert b0.expires == pytest.approx(100.0)
    np.testing.assert_array_equal(a.block(99.0).w, b0.w)
    assert np.abs(b1.w).sum() < np.abs(b0.w).sum()
    np.testing.assert_array_equal(a.block(0.0).w, b0.w)
    a.at_time(15.0)
    np.testing.assert_allclose(a @ np.eye(13), b1.w, rtol=1e-9)


def test_white_noise_of_the_block_is_that_of_cells(rng, w):
    device = IDEAL.with_(read_noise=RelativeReadNoise(fraction=0.05))
    a = AnalogMatrix(w, CLEAN.with_(device=device, read_mode="white"), seed=2)
    block = a.block(0.0)
    s = rng.random(13) < 0.5
    reads = np.array([a.spike_read(s) for _ in range(4000)])
    np.testing.assert_allclose(reads.var(0), block.variance @ s, rtol=0.15)
    np.testing.assert_allclose(
        reads.mean(0), w @ s, atol=4 * np.sqrt((block.variance @ s).max() / 4000)
    )
    f = np.abs(w).max() / (1e-4 - 1e-6)
    cells = a.tiles[0][0].cells(0.0)
    expected = f**2 * 0.05**2 * (cells[:, ::2] ** 2 + cells[:, 1::2] ** 2).T
    single = np.finfo(np.float32).eps  # the precision in which variances are held
    np.testing.assert_allclose(block.variance, expected, rtol=2 * single)


def test_seeds_and_rewriting(w):
    config = AnalogConfig(device=Device.preset("rram_generic", faults=Faults(off=0.1)))
    a, b, c = (AnalogMatrix(w, config, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(a.block(0).w, b.block(0).w)
    assert (a.block(0).w != c.block(0).w).any()
    first = a.block(0).w.copy()
    fault = a.tiles[0][0].devices.fault.copy()
    a.program()
    assert (a.block(0).w != first).any()
    np.testing.assert_array_equal(a.tiles[0][0].devices.fault, fault)


def test_state_round_trip(tmp_path, rng, w):
    config = AnalogConfig(
        device=Device.preset("pcm_hermes1"),
        read_mode="white",
        adc=ADC(bits=6, range="calibrated"),
        dac=DAC(bits=6),
        rows_max=7,
        r_word=1.0,
        r_bit=1.0,
    )
    x = rng.normal(size=(20, 13))
    a = AnalogMatrix(w, config, seed=5).calibrate(x).at_time(100.0)
    a @ x[0]
    a.save(tmp_path / "a.npz")
    b = AnalogMatrix.load(tmp_path / "a.npz", config)
    np.testing.assert_array_equal(a.forward(x), b.forward(x))


# --- accounting


def test_counts_and_energy(w):
    a = AnalogMatrix(w, LAYOUTS["tiled"].with_(adc=ADC(bits=6)))
    reads = np.arange(13)
    counts = OpCounts()
    a.book(counts, "layer", reads, 10)
    arrays = 3 * 3
    assert counts.total("row_drive") == reads.sum() * 3
    assert counts.total("array_read") == 10 * arrays
    assert counts.total("adc_convert") == 10 * 8 * 3
    g = np.zeros(13)
    for row in a.tiles:
        for tile in row:
            g[tile.rows] += tile.cells(0.0).sum(1)
    assert counts.measured("array_j") == pytest.approx((reads @ g) * 0.04 * 10e-9)
    assert a.utilisation == pytest.approx(8 * 13 * 2 / (9 * 30))


def test_array_energy_is_exact_without_and_a_bound_with_wires(rng, w):
    one = np.ones(13, np.int64)
    for r in (0.0, 20.0):
        a = AnalogMatrix(w, CLEAN.with_(r_word=r, r_bit=r))
        g = a.tiles[0][0].cells(0.0)
        power = Crossbar(g, r, r).solve(np.full(13, 0.2)).power
        stated = a.settle(one)["array_j"] / 10e-9
        if r == 0:
            assert stated == pytest.approx(power, rel=1e-12)
        else:
            assert power < stated


def test_budget_names_each_effect(rng, w):
    config = AnalogConfig(
        device=Device.preset("pcm_joshi"),
        mapping=Mapping(levels=8),
        r_word=5.0,
        r_bit=5.0,
        adc=ADC(bits=6, range="calibrated"),
        read_mode="none",
    )
    x = rng.normal(size=(60, 13))
    budget = AnalogMatrix(w, config).report(x, seeds=3)
    assert set(budget.effects) == {
        "levels",
        "programming",
        "wires",
        "converters",
        "all",
    }
    alone = np.array([s.mean for k, s in budget.effects.items() if k != "all"])
    assert (alone > 0).all()
    assert budget.effects["all"].mean > alone.max() * 0.9
    assert budget.effects["all"].mean < 1.5 * alone.sum()
    assert budget.cells == 8 * 13 * 2
    assert "programming" in str(budget)
    assert budget.to_dict()["effects"]["wires"]["n"] == 3
    clean = error_budget(w, CLEAN, x)
    assert clean.effects["all"].mean < 1e-12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: AnalogMatrix(w, CLEAN) @ np.ones(3), "expected"),
        (lambda w: AnalogMatrix(w, CLEAN).spike_read([40]), "rows"),
        (lambda w: AnalogMatrix(w, CLEAN).at_time(-1), ">= 0 s"),
        (lambda w: AnalogMatrix(w, CLEAN).at_time("1 h"), "number"),
        (lambda w: AnalogMatrix(w, "rram_generic"), "AnalogConfig"),
        (lambda w: AnalogConfig(device="rram_generic"), "Device.preset"),
        (lambda w: AnalogConfig(adc=8), r"ADC\(bits=8\)"),
        (lambda w: AnalogConfig(topology="gated", encoding="amplitude"), "binary"),
        (lambda w: AnalogMatrix(w, CLEAN) @ np.full(13, np.nan), "NaN"),
        (lambda w: AnalogMatrix(w, CLEAN).spike_read([0.5]), "indices"),
        (lambda w: AnalogMatrix(w, CLEAN).report(np.ones((4, 3))), "shape"),
        (lambda w: AnalogMatrix(w, CLEAN).calibrate(np.ones((4, 3))), "shape"),
        (
            lambda w: (
                AnalogMatrix(w, CLEAN.with_(adc=ADC(range="calibrated"))) @ np.ones(13)
            ),
            "calibrate",
        ),
        (lambda w: Mapping(w_max=0.99), "99"),
        (lambda w: map_network(None, CLEAN), "Network"),
        (lambda w: CLEAN.with_(r_wrod=1), "no field"),
        (lambda w: CLEAN.only("wire"), "accepted"),
        (lambda w: AnalogMatrix(w, CLEAN.with_(cols_max=1)), "columns"),
        (
            lambda w: (
                AnalogMatrix(w, CLEAN.with_(topology="gated", r_word=1.0, r_bit=1.0)).T
            ),
            "gated",
        ),
    ],
)
def test_mistakes_are_named(w, call, message):
    with pytest.raises(ParameterError, match=message):
        call(w)


# --- networks


def _liquid(rule_in, rule_rec):
    from neuro.lsm import Liquid

    return Liquid(rule_in, rule_rec, decay=0.9, v_threshold=1.0)


@pytest.mark.parametrize(
    "config",
    [
        CLEAN,
        CLEAN.with_(topology="gated", r_word=1e-6, r_bit=1e-6),
        CLEAN.with_(adc=ADC(bits=16, range=(-2e-4, 2e-4)), rows_max=8),
    ],
    ids=["matrix", "gated reader", "tile converters"],
)
def test_a_mapped_liquid_is_the_liquid(rng, config):
    w_in, w_rec = rng.normal(size=(10, 12)) * 0.5, rng.normal(size=(10, 10)) * 0.3
    frames = (rng.random((3, 20, 12)) < 0.2).astype(np.uint8)
    plain = _liquid(Rows(w_in), Rows(w_rec)).run(frames)
    mapped = _liquid(
        AnalogMatrix(w_in, config, 1).source(), AnalogMatrix(w_rec, config, 2).source()
    ).run(frames)
    assert plain.counts.sum() > 20
    same = (plain.counts == mapped.counts).mean()
    assert same > 0.95  # thresholds may be met within rounding
    assert mapped.operations.measured("array_j") > 0


def test_map_network(rng):
    from neuro.lsm.liquid import LiquidNeuron
    from neuro.network import Frames, Network, Population, Projection

    w = rng.normal(size=(5, 7))
    net = Network(
        Frames("in", 7),
        Population("a", 5, LiquidNeuron()),
        Projection("in", "a", Rows(w)),
        dt=1.0,
        dimensionless=True,
    )
    mapped = map_network(net, CLEAN, seed=3)
    rule = mapped.projections[0].rule
    assert isinstance(rule, WeightSource)
    np.testing.assert_allclose(rule.block(0.0).w, w, atol=1e-12)
    assert mapped.names == net.names
    with pytest.raises(ParameterError, match="did you mean"):
        map_network(net, CLEAN, include=["in -> b"])


def test_a_named_convolution_is_unrolled(rng):
    from neuro.core import Conv
    from neuro.lsm.liquid import LiquidNeuron
    from neuro.network import Frames, Network, Population, Projection

    conv = Conv(rng.normal(size=(2, 1, 3, 3)), (1, 4, 4), padding=1)
    net = Network(
        Frames("in", conv.n_pre),
        Population("a", conv.n_post, LiquidNeuron()),
        Projection("in", "a", conv),
        dt=1.0,
        dimensionless=True,
    )
    with pytest.raises(ParameterError, match="nothing to map; name projections"):
        map_network(net, CLEAN)
    rule = map_network(net, CLEAN, include=net.names).projections[0].rule
    out = np.zeros(conv.n_post)
    conv.deliver(np.array([0, 5, 15], np.int32), out)
    spikes = np.zeros(conv.n_pre)
    spikes[[0, 5, 15]] = 1
    np.testing.assert_allclose(rule.block(0.0).w @ spikes, out, atol=1e-12)


def test_dense_weights(rng):
    from hw.crossbar import dense_weights

    w = rng.normal(size=(4, 3))
    post, pre = np.nonzero(w)
    csr = Csr.from_pairs(pre, post, w[post, pre], n_pre=3, n_post=4)
    for rule in (Rows(w), csr, w):
        np.testing.assert_allclose(dense_weights(rule), w)
    r = RandomWeights((4, 3), const=1.0, sd=2.0)
    np.testing.assert_array_equal(dense_weights(r), r.block(0).w)
    with pytest.raises(ParameterError, match="before it is built"):
        dense_weights(object())
