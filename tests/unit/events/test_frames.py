import numpy as np
import pytest

from neuro.errors import MemoryLimitError, ParameterError
from neuro.events import chunked_raster, crop_bounds, frame_batch, frames, make_events

SENSOR = (34, 30, 2)


def _random_events(rng, n=2000, t_max=320_000):
    return make_events(
        np.sort(rng.integers(0, t_max, n)),
        rng.integers(0, 34, n),
        rng.integers(0, 30, n),
        rng.integers(0, 2, n),
    )


def _naive(events, sensor_size, bin_us, n_bins, crop, binary, polarity):
    x0, y0, w, h = crop_bounds(sensor_size, crop)
    n_p = 1 if polarity is not None else sensor_size[2]
    out = np.zeros((n_bins, n_p, h, w), np.int64)
    for t, x, y, p in events.tolist():
        if t >= n_bins * bin_us or (polarity is not None and p != polarity):
            continue
        if x0 <= x < x0 + w and y0 <= y < y0 + h:
            out[t // bin_us, 0 if polarity is not None else p, y - y0, x - x0] += 1
    return (out > 0).astype(np.int64) if binary else out


@pytest.mark.parametrize("crop", [None, 16, (20, 10)])
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("polarity", [None, 1])
def test_frames_equal_the_naive_ones(rng, crop, binary, polarity):
    events = _random_events(rng)
    got = frames(
        events,
        SENSOR,
        bin_us=6000,
        n_bins=50,
        crop=crop,
        binary=binary,
        polarity=polarity,
    )
    want = _naive(events, SENSOR, 6000, 50, crop, binary, polarity)
    assert got.dtype == np.uint8
    assert (got == want).all()


def test_axes_are_bin_polarity_row_column():
    one = frames(make_events([6000], [3], [20], [1]), SENSOR, bin_us=6000, n_bins=2)
    assert one.shape == (2, 2, 30, 34)
    assert np.argwhere(one).tolist() == [[1, 1, 20, 3]]


def test_counts_are_conserved(rng):
    events = _random_events(rng)
    early = int((events["t"] < 300_000).sum())
    kept = {"bin_us": 6000, "n_bins": 50, "binary": False}
    whole = frames(events, SENSOR, **kept)
    assert whole.sum() == early
    by_polarity = [frames(events, SENSOR, polarity=p, **kept).sum() for p in (0, 1)]
    assert sum(by_polarity) == early
    inner = (events["t"] < 300_000) & (events["x"] >= 9) & (events["x"] < 25)
    inner &= (events["y"] >= 7) & (events["y"] < 23)
    assert frames(events, SENSOR, crop=16, **kept).sum() == inner.sum()


def test_batch_is_the_stack_of_frames(rng):
    recordings = [_random_events(rng), make_events([], []), _random_events(rng)]
    options = {"bin_us": 10_000, "n_bins": 30, "crop": 16}
    batch = frame_batch(recordings, SENSOR, **options)
    assert (batch == [frames(e, SENSOR, **options) for e in recordings]).all()
    assert not batch[1].any()


def test_bad_arguments_and_overflow():
    events = make_events(np.arange(300), 0)
    with pytest.raises(ParameterError, match="exceed 255"):
        frames(events, SENSOR, bin_us=1000, n_bins=1, binary=False)
    with pytest.raises(ParameterError, match="crop"):
        frames(events, SENSOR, bin_us=1000, n_bins=1, crop=31)
    with pytest.raises(ParameterError, match="bin_us >= 1"):
        frames(events, SENSOR, bin_us=0, n_bins=1)
    with pytest.raises(ParameterError, match="polarity 2"):
        frames(events, SENSOR, bin_us=1, n_bins=1, polarity=2)


def test_chunked_raster_follows_equal_chunks():
    # stamps to 9.5 ms: ceil(9.5) + 1 = 11 frames; 4 chunks of ceil(11 / 4) = 3
    events = make_events([0, 2_999, 3_000, 9_500], [0, 1, 2, 3])
    raster = chunked_raster(events, 4, n_bins=4)
    assert raster.tolist() == [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    # fewer chunks than bins: the rest stays empty
    assert chunked_raster(make_events([0], [0]), 4, n_bins=4).sum() == 1


def test_frames_that_cannot_fit_are_refused():
    class Many:
        def __len__(self):
            return 10**9

        def __getitem__(self, i):
            raise AssertionError("nothing may be read")

    with pytest.raises(MemoryLimitError, match="subset"):
        frame_batch(Many(), SENSOR, bin_us=1000, n_bins=100)


def test_pool_merges_squares_of_pixels():
    e = make_events([0, 0, 0, 0], [0, 1, 2, 4], [0, 1, 3, 4], [1, 1, 1, 1])
    out = frames(e, (5, 5, 2), bin_us=10, n_bins=1, pool=2, binary=False)
    assert out.shape == (1, 2, 2, 2)
    assert out[0, 1].tolist() == [[2, 0], [0, 1]]  # (4, 4) lies in the rest


@pytest.mark.parametrize("pool", [0, 6])
def test_pool_must_fit(pool):
    with pytest.raises(ParameterError, match=r"pool in 1\.\.5"):
        frames(make_events([0], [0]), (5, 5, 2), bin_us=1, n_bins=1, pool=pool)
