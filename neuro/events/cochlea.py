r"""A synthetic cochlea: 64 band-pass channels, half-wave rectification, spikes.

A stand-in for recordings of silicon cochleas such as N-TIDIGITS18, not a model of one.
The waveform is brought to a common loudness, filtered by second-order Butterworth bands
at centres spaced evenly in log frequency, half-wave rectified, compressed by a power
and smoothed; leaky integrators turn each channel into events. Channel 0 is the lowest
frequency; events have ``x`` = channel, ``y = 0`` and ``p = 1``.

The gain was set so that isolated spoken digits give about the density of the one
N-TIDIGITS recording at hand (898 events in 1.08 s, 44 of 64 channels active).

References
----------
.. [1] Anumula, Neil, Delbruck, Liu, Feature representations for neuromorphic audio
   spike streams, Front. Neurosci. 12:23 (2018).
"""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError
from neuro.events.array import EVENT, Events

__all__ = ["Cochlea", "hear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cochlea:
    """Parameters of the filter bank and its spike generators.

    Parameters
    ----------
    n_channels : int
        Band-pass channels.
    f_low_hz, f_high_hz : float
        First and last centre frequency.
    quality : float
        Centre frequency over bandwidth.
    compression : float
        Power of the rectified signal, in (0, 1].
    gain : float
        Thresholds per second at unit drive.
    tau_smooth, tau_mem, t_ref : float
        Smoothing of the drive, leak of the integrators, refractory time; seconds.

    Examples
    --------
    >>> Cochlea().sensor_size
    (64, 1, 2)
    """

    __references__ = ("anumula2018",)

    n_channels: int = 64
    f_low_hz: float = 100.0
    f_high_hz: float = 8000.0
    quality: float = 6.0
    compression: float = 0.5
    gain: float = 420.0
    tau_smooth: float = 2e-3
    tau_mem: float = 20e-3
    t_ref: float = 2e-3

    def __post_init__(self) -> None:
        if self.n_channels < 1 or not 0 < self.f_low_hz < self.f_high_hz:
            raise ParameterError(
                "Cochlea: expected n_channels >= 1 and 0 < f_low_hz < f_high_hz, got "
                f"{self.n_channels}, {self.f_low_hz}, {self.f_high_hz}"
            )
        for name in ("quality", "compression", "gain", "tau_smooth", "tau_mem"):
            if not getattr(self, name) > 0:
                raise ParameterError(
                    f"Cochlea.{name}: expected > 0, got {getattr(self, name)}"
                )
        if self.compression > 1 or self.t_ref < 0:
            raise ParameterError(
                "Cochlea: expected compression <= 1 and t_ref >= 0 s, got "
                f"{self.compression} and {self.t_ref}"
            )

    @property
    def sensor_size(self) -> tuple[int, int, int]:
        """(channels, 1, 2): only polarity 1 occurs."""
        return self.n_channels, 1, 2

    def centres(self) -> NDArray[np.float64]:
        """Return the centre frequencies in Hz, shape (n_channels,)."""
        return np.geomspace(self.f_low_hz, self.f_high_hz, self.n_channels)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters."""
        return asdict(self)


def hear(
    waveform: ArrayLike, sample_rate_hz: float, *, cochlea: Cochlea | None = None
) -> Events:
    """Turn a waveform into events.

    Parameters
    ----------
    waveform : array_like, shape (n,)
        Sound pressure in any unit; integers or floats. Its root mean square over the
        loud part (above a tenth of the peak) is brought to 1.
    sample_rate_hz : float
        Samples per second; channels above 0.45 of it stay silent.
    cochlea : Cochlea, optional
        Filter bank.

    Returns
    -------
    ndarray of EVENT, shape (n_events,)
        Sorted events; none for silence.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 16000)
    >>> events = hear(tone, 16000)
    >>> abs(float(Cochlea().centres()[np.bincount(events["x"]).argmax()]) - 1000) < 60
    True
    """
    from neuro.events._kernels import hair_cells

    cochlea = Cochlea() if cochlea is None else cochlea
    sound = np.asarray(waveform)
    if sound.ndim != 1 or sound.dtype.kind not in "iuf":
        raise ShapeError(
            f"hear: expected a waveform of shape (n,) of numbers, got {sound.dtype} "
            f"of shape {sound.shape}; mix channels down first"
        )
    if not sample_rate_hz > 0:
        raise ParameterError(f"hear: sample_rate_hz must be > 0, got {sample_rate_hz}")
    sound = sound.astype(np.float64)
    if not np.isfinite(sound).all():
        raise ParameterError("hear: the waveform has values that are not finite")
    peak = np.abs(sound).max(initial=0.0)
    if peak == 0.0:
        return np.empty(0, EVENT)
    loud = sound[np.abs(sound) > 0.1 * peak]
    drive = _drive(sound / np.sqrt(np.mean(loud**2)), sample_rate_hz, cochlea)
    capacity = 16_384
    while True:
        out_t, out_x = np.empty(capacity, np.int64), np.empty(capacity, np.int16)
        n = hair_cells(
            drive,
            1.0 / sample_rate_hz,
            cochlea.tau_mem,
            1.0,
            cochlea.t_ref,
            out_t,
            out_x,
        )
        if n <= capacity:
            break
        capacity = int(n)
    order = np.argsort(out_t[:n], kind="stable")
    events = np.zeros(n, EVENT)
    events["t"], events["x"], events["p"] = out_t[:n][order], out_x[:n][order], 1
    return events


def _drive(
    sound: NDArray[np.float64], rate: float, cochlea: Cochlea
) -> NDArray[np.float64]:
    """Rectified, compressed, smoothed channels, thresholds per second."""
    from neuro.events._kernels import channel_drive

    drive = np.zeros((cochlea.n_channels, sound.size))
    a = np.exp(-1.0 / (rate * cochlea.tau_smooth))
    for section, out in zip(_sections(cochlea, rate), drive, strict=False):
        channel_drive(sound, section, a, cochlea.compression, cochlea.gain, out)
    return drive


@lru_cache(maxsize=16)
def _sections(cochlea: Cochlea, rate: float) -> NDArray[np.float64]:
    """Filters of the channels that the sample rate can carry, shape (n, 6)."""
    from scipy.signal import butter

    half = 0.5 / cochlea.quality
    width = half + np.sqrt(half**2 + 1)  # edges centre / width, centre * width
    sections = [
        butter(
            1,
            [centre / width, min(centre * width, 0.499 * rate)],
            "bandpass",
            fs=rate,
            output="sos",
        )[0]
        for centre in cochlea.centres()
        if centre <= 0.45 * rate
    ]
    return np.array(sections).reshape(-1, 6)
