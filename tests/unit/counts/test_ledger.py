import json

import numpy as np
import pytest

from neuro.counts import LayerInfo, OpCounts
from neuro.errors import ParameterError, ShapeError


def _book(samples):
    c = OpCounts()
    c.layer("a", LayerInfo(kind="linear", in_shape=(3,), out_shape=(2,)))
    c.add("a", "synop", np.asarray(samples))
    c.add("a", "mac", 5, a_bits=8, w_bits=8)
    c.measure("a", "array_j", 1e-12)
    return c


def test_counts_are_exact_beyond_float32():
    c = OpCounts()
    c.add("a", "synop", 2**24)
    c.add("a", "synop", 1)
    assert c.total("synop") == 2**24 + 1


def test_addition_is_associative_and_sample_wise():
    a, b, c = _book([1, 2]), _book([10]), _book([0, 0, 7])
    assert (a + b) + c == a + (b + c)
    np.testing.assert_array_equal((a + b + c).per_sample("synop"), [11, 2, 7])


def test_concatenate_keeps_samples_apart():
    joined = OpCounts.concatenate([_book([1, 2]), _book([3])])
    np.testing.assert_array_equal(joined.per_sample("synop"), [1, 2, 3])


def test_json_round_trip():
    c = _book([1, 2])
    assert OpCounts.from_dict(json.loads(json.dumps(c.to_dict()))) == c


def test_a_booked_zero_is_not_the_same_as_nothing():
    c = OpCounts()
    c.add("a", "mac", 0)
    assert c.booked("mac")
    assert not c.booked("ac")


@pytest.mark.parametrize(
    ("op", "n", "error"),
    [
        ("synops", 1, ParameterError),
        ("synop", -1, ParameterError),
        ("synop", 1.5, ShapeError),
    ],
)
def test_bad_bookings_are_refused(op, n, error):
    with pytest.raises(error):
        OpCounts().add("a", op, n)


def test_a_layer_keeps_its_description():
    c = _book([1])
    with pytest.raises(ParameterError, match="described differently"):
        c.layer("a", LayerInfo(kind="conv"))
