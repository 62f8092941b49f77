"""A user's own recordings: one folder per class."""

import json

import numpy as np
import pytest

from neuro.datasets import load
from neuro.errors import DatasetError
from neuro.events import make_events, write_events


def _write(folder, n=2, x=7):
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(n):
        write_events(folder / f"{k}.npz", make_events([0, 4], [0, x], [0, 3], [0, 1]))


def test_classes_sources_and_sensor(tmp_path):
    _write(tmp_path / "wave" / "ann", 2)
    _write(tmp_path / "wave" / "bob", 1)
    _write(tmp_path / "clap", 2, x=11)
    data = load("recordings", tmp_path)
    assert data.metadata["classes"] == ["clap", "wave"]
    assert data.labels.tolist() == [0, 0, 1, 1, 1]
    assert len(set(data.groups.tolist())) == 4  # two files, two people
    assert data.groups[2] == data.groups[3] != data.groups[4]
    assert data.sensor_size == (12, 4, 2)
    assert data[0]["x"].tolist() == [0, 11]
    assert not data.synthetic
    assert len(load("recordings", tmp_path, limit=2)) == 2


def test_metadata_says_the_sensor(tmp_path):
    _write(tmp_path / "a")
    _write(tmp_path / "b")
    note = {"sensor_size": [32, 16, 2], "name": "mine", "synthetic": True}
    (tmp_path / "metadata.json").write_text(json.dumps(note))
    data = load("recordings", tmp_path)
    assert (data.sensor_size, data.name, data.synthetic) == ((32, 16, 2), "mine", True)


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({}, "lacks it"),
        ({"a/0.npz": b""}, "two class folders"),
        ({"a/0.npz": b"no zip", "b/0.npz": b""}, "0.npz"),
        ({"Train/3/00001.bin": b"", "Test/3/00001.bin": b""}, "N-MNIST"),
        ({"a/0.bin": b"", "b/0.bin": b"", "metadata.json": b"{"}, "not JSON"),
        ({"a/0.bin": b"", "b/0.bin": b"", "metadata.json": b"[]"}, "sensor_size"),
    ],
)
def test_bad_folders(tmp_path, files, word):
    for name, data in files.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    with pytest.raises(DatasetError, match=word):
        load("recordings", tmp_path)


def test_no_folder_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEURO_DATA", raising=False)
    with pytest.raises(DatasetError, match=r"data\.path"):
        load("recordings")


def test_bin_of_a_larger_sensor_than_nmnist(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        events = make_events([0, 9], [100, 5], [50, 5], [1, 0])
        write_events(tmp_path / name / "0.bin", events)
    data = load("recordings", tmp_path)
    assert data.sensor_size == (101, 51, 2)
    assert np.array_equal(data[1]["x"], [100, 5])
