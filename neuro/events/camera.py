r"""Event camera: recordings of still images that move over a log-threshold sensor.

Scene: an image in [0, 1], blurred, with finite contrast ``Y = b + (1 - b) I``, level
``L = ln Y``, moved along an :class:`~neuro.events.paths.ImagePath`. Pixel (send on
delta): an event when ``L`` has moved from the reference ``R`` by a threshold and the
last event is at least ``t_ref`` old; then ``R <- L``, so that change during the dead
time is lost. Thresholds differ from pixel to pixel (one draw per sensor), references
start at ``L + u theta``, ``u ~ U(-1/2, 1/2)``, and every pixel has background events.

The defaults reproduce N-MNIST: its saccades and its polarity, in which a brightness
increase is written as ``p = 0``. They were fitted to recordings paired with their MNIST
images; :doc:`/explanation/event-camera` has the comparison on others.

Between samples ``dt_us`` apart the level is linear, and events get the interpolated
time of their crossing.

References
----------
.. [1] Orchard et al., Front. Neurosci. 9:437 (2015).
.. [2] Rebecq, Gehrig, Scaramuzza, ESIM: an open event camera simulator, CoRL (2018).
.. [3] Hu, Liu, Delbruck, v2e: from video frames to realistic DVS events, CVPRW (2021).
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError
from neuro.events.array import EVENT, Events
from neuro.events.paths import ImagePath, SaccadePath
from neuro.events.sensor import EventCamera as EventCamera
from neuro.random import stream

__all__ = ["EventCamera", "record", "record_movie"]

Buffers = tuple[
    NDArray[np.int64], NDArray[np.int16], NDArray[np.int16], NDArray[np.int8]
]
_MODES = {"level": 0, "log": 1, "lin_log": 2}
_RESETS = {"level": 0, "threshold": 1}
_LEAK_DECADES = 0.1  # spread of v2e's leak rates over pixels


def record(
    images: ArrayLike,
    *,
    camera: EventCamera | None = None,
    path: ImagePath | None = None,
    seed: int = 0,
    indices: Sequence[int] | None = None,
    threads: int | None = None,
) -> list[Events]:
    """Record images with the event camera.

    Parameters
    ----------
    images : array_like, shape (n, h, w)
        Still images: floats in [0, 1], or uint8 (divided by 255). Outside them the
        scene is black.
    camera : EventCamera, optional
        Sensor and optics. Default: N-MNIST's.
    path : ImagePath, optional
        Movement of the image. Default: N-MNIST's three saccades.
    seed : int
        Seed of the sensor's mismatch and of every recording's own stream.
    indices : sequence of int, optional
        Numbers of the recordings, which name their streams: recording 7 is the same
        alone and in a batch. Default: 0, 1, ...
    threads : int, optional
        Recordings simulated at once; the result does not depend on it. Default: all
        cores.

    Returns
    -------
    list of ndarray of EVENT
        One sorted event array per image; empty if nothing happened.

    Raises
    ------
    ShapeError, ParameterError
        If an argument is out of range.

    Examples
    --------
    >>> len(record(np.zeros((1, 28, 28)), camera=EventCamera(noise_hz=0.0))[0])
    0
    """
    camera = EventCamera() if camera is None else camera
    path = SaccadePath() if path is None else path
    stack = _intensity(images)
    numbers = range(len(stack)) if indices is None else indices
    if len(numbers) != len(stack):
        raise ShapeError(f"record: {len(stack)} images but {len(numbers)} indices")
    if threads is not None and threads < 1:
        raise ParameterError(f"record: threads must be >= 1, got {threads}")
    sensor = _sensor(camera, seed)

    def one(k: int) -> Events:
        rng = stream(seed, "event camera", "recording", int(numbers[k]))
        return _record_one(stack[k], camera, path, sensor, rng)

    threads = min(threads or os.cpu_count() or 1, max(len(stack), 1))
    if threads == 1:
        return [one(k) for k in range(len(stack))]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(len(stack))))


def record_movie(
    movie: ArrayLike,
    *,
    frame_us: int,
    camera: EventCamera | None = None,
    seed: int = 0,
) -> Events:
    """Record a movie with a fixed camera; the level is linear between frames.

    Parameters
    ----------
    movie : array_like, shape (n_frames, height, width)
        Floats in [0, 1] or uint8, at least two frames; one pixel of the movie is one of
        the sensor. Fast movement needs a high frame rate: render or interpolate so that
        nothing moves by more than about a pixel per frame.
    frame_us : int
        Time between frames, microseconds.
    camera : EventCamera, optional
        Sensor and optics; its width, height and ``dt_us`` are those of the movie.
    seed : int
        Seed of mismatch, references and noise.

    Returns
    -------
    ndarray of EVENT, shape (n,)
        Sorted events.

    Examples
    --------
    >>> movie = np.linspace(0, 1, 20)[:, None, None] * np.ones((1, 4, 4))
    >>> camera = EventCamera(noise_hz=0.0, invert_polarity=False)
    >>> set(record_movie(movie, frame_us=5000, camera=camera)["p"].tolist())
    {1}
    """
    from scipy.ndimage import gaussian_filter

    from neuro.events._kernels import record_levels

    stack = _intensity(movie)
    n_frames, height, width = stack.shape
    if n_frames < 2 or frame_us < 1:
        raise ParameterError(
            f"record_movie: expected at least two frames and frame_us >= 1, got "
            f"{n_frames} and {frame_us}"
        )
    camera = (camera or EventCamera()).but(width=width, height=height, dt_us=frame_us)
    scene = stack.astype(np.float64) * (1 / 255 if stack.dtype == np.uint8 else 1.0)
    if camera.blur:
        scene = gaussian_filter(scene, (0, camera.blur, camera.blur), mode="nearest")
    value = camera.background + (1 - camera.background) * scene
    levels = _respond(value, camera)
    rng = stream(seed, "event camera", "movie")
    sensor = _sensor(camera, seed)
    sensor[0] = rng.random((height, width)) - 0.5
    if camera.contrast_sd:
        sensor[1:3] /= max(0.3, 1 + camera.contrast_sd * rng.standard_normal())
    noise = _noise(camera, (n_frames - 1) * frame_us, rng)
    levels += sensor[3] * frame_us * np.arange(n_frames)[:, None, None]
    by_pixel = np.ascontiguousarray(levels.reshape(n_frames, -1).T)
    scratch = _scratch(max(n_frames, n_frames * frame_us // max(1, camera.t_ref_us)))

    def fill(out: Buffers) -> int:
        return int(
            record_levels(
                by_pixel,
                width,
                float(frame_us),
                float(camera.t_ref_us),
                _RESETS[camera.reset],
                sensor,
                *noise,
                0 if camera.invert_polarity else 1,
                scratch,
                out,
            )
        )

    return _collect(fill, 8 * width * height + 1024)


def _respond(value: NDArray[np.float64], camera: EventCamera) -> NDArray[np.float64]:
    """Level of linear intensity, with the photoreceptor's low-pass over frames."""
    levels = np.log(value if camera.response == "log" else 255 * value)
    if camera.response == "lin_log":
        linear = 255 * value / 20.0 * np.log(20.0)
        levels = np.where(255 * value <= 20.0, linear, levels)
    if camera.cutoff_hz:
        gain = camera.dt_us * 1e-6 * 2 * np.pi * camera.cutoff_hz
        share = np.minimum(1.0, gain * (255 * value + 20.0) / 275.0)
        for k in range(1, len(levels)):
            levels[k] = levels[k - 1] + share[k] * (levels[k] - levels[k - 1])
    return levels


