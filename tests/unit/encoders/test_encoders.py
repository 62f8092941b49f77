from datetime import datetime

import numpy as np
import pytest

from neuro import sdr
from neuro.encoders import (
    CategoryEncoder,
    DateEncoder,
    Encoder,
    MultiEncoder,
    PeriodicEncoder,
    ScalarEncoder,
    latency_spikes,
    rate_spikes,
)
from neuro.errors import ParameterError

PASSENGERS = ScalarEncoder(n=50, w=29, minimum=0, maximum=40_000)
TIME = PeriodicEncoder(n=600, w=29, minimum=0, maximum=1411)


class TestScalar:
    def test_buckets_of_the_taxi_classifier(self):
        assert PASSENGERS.n_buckets == 22
        assert PASSENGERS.resolution == pytest.approx(1904.76, abs=0.01)
        for value, bucket in ((0, 0), (952, 0), (953, 1), (15_000, 8), (40_000, 21)):
            assert PASSENGERS.bucket(value) == bucket
            bits = PASSENGERS.encode(value)
            assert bits.tolist() == list(range(bucket, bucket + 29))

    def test_clips_or_refuses(self):
        assert PASSENGERS.bucket(1e9) == 21
        assert PASSENGERS.bucket(-5) == 0
        strict = ScalarEncoder(n=10, w=3, minimum=0, maximum=1, clip=False)
        with pytest.raises(ParameterError, match="outside"):
            strict.encode(1.5)

    @pytest.mark.parametrize("bad", [float("nan"), float("inf"), "many", None])
    def test_refuses_what_is_no_number(self, bad):
        for encoder in (PASSENGERS, TIME):
            with pytest.raises(ParameterError):
                encoder.encode(bad)

    @pytest.mark.parametrize(
        "changes", [{"w": 4}, {"n": 3, "w": 3}, {"minimum": 2.0}, {"maximum": np.nan}]
    )
    def test_refuses_bad_parameters(self, changes):
        values = {"n": 10, "w": 3, "minimum": 0.0, "maximum": 1.0} | changes
        for kind in (ScalarEncoder, PeriodicEncoder):
            with pytest.raises(ParameterError):
                kind(**values)


class TestPeriodic:
    def test_wraps_round(self):
        assert TIME.encode(0).tolist() == [*range(15), *range(586, 600)]
        assert TIME.encode(1410).tolist() == [*range(14), *range(585, 600)]
        assert all(TIME.encode(t).size == 29 for t in range(0, 1411, 30))

    def test_24_00_is_refused(self):
        with pytest.raises(ParameterError, match="begin of the next"):
            PeriodicEncoder(n=600, w=29, minimum=0, maximum=1440).encode(1440)

    def test_neighbours_share_bits(self):
        near = sdr.overlap(TIME.encode(600), TIME.encode(630))
        assert 29 > near > sdr.overlap(TIME.encode(600), TIME.encode(660))


class TestCategory:
    def test_codes(self, rng):
        encoder = CategoryEncoder("abc", rng=rng)
        assert encoder.codes.shape == (3, 41)
        assert encoder.decode(encoder.encode("b")) == "b"
        noise = sdr.noisy(encoder.encode("c"), 2048, 0.5, rng=rng)
        assert encoder.decode(noise) == "c"

    def test_mean_overlap_is_that_of_random_codes(self, rng):
        codes = CategoryEncoder(range(200), rng=rng).codes
        dense = np.array([sdr.to_dense(c, 2048) for c in codes]).astype(int)
        shared = (dense @ dense.T)[np.triu_indices(200, 1)]
        assert shared.mean() == pytest.approx(41 * 41 / 2048, abs=0.03)

    def test_errors(self, rng):
        with pytest.raises(ParameterError, match="unknown category"):
            CategoryEncoder("abc", rng=rng).encode("d")
        with pytest.raises(ParameterError, match="distinct"):
            CategoryEncoder("aa", rng=rng)
        with pytest.raises(ParameterError, match="do not fit"):
            CategoryEncoder(range(5), n=2, w=1, rng=rng)


class TestDateAndMulti:
    def test_date(self):
        encoder = DateEncoder(weekend=5, season=(366, 11))
        bits = encoder.encode("2014-07-05 00:30:00")
        assert encoder.n == 600 + 100 + 366 + 10
        assert bits.size == 29 + 29 + 11 + 5
        for same in (np.datetime64("2014-07-05T00:30"), datetime(2014, 7, 5, 0, 30)):
            np.testing.assert_array_equal(encoder.encode(same), bits)

    @pytest.mark.parametrize(
        "bad", ["24:00", np.datetime64("NaT"), 3, "2014-07-01 24:00"]
    )
    def test_date_errors(self, bad):
        with pytest.raises(ParameterError, match="DateEncoder"):
            DateEncoder().encode(bad)

    def test_date_needs_a_feature(self):
        with pytest.raises(ParameterError, match="feature"):
            DateEncoder(time_of_day=None, day_of_week=None)

    def test_taxi_input_has_809_bits_and_87_on(self):
        encoder = MultiEncoder(
            {
                "dayofweek": PeriodicEncoder(n=100, w=29, minimum=0, maximum=7),
                "count": ScalarEncoder(n=109, w=29, minimum=0, maximum=40_000),
                "timeofday": TIME,
            }
        )
        bits = encoder.encode({"count": 10_844, "timeofday": 0, "dayofweek": 1})
        assert (encoder.n, bits.size) == (809, 87)
        assert np.all(np.diff(bits) > 0)

    def test_names_the_missing_or_bad_field(self):
        encoder = MultiEncoder({"count": PASSENGERS})
        with pytest.raises(ParameterError, match="'count' is missing; did you mean"):
            encoder.encode({"counts": 3})
        with pytest.raises(ParameterError, match="field 'count'"):
            encoder.encode({"count": np.nan})
        with pytest.raises(ParameterError, match="at least one"):
            MultiEncoder({})

    def test_all_are_encoders(self, rng):
        for e in (PASSENGERS, TIME, CategoryEncoder("a", rng=rng), DateEncoder()):
            assert isinstance(e, Encoder)


class TestSpikes:
    def test_rates(self, rng):
        times, indices = rate_spikes(
            [0.0, 0.5, 1.0], duration=100.0, max_rate_hz=50.0, rng=rng
        )
        counts = np.bincount(indices, minlength=3)
        assert counts[0] == 0
        assert abs(counts[1] - 2500) < 5 * 50
        assert abs(counts[2] - 5000) < 5 * 71
        assert np.all(np.diff(times) >= 0)

    def test_latencies(self):
        times, indices = latency_spikes([0.2, 1.0, 0.6], duration=0.1, threshold=0.2)
        assert indices.tolist() == [1, 2]
        np.testing.assert_allclose(times, [0.0, 0.05])

    def test_errors(self, rng):
        with pytest.raises(ParameterError, match="values must lie"):
            latency_spikes([1.5], duration=1.0)
        with pytest.raises(ParameterError, match="max_rate_hz"):
            rate_spikes([0.5], duration=1.0, max_rate_hz=-1.0, rng=rng)
