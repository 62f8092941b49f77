import json
import shutil
from pathlib import Path

import pytest

from neuro.cli.main import main
from neuro.datasets import load
from neuro.datasets.checksums import SETS, SHA256
from neuro.events import make_events, write_events

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    monkeypatch.delenv("NEURO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def _json(capsys):
    return json.loads(capsys.readouterr().out)


def test_list_names_every_set_and_stand_in(capsys):
    assert main(["data", "list", "--json"]) == 0
    sets = {s["name"]: s for s in _json(capsys)["sets"]}
    assert set(sets) == set(SETS)
    assert all(s["found"] is None for s in sets.values())
    assert "event camera" in sets["nmnist"]["stand_in"]
    assert main(["data", "list"]) == 0
    assert "not found; stand-in: none" in capsys.readouterr().out


def test_synth_writes_a_set_that_loads_and_checks(tmp_path, capsys):
    out = tmp_path / "made" / "set"
    words = ["data", "synth", "--out", str(out), "--n", "6", "--skip", "2", "--json"]
    assert main(words) == 0
    report = _json(capsys)
    assert report["n"] == 6
    assert report["synthetic"] is True
    data = load("nmnist", path=out)
    assert data.synthetic
    assert data.name == "digits-camera"
    assert data.metadata["camera"]["t_ref_us"] == 1700
    stand_in = load("nmnist", synthetic=True)
    for k in range(6):
        assert (data[k] == stand_in[k + 2]).all()
        assert data.labels[k] == stand_in.labels[k + 2]
    assert [p.name for p in out.parent.iterdir()] == ["set"]
    assert main(["data", "check", "nmnist", "--path", str(out)]) == 0
    broken = next(out.glob("Train/*/*.bin"))
    broken.write_bytes(broken.read_bytes()[:-1])
    assert main(["data", "check", "nmnist", "--path", str(out)]) == 1
    assert "1 of a broken length" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["synth", "--out", "full"], "not empty"),
        (["synth", "--out", "new", "--n", "0"], "--n >= 1"),
        (["synth", "--out", "new", "--n", "99999"], "only 1797 images"),
        (["synth", "--out", "new", "--from", "mnist"], "set NEURO_DATA"),
        (["synth", "--out", "full/file/new", "--n", "1"], "cannot be written"),
        (["path", "nmnits"], "did you mean 'nmnist'"),
        (["check", "mnist", "--path", "full"], "lacks it"),
        (["list", "--path", "none"], "no such folder"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(tmp_path, capsys, words, message):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    before = sorted(tmp_path.rglob("*"))
    assert main(["data", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_path_and_missing_sets(tmp_path, capsys):
    assert main(["data", "path", "mnist"]) == 1
    assert main(["data", "check"]) == 0
    assert main(["data", "check", "mnist"]) == 1
    folder = tmp_path / "data" / "nmnist_small" / "Train" / "3"
    folder.mkdir(parents=True)
    write_events(folder / "00001.bin", make_events([1], [1]))
    capsys.readouterr()
    assert main(["data", "path", "nmnist"]) == 0
    assert capsys.readouterr().out == "data/nmnist_small\n"
    assert main(["data", "check", "nmnist"]) == 1  # neither full nor with a manifest


def test_sums_in_the_data_folder_are_the_ones_in_the_code():
    lines = (ROOT / "data" / "SHA256SUMS").read_text().splitlines()
    assert dict(reversed(line.split("  ")) for line in lines) == SHA256


@pytest.mark.data
def test_real_sets_are_intact_and_damage_is_found(data_root, tmp_path, capsys):
    assert main(["data", "check", "--path", str(data_root), "--json"]) == 0
    report = _json(capsys)
    assert report["ok"]
    assert len(report["sets"]["mnist"]) == 4
    shutil.copytree(data_root / "weizmann", tmp_path / "weizmann")
    file = tmp_path / "weizmann" / "original_masks.mat"
    file.chmod(0o644)
    file.parent.chmod(0o755)
    file.write_bytes(file.read_bytes()[:-1])
    assert main(["data", "check", "weizmann", "--path", str(tmp_path)]) == 1
    assert "original_masks.mat: WRONG" in capsys.readouterr().out


def test_own_recordings_are_found_checked_and_told_from_a_root(tmp_path, capsys):
    events = make_events([0, 10], [1, 2], [3, 4], [0, 1])
    place = tmp_path / "data" / "recordings"
    for label in ("left", "right"):
        (place / label).mkdir(parents=True)
        write_events(place / label / "1.npz", events)
    assert main(["data", "path", "recordings"]) == 0
    assert capsys.readouterr().out.strip() == str(Path("data/recordings"))
    assert main(["data", "check", "recordings"]) == 0
    assert "2 of 2 files can be read; sensor 3 x 5 x 2" in capsys.readouterr().out
    assert main(["data", "check", "recordings", "--path", str(place)]) == 0
    capsys.readouterr()
    (place / "metadata.json").write_text('{"sensor_size": [3, 5, 2]}')
    (place / "left" / "1.npz").write_bytes(b"no events")
    assert main(["data", "check", "recordings"]) == 1
    assert "left/1.npz: WRONG" in capsys.readouterr().out
    root = tmp_path / "root"  # of two sets that lie flat: no classes of the user's
    for name in ("ntidigits_sample", "dvsgesture_samples"):
        (root / name).mkdir(parents=True)
        (root / name / "1.bs1").write_bytes(b"")
    assert main(["data", "path", "recordings", "--path", str(root)]) == 2
