import matplotlib.pyplot as plt
import pytest

from neuro.errors import ShapeError
from neuro.plot import (
    plot_array_map,
    plot_conductance_drift,
    plot_error_against_size,
    plot_error_budget,
)
from neuro.statistics import Summary


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_map(rng):
    ax = plot_array_map(rng.random((3, 5)), label="current (A)")
    assert ax.images[0].get_array().shape == (3, 5)
    assert ax.get_ylabel() == "word line"
    with pytest.raises(ShapeError):
        plot_array_map([1.0, 2.0])


def test_error_against_size():
    ax = plot_error_against_size([16, 32], {"a": [1, 2], "b": [2, 3]}, limit=1.0)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a", "b"]
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_drift(rng):
    ax = plot_conductance_drift([1.0, 10.0], {"pcm": rng.random((2, 50)) * 1e-6})
    assert ax.get_xscale() == "log"
    assert 0 < ax.lines[0].get_ydata()[0] < 1


def test_budget():
    effects = {
        "wires": Summary(0.1, 0.01, 5),
        "all": Summary(0.2, None, 1),
        "adc": 0.05,
    }
    ax = plot_error_budget(effects)
    assert [p.get_width() for p in ax.patches] == [0.1, 0.2, 0.05]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["wires", "all", "adc"]
