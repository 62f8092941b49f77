import numpy as np
import pytest

from neuro.errors import ParameterError, ShapeError
from neuro.events import EVENT, make_events, select, time_slice, validate

SENSOR = (34, 34, 2)


def test_dtype_is_the_published_one():
    assert EVENT.names == ("t", "x", "y", "p")
    assert [EVENT[n].kind + str(EVENT[n].itemsize) for n in EVENT.names] == [
        "i8",
        "i2",
        "i2",
        "i1",
    ]


@pytest.mark.parametrize("p_type", [np.bool_, np.int64, np.uint8])
def test_any_integer_dtype_and_field_order_is_accepted(p_type):
    given = np.zeros(3, [("x", "i8"), ("p", p_type), ("t", "u4"), ("y", "u1")])
    given["t"], given["x"], given["y"] = [1, 2, 2], [3, 4, 5], [6, 7, 8]
    given["p"] = [0, 1, 1]
    before = given.copy()
    events = validate(given, SENSOR)
    assert events.dtype == EVENT
    assert events.tolist() == [(1, 3, 6, 0), (2, 4, 7, 1), (2, 5, 8, 1)]
    assert (given == before).all()


def test_missing_y_and_p_are_zero():
    given = np.zeros(2, [("t", "i8"), ("x", "i8")])
    assert validate(given)["y"].tolist() == [0, 0]


def test_valid_events_are_returned_as_they_are():
    events = make_events([0, 1], [2, 3])
    assert validate(events) is events


@pytest.mark.parametrize(
    ("events", "words"),
    [
        (make_events([5, 4], 0), "not sorted: event 1 at 4 us follows 5 us"),
        (make_events([0], [34]), r"x spans 34\.\.34, the sensor has 0\.\.33"),
        (make_events([0], 0, [-1]), "y spans -1"),
        (make_events([0], 0, 0, [2]), r"p spans 2\.\.2"),
        (make_events([-1], 0), "first time stamp is -1 us"),
        (np.empty(0, EVENT), "empty"),
    ],
)
def test_bad_events_are_refused_in_one_line(events, words):
    with pytest.raises(ParameterError, match=words) as caught:
        validate(events, SENSOR)
    assert "\n" not in str(caught.value)


def test_bad_shapes_are_refused():
    with pytest.raises(ShapeError, match="structured"):
        validate(np.zeros((3, 4)))
    with pytest.raises(ShapeError, match="whole microseconds"):
        validate(np.zeros(3, [("t", "f8"), ("x", "i4")]))
    with pytest.raises(ShapeError, match="one dimension"):
        validate(np.zeros((2, 2), EVENT))
    with pytest.raises(ParameterError, match=r"spans 0\.\.70000"):
        validate(np.array([(0, 0), (1, 70000)], [("t", "i8"), ("x", "i8")]))


def test_time_slice_is_half_open_and_rebases():
    events = make_events([0, 10, 10, 20], [0, 1, 2, 3])
    part = time_slice(events, 10, 20, rebase=True)
    assert part.tolist() == [(0, 1, 0, 0), (0, 2, 0, 0)]
    assert events["t"].tolist() == [0, 10, 10, 20]
    with pytest.raises(ParameterError, match="before"):
        time_slice(events, 5, 4)


def test_select_by_polarity_and_region():
    events = make_events([0, 1, 2], [0, 5, 9], [1, 1, 8], [0, 1, 1])
    assert select(events, polarity=1)["x"].tolist() == [5, 9]
    assert select(events, x=(0, 6), y=(1, 2))["t"].tolist() == [0, 1]
