"""The liquid on the exact engine equals the liquid on the grid where it must."""

import numpy as np
import pytest

from neuro.core import Rows
from neuro.errors import ParameterError, ShapeError
from neuro.lsm import EventLiquid, Liquid

BIN_US, STEPS = 6000, 30


def _weights(rng, n=40, n_in=12):
    # small integers: sums are exact in any order
    w_in = rng.integers(-3, 5, (n, n_in)).astype(float)
    w_rec = rng.integers(-2, 3, (n, n)).astype(float)
    return w_in, w_rec


@pytest.mark.parametrize("recurrent", [True, False])
def test_events_on_the_frame_edges_give_the_spikes_of_the_grid(rng, recurrent):
    w_in, w_rec = _weights(rng)
    frames = (rng.random((5, STEPS, w_in.shape[1])) < 0.15).astype(np.uint8)
    decay = 0.9
    grid = Liquid(
        Rows(w_in), Rows(w_rec) if recurrent else None, decay=decay, v_threshold=5.5
    ).run(frames, windows=3)
    exact = EventLiquid(
        w_in,
        w_rec if recurrent else None,
        tau_mem=-BIN_US * 1e-6 / np.log(decay),
        delay=BIN_US * 1e-6,
        v_threshold=5.5,
    )
    recordings = [(np.nonzero(f)[0] * BIN_US, np.nonzero(f)[1]) for f in frames]
    found = exact.run(recordings, STEPS * BIN_US * 1e-6, windows=3)
    assert grid.counts.sum() > 200
    np.testing.assert_array_equal(found.counts, grid.counts)
    assert found.rate == grid.rate


def test_time_stamps_within_a_frame_matter(rng):
    w_in, w_rec = _weights(rng)
    liquid = EventLiquid(w_in, w_rec, tau_mem=20e-3, delay=6e-3, v_threshold=5.5)
    t = np.sort(rng.integers(0, 150_000, 300))
    channels = rng.integers(0, w_in.shape[1], 300)
    edges = t // BIN_US * BIN_US
    a, b = liquid.run([(t, channels), (edges, channels)], 0.18).counts
    assert (a != b).any()


def test_synapse_visits_are_events_and_spikes_times_neurons(rng):
    w_in, w_rec = _weights(rng)
    n = w_in.shape[0]
    liquid = EventLiquid(w_in, w_rec, tau_mem=20e-3, delay=1e-3, v_threshold=5.5)
    t = np.arange(0, 50_000, 500)
    channels = rng.integers(0, w_in.shape[1], t.size)
    activity = liquid.run([(t, channels)], 0.2)
    visits = activity.operations.per_sample("synop").sum()
    visits += activity.operations.per_sample("synop_zero").sum()
    assert visits == (t.size + activity.counts.sum()) * n


def test_bad_input():
    with pytest.raises(ParameterError, match="delay"):
        EventLiquid([[1.0]], delay=0.0)
    with pytest.raises(ShapeError, match=r"\(1, 1\)"):
        EventLiquid([[1.0]], [[1.0, 2.0]])
    with pytest.raises(ParameterError, match="windows"):
        EventLiquid([[1.0]]).run([], 0.1, windows=0)
