"""Sweeps: cells are ordinary runs, run once, on Dask or in this process."""

import json
import shutil
import tomllib

import pytest

from neuro.cli.main import main

# htm-faults with so few elements takes a tenth of a second
SMALL = ["sweep", "htm-faults", "--preset", "smoke", "--quiet"]
for _setting in ("learn_elements=300", "test_elements=150"):
    SMALL += ["--set", _setting]
GRID = ["--grid", "memory.cells_per_column=4,8"]


def _sweep(capsys, *arguments, code=0):
    assert main([*SMALL, *map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def _cells(folder):
    return sorted(p for p in folder.iterdir() if p.is_dir())


def test_cells_are_runs_and_the_table_is_over_seeds(tmp_path, capsys):
    out = tmp_path / "s"
    record = _sweep(capsys, *GRID, "--seeds", 3, "--workers", 1, "--out", out)
    assert record == json.loads((out / "sweep.json").read_text())
    assert {p.name for p in _cells(out)} == {c["folder"] for c in record["cells"]}
    assert record["metrics"] == ["accuracy_f07", "accuracy_f00"]  # with its control
    assert (out / "sweep.png").is_file()
    for point in record["points"]:
        values = []
        for seed in range(3):
            run = out / f"{point['hash']}-{seed}"
            config = tomllib.loads((run / "config.toml").read_text())
            assert config["seed"] == seed
            assert config["learn_elements"] == 300
            n = point["parameters"]["memory.cells_per_column"]
            assert config["memory"]["cells_per_column"] == n
            metrics = json.loads((run / "metrics.json").read_text())["metrics"]
            values.append(metrics["accuracy_f00"]["value"])
        got = point["metrics"]["accuracy_f00"]
        mean = sum(values) / 3
        assert got["n"] == 3
        assert got["value"] == pytest.approx(mean)
        assert got["sd"] == pytest.approx(
            (sum((v - mean) ** 2 for v in values) / 2) ** 0.5
        )
        assert f"{got['value']}" in (out / "sweep.csv").read_text()


def test_finished_cells_are_not_run_again_and_lost_ones_are(tmp_path, capsys):
    out = tmp_path / "s"
    first = _sweep(capsys, *GRID, "--seeds", 2, "--workers", 1, "--out", out)
    kept, lost, *_ = _cells(out)
    before = (kept / "metrics.json").stat().st_mtime_ns
    (lost / "metrics.json").unlink()  # as if interrupted
    again = _sweep(capsys, *GRID, "--seeds", 2, "--workers", 1, "--out", out)
    assert again["points"] == first["points"]
    assert (kept / "metrics.json").stat().st_mtime_ns == before
    assert (lost / "metrics.json").is_file()
    grown = ["--grid", "memory.cells_per_column=4,8,12"]
    more = _sweep(capsys, *grown, "--workers", 1, "--out", out)
    assert len(_cells(out)) == 5
    assert len(more["points"]) == 3


def test_a_failing_cell_loses_no_other(tmp_path, capsys):
    grid = ["--grid", "memory.cells_per_column=4,-1"]
    assert main([*SMALL, *grid, "--workers", "1", "--out", str(tmp_path / "s")]) == 1
    printed = capsys.readouterr()
    assert "got -1" in printed.err
    assert "1 of 2 cells failed" in printed.err
    assert "Traceback" not in printed.err
    record = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert [c["status"] for c in record["cells"]] == ["finished", "failed"]
    assert record["points"][1]["metrics"]["accuracy_f00"]["value"] is None


def test_an_unexpected_error_leaves_its_traceback(tmp_path, capsys, monkeypatch):
    import sims.htm_faults.run as experiment

    def broken(cfg, ctx):
        raise ZeroDivisionError("as a test\nmore")

    options = [*GRID, "--workers", "1", "--out", tmp_path / "s"]
    with monkeypatch.context() as patch:
        patch.setattr(experiment, "run", broken)
        record = _sweep(capsys, *options, code=1)
    assert record["cells"][0]["error"].startswith("ZeroDivisionError: as a test (see")
    assert "in broken" in (_cells(tmp_path / "s")[0] / "traceback.txt").read_text()
    _sweep(capsys, *options)
    assert not (_cells(tmp_path / "s")[0] / "traceback.txt").exists()


def test_an_interrupt_keeps_what_was_done(tmp_path, capsys, monkeypatch):
    import sims.htm_faults.run as experiment

    whole, calls = experiment.run, []

    def second_is_interrupted(cfg, ctx):
        calls.append(0)
        if len(calls) == 2:
            raise KeyboardInterrupt
        whole(cfg, ctx)

    options = [*GRID, "--workers", "1", "--out", str(tmp_path / "s")]
    with monkeypatch.context() as patch:
        patch.setattr(experiment, "run", second_is_interrupted)
        assert main([*SMALL, *options]) == 130
    held = json.loads((tmp_path / "s" / "sweep.json").read_text())
    assert [c["status"] for c in held["cells"]] == ["finished", "missing"]
    record = _sweep(capsys, *options)
    assert [c["status"] for c in record["cells"]] == ["finished", "finished"]


def test_worker_processes_give_the_same(tmp_path, capsys):
    pytest.importorskip("distributed")
    here = _sweep(capsys, *GRID, "--workers", 1, "--out", tmp_path / "here")
    there = _sweep(capsys, *GRID, "--workers", 2, "--out", tmp_path / "there")
    assert there["points"] == here["points"]
    assert there["cells"] == here["cells"]


def test_texts_lists_and_two_keys(tmp_path, capsys):
    grid = ["--grid", "shares=[0.0],[0.0, 0.5]", "--grid", "seeds=1,2"]
    record = _sweep(capsys, *grid, "--workers", 1, "--out", tmp_path / "s")
    assert [p["parameters"]["shares"] for p in record["points"]][1:3] == [
        [0.0],
        [0.0, 0.5],
    ]
    assert record["points"][0]["parameters"]["seeds"] == 1
    assert record["files"] == ["sweep.csv", "sweep.json"]  # no plot over two keys


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ([], "at least one KEY=A,B,C"),
        (["--grid", "memory.cells=4"], "did you mean 'memory.cells_per_column'"),
        (["--grid", "seeds=1,many"], "expects a whole number"),
        (["--grid", "seeds"], "KEY=A,B,C"),
        (["--grid", "seeds=1,,2"], "a value is empty"),
        (["--grid", "seeds=1,1"], "the same settings"),
        (["--grid", "seeds=1", "--grid", "seeds=2"], "given twice"),
        (["--grid", "learn_elements=1,2"], "both in --set and in --grid"),
        ([*GRID, "--seeds", "0"], "--seeds >= 1"),
        ([*GRID, "--workers", "0"], "--workers"),
        ([*GRID, "--workers", "2", "--scheduler", "tcp://x:1"], "give one"),
        ([*GRID, "--out", "/proc/nowhere"], "cannot be written"),
        ([*GRID, "--preset", "huge"], "smoke, demo, paper"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_runs(
    arguments, fragment, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main([*SMALL, *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert fragment in printed.err
    assert not list(tmp_path.iterdir())


def test_other_folders_and_broken_records_are_refused(tmp_path, capsys):
    out = tmp_path / "s"
    (out / "mine").mkdir(parents=True)
    options = [*GRID, "--workers", "1", "--out", str(out)]
    assert main([*SMALL, *options]) == 2
    assert "something else" in capsys.readouterr().err
    shutil.rmtree(out)
    _sweep(capsys, *options)
    (_cells(out)[0] / "metrics.json").write_text("{}")
    assert main([*SMALL, *options]) == 2
    assert "not the record of a run" in capsys.readouterr().err


def test_an_unknown_metric_names_the_known_ones_and_keeps_the_runs(tmp_path, capsys):
    options = [*GRID, "--workers", "1", "--out", str(tmp_path / "s")]
    assert main([*SMALL, *options, "--metric", "acuracy_f00"]) == 2
    assert "did you mean 'accuracy_f00'" in capsys.readouterr().err
    record = _sweep(capsys, *options, "--metric", "accuracy_f07")
    assert record["metrics"] == ["accuracy_f07"]


def test_without_dask_the_extra_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "dask", None)
    options = [*GRID, "--workers", "2", "--out", str(tmp_path / "s")]
    assert main([*SMALL, *options]) == 2
    assert "spikejoule[sweep]" in capsys.readouterr().err


def test_an_unreachable_scheduler_is_one_line(tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("sims._dask.TIMEOUT_S", 1)
    options = [*GRID, "--scheduler", "tcp://127.0.0.1:9", "--out", str(tmp_path / "s")]
    assert main([*SMALL, *options]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "not reached" in printed
