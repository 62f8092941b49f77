"""Parameters of the event camera's sensor and optics."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np

from neuro.errors import ParameterError

__all__ = ["EventCamera"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCamera:
    """Parameters of the sensor and its optics.

    The defaults are those of N-MNIST, see :mod:`neuro.events.camera`.

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

    __references__ = ("orchard2015", "rebecq2018", "hu2021")

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
        """Build from parameters.

        Parameters
        ----------
        values : dict
            What :meth:`to_dict` gave.
        """
        return cls(**values)

    def but(self, **changes: Any) -> Self:
        """Return a camera with some parameters changed."""
        return replace(self, **changes)