def _intensity(images: ArrayLike) -> NDArray[Any]:
    stack = np.asarray(images)
    if stack.ndim != 3:
        raise ShapeError(
            f"images: expected shape (n, height, width), got {stack.shape}; one image "
            "is images[None]"
        )
    if stack.dtype.kind not in "buif":
        raise ShapeError(f"images: expected numbers, got dtype {stack.dtype}")
    if stack.dtype != np.uint8 and stack.size:
        low, high = float(stack.min()), float(stack.max())
        if not (low >= 0 and high <= 1):
            raise ParameterError(
                f"images: expected values in [0, 1] or uint8, got {low:g}..{high:g}"
            )
    return stack


def _sensor(camera: EventCamera, seed: int) -> NDArray[np.float64]:
    """Fixed pattern: rows of reference (filled per recording), on, off, leak per us."""
    rng = stream(seed, "event camera", "sensor")
    sensor = np.zeros((4, camera.height, camera.width))
    drawn = camera.theta + camera.theta_sd * rng.standard_normal(sensor[1:3].shape)
    sensor[1:3] = np.maximum(0.05, drawn)
    if camera.leak_hz:
        spread = 10 ** (_LEAK_DECADES * rng.standard_normal(sensor[3].shape))
        sensor[3] = camera.leak_hz * 1e-6 * sensor[1] * spread
    return sensor


