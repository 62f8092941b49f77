import hashlib

import numpy as np
import pytest

from neuro.errors import DatasetError, ParameterError
from neuro.events import (
    decode,
    encode,
    make_events,
    read_bsn,
    read_events,
    write_bsn,
    write_events,
)
from neuro.events.formats import BSN


def test_hand_made_event_round_trips():
    event = make_events([8_388_607], [33], [1], [1])
    assert encode(event) == bytes([33, 1, 255, 255, 255])
    assert decode(encode(event)).tolist() == event.tolist()


@pytest.mark.parametrize(
    ("kind", "top"),
    [
        (".bin", (0x7FFFFF, 33, 33, 1)),
        (".bs2", (0x7FFFFF, 255, 255, 1)),
        (".bs1", (0x7FFFFF, 0x7FFF, 0, 1)),
        (".bs3", (0xFFFFFF, 0xFFF, 0xFFF, 1)),
    ],
)
def test_formats_round_trip(rng, tmp_path, kind, top):
    n = 500
    columns = [rng.integers(0, k + 1, n) for k in top]
    columns = [np.append(c, k) for c, k in zip(columns, top, strict=True)]
    events = make_events(np.sort(columns[0]), *columns[1:])
    path = tmp_path / f"a{kind}"
    write_events(path, events)
    assert (read_events(path) == events).all()
    assert encode(read_events(path), kind) == path.read_bytes()
    assert [f.name for f in tmp_path.iterdir()] == [path.name]


def test_high_byte_of_a_channel_survives():
    assert decode(encode(make_events([1], [700]), ".bs1"), ".bs1")["x"][0] == 700


def test_overflow_words_shift_later_stamps_and_vanish():
    data = (
        encode(make_events([100], [1], [2], [1]))
        + bytes([0, 240, 0, 0, 0])
        + encode(make_events([50], [3], [4], [0]))
        + bytes([0, 240, 0, 0, 0])
        + encode(make_events([60], [5], [6], [1]))
    )
    assert decode(data).tolist() == [
        (100, 1, 2, 1),
        (50 + 8192, 3, 4, 0),
        (60 + 16384, 5, 6, 1),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bytes(7), "truncated"),
        (b"", "empty"),
        (bytes([34, 0, 0, 0, 1]), r"x spans 34\.\.34"),
        (bytes([0, 34, 0, 0, 1]), r"y spans 34\.\.34"),
        (bytes([0, 0, 0, 0, 9, 0, 0, 0, 0, 8]), "not sorted"),
    ],
)
def test_bad_files_are_named_in_one_line(tmp_path, data, words):
    path = tmp_path / "bad.bin"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=words) as caught:
        read_events(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_unknown_format(tmp_path):
    with pytest.raises(DatasetError, match="No such file"):
        read_events(tmp_path / "none.bin")
    with pytest.raises(ParameterError, match=r"accepted: \.bin"):
        read_events(tmp_path / "a.aedat")


def test_what_does_not_fit_is_refused(tmp_path):
    for events, kind in (
        (make_events([1 << 23], 0), ".bin"),
        (make_events([0], [256]), ".bs2"),
        (make_events([0], [0], [240]), ".bin"),
        (make_events([0], [0], [1]), ".bs1"),
    ):
        with pytest.raises(ParameterError, match="does not fit"):
            write_events(tmp_path / f"a{kind}", events)
    assert not list(tmp_path.iterdir())


def test_bsn_table_round_trips(tmp_path):
    table = np.array([(700, 5, 70_000, 300), (1, 0, 1, 0)], BSN)
    write_bsn(tmp_path / "a.bsn", table)
    assert (read_bsn(tmp_path / "a.bsn") == table).all()
    with pytest.raises(ParameterError, match="neuron"):
        write_bsn(tmp_path / "b.bsn", np.array([(1 << 16, 0, 0, 0)], BSN))


def _manifest(root):
    lines = (root / "nmnist_small" / "manifest.csv").read_text().splitlines()
    return [line.split(",") for line in lines[1:]]


@pytest.mark.data
def test_every_real_file_decodes_as_its_manifest_says(data_root):
    rows = _manifest(data_root)
    assert len(rows) == 551
    events_per_file, on_share, last = [], [], []
    for file, _label, _index, n_events, sha256 in rows:
        path = data_root / "nmnist_small" / file
        data = path.read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha256
        events = read_events(path)
        assert events.size == int(n_events)
        assert encode(events) == data
        events_per_file.append(events.size)
        on_share.append(events["p"].mean())
        last.append(events["t"][-1] / 1e3)
    assert round(np.mean(events_per_file), 1) == 4121.8
    assert round(np.mean(on_share), 4) == 0.4996
    assert round(np.mean(last), 2) == 307.66


@pytest.mark.data
def test_tonic_reads_the_same(data_root):
    pytest.importorskip("tonic")
    import tonic

    for file, *_ in _manifest(data_root):
        path = data_root / "nmnist_small" / file
        ours = read_events(path)
        theirs = tonic.io.read_mnist_file(str(path), dtype=tonic.datasets.NMNIST.dtype)
        for name in ("t", "x", "y", "p"):
            assert (ours[name] == theirs[name]).all()


@pytest.mark.data
def test_other_real_files(data_root):
    cochlea = read_events(data_root / "ntidigits_sample" / "NTIDIGITS_1.bs1")
    assert cochlea.size == 898
    assert np.unique(cochlea["x"]).size == 44
    assert round(cochlea["t"][-1] / 1e3, 2) == 1079.04
    gesture = read_events(data_root / "dvsgesture_samples" / "1.bs3", (128, 128, 2))
    assert gesture.size == 63_471
    assert round(gesture["x"].mean(), 1) == 62.3
    assert round(gesture["y"].mean(), 1) == 85.4
    tonic_sample = read_events(data_root / "nmnist_small" / "reader_check.bin")
    assert tonic_sample.size == 4325
