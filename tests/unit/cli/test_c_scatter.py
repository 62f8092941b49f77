import numpy as np
import pytest

from neuro.cli import _c_scatter


def test_loops_in_c_add_what_numpy_adds():
    loops = _c_scatter.compile_scatter()
    if loops is None:
        pytest.skip("no C compiler")
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 40, (30, 7), dtype=np.uint16)
    weights = rng.random(targets.shape, dtype=np.float32)
    rows = rng.integers(0, 30, 100)
    count, summed = np.zeros(40, np.int16), np.zeros(40, np.float32)
    loops["constant_int16"](rows, targets, np.full(1, 3, np.int16), count)
    loops["weighted_float32"](rows, targets, weights, summed)
    hits = np.bincount(targets[rows].ravel(), minlength=40)
    by_weight = np.bincount(targets[rows].ravel(), weights[rows].ravel(), 40)
    np.testing.assert_array_equal(count, 3 * hits)
    np.testing.assert_allclose(summed, by_weight, rtol=1e-5)


def test_without_a_compiler_there_is_no_loop(monkeypatch):
    monkeypatch.setattr(_c_scatter.shutil, "which", lambda name: None)
    assert _c_scatter.compile_scatter() is None
