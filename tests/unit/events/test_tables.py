"""Events as columns in .npz and .csv."""

import numpy as np
import pytest

from neuro.errors import DatasetError
from neuro.events import make_events, read_events, write_events

EVENTS = make_events([0, 5, 9], [3, 300, 2], [1, 0, 200], [0, 1, 1])


@pytest.mark.parametrize("name", ["a.npz", "a.csv", "A.CSV"])
def test_round_trip(tmp_path, name):
    write_events(tmp_path / name, EVENTS)
    assert (read_events(tmp_path / name) == EVENTS).all()


def test_any_start_and_signed_polarity(tmp_path):
    np.savez(tmp_path / "a.npz", t=[1000, 1007], x=[1, 2], y=[0, 0], p=[-1, 1])
    events = read_events(tmp_path / "a.npz")
    assert events["t"].tolist() == [0, 7]
    assert events["p"].tolist() == [0, 1]


def test_structured_array_and_missing_columns(tmp_path):
    np.savez(tmp_path / "a.npz", events=EVENTS)
    assert (read_events(tmp_path / "a.npz") == EVENTS).all()
    (tmp_path / "b.csv").write_text("x,t\n4,0\n5,3\n")
    events = read_events(tmp_path / "b.csv")
    assert events["x"].tolist() == [4, 5]
    assert events["y"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("t,y\n0,1\n", "'x' is missing"),
        ("t,x\n0.5,1\n", "whole numbers"),
        ("t,x\n0,hello\n", "numbers"),
        ("t,x\n0,1,2\n", "2 names for 3"),
        ("t,x\n0,40000\n", "too large"),
        ("t,x\n5,1\n3,1\n", "sorted"),
        ("", "missing"),
        ("t,x\n", "empty"),
    ],
)
def test_bad_tables_name_the_file(tmp_path, text, word):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DatasetError, match=r"a\.csv") as error:
        read_events(tmp_path / "a.csv")
    assert word in str(error.value)


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", t=np.array([{}], object), x=[1])
    with pytest.raises(DatasetError, match="plain arrays"):
        read_events(tmp_path / "a.npz")
