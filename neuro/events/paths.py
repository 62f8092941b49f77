"""Where the image is: saccades and sampled paths, in sensor pixels.

An offset is the position of the image's top-left corner on the sensor, (x, y) in
pixels; fractions are rendered by bilinear interpolation.
"""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError

__all__ = ["ImagePath", "SaccadePath", "SampledPath"]


class ImagePath(Protocol):
    """A movement of the image."""

    @property
    def duration_us(self) -> int:
        """Length of the recording, microseconds."""
        ...

    def offsets(
        self, t_us: NDArray[np.float64], *, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Offsets at the given times, shape (n, 2); `rng` draws the sample's jitter.

        Parameters
        ----------
        t_us : ndarray of float64, shape (n,)
            Times in microseconds.
        rng : numpy.random.Generator
            Draws the sample's jitter, if the path has any.
        """
        ...

    def to_dict(self) -> dict[str, Any]:
        """Parameters, for the metadata of recordings."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SaccadePath:
    """Minimum-jerk saccades along straight lines, with rests between.

    In saccade k, over ``[s_k, e_k]``, the image moves from vertex k to vertex k + 1 as
    ``10 u^3 - 15 u^4 + 6 u^5`` with ``u = (t - s_k) / (e_k - s_k)``. The default is the
    movement of N-MNIST as measured on 1100 of its recordings (displacement of the event
    maps against the edge maps of the paired MNIST images).

    Parameters
    ----------
    vertices : tuple of (x, y)
        Offsets in pixels, one more than saccades.
    windows_ms : tuple of (start, end)
        Start and end of each saccade, ms; a start may lie before 0.
    duration_us : int
        Length of the recording.
    vertex_sd : float
        Jitter of the vertices per recording, pixels (0.3 is a sensible value).
    time_sd_ms : float
        Jitter of starts and ends per recording, ms (3 is a sensible value).

    References
    ----------
    .. [1] Orchard et al., Front. Neurosci. 9:437 (2015), section 2.
    """

    __references__ = ("orchard2015",)

    vertices: tuple[tuple[float, float], ...] = (
        (0.0, 1.0),
        (1.6, 6.6),
        (5.9, 0.9),
        (0.6, 1.0),
    )
    windows_ms: tuple[tuple[float, float], ...] = (
        (-4.0, 92.0),
        (93.0, 197.0),
        (222.0, 304.0),
    )
    duration_us: int = 308_000
    vertex_sd: float = 0.0
    time_sd_ms: float = 0.0

    def __post_init__(self) -> None:
        if len(self.vertices) != len(self.windows_ms) + 1:
            raise ParameterError(
                f"SaccadePath: {len(self.windows_ms)} saccades need "
                f"{len(self.windows_ms) + 1} vertices, got {len(self.vertices)}"
            )
        edges = [edge for window in self.windows_ms for edge in window]
        if any(b <= a for a, b in self.windows_ms) or edges != sorted(edges):
            raise ParameterError(
                f"SaccadePath.windows_ms: expected increasing (start, end) pairs that "
                f"do not overlap, got {self.windows_ms}"
            )
        if self.duration_us < 1 or self.vertex_sd < 0 or self.time_sd_ms < 0:
            raise ParameterError(
                "SaccadePath: expected duration_us >= 1, vertex_sd >= 0 and "
                f"time_sd_ms >= 0, got {self.duration_us}, {self.vertex_sd}, "
                f"{self.time_sd_ms}"
            )

    def offsets(
        self, t_us: NDArray[np.float64], *, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the offsets at `t_us`, shape (n, 2), pixels.

        Parameters
        ----------
        t_us : ndarray of float64, shape (n,)
            Times in microseconds.
        rng : numpy.random.Generator
            Draws the sample's jitter, if the path has any.
        """
        vertices = np.asarray(self.vertices, np.float64)
        windows = np.asarray(self.windows_ms, np.float64) * 1e3
        if self.vertex_sd:
            vertices = vertices + self.vertex_sd * rng.standard_normal(vertices.shape)
        if self.time_sd_ms:
            jitter = self.time_sd_ms * 1e3 * rng.standard_normal(windows.shape)
            windows = np.sort((windows + jitter).ravel()).reshape(windows.shape)
        place = np.broadcast_to(vertices[0], (t_us.size, 2)).copy()
        for k, (start, end) in enumerate(windows):
            u = np.clip((t_us - start) / max(end - start, 1.0), 0.0, 1.0)
            q = u * u * u * (10.0 + u * (6.0 * u - 15.0))
            place += q[:, None] * (vertices[k + 1] - vertices[k])
        return place

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters."""
        return {"path": "saccades", **asdict(self)}


class SampledPath:
    """A path given by samples, linear between them and held outside.

    Parameters
    ----------
    t_us : array_like, shape (n,)
        Increasing times, microseconds.
    offsets : array_like, shape (n, 2)
        (x, y) in pixels.
    duration_us : int, optional
        Length of the recording; default: the last time.
    """

    def __init__(
        self, t_us: ArrayLike, offsets: ArrayLike, *, duration_us: int | None = None
    ) -> None:
        self._t = np.asarray(t_us, np.float64)
        self._xy = np.asarray(offsets, np.float64)
        if self._xy.shape != (self._t.size, 2) or self._t.ndim != 1 or not self._t.size:
            raise ParameterError(
                f"SampledPath: expected n times and (n, 2) offsets, got shapes "
                f"{self._t.shape} and {self._xy.shape}"
            )
        if (np.diff(self._t) <= 0).any() or not np.isfinite(self._xy).all():
            raise ParameterError(
                "SampledPath: times must increase and offsets be finite"
            )
        self.duration_us = int(self._t[-1] if duration_us is None else duration_us)
        if self.duration_us < 1:
            raise ParameterError(
                f"SampledPath: duration_us must be >= 1, got {self.duration_us}"
            )

    def offsets(
        self, t_us: NDArray[np.float64], *, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the offsets at `t_us`, shape (n, 2), pixels; draws nothing.

        Parameters
        ----------
        t_us : ndarray of float64, shape (n,)
            Times in microseconds.
        rng : numpy.random.Generator
            Draws the sample's jitter, if the path has any.
        """
        return np.stack([np.interp(t_us, self._t, c) for c in self._xy.T], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters."""
        return {
            "path": "sampled",
            "t_us": self._t.tolist(),
            "offsets": self._xy.tolist(),
            "duration_us": self.duration_us,
        }
