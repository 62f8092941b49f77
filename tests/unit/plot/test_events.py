import matplotlib.pyplot as plt
import numpy as np
import pytest

from neuro import plot
from neuro.errors import ParameterError
from neuro.events import make_events

SENSOR = (34, 30, 2)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def events(rng):
    n = 500
    return make_events(
        np.sort(rng.integers(0, 100_000, n)),
        rng.integers(0, 34, n),
        rng.integers(0, 30, n),
        rng.integers(0, 2, n),
    )


def test_cloud_draws_every_event_or_a_thinned_part(events):
    ax = plot.plot_event_cloud(events, SENSOR, brighter=0)
    assert sum(c.get_offsets().shape[0] for c in ax.collections) == 500
    labels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert labels == ["p = 0 (brighter)", "p = 1 (darker)"]
    assert ax.get_zlim()[0] > ax.get_zlim()[1]  # rows downwards
    thin = plot.plot_event_cloud(events, SENSOR, max_events=100)
    assert sum(c.get_offsets().shape[0] for c in thin.collections) == 100
    plot.plot_event_cloud(events[:0], SENSOR)
    plt.gcf().canvas.draw()


def test_frames_show_signed_counts():
    events = make_events([100, 200, 6000], [3, 3, 5], [20, 20, 6], [1, 1, 0])
    axes = plot.plot_event_frames(events, SENSOR, bin_us=6000, n_bins=2)
    first, second = (np.asarray(ax.images[0].get_array()) for ax in axes)
    assert first[20, 3] == 2
    assert second[6, 5] == -1
    later = plot.plot_event_frames(events, SENSOR, bin_us=6000, n_bins=1, first_us=6000)
    assert np.asarray(later[0].images[0].get_array())[6, 5] == -1
    assert later[0].get_title() == "6 to 12 ms"
    with pytest.raises(ParameterError, match="as many axes"):
        plot.plot_event_frames(events, SENSOR, bin_us=6000, n_bins=2, axes=axes[:1])


def test_rate_of_one_and_of_several(events):
    ax = plot.plot_event_rate(events, bin_us=10_000, duration_us=100_000)
    x, y = ax.lines[0].get_data()
    assert (y * 1e3 * 0.01).sum() == pytest.approx(500)
    assert x[0] == 5.0
    many = plot.plot_event_rate([events, events[::2]], bin_us=10_000)
    assert len(many.collections) == 1
    with pytest.raises(ParameterError, match="at least one"):
        plot.plot_event_rate([])


def test_channels(events):
    ax = plot.plot_event_channels(make_events([0, 5000], [3, 60]), 64)
    assert ax.collections[0].get_offsets().tolist() == [[0.0, 3.0], [5.0, 60.0]]
