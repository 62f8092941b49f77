import numpy as np
import pytest

from neuro.datasets import load
from neuro.errors import ParameterError, ShapeError
from neuro.events import validate
from neuro.events._kernels import pixel_events, record_still, response
from neuro.events.camera import EventCamera, record, record_movie
from neuro.events.paths import SaccadePath, SampledPath
from neuro.events.summary import (
    likeness,
    pixel_counts,
    pixel_intervals,
    recording_statistics,
)
from tests.naive import event_camera as naive

SENSOR = (34, 34, 2)
QUIET = EventCamera(noise_hz=0.0)


@pytest.fixture(scope="module")
def image():
    return load("mnist", synthetic=True).images[3:4]


def _run_kernel(kernel, levels, dt, reset, start, on, off, refractory, noise, p_on):
    noise_t = np.array([t for t, _ in noise])
    noise_p = np.array([p for _, p in noise], np.int8)
    out_t, out_p = np.empty(4000, np.int64), np.empty(4000, np.int8)
    n = kernel(
        levels,
        dt,
        {"level": 0, "threshold": 1}[reset],
        start,
        on,
        off,
        refractory,
        noise_t,
        noise_p,
        p_on,
        out_t,
        out_p,
    )
    return list(zip(out_t[:n].tolist(), out_p[:n].tolist(), strict=True))


@pytest.mark.parametrize("reset", ["level", "threshold"])
@pytest.mark.parametrize("kernel", [pixel_events, naive.interpreted(pixel_events)])
@pytest.mark.parametrize("n_noise", [0, 6])
def test_pixel_equals_the_naive_one(rng, reset, kernel, n_noise):
    n_events = 0
    for _ in range(20):
        levels = np.cumsum(rng.normal(0, 0.25, 60))
        times = np.sort(rng.random(n_noise) * 59_000)
        noise = [
            (float(t), int(p))
            for t, p in zip(times, rng.integers(0, 2, n_noise), strict=True)
        ]
        start = levels[0] + 0.1 * rng.normal()
        arguments = (levels, 1000.0, reset, start, 0.3, 0.25, 1700.0, noise, 0)
        got = _run_kernel(kernel, *arguments)
        assert got == naive.pixel_events(*arguments)
        n_events += len(got)
    assert n_events > 200


def test_ramp_fires_at_the_computed_times():
    # 1 per ms, threshold 0.3: 0.3 ms, then the refractory time sets the pace
    levels = np.array([0.0, 10.0])
    got = _run_kernel(
        pixel_events, levels, 10_000.0, "level", 0.0, 0.3, 0.3, 1700.0, [], 1
    )
    assert got == [(300 + 1700 * k, 1) for k in range(6)]
    got = _run_kernel(
        pixel_events, levels, 10_000.0, "level", 0.0, 2.5, 2.5, 0.0, [], 1
    )
    assert [t for t, _ in got] == [2500, 5000, 7500]


def test_compiled_equals_interpreted(image):
    camera = EventCamera(width=12, height=12)
    path = SaccadePath(windows_ms=((0, 40), (40, 60), (60, 80)), duration_us=80_000)
    small = image[:, 8:18, 8:18]
    compiled = record(small, camera=camera, path=path)[0]
    import neuro.events._kernels as kernels

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "record_still", naive.interpreted(record_still))
        interpreted = record(small, camera=camera, path=path)[0]
    assert compiled.size > 100
    assert (compiled == interpreted).all()


def test_a_recording_depends_on_its_number_alone(image):
    stack = np.repeat(image, 5, axis=0)
    one = record(stack, seed=7, threads=1)
    three = record(stack, seed=7, threads=3)
    alone = record(stack[:1], seed=7, indices=[4], threads=1)[0]
    for a, b in zip(one, three, strict=True):
        assert a.tobytes() == b.tobytes()
    assert alone.tobytes() == one[4].tobytes()
    assert one[0].tobytes() != one[1].tobytes()


def test_recordings_are_valid_and_keep_the_refractory_time(image):
    for reset in ("level", "threshold"):
        events = record(image, camera=EventCamera(noise_hz=20.0, reset=reset))[0]
        validate(events, SENSOR)
        merged = events.copy()
        merged["p"] = 0  # intervals of a pixel, whatever the polarity
        assert events.size > 1000
        assert pixel_intervals(merged).min() >= 1700


def test_blank_scenes_give_nothing_but_noise():
    blank = np.zeros((1, 28, 28))
    assert record(blank, camera=QUIET)[0].size == 0
    noisy = record(np.zeros((20, 28, 28)), camera=EventCamera(noise_hz=2.0))
    n = sum(e.size for e in noisy)
    expected = 20 * 2.0 * 0.308 * 34 * 34
    assert abs(n - expected) < 5 * np.sqrt(expected)


