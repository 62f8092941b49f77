"""The HTM experiments run, say what they must, and repeat bit for bit."""

import json

import numpy as np
import pytest

from hw.energy import estimate
from neuro.errors import DatasetError, ParameterError
from sims._htm import accuracy_at, converged_at, curve
from sims._runner import run_experiment
from sims.htm_taxi._scores import naive, scores


def metrics(record):
    return json.dumps(record["metrics"], sort_keys=True)


@pytest.mark.parametrize("name", ["htm-sequences", "htm-order", "htm-faults"])
def test_smoke_preset_gives_what_is_expected(name, tmp_path):
    record, drift = run_experiment(
        name, preset="smoke", out=tmp_path / "run", quiet=True, check=True
    )
    assert drift == []
    assert record["data"]["name"] == "none"
    if name == "htm-order":
        again, _ = run_experiment(
            name, preset="smoke", out=tmp_path / "again", quiet=True
        )
        assert metrics(record) == metrics(again)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["htm-noise", "htm-spiking"])
def test_longer_smoke_presets(name, tmp_path):
    _, drift = run_experiment(
        name, preset="smoke", out=tmp_path / "run", quiet=True, check=True
    )
    assert drift == []


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", ["htm-taxi", "htm-forecast"])
def test_smoke_presets_on_real_data(name, tmp_path, data_root):
    record, drift = run_experiment(
        name,
        preset="smoke",
        out=tmp_path / "run",
        quiet=True,
        check=True,
        settings=[f"data.path={data_root}"],
    )
    assert drift == []
    assert record["data"]["name"] == "nyc_taxi"
    assert estimate(tmp_path / "run", model="lemaire22").total > 0


class TestForecastACsv:
    def write(self, path, rows):
        path.write_text("time,load\n" + "\n".join(rows) + "\n")
        return [f"data.path={path}", "memory.columns=256", "horizons=[1]"]

    def test_any_csv(self, tmp_path):
        rows = [
            f"2020-01-{1 + k // 24:02d} {k % 24:02d}:00,{10 + (k % 24)}"
            for k in range(240)
        ]
        rows[100] = rows[100].split(",")[0] + ","
        settings = self.write(tmp_path / "load.csv", rows)
        record, _ = run_experiment(
            "htm-forecast", preset="smoke", out=tmp_path / "run", quiet=True,
            settings=settings,
        )  # fmt: skip
        assert record["data"]["name"] == "load.csv"
        assert record["metrics"]["missing"]["value"] == 1
        assert record["metrics"]["gaps"]["value"] == 1
        lines = (tmp_path / "run" / "forecast.csv").read_text().splitlines()
        assert lines[0].startswith("time,value,forecast_1,low_1,high_1")
        assert len(lines) == 241

    def test_errors_leave_nothing_behind(self, tmp_path):
        settings = self.write(tmp_path / "load.csv", ["2020-01-01,1"] * 3)
        for extra, error, message in (
            (["field=loud"], ParameterError, "did you mean 'load'"),
            (["field=load"], ParameterError, "not later"),
            (["data.path=" + str(tmp_path / "no.csv")], ParameterError, "no such file"),
        ):
            with pytest.raises(error, match=message):
                run_experiment(
                    "htm-forecast", preset="smoke", out=tmp_path / "run", quiet=True,
                    settings=[*settings, *extra],
                )  # fmt: skip
            assert not (tmp_path / "run").exists()
        (tmp_path / "load.csv").write_text("time,load\n2020-01-01 24:00,1\n")
        with pytest.raises(DatasetError, match="24:00"):
            run_experiment(
                "htm-forecast", preset="smoke", out=tmp_path / "run", quiet=True,
                settings=settings,
            )  # fmt: skip


class TestCurves:
    def test_accuracy_and_convergence(self):
        scored = np.arange(1000) * 8 + 6
        hits = np.arange(1000) >= 500
        assert accuracy_at(scored, hits, 8000) == 1.0
        assert accuracy_at(scored, hits, scored[549]) == 0.5
        at = converged_at(scored, hits, 0, 8000)
        assert scored[500] < at < scored[500] + 2 * 100 * 8
        grid = curve(scored, hits, 8000)
        assert grid.elements[-1] == 8000
        assert grid.accuracy[-1] == 1.0

    def test_convergence_after_a_change_starts_at_the_dip(self):
        scored = np.arange(1000) * 8 + 6
        hits = (np.arange(1000) < 500) | (np.arange(1000) > 650)
        at = converged_at(scored, hits, scored[500], 8000)
        assert 150 * 8 < at < 350 * 8


class TestTaxiScores:
    def test_perfect_and_naive(self):
        from neuro.encoders import ScalarEncoder

        buckets = ScalarEncoder(n=50, w=29, minimum=0, maximum=40_000)
        values = 20_000 + 9_000 * np.sin(np.arange(400) / 7)
        shifted = np.roll(values, -5)
        sure = np.eye(22)[buckets.buckets(shifted)]
        found = scores(values, shifted, sure, buckets, 5, 100)
        assert found["mape"] == found["nll_full"] == found["nll_top8"] == 0
        flat = np.full((400, 22), 1 / 22)
        assert scores(values, shifted, flat, buckets, 5, 100)[
            "nll_full"
        ] == pytest.approx(np.log(22))
        never = np.zeros((400, 22))
        assert scores(values, shifted, never, buckets, 5, 100)[
            "nll_full"
        ] == pytest.approx(np.log(100))
        error = np.abs(values[105:] - values[100:-5])
        assert naive(values, 5, 5, 100)["mape"] == pytest.approx(
            error.sum() / values[105:].sum()
        )
