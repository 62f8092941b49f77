"""Dates by what recurs: time of day, day of the week, weekend, season."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro import sdr
from neuro.encoders.scalar import PeriodicEncoder
from neuro.errors import ParameterError

__all__ = ["DateEncoder", "as_datetime"]


def as_datetime(value: Any) -> datetime:
    """Return a datetime from a datetime, ``numpy.datetime64`` or ISO text."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, np.datetime64):
        if np.isnat(value):
            raise ParameterError("DateEncoder: the time is missing (NaT)")
        moment = value.astype("datetime64[us]").item()
        if isinstance(moment, datetime):
            return moment
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.strip())
        except ValueError:
            pass
    raise ParameterError(
        f"DateEncoder: expected a date such as '2014-07-01 00:30:00', got {value!r}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DateEncoder:
    """Calendar features of a date, side by side.

    Parameters
    ----------
    time_of_day, day_of_week, season : tuple (n, w) or None
        Bits and active bits of each periodic feature; None leaves it out.
    weekend : int
        Bits of a block that is active from Saturday to Sunday (a second block of that
        size is active on other days); 0 leaves it out.
    """

    time_of_day: tuple[int, int] | None = (600, 29)
    day_of_week: tuple[int, int] | None = (100, 29)
    weekend: int = 0
    season: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if not self._parts():
            raise ParameterError("DateEncoder: expected at least one feature")

    def _parts(self) -> list[tuple[str, PeriodicEncoder | None, int]]:
        parts: list[tuple[str, PeriodicEncoder | None, int]] = []
        for name, size, maximum in (
            ("time_of_day", self.time_of_day, 1440.0),
            ("day_of_week", self.day_of_week, 7.0),
            ("season", self.season, 366.0),
        ):
            if size is not None:
                n, w = size
                encoder = PeriodicEncoder(n=n, w=w, minimum=0.0, maximum=maximum)
                parts.append((name, encoder, n))
        if self.weekend:
            parts.append(("weekend", None, 2 * self.weekend))
        return parts

    @property
    def n(self) -> int:
        """Number of bits."""
        return sum(size for _, _, size in self._parts())

    def encode(self, value: Any) -> NDArray[np.int32]:
        """Return the active bits, sorted."""
        moment = as_datetime(value)
        minutes = moment.hour * 60 + moment.minute + moment.second / 60
        values = {
            "time_of_day": minutes,
            "day_of_week": moment.weekday(),
            "season": moment.timetuple().tm_yday - 1,
        }
        parts = []
        for name, encoder, _ in self._parts():
            if encoder is not None:
                parts.append(encoder.encode(values[name]))
            else:
                first = 0 if moment.weekday() >= 5 else self.weekend
                parts.append(np.arange(first, first + self.weekend, dtype=np.int32))
        return sdr.concatenate(parts, [size for _, _, size in self._parts()])