def _record_one(
    image: NDArray[Any],
    camera: EventCamera,
    path: ImagePath,
    fixed: NDArray[np.float64],
    rng: np.random.Generator,
) -> Events:
    from scipy.ndimage import gaussian_filter

    from neuro.events._kernels import record_still

    n_steps = max(1, round(path.duration_us / camera.dt_us))
    t = np.arange(n_steps + 1, dtype=np.float64) * camera.dt_us
    offsets = path.offsets(t, rng=rng)
    scale = 1 / 255 if image.dtype == np.uint8 else 1.0
    scene = image.astype(np.float64) * scale
    # corner of the sensor in image coordinates, whole part and fraction
    corner = -offsets
    whole = np.floor(corner)
    left, top = (-whole.min(0)).astype(np.int64).clip(0) + 4
    high = whole.max(0).astype(np.int64)
    right = max(0, int(high[0]) + camera.width + 1 - scene.shape[1]) + 4
    bottom = max(0, int(high[1]) + camera.height + 1 - scene.shape[0]) + 4
    scene = np.pad(scene, ((top, bottom), (left, right)))
    if camera.blur:
        scene = gaussian_filter(scene, camera.blur, mode="constant", truncate=4.0)
    canvas = camera.background + (1 - camera.background) * scene
    ix = whole[:, 0].astype(np.int64) + left
    iy = whole[:, 1].astype(np.int64) + top
    spans = int(ix.min()), int(ix.max()), int(iy.min()), int(iy.max())
    sensor = fixed.copy()
    sensor[0] = rng.random(sensor.shape[1:]) - 0.5
    if camera.contrast_sd:
        sensor[1:3] /= max(0.3, 1 + camera.contrast_sd * rng.standard_normal())
    noise = _noise(camera, n_steps * camera.dt_us, rng)
    tau_us = 1e6 / (2 * np.pi * camera.cutoff_hz) if camera.cutoff_hz else 0.0
    optics = (
        _MODES[camera.response],
        float(camera.dt_us),
        float(camera.t_ref_us),
        camera.dt_us / tau_us if tau_us else 0.0,
    )
    scratch = (np.empty(n_steps + 1), *_scratch(n_steps))

    def fill(out: Buffers) -> int:
        return int(
            record_still(
                canvas,
                ix,
                iy,
                corner[:, 0] - whole[:, 0],
                corner[:, 1] - whole[:, 1],
                spans,
                optics,
                _RESETS[camera.reset],
                sensor,
                *noise,
                0 if camera.invert_polarity else 1,
                scratch,
                out,
            )
        )

    return _collect(fill, 8 * camera.width * camera.height + 1024)


def _scratch(n_steps: int) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Room for the events of one pixel."""
    n = 4 * n_steps + 64
    return np.empty(n, np.int64), np.empty(n, np.int8)


def _collect(fill: Callable[[Buffers], int], capacity: int) -> Events:
    """Run a kernel until its events fit; sort them by time, ties by pixel."""
    while True:
        out = (
            np.empty(capacity, np.int64),
            np.empty(capacity, np.int16),
            np.empty(capacity, np.int16),
            np.empty(capacity, np.int8),
        )
        n = fill(out)
        if n <= capacity:
            break
        capacity = n
    order = np.argsort(out[0][:n], kind="stable")
    events = np.empty(n, EVENT)
    events["t"], events["x"] = out[0][:n][order], out[1][:n][order]
    events["y"], events["p"] = out[2][:n][order], out[3][:n][order]
    return events


def _noise(
    camera: EventCamera, duration_us: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]:
    """Poisson background: row pointers per pixel, sorted times, polarities."""
    n_pixels = camera.width * camera.height
    n = int(rng.poisson(camera.noise_hz * 1e-6 * duration_us * n_pixels))
    pixel = rng.integers(0, n_pixels, n)
    t = rng.random(n) * duration_us
    p = rng.integers(0, 2, n).astype(np.int8)
    order = np.lexsort((t, pixel))
    pointers = np.zeros(n_pixels + 1, np.int64)
    np.cumsum(np.bincount(pixel, minlength=n_pixels), out=pointers[1:])
    return pointers, t[order], p[order]
