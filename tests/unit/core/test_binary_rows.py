import numpy as np
import pytest

from neuro.core.binary_rows import BinaryRows, add_binary_rows
from neuro.errors import ParameterError, ShapeError
from tests.naive.sparsey import row_sum


@pytest.mark.parametrize("n_active", [0, 1, 3, 4, 9])
def test_sums_rows_as_the_reference(n_active, rng):
    w = rng.integers(0, 2, (12, 17)).astype(np.uint8)
    active = rng.integers(0, 12, n_active).astype(np.int32)
    for kernel in (add_binary_rows, add_binary_rows.py_func):
        out = np.zeros(17, np.int32)
        kernel(w, active, n_active, np.empty(17, np.uint8), out)
        assert out.tolist() == row_sum(w.astype(int).tolist(), active.tolist())


def test_more_rows_than_a_byte_holds():
    w = np.ones((3, 700), np.uint8)
    out = np.zeros(3, np.int64)
    active = np.arange(700, dtype=np.int32)
    assert BinaryRows(w).deliver(active, out) == 2100
    assert out.tolist() == [700] * 3


def test_refuses_other_weights_and_shapes():
    with pytest.raises(ParameterError, match="0 or 1"):
        BinaryRows([[2]])
    with pytest.raises(ShapeError):
        BinaryRows([1, 0])
    assert "2 -> 1" in repr(BinaryRows([[1, 0]]))
