import numpy as np
import pytest

from neuro.errors import ParameterError, ShapeError
from neuro.sparsey import deslant, line_images
from neuro.sparsey.images import area_resample, skeletonize


def test_area_is_kept(rng):
    x = rng.integers(0, 256, (3, 28, 28))
    np.testing.assert_allclose(
        area_resample(x, 20, 11).mean((1, 2)), x.mean((1, 2)), rtol=1e-12
    )
    np.testing.assert_allclose(area_resample(x, 28, 28), x)


def test_a_slanted_line_stands_upright_and_its_mass_stays():
    x = np.zeros((2, 15, 31))
    for r in range(15):
        x[0, r, 8 + r] = 200
        x[1, r, 20 - r // 2] = 100
    out = deslant(x)
    for image in out:
        columns = (image * np.arange(31)).sum(1) / image.sum(1)
        assert np.ptp(columns) < 1.0
    np.testing.assert_allclose(out.sum((1, 2)), x.sum((1, 2)), rtol=1e-9)
    np.testing.assert_allclose(deslant(out), out, atol=12)
    np.testing.assert_array_equal(deslant(np.zeros((1, 4, 4))), np.zeros((1, 4, 4)))


def test_lines_are_one_pixel_wide():
    x = np.zeros((1, 28, 28), np.uint8)
    x[0, 4:24, 11:17] = 255
    line = line_images(x, height=28, width=28)[0]
    assert set(line.sum(1)[8:20]) == {1}


def test_refusals():
    for function in (skeletonize, deslant):
        with pytest.raises(ShapeError, match=function.__name__):
            function(np.zeros((4, 4)))
    with pytest.raises(ShapeError, match="area_resample"):
        area_resample(np.zeros((4, 4)), 2, 2)
    with pytest.raises(ParameterError, match="area_resample"):
        area_resample(np.zeros((1, 4, 4)), 0, 2)
