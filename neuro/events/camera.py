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
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError
from neuro.events.array import EVENT, Events
from neuro.events.paths import ImagePath, SaccadePath
from neuro.random import stream

__all__ = ["EventCamera", "record"]

_MODES = {"level": 0, "log": 1, "lin_log": 2}
_LEAK_DECADES = 0.1  # spread of v2e's leak rates over pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCamera:
    """Parameters of the sensor and its optics.

    Parameters
    ----------
    width, height : int
        Sensor, pixels.
    theta, theta_sd : float
        Mean and spread of the on and off thresholds, in units of ln intensity; a
        threshold is at least 0.05.
    t_ref_us : int
        Refractory time of a pixel, microseconds.
    noise_hz : float
        Background events per pixel, either sign.
    contrast_sd : float
        Spread of a factor on the contrast of each recording, mean 1; 0.12 brings the
        spread of event numbers to N-MNIST's (a suggestion, not fitted).
    background : float
        ``b``: intensity of black relative to white.
    blur : float
        Standard deviation of the optics' Gaussian blur, image pixels.
    dt_us : int
        Sampling step of the scene.
    invert_polarity : bool
        Write a brightness increase as p = 0, as N-MNIST's files do.
    reset : {"level", "threshold"}
        After an event the reference becomes the level (a refractory sensor) or moves by
        one threshold (ESIM: dead events are dropped, the reference still advances).
    response : {"log", "lin_log"}
        Logarithm, or v2e's curve that is linear below 20 of 255.
    cutoff_hz : float
        v2e's photoreceptor low-pass at full intensity; 0 is off.
    leak_hz : float
        v2e's leak: on events per second and pixel of a constant scene; 0 is off.

    Examples
    --------
    >>> EventCamera().sensor_size
    (34, 34, 2)
    """

    width: int = 34
    height: int = 34
    theta: float = 0.33
    theta_sd: float = 0.06
    t_ref_us: int = 1700
    noise_hz: float = 0.28
    contrast_sd: float = 0.0
    background: float = 0.15
    blur: float = 0.5
    dt_us: int = 1000
    invert_polarity: bool = True
    reset: Literal["level", "threshold"] = "level"
    response: Literal["log", "lin_log"] = "log"
    cutoff_hz: float = 0.0
    leak_hz: float = 0.0

    def __post_init__(self) -> None:
        for name, low in (
            ("width", 1),
            ("height", 1),
            ("dt_us", 1),
            ("t_ref_us", 0),
            ("theta_sd", 0),
            ("noise_hz", 0),
            ("contrast_sd", 0),
            ("blur", 0),
            ("cutoff_hz", 0),
            ("leak_hz", 0),
        ):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= low):
                raise ParameterError(
                    f"EventCamera.{name}: expected >= {low}, got {value}"
                )
        if not self.theta > 0:
            raise ParameterError(f"EventCamera.theta: expected > 0, got {self.theta}")
        if not 0 < self.background < 1:
            raise ParameterError(
                f"EventCamera.background: expected 0 < b < 1, got {self.background}; "
                "the logarithm of black must be finite"
            )
        for name, accepted in (
            ("reset", ("level", "threshold")),
            ("response", ("log", "lin_log")),
        ):
            if getattr(self, name) not in accepted:
                raise ParameterError(
                    f"EventCamera.{name}: expected one of {', '.join(accepted)}, got "
                    f"{getattr(self, name)!r}"
                )

    @property
    def sensor_size(self) -> tuple[int, int, int]:
        """(W, H, P)."""
        return self.width, self.height, 2

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from parameters."""
        return cls(**values)

    def but(self, **changes: Any) -> Self:
        """Return a camera with some parameters changed."""
        return replace(self, **changes)


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
    per_pixel = 4 * n_steps + 64
    scratch = (
        np.empty(n_steps + 1),
        np.empty(per_pixel, np.int64),
        np.empty(per_pixel, np.int8),
    )
    capacity = 8 * camera.width * camera.height + 1024
    while True:
        out = (
            np.empty(capacity, np.int64),
            np.empty(capacity, np.int16),
            np.empty(capacity, np.int16),
            np.empty(capacity, np.int8),
        )
        n = record_still(
            canvas,
            ix,
            iy,
            corner[:, 0] - whole[:, 0],
            corner[:, 1] - whole[:, 1],
            spans,
            optics,
            0 if camera.reset == "level" else 1,
            sensor,
            *noise,
            0 if camera.invert_polarity else 1,
            scratch,
            out,
        )
        if n <= capacity:
            break
        capacity = int(n)
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
