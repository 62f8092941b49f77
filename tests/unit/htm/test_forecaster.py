import numpy as np
import pytest

from neuro.errors import DatasetError, ParameterError
from neuro.htm import HTMForecaster, TemporalMemoryParams, read_csv
from neuro.htm.table import as_series

MEMORY = TemporalMemoryParams(
    columns=256,
    cells_per_column=8,
    activation_threshold=8,
    matching_threshold=6,
    new_synapses=16,
    predicted_decrement=0.01,
)
SMALL = {
    "memory": MEMORY,
    "active_columns": 20,
    "pooler_passes": 1,
    "horizons": [1, 3],
    "alpha": 0.05,
    "seed": 1,
}


def wave(n, period=12):
    return 10 + 5 * np.sin(np.arange(n) * 2 * np.pi / period)


def hours(n, start="2020-01-01"):
    return np.datetime64(start, "h") + np.arange(n)


class TestForecaster:
    def test_learns_a_wave_and_covers_it(self):
        model = HTMForecaster(**SMALL).fit(wave(700))
        found = model.predict(wave(1000)[700:])
        for h in (1, 3):
            error = np.abs(found.aligned(h) - wave(1000)[700:])
            assert np.nanmean(error) < 0.3  # naive: 2.4 one record, 6.4 three ahead
            low, high = found.aligned_interval(h)
            inside = (wave(1000)[700:] >= low) & (wave(1000)[700:] <= high)
            assert inside[h:].mean() > 0.85
        assert np.nanmean(found.anomaly_scores) < 0.1
        assert (np.diff(found.quantile(0.2) <= found.quantile(0.8)) == 0).all()

    def test_forecast_does_not_see_the_future(self):
        x = wave(300)
        changed = x.copy()
        changed[250:] = 0.0
        one, other = (HTMForecaster(**SMALL).fit(x[:100]) for _ in range(2))
        a, b = one.predict(x[100:]), other.predict(changed[100:])
        np.testing.assert_array_equal(a.values[:150], b.values[:150])
        assert (a.values[150:] != b.values[150:]).any()

    @pytest.mark.parametrize("point", ["median", "mean"])
    def test_other_point_forecasts(self, point):
        model = HTMForecaster(**SMALL, point=point).fit(wave(500))
        error = np.abs(model.predict(wave(600)[500:]).aligned(1) - wave(600)[500:])
        assert np.nanmean(error) < 1.0

    def test_saved_in_mid_stream_goes_on_identically(self, tmp_path):
        table = {"value": wave(400), "timestamp": hours(400)}
        parts = [
            {k: v[a:b] for k, v in table.items()} for a, b in ((0, 250), (250, 400))
        ]
        model = HTMForecaster(**SMALL).fit(parts[0])
        model.save(tmp_path / "model")
        again = HTMForecaster.load(tmp_path / "model")
        np.testing.assert_array_equal(model.predict().values, again.predict().values)
        a, b = model.predict(parts[1]), again.predict(parts[1])
        for name in ("values", "low", "probabilities", "anomaly_likelihoods"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert model.counts == again.counts
        with pytest.raises(ParameterError, match="not a saved forecaster"):
            HTMForecaster.load(tmp_path)

    def test_gaps_are_counted_and_nothing_is_learnt_across(self):
        times = hours(300)
        times[200:] += np.timedelta64(50, "h")
        model = HTMForecaster(**SMALL).fit({"value": wave(300), "timestamp": times})
        assert model.gaps == 1
        assert model.date_encoder is not None

    def test_missing_values(self):
        x = wave(200)
        x[[20, 150]] = np.nan
        with pytest.raises(ParameterError, match="record 20 is missing"):
            HTMForecaster(**SMALL).fit(x)
        model = HTMForecaster(**SMALL, missing="skip").fit(x)
        assert (model.gaps, model.records) == (2, 198)
        assert np.isfinite(model.predict().values).all()
        found = model.predict(np.array([1.0, np.nan, 2.0]))
        assert np.isnan(found.values[1]).all()

    def test_values_outside_the_range_are_clipped_and_counted(self):
        model = HTMForecaster(**SMALL).fit(wave(100))
        model.partial_fit([100.0, 5.0])
        assert model.clipped == 1

    def test_prepare_learns_nothing(self):
        model = HTMForecaster(**SMALL).prepare(wave(100))
        assert model.memory.steps == 0
        assert len(model.predict(wave(100))) == 100

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"horizons": [0]}, "horizons"),
            ({"point": "best"}, "point"),
            ({"missing": "fill"}, "missing"),
            ({"level": 1.0}, "level"),
        ],
    )
    def test_refuses_bad_settings(self, changes, message):
        with pytest.raises(ParameterError, match=message):
            HTMForecaster(**(SMALL | changes))

    def test_refuses_bad_tables(self):
        with pytest.raises(ParameterError, match="call fit"):
            HTMForecaster(**SMALL).predict()
        with pytest.raises(ParameterError, match="at least 10"):
            HTMForecaster(**SMALL).fit([1.0, 2.0])
        model = HTMForecaster(**SMALL).fit({"value": wave(50), "timestamp": hours(50)})
        with pytest.raises(ParameterError, match="have been seen"):
            model.partial_fit({"value": wave(50), "timestamp": hours(50)})
        with pytest.raises(ParameterError, match="fitted with times"):
            model.partial_fit(wave(10))
        with pytest.raises(ParameterError, match="among"):
            model.predict().aligned(2)


