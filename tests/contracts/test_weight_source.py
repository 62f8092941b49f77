"""Every hardware weight source keeps the contract of ``neuro.network.WeightSource``.

A new source adds one builder of a small drifting, noisy instance to ``SOURCES``; those
in ``READERS`` are also column readers.
"""

import numpy as np
import pytest

from hw.crossbar import ADC, AnalogConfig, AnalogMatrix, RandomWeights
from hw.devices import Device
from neuro.errors import ShapeError
from neuro.network import ColumnReader, WeightSource

SHAPE = (6, 9)


def _random():
    return RandomWeights(
        SHAPE,
        const=0.07,
        sd=6.6,
        read_noise=0.1,
        stuck_off=0.1,
        drift_nu=0.05,
        adc_bits=6,
        seed=3,
    )


def _matrix(**changes):
    config = AnalogConfig(
        device=Device.preset("pcm_nandakumar"),
        r_word=2.0,
        r_bit=1.0,
        start_time=20.0,
        update_every=20.0,
    ).with_(**changes)
    w = np.random.default_rng(1).normal(size=SHAPE)
    return AnalogMatrix(w, config, seed=4).source()


READERS = {
    "gated": lambda: _matrix(topology="gated", read_mode="white"),
    "tile converters": lambda: _matrix(rows_max=4, adc=ADC(bits=6), read_mode="ou"),
}
SOURCES = {
    "random": _random,
    "frozen": _matrix,
    "white": lambda: _matrix(read_mode="white", adc=ADC(bits=6)),
    "ou": lambda: _matrix(read_mode="ou"),
    **READERS,
}


@pytest.fixture(params=sorted(SOURCES))
def make(request):
    return SOURCES[request.param]


class TestWeightSourceContract:
    def test_is_a_weight_source(self, make):
        source = make()
        assert isinstance(source, WeightSource)
        assert source.shape == SHAPE

    def test_block_has_the_stated_shapes(self, make):
        block = make().block(0.0)
        assert block.w.shape == SHAPE
        assert np.isfinite(block.w).all()
        if block.variance is not None:
            assert block.variance.shape == SHAPE
            assert (block.variance >= 0).all()
        if block.adc is not None:
            lo, hi, codes = block.adc
            assert lo < hi
            assert codes >= 2
        assert block.expires > 0

    def test_same_time_same_block(self, make):
        source = make()
        first = source.block(5.0)
        source.block(1e4)
        again, other = source.block(5.0), make().block(5.0)
        for b in (again, other):
            np.testing.assert_array_equal(b.w, first.w)
            assert b.expires == first.expires
            assert b.adc == first.adc

    def test_block_holds_until_it_expires(self, make):
        source = make()
        first = source.block(0.0)
        if np.isfinite(first.expires):
            inside = source.block(0.999 * first.expires)
            np.testing.assert_array_equal(inside.w, first.w)
            after = source.block(first.expires)
            assert after.expires > first.expires

    def test_settle_is_additive_and_not_negative(self, make):
        source = make()
        source.block(0.0)
        a = np.arange(SHAPE[1], dtype=np.int64)
        b = np.full(SHAPE[1], 3, np.int64)
        ea, eb, ab = (source.settle(x)["array_j"] for x in (a, b, a + b))
        assert ea > 0
        assert ab == pytest.approx(ea + eb, rel=1e-12)
        nothing = source.settle(np.zeros(SHAPE[1], np.int64))
        assert nothing["array_j"] == 0
        assert all(isinstance(v, float) for v in nothing.values())

    def test_settle_refuses_a_wrong_shape(self, make):
        with pytest.raises(ShapeError, match="row_reads"):
            make().settle(np.zeros(SHAPE[1] + 1, np.int64))


@pytest.mark.parametrize("name", sorted(READERS))
def test_column_reader(name):
    reader = READERS[name]()
    assert isinstance(reader, ColumnReader)
    active = np.array([0, 4], np.int32)
    out = reader.read(active, 0.0)
    assert out.shape == (SHAPE[0],)
    np.testing.assert_array_equal(out, READERS[name]().read(active, 0.0))
    none = reader.read(np.zeros(0, np.int32), 0.0)
    np.testing.assert_array_equal(none, 0.0)
