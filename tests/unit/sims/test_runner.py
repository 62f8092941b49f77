import json

import numpy as np
import pytest

from neuro.counts import OpCounts
from neuro.errors import ParameterError
from sims._config import Config, load_config, to_toml
from sims._runner import Context, run_experiment


def _smoke(out, **options):
    return run_experiment(
        "nmnist-lsm",
        preset="smoke",
        settings=["samples=40", "large.n=20", "liquid.n=20"],
        out=out,
        quiet=True,
        **options,
    )


@pytest.fixture
def no_data(monkeypatch, tmp_path):
    monkeypatch.delenv("NEURO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def test_same_seed_same_bytes_apart_from_times(no_data, tmp_path):
    first, second = (_smoke(tmp_path / name)[0] for name in "ab")
    assert first["data"]["synthetic"]
    for record in (first, second):
        record.pop("wall_s")
        record.pop("cpu_s")
    assert json.dumps(first) == json.dumps(second)


def test_an_unfinished_run_resumes_and_gives_the_same(no_data, tmp_path):
    whole, _ = _smoke(tmp_path / "a")
    (tmp_path / "a" / "metrics.json").unlink()
    (tmp_path / "a" / "steps" / "liquid-0.npz").unlink()
    resumed, _ = _smoke(tmp_path / "a")
    assert resumed["metrics"] == whole["metrics"]
    assert resumed["counts"] == whole["counts"]


def test_a_finished_or_foreign_folder_is_refused(no_data, tmp_path):
    _smoke(tmp_path / "a")
    with pytest.raises(ParameterError, match="finished run"):
        _smoke(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "letter.txt").write_text("mine")
    with pytest.raises(ParameterError, match="other files"):
        _smoke(tmp_path / "b")
    assert [p.name for p in (tmp_path / "b").iterdir()] == ["letter.txt"]


def test_every_file_of_the_record_exists(no_data, tmp_path):
    record, _ = _smoke(tmp_path / "a")
    assert all((tmp_path / "a" / name).is_file() for name in record["files"])
    stored = json.loads((tmp_path / "a" / "metrics.json").read_text())
    assert stored["metrics"] == record["metrics"]
    assert OpCounts.from_dict(stored["counts"]).total("synop") > 0


def test_check_reports_drift(no_data, tmp_path, monkeypatch):
    record, problems = run_experiment(
        "nmnist-lsm",
        preset="smoke",
        settings=["liquid.const=0.0"],
        out=tmp_path / "a",
        quiet=True,
        check=True,
    )
    assert any("firing_per_step" in p for p in problems)
    assert record["metrics"]["firing_per_step"]["value"] == 0


def test_metric_summarises(tmp_path):
    ctx = Context(tmp_path, seed=0, quiet=True)
    ctx.metric("a", [0.5, 0.7], paper=0.6, control="b")
    assert ctx.record()["metrics"]["a"] == {
        "value": pytest.approx(0.6),
        "sd": pytest.approx(np.sqrt(0.02)),
        "n": 2,
        "unit": "",
        "paper": 0.6,
        "control": "b",
    }


def test_settings_round_trip_through_toml():
    import tomllib

    _, cfg = load_config("nmnist-lsm", preset="demo", settings=["liquid.n=7"])
    assert cfg.liquid.n == 7
    assert Config(tomllib.loads(to_toml(cfg.to_dict()))).to_dict() == cfg.to_dict()
