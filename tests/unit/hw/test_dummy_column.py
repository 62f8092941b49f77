"""A dummy column measures what an offset mapping must subtract."""

from dataclasses import replace

import numpy as np
import pytest

from hw.crossbar import ADC, AnalogConfig, AnalogMatrix, Crossbar, Mapping
from hw.devices import Device, RelativeReadNoise
from neuro.errors import ParameterError

IDEAL = Device(name="ideal", g_min=1e-6, g_max=1e-4)
DUMMY = Mapping(style="offset", offset_by="dummy")
CLEAN = AnalogConfig(device=IDEAL, mapping=DUMMY, read_mode="none")


@pytest.fixture
def w(rng):
    return rng.normal(size=(8, 13))


def test_it_is_the_last_column_of_every_array(rng, w):
    a = AnalogMatrix(w, CLEAN.with_(r_word=20.0, r_bit=30.0, rows_max=7, cols_max=6))
    s = rng.random(13) < 0.5
    expected = np.zeros(8)
    f = 2 * np.abs(w).max() / 99e-6
    for row in a.tiles:
        for tile in row:
            g = tile.cells(0.0)
            np.testing.assert_allclose(g[:, -1], 50.5e-6)
            i = Crossbar(g, 20.0, 30.0).mvm(0.2 * s[tile.rows])
            expected[tile.cols] += f * (i[:-1] - i[-1]) / 0.2
    np.testing.assert_allclose(a.spike_read(s), expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(a.effective_weights() @ s, expected, rtol=1e-6)
    columns = [tile.shape[1] for tile in a.tiles[0]]
    assert columns == [6, 4]
    assert a.cells == 13 * (8 + 2)
    assert a.conversions_per_read == 2 * (8 + 2)
    assert a.utilisation == pytest.approx(130 / (4 * 42))


def test_levels_leave_a_digital_remainder(rng, w):
    a = AnalogMatrix(w, CLEAN.with_(mapping=replace(DUMMY, levels=4)))
    digital = AnalogMatrix(w, CLEAN.with_(mapping=Mapping(style="offset", levels=4)))
    assert a.encoded.dummy in (pytest.approx(34e-6), pytest.approx(67e-6))
    x = rng.normal(size=(3, 13))
    np.testing.assert_allclose(a.forward(x), digital.forward(x), atol=1e-12)


def test_its_noise_is_common_to_all_outputs(w):
    device = replace(IDEAL, read_noise=RelativeReadNoise(fraction=0.05))
    a = AnalogMatrix(w, CLEAN.with_(device=device, read_mode="white"))
    assert a.needs_reader
    y = a.spike_read(np.ones((20_000, 13), bool))
    f, g = 2 * np.abs(w).max() / 99e-6, a.tiles[0][0].cells(0.0)
    common = 13 * (0.05 * f * 50.5e-6) ** 2
    covariance = np.cov(y.T)
    off = covariance[~np.eye(8, dtype=bool)]
    np.testing.assert_allclose(off, common, rtol=0.15)
    own = (0.05 * f) ** 2 * (g[:, :-1] ** 2).sum(0)
    np.testing.assert_allclose(np.diag(covariance), own + common, rtol=0.06)


def test_it_follows_drift_and_the_digital_offset_does_not(w):
    device = Device.preset("pcm_nandakumar")
    device = replace(device, programming=None, read_noise=None)
    error = {}
    for by in ("digital", "dummy"):
        mapping = Mapping(style="offset", offset_by=by)
        a = AnalogMatrix(w, CLEAN.with_(device=device, mapping=mapping))
        drifted = a.at_time(86400.0).spike_read(np.ones(13, bool))
        error[by] = np.abs(drifted - w.sum(1)).mean()
    assert error["dummy"] < 0.3 * error["digital"]


def test_conversion_and_state(tmp_path, rng, w):
    config = CLEAN.with_(
        device=Device.preset("rram_generic"), adc=ADC(bits=12, range="max")
    )
    a = AnalogMatrix(w, config, seed=3)
    assert a.needs_reader
    s = rng.random((5, 13)) < 0.5
    step = a._adc.lsb * 2 * np.abs(w).max() / 99e-6 / 0.2
    free = AnalogMatrix(w, config.with_(adc=None), seed=3)
    error = np.abs(a.spike_read(s) - free.spike_read(s))
    assert 0 < error.max() <= step * (1 + 1e-9)
    a.save(tmp_path / "a.npz")
    b = AnalogMatrix.load(tmp_path / "a.npz", config)
    np.testing.assert_array_equal(b.spike_read(s), a.spike_read(s))


@pytest.mark.parametrize(
    "options", [{}, {"style": "bit_sliced"}, {"style": "differential_two_sided"}]
)
def test_pairs_have_none(options):
    with pytest.raises(ParameterError, match="dummy"):
        Mapping(offset_by="dummy", **options)
