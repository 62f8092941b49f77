import matplotlib.pyplot as plt
import numpy as np
import pytest

from neuro.plot import sparsey as plots


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_codes_and_intersections(rng):
    codes = rng.integers(0, 5, (4, 6))
    codes[2, 0] = -1
    ax = plots.plot_codes(codes, 5, reference=0)
    assert len(ax.lines) == 23  # one mark per active unit
    dark = [line for line in ax.lines if line.get_color() == "#0072B2"]
    assert len(dark) == int((codes == codes[0]).sum())
    ax = plots.plot_code_intersections(codes)
    np.testing.assert_allclose(
        ax.images[0].get_array(), (codes[:, None] == codes[None]).mean(2)
    )


def test_likelihoods_are_bars_of_means(rng):
    values = rng.random((7, 3))
    ax = plots.plot_likelihoods(
        {"a": values, "b": values}, overlap=[1, 0.5, 0], chance=0.1
    )
    heights = [p.get_height() for p in ax.patches]
    np.testing.assert_allclose(heights, [*values.mean(0)] * 2)


def test_strips_are_images_side_by_side(rng):
    frames = (rng.random((3, 20)) < 0.5).astype(np.uint8)
    ax = plots.plot_strips({"shown": frames, "short": frames[:2]}, shape=(4, 5))
    image = np.asarray(ax.images[0].get_array())
    assert image.shape == (2 * 6, 3 * 7)
    np.testing.assert_array_equal(image[1:5, 8:13], frames[1].reshape(4, 5))


def test_capacity_and_recall_matrix():
    ax = plots.plot_capacity(
        {"a": ([1, 2, 3], np.ones((2, 3))), "b": ([1, 2], [1.0, 0.5])},
        styles={"a": {"ls": "--"}},
    )
    assert ax.lines[0].get_linestyle() == "--"
    assert ax.lines[1].get_ydata().tolist() == [1.0, 0.5]
    ax = plots.plot_recall_matrix([[1.0, 0.5], [np.nan, 1.0]], step=10)
    assert ax.images[0].get_extent() == [0, 20, 0, 20]