def test_still_images_give_nothing(image):
    path = SampledPath([0], [[3.3, 2.7]], duration_us=50_000)
    camera = QUIET.but(theta_sd=0.0)
    assert record(image, camera=camera, path=path)[0].size == 0


def test_counts_fall_with_the_threshold(image):
    n = [
        record(image, camera=QUIET.but(theta=theta, theta_sd=0.0, t_ref_us=0))[0].size
        for theta in (0.1, 0.2, 0.4, 0.8)
    ]
    assert n == sorted(n, reverse=True)
    assert n[0] / n[1] == pytest.approx(2, rel=0.15)


def test_counts_hardly_depend_on_the_step(image):
    n = [record(image, camera=QUIET.but(dt_us=dt))[0].size for dt in (1000, 250)]
    assert n[0] == pytest.approx(n[1], rel=0.01)


def test_polarity_and_direction():
    """A bright edge that enters from the left brightens pixels, left ones first."""
    scene = np.ones((1, 34, 34))
    path = SampledPath([0, 100_000], [[-36, 0], [0, 0]])
    for invert, p in ((True, 0), (False, 1)):
        camera = QUIET.but(invert_polarity=invert)
        events = record(scene, camera=camera, path=path)[0]
        assert (events["p"] == p).all()
        first = [events["t"][events["x"] == x].min() for x in (5, 15, 25)]
        assert first == sorted(first)
    row = events[events["y"] == 17]
    assert abs(row["t"][row["x"] == 16].mean() - 100_000 * 18 / 36) < 5_000


def test_offsets_shift_the_picture(image):
    """Moving the image by whole pixels moves the events by as many."""
    t = [0, 20_000, 40_000]
    camera = EventCamera(width=50, height=50, noise_hz=0.0, theta_sd=0.0)
    base = np.array([[3.0, 4.0], [6.0, 4.0], [6.0, 8.0]])
    a = record(image, camera=camera, path=SampledPath(t, base))[0]
    b = record(image, camera=camera, path=SampledPath(t, np.add(base, (5, 7))))[0]
    # initial references are drawn per pixel: compare places and rates, not stamps
    assert np.mean(b["x"]) - np.mean(a["x"]) == pytest.approx(5, abs=0.3)
    assert np.mean(b["y"]) - np.mean(a["y"]) == pytest.approx(7, abs=0.3)
    assert a.size == pytest.approx(b.size, rel=0.05)


def test_images_of_any_size_and_far_paths(image):
    wide = np.zeros((2, 10, 80))
    wide[:, :, ::4] = 1.0
    path = SampledPath([0, 50_000], [[-60.5, 10.2], [20.0, -9.0]])
    for events in record(wide, camera=EventCamera(width=20, height=12), path=path):
        validate(events, (20, 12, 2))
    gone = SampledPath([0, 50_000], [[-200, -200], [-100, -100]])
    assert record(image, camera=QUIET, path=gone)[0].size == 0


def test_v2e_options(image):
    leaky = QUIET.but(leak_hz=20.0, invert_polarity=False)
    events = record(np.zeros((1, 28, 28)), camera=leaky)[0]
    assert (events["p"] == 1).all()
    assert events.size == pytest.approx(20 * 0.308 * 34 * 34, rel=0.25)
    plain = record(image, camera=QUIET)[0].size
    slow = record(image, camera=QUIET.but(cutoff_hz=10.0))[0].size
    fast = record(image, camera=QUIET.but(cutoff_hz=3000.0))[0].size
    assert slow < 0.8 * plain
    assert fast == pytest.approx(plain, rel=0.1)
    assert record(image, camera=QUIET.but(response="lin_log"))[0].size > 500
    assert record(image, camera=EventCamera(contrast_sd=0.2))[0].size > 500


@pytest.mark.parametrize("f", [response, naive.interpreted(response)])
def test_response_is_continuous(f):
    edge = 20 / 255
    assert f(edge, 2) == pytest.approx(np.log(20))
    assert f(edge - 1e-9, 2) == pytest.approx(f(edge + 1e-9, 2), abs=1e-6)
    assert f(0.5, 1) == pytest.approx(np.log(0.5))
    assert f(0.5, 0) == 0.5


