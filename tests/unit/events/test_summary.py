import numpy as np
import pytest

from neuro.errors import ParameterError, ShapeError
from neuro.events import (
    event_rate,
    likeness,
    make_events,
    pixel_counts,
    pixel_intervals,
    recording_statistics,
)

SENSOR = (4, 3, 2)


def test_counts_rate_and_intervals():
    events = make_events([0, 500, 1000, 2500], [1, 1, 3, 1], [2, 2, 0, 2], [0, 0, 1, 0])
    counts = pixel_counts(events, SENSOR)
    assert counts.tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [0, 3, 0, 0]]
    rate = event_rate(events, bin_us=1000, duration_us=2000)
    assert rate.tolist() == [2000.0, 1000.0]
    assert pixel_intervals(events).tolist() == [500, 2000]
    with pytest.raises(ParameterError, match="bin_us"):
        event_rate(events, bin_us=0, duration_us=10)


def test_statistics_of_recordings():
    table = recording_statistics(
        [make_events([0, 4000], [0, 1], 0, [0, 1]), make_events([], [])], SENSOR
    )
    assert table.n_events.tolist() == [2, 0]
    assert table.active_pixels.tolist() == [2, 0]
    assert table.on_share[0] == 0.5
    assert np.isnan(table.on_share[1])
    assert table.last_ms[0] == 4.0


def test_recordings_are_like_themselves(rng):
    def one():
        n = 300
        return make_events(
            np.sort(rng.integers(0, 60_000, n)),
            rng.integers(0, 4, n),
            rng.integers(0, 3, n),
            rng.integers(0, 2, n),
        )

    a, b = [one(), one()[:200], one()[:100]], [one(), one(), one()]
    same = likeness(a, a, SENSOR)
    assert same.count_correlation == pytest.approx(1)
    assert same.spatial == pytest.approx(1)
    assert same.space_time == pytest.approx(1)
    other = likeness(a, [b[0], b[1][:250], b[2]], SENSOR)
    assert abs(other.space_time) < 0.5
    with pytest.raises(ShapeError, match="same length"):
        likeness(a, b[:2], SENSOR)
