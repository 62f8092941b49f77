import shutil

import h5py
import numpy as np
import pytest

from neuro.datasets import load
from neuro.datasets.ntidigits import LABEL_MAPS
from neuro.datasets.spoken import espeak, speakers
from neuro.errors import DatasetError, ParameterError
from neuro.events import EVENT


@pytest.fixture
def file(tmp_path):
    """A file with the published layout and made-up spikes."""
    path = tmp_path / "n-tidigits.hdf5"
    with h5py.File(path, "w") as data:
        for split, keys in {
            "train": ["ac-z", "ac-o", "ad-7", "ad-7z1"],
            "test": ["bb-9"],
        }.items():
            data[f"{split}_labels"] = np.array([k.encode() for k in keys])
            for k, key in enumerate(keys):
                data[f"{split}_addresses/{key}"] = np.array([5, 63, k])
                data[f"{split}_timestamps/{key}"] = np.array([0.0, 0.25, 0.5000004])
    return path


def test_reader_and_both_label_maps(file):
    data = load("ntidigits", path=file)
    assert data.name == "ntidigits"
    assert not data.synthetic
    assert data.labels.tolist() == [0, 10, 7, 9]
    assert data.splits.tolist() == ["train"] * 3 + ["test"]
    assert data.groups[0] == data.groups[1] != data.groups[2]
    assert data.metadata["label_map"] == "lsm"
    assert data[1].dtype == EVENT
    assert data[1].tolist() == [(0, 5, 0, 1), (250_000, 63, 0, 1), (500_000, 1, 0, 1)]
    tonic = load("ntidigits", path=file.parent, label_map="tonic", split="train")
    assert tonic.labels.tolist() == [10, 0, 7]
    assert {k: LABEL_MAPS["tonic"][k] for k in "oz"} == {"o": 0, "z": 10}
    strings = load("ntidigits", path=file, single_digits=False)
    assert strings.texts == ["z", "o", "7", "7z1", "9"]
    assert strings.labels.tolist() == [0, 10, 7, -1, 9]
    assert strings.subset([3]).texts == ["7z1"]


def test_root_folder_is_found(file, tmp_path):
    (tmp_path / "root" / "ntidigits").mkdir(parents=True)
    shutil.copy(file, tmp_path / "root" / "ntidigits")
    assert len(load("ntidigits", path=tmp_path / "root")) == 4


def test_another_file_than_the_published_one_is_noticed(file, tmp_path):
    from neuro.datasets.checksums import check_set

    (tmp_path / "root" / "ntidigits").mkdir(parents=True)
    shutil.copy(file, tmp_path / "root" / "ntidigits")
    labels, content = check_set("ntidigits", tmp_path / "root")
    assert not labels.ok
    assert labels.detail == "3 + 1 single digits of 4 classes"
    assert not content.ok
    assert "expected 360a2d11" in content.detail


def test_damage_is_named(file, tmp_path):
    with h5py.File(file, "a") as data:
        data["train_addresses/ac-z"][1] = 64
        del data["train_timestamps/ac-o"]
        data["train_timestamps/ad-7"][1] = 9.0
    data = load("ntidigits", path=file)
    for i, words in ((0, r"x spans 0\.\.64"), (1, "ac-o"), (2, "not sorted")):
        with pytest.raises(DatasetError, match=words):
            data[i]
    other = tmp_path / "other.hdf5"
    other.write_bytes(b"no hdf5")
    with pytest.raises(DatasetError, match="cannot be read as N-TIDIGITS18"):
        load("ntidigits", path=other)
    with pytest.raises(ParameterError, match="label_map"):
        load("ntidigits", path=file, label_map="mine")


def test_tonic_reads_the_same(file, tmp_path):
    tonic = pytest.importorskip("tonic")
    from neuro.datasets.tonic_adapter import from_tonic

    folder = tmp_path / "cache" / "NTIDIGITS18"
    folder.mkdir(parents=True)
    shutil.copy(file, folder / tonic.datasets.NTIDIGITS18.filename)
    for split in ("train", "test"):
        ours = load("ntidigits", path=file, label_map="tonic", split=split)
        theirs = from_tonic(
            "NTIDIGITS18", folder.parent, train=split == "train", single_digits=True
        )
        theirs_source = theirs._source
        assert len(theirs) == len(ours)
        for k in range(len(ours)):
            a, b = ours[k], theirs[k]
            assert np.abs(a["t"] - b["t"]).max() <= 1  # tonic cuts, we round
            assert (a[["x", "y", "p"]] == b[["x", "y", "p"]]).all()
            target = theirs_source[k][1]
            assert (target[0] if np.ndim(target) else target) == ours.labels[k]
        assert theirs.labels.tolist() == ours.labels.tolist()
        theirs_source.data.close()


def test_missing_program_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NEURO_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match="install the system package espeak-ng"):
        load("ntidigits")
    with pytest.raises(DatasetError, match="set NEURO_DATA"):
        load("ntidigits", synthetic=False)


@pytest.fixture
def fake_espeak(monkeypatch, tmp_path):
    """A program that answers like espeak-ng: a tone whose pitch is the word's length."""
    import sys

    program = tmp_path / "bin" / "espeak-ng"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys, io, wave, math, array\n"
        "f = 200 * len(sys.argv[-1])\n"
        "s = array.array('h', [int(9000 * math.sin(f * k / 3500)) for k in range(6000)])\n"
        "out = io.BytesIO(); w = wave.open(out, 'wb')\n"
        "w.setparams((1, 2, 22050, 0, 'NONE', '')); w.writeframes(s.tobytes())\n"
        "sys.stdout.buffer.write(out.getvalue())\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


@pytest.mark.usefixtures("fake_espeak")
def test_spoken_digits_with_a_stand_in_program():
    data = load("ntidigits", synthetic=True, n_speakers=12, repetitions=1)
    assert data.name == "espeak-digits"
    assert data.synthetic
    assert len(data) == 11 * 12
    assert sorted(set(data.labels)) == list(range(11))
    train, test = data.indices("train"), data.indices("test")
    assert not set(data.groups[train]) & set(data.groups[test])
    assert train.size == test.size
    voices = data.metadata["speakers"]
    for part in (train, test):
        chosen = {voices[k] for k in data.groups[part]}
        assert {v.split("+")[1][0] for v in chosen} == {"f", "m"}
    again = load("ntidigits", synthetic=True, n_speakers=12, repetitions=1)
    few = again.subset([5, 60]).preload(threads=2)
    assert (few[1] == data[60]).all()
    assert few[0].size > 20
    with pytest.raises(ParameterError, match="n_speakers"):
        load("ntidigits", synthetic=True, n_speakers=2)


def test_speakers_are_distinct():
    assert len(set(speakers())) == 60


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng")
def test_real_espeak():
    sound, rate = espeak("seven", voice="en-gb+f2")
    assert rate >= 16_000
    assert 0.2 < sound.size / rate < 1.5
    assert 0.05 < np.abs(sound).max() <= 1
    data = load("ntidigits", synthetic=True, n_speakers=4, repetitions=1)
    events = [data[i] for i in range(0, 44, 4)]
    assert 150 < np.mean([e.size for e in events]) < 1200
    # espeak falls back in silence where it lacks a voice: every speaker must be one
    spoken = {espeak("seven", voice=name)[0].tobytes() for name in speakers()}
    assert len(spoken) == 60


@pytest.mark.data
def test_real_sample(data_root):
    data = load("ntidigits_sample", path=data_root)
    assert data[0].size == 898
    assert data.labels.tolist() == [-1]