class TestTable:
    @pytest.mark.parametrize(
        ("table", "message"),
        [
            ({"a": [1.0]}, "no field 'value'"),
            ({"value": ["x"]}, "numbers"),
            ({"value": [1.0, np.inf]}, "infinite"),
            ({"value": [1.0], "timestamp": ["now?"]}, "times cannot be read"),
            ({"value": [1.0, 2.0], "timestamp": hours(2)[::-1]}, "not later"),
            ({"value": [1.0, 2.0], "timestamp": hours(3)}, "3 times"),
            ({"value": [1.0], "timestamp": ["NaT"]}, "missing"),
            (np.ones((2, 2)), "dimensions"),
        ],
    )
    def test_refuses(self, table, message):
        with pytest.raises(ParameterError, match=message):
            as_series(table)

    def test_structured_array_and_frame_like(self):
        rows = np.zeros(3, [("value", "f8"), ("timestamp", "M8[s]")])
        rows["timestamp"] = hours(3)
        assert as_series(rows).times.size == 3

        class Frame(dict):
            @property
            def columns(self):
                return list(self)

        assert len(as_series(Frame(value=[1, 2]))) == 2

    def test_reads_csv(self, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("time;load\n01.02.2020 00:00;1.5\n01.02.2020 01:00;\n")
        series = read_csv(path, field="load")
        assert series.times[1] == np.datetime64("2020-02-01T01:00")
        assert np.isnan(series.values[1])
        path.write_text("timestamp,v\ndatetime,int\nT,\n2020-01-01 00:00:00,4\n")
        assert read_csv(path).values.tolist() == [4.0]
        path.write_text("a\n1\n2\n")
        assert read_csv(path).times is None

    @pytest.mark.parametrize(
        ("text", "settings", "error", "message"),
        [
            ("", {}, DatasetError, "header"),
            ("a,b\n", {}, DatasetError, "header"),
            (
                "time,a\n2020-01-01,x\n",
                {"field": "a"},
                DatasetError,
                "line 2: a is 'x'",
            ),
            ("time,a\n2020-01-01 24:00,1\n", {}, DatasetError, "24:00"),
            ("time,a\n2020-01-01\n", {"field": "a"}, DatasetError, "line 2 has 1"),
            ("a,b\n1,2\n", {}, ParameterError, "2 numeric columns"),
            ("abc,b\n1,2\n", {"field": "abd"}, ParameterError, "did you mean 'abc'"),
            ("a,b\n1,2\n", {"field": "a", "time": "t"}, ParameterError, "time"),
        ],
    )
    def test_refuses_bad_files(self, tmp_path, text, settings, error, message):
        path = tmp_path / "bad.csv"
        path.write_text(text)
        with pytest.raises(error, match=message):
            read_csv(path, **settings)

    def test_says_when_there_is_no_file(self, tmp_path):
        with pytest.raises(DatasetError, match="cannot be read"):
            read_csv(tmp_path / "none.csv")
