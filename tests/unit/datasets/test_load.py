import gzip
import json

import numpy as np
import pytest

from neuro.datasets import load
from neuro.errors import DatasetError, ParameterError
from neuro.events import make_events, write_events


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No real data but what a test names."""
    monkeypatch.delenv("NEURO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def _fake_nmnist(root, folder="nmnist_small"):
    k = 0
    for split in ("Train", "Test"):
        for label in (0, 1):
            place = root / folder / split / str(label)
            place.mkdir(parents=True)
            for i in (1, 2):
                k += 1
                events = make_events([k], [k])
                write_events(place / f"{2 * i + label:05d}.bin", events)
    return root


def test_unknown_names_and_options_are_refused():
    with pytest.raises(ParameterError, match="did you mean 'nmnist'"):
        load("nmnits")
    with pytest.raises(ParameterError, match="unknown option 'spilt'"):
        load("nmnist", spilt="train")
    with pytest.raises(ParameterError, match="train or test"):
        load("nmnist", split="valid")


def test_lookup_order(monkeypatch, tmp_path):
    for k, name in enumerate(("given", "env", "data")):
        root = _fake_nmnist(tmp_path / name)
        write_events(
            root / "nmnist_small" / "Train" / "0" / "00002.bin",
            make_events([100 + k], 0),
        )
    monkeypatch.setenv("NEURO_DATA", str(tmp_path / "env"))
    stamp = [
        load("nmnist", path=tmp_path / "given")[0]["t"][0],
        load("nmnist")[0]["t"][0],
    ]
    monkeypatch.delenv("NEURO_DATA")
    stamp.append(load("nmnist")[0]["t"][0])
    assert stamp == [100, 101, 102]


def test_a_given_path_without_the_set_is_a_mistake(tmp_path):
    _fake_nmnist(tmp_path / "data")  # would be found without the path
    for name in ("nmnist", "mnist", "nyc_taxi", "weizmann", "dvsgesture_samples"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(DatasetError, match="lacks it"):
            load(name, path=tmp_path / "empty")
        with pytest.raises(DatasetError, match="does not exist"):
            load(name, path=tmp_path / "nowhere")


def test_other_roots_without_the_set_are_passed_over(monkeypatch, tmp_path):
    (tmp_path / "env").mkdir()
    monkeypatch.setenv("NEURO_DATA", str(tmp_path / "env"))
    _fake_nmnist(tmp_path / "data")
    assert load("nmnist").name == "nmnist-small"


def test_full_folder_is_preferred_and_the_set_itself_accepted(tmp_path):
    _fake_nmnist(tmp_path)
    _fake_nmnist(tmp_path, "nmnist")
    assert load("nmnist", path=tmp_path).metadata["folder"].endswith("nmnist")
    data = load("nmnist", path=tmp_path / "nmnist_small")
    assert data.metadata["folder"].endswith("nmnist_small")


def test_order_labels_groups_and_splits(tmp_path):
    data = load("nmnist", path=_fake_nmnist(tmp_path))
    assert data.splits.tolist() == ["train"] * 4 + ["test"] * 4
    assert data.source_index.tolist() == [1, 2, 3, 4] * 2
    assert data.labels.tolist() == [0, 1, 0, 1] * 2
    assert data.groups.tolist() == [1, 2, 3, 4, 60001, 60002, 60003, 60004]
    test = load("nmnist", path=tmp_path, split="test")
    assert (test[0] == data[4]).all()
    assert load("nmnist", path=tmp_path, limit=3).labels.tolist() == [0, 1, 0]


@pytest.mark.parametrize("bad", ["ten", "10", "x"])
def test_wrong_label_folder(tmp_path, bad):
    _fake_nmnist(tmp_path)
    (tmp_path / "nmnist_small" / "Train" / bad).mkdir()
    with pytest.raises(DatasetError, match="label folders 0 to 9"):
        load("nmnist", path=tmp_path)


def test_wrong_file_name_and_damaged_file(tmp_path):
    _fake_nmnist(tmp_path)
    place = tmp_path / "nmnist_small" / "Train" / "0"
    (place / "00002.bin").write_bytes(bytes(7))
    data = load("nmnist", path=tmp_path)
    with pytest.raises(DatasetError, match=r"00002\.bin.*truncated"):
        data[0]
    (place / "first.bin").write_bytes(b"")
    with pytest.raises(DatasetError, match="1-based number"):
        load("nmnist", path=tmp_path)


def test_missing_sets():
    assert load("nmnist").name == "digits-camera"
    assert load("mnist").name == "digits"
    assert load("nyc_taxi").name == "synthetic-demand"
    for name in ("weizmann", "dvsgesture_samples"):
        with pytest.raises(DatasetError, match="not found"):
            load(name)
    for name in ("nmnist", "mnist", "nyc_taxi"):
        with pytest.raises(DatasetError, match="set NEURO_DATA"):
            load(name, synthetic=False)


def test_stand_in_does_not_depend_on_order_or_threads():
    first = load("nmnist", seed=3)
    second = load("nmnist", seed=3)
    ahead = second.subset([4, 2, 0]).preload(threads=3)
    for k, i in enumerate((4, 2, 0)):
        assert (first[i] == ahead[k]).all()
    other = load("nmnist", seed=4)
    assert first[0].tobytes() != other[0].tobytes()
    with pytest.raises(ValueError, match="read-only"):
        first[0]["t"] += 1


def test_stand_in_has_real_labels_and_all_parameters():
    data = load("nmnist")
    assert len(data) == 1797
    assert np.bincount(data.labels).min() > 170
    assert data.indices("train").size == 1437
    assert json.dumps(data.metadata)
    assert data.metadata["camera"]["theta"] == data.camera.theta
    assert data.metadata["path"]["path"] == "saccades"


def test_digits_look_like_mnist():
    data = load("mnist", split="train")
    assert data.images.shape == (1437, 28, 28)
    assert data.images.dtype == np.uint8
    assert data.images[:, :4].max() == 0
    assert data.images.max() == 255
    assert data.synthetic


def _write_idx(path, array):
    head = np.array([2049 if array.ndim == 1 else 2051, *array.shape], ">i4")
    data = head.tobytes() + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def test_mnist_files(tmp_path):
    folder = tmp_path / "mnist"
    folder.mkdir()
    images = np.arange(3 * 4 * 5).reshape(3, 4, 5)
    for stem, end in (("train", ".gz"), ("t10k", "")):
        _write_idx(folder / f"{stem}-images-idx3-ubyte{end}", images)
        _write_idx(folder / f"{stem}-labels-idx1-ubyte{end}", np.array([7, 8, 9]))
    data = load("mnist", path=tmp_path)
    assert (data.images == np.concatenate([images, images])).all()
    assert data.labels.tolist() == [7, 8, 9] * 2
    assert data.splits.tolist() == ["train"] * 3 + ["test"] * 3
    packed = folder / "train-images-idx3-ubyte.gz"
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(DatasetError, match="cannot be read"):
        load("mnist", path=tmp_path)
    (folder / "t10k-images-idx3-ubyte").write_bytes(bytes(20))
    with pytest.raises(DatasetError, match="not an idx file"):
        load("mnist", path=tmp_path, split="test")
    (folder / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(DatasetError, match="is missing"):
        load("mnist", path=tmp_path, split="test")


def test_taxi_file_and_mistakes(tmp_path):
    file = tmp_path / "own.csv"
    head = "timestamp,passenger_count,timeofday,dayofweek\ndatetime,int,int,int\nT,,,\n"
    file.write_text(head + "2014-07-01 00:00:00,10844,0,1\n")
    data = load("nyc_taxi", path=file)
    assert data.name == "own"
    assert data.passenger_count.tolist() == [10844.0]
    assert str(data.timestamp[0]) == "2014-07-01T00:00:00"
    file.write_text(head + "2014-07-01 00:00:00,many,0,1\n")
    with pytest.raises(DatasetError, match="line 4"):
        load("nyc_taxi", path=file)
    file.write_text("a,b\n")
    with pytest.raises(DatasetError, match="three header lines"):
        load("nyc_taxi", path=file)


def test_taxi_stand_in_has_the_calendar_and_range_of_the_table():
    data = load("nyc_taxi")
    assert len(data) == 17_520
    days = data.timestamp.astype("datetime64[D]")
    assert ((days.view("int64") + 3) % 7 == data.dayofweek).all()
    assert 10_000 < data.passenger_count.mean() < 20_000
    assert data.passenger_count.max() < 40_000
    changed = load("nyc_taxi", variant="perturb").passenger_count
    assert np.flatnonzero(changed != data.passenger_count)[0] == 13_166


@pytest.mark.data
def test_real_sets_have_their_published_content(data_root):
    nmnist = load("nmnist", path=data_root)
    assert np.bincount(nmnist.labels[nmnist.indices("train")]).tolist() == [
        48, 58, 49, 47, 52, 46, 47, 59, 43, 50,
    ]  # fmt: skip
    mnist = load("mnist", path=data_root)
    assert mnist.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    train = mnist.labels[mnist.indices("train")]
    test = mnist.labels[mnist.indices("test")]
    assert (train[nmnist.source_index[:499]] == nmnist.labels[:499]).all()
    assert (test[nmnist.source_index[499:]] == nmnist.labels[499:]).all()
    taxi = load("nyc_taxi", path=data_root)
    assert round(taxi.passenger_count.mean(), 2) == 15075.67
    assert round(taxi.passenger_count.std(), 2) == 6821.08
    assert (taxi.timeofday[:3] == [0, 30, 60]).all()
    outlines = load("weizmann", path=data_root)
    masks = load("weizmann", path=data_root, form="masks")
    assert len(outlines) == len(masks) == 93
    assert outlines.keys == masks.keys
    assert outlines.frames.shape == (5687, 32, 32)
    assert masks.frames.shape == (5687, 144, 180)
    assert round(outlines.frames.sum() / 5687, 1) == 52.6
    assert np.bincount(outlines.labels).tolist() == [9, 9, 9, 9, 10, 9, 10, 10, 9, 9]
    assert outlines.persons[0] == "daria"
    assert len(outlines[-1]) == outlines.starts[-1] - outlines.starts[-2]


def test_what_exceeds_the_budget_is_made_again(monkeypatch):
    from neuro.datasets import recordings

    data = load("nmnist", limit=10)
    monkeypatch.setattr(recordings, "_KEEP_BYTES", 1)
    first = [data[i] for i in (0, 1, 1)]
    assert first[1] is not first[2]
    assert (first[1] == first[2]).all()
    assert data.preload(threads=2)[1] is data[1]
    assert data.subset([1])[0] is data[1]