def test_saccades_have_the_measured_ends(rng):
    path = SaccadePath()
    t = np.array([0, 92_000, 197_000, 308_000], np.float64)
    assert path.offsets(t, rng=rng)[1:] == pytest.approx(
        np.array(path.vertices)[1:], abs=0.01
    )
    jittered = SaccadePath(vertex_sd=0.3, time_sd_ms=3.0)
    assert np.abs(jittered.offsets(t, rng=rng) - path.offsets(t, rng=rng)).max() > 0.01


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: EventCamera(theta=0.0), "theta: expected > 0"),
        (lambda: EventCamera(background=0.0), "black must be finite"),
        (lambda: EventCamera(dt_us=0), "dt_us: expected >= 1"),
        (lambda: EventCamera(reset="zero"), "reset: expected one of"),
        (lambda: SaccadePath(vertices=((0, 0),)), "need 4 vertices"),
        (lambda: SaccadePath(windows_ms=((0, 9), (5, 20), (30, 40))), "overlap"),
        (lambda: SampledPath([0, 0], [[0, 0], [1, 1]]), "increase"),
        (lambda: SampledPath([0, 1], [[0, 0]]), "offsets"),
        (lambda: record(np.full((1, 3, 3), 2.0)), "values in"),
        (lambda: record(np.zeros((3, 3))), "expected shape"),
        (lambda: record(np.zeros((1, 3, 3)), threads=0), "threads"),
        (lambda: record(np.zeros((1, 3, 3)), indices=[1, 2]), "2 indices"),
    ],
)
def test_mistakes_are_named(make, words):
    with pytest.raises((ParameterError, ShapeError), match=words):
        make()


@pytest.mark.data
def test_simulation_looks_like_the_real_recordings(data_root):
    """The first 100 training recordings; the defaults were fitted to later ones."""
    real = load("nmnist", path=data_root, split="train").subset(range(100))
    stills = load("mnist", path=data_root, split="train")
    images = stills.images[real.source_index]
    simulated = record(images, seed=0)
    found = likeness(real, simulated, SENSOR)
    assert found.events[1] == pytest.approx(found.events[0], rel=0.10)
    assert found.spatial >= 0.88
    assert found.space_time >= 0.75
    share = recording_statistics(simulated, SENSOR).on_share.mean()
    assert share == pytest.approx(0.50, abs=0.02)
    turned = []
    for events in simulated:
        other = events.copy()
        other["p"] = 1 - other["p"]
        turned.append(other)
    assert likeness(real, turned, SENSOR).space_time < 0.3


def _rendered(image, t_us, offsets):
    """The moving still as a movie, rendered at every sample."""
    from scipy.ndimage import shift

    scene = np.zeros((34, 34))
    scene[:28, :28] = image / 255
    return np.stack([shift(scene, (y, x), order=1) for x, y in offsets]).clip(0, 1)


def test_a_movie_of_a_moving_still_equals_the_still(image):
    """Two ways to the same scene: rendered before, and by the camera."""
    t = np.arange(0, 51) * 1000.0
    offsets = np.stack([t / 12_000 + 0.5, t / 20_000 + 1.0], axis=1)
    camera = QUIET.but(theta_sd=0.0, blur=0.0)
    still = record(image, camera=camera, path=SampledPath(t, offsets))[0]
    movie = record_movie(_rendered(image[0], t, offsets), frame_us=1000, camera=camera)
    # only the initial references differ: the same maps but for the first events
    assert movie.size == pytest.approx(still.size, rel=0.05)
    a, b = (pixel_counts(e, SENSOR).ravel() for e in (still, movie))
    assert np.corrcoef(a, b)[0, 1] > 0.93


def test_movies(rng):
    movie = rng.random((30, 6, 9))
    events = record_movie(movie, frame_us=4000, camera=EventCamera(noise_hz=5.0))
    validate(events, (9, 6, 2))
    assert events.size > 200
    again = record_movie(movie, frame_us=4000, camera=EventCamera(noise_hz=5.0))
    assert events.tobytes() == again.tobytes()
    still = np.repeat(movie[:1], 5, axis=0)
    assert record_movie(still, frame_us=4000, camera=QUIET).size == 0
    for change in ({"response": "lin_log"}, {"cutoff_hz": 20.0}, {"leak_hz": 30.0}):
        other = record_movie(movie, frame_us=4000, camera=QUIET.but(**change))
        assert 0 < other.size != events.size
    slow = record_movie(movie, frame_us=4000, camera=QUIET.but(cutoff_hz=2.0))
    assert slow.size < 0.8 * record_movie(movie, frame_us=4000, camera=QUIET).size
    with pytest.raises(ParameterError, match="two frames"):
        record_movie(movie[:1], frame_us=1000)


def test_movie_kernel_interpreted(rng):
    import neuro.events._kernels as kernels

    movie = rng.random((12, 4, 5))
    compiled = record_movie(movie, frame_us=3000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            kernels, "record_levels", naive.interpreted(kernels.record_levels)
        )
        interpreted = record_movie(movie, frame_us=3000)
    assert compiled.tobytes() == interpreted.tobytes()
