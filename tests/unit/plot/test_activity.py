"""Plots of activity draw what they are given."""

import numpy as np
import pytest

from neuro.network.result import Spikes, Trace
from neuro.plot import plot_raster, plot_rates, plot_state


class _Result:
    def __init__(self):
        self.spikes = {
            "a": Spikes(np.array([0.01, 0.02, 0.02]), np.array([0, 1, 3], np.int32)),
            "b": Spikes(np.zeros(0), np.zeros(0, np.int32)),
        }

    def spike_counts(self, name):
        return np.zeros((1, {"a": 4, "b": 2}[name]), np.int64)


@pytest.fixture
def ax():
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_raster_stacks_populations(ax):
    assert plot_raster(_Result(), ax=ax) is ax
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0, 1, 3])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_xlabel() == "time (s)"


def test_raster_window_and_share(ax):
    plot_raster(_Result(), ax=ax, window=(0.015, 0.03), share=0.5)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1])


def test_rates_are_in_hertz(ax):
    plot_rates(_Result(), ax=ax, bin_s=10e-3)
    values = ax.patches[0].get_data().values
    assert values.max() == pytest.approx(2 / 4 / 10e-3)


def test_state_lines(ax):
    trace = Trace(np.arange(3.0), np.array([4, 7], np.int32), np.ones((3, 2)))
    plot_state(trace, ax=ax, label="v", unit="V")
    assert len(ax.lines) == 2
    assert ax.get_ylabel() == "v (V)"
