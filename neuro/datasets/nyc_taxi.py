"""New York taxi demand: passengers per half hour, 2014-07-01 to 2015-06-30.

References
----------
.. [1] Cui, Ahmad, Hawkins, Continuous online sequence learning with an unsupervised
   neural network model, Neural Computation 28, 2474 (2016). arXiv:1512.05463
"""

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neuro.datasets.lookup import find, missing
from neuro.errors import DatasetError, ParameterError
from neuro.random import stream

__all__ = ["FOLDERS", "STAND_IN", "Demand", "load_nyc_taxi"]

__references__ = ("cui2016",)

FOLDERS = ("nyc_taxi",)
STAND_IN = "synthetic-demand"
VARIANTS = ("plain", "perturb", "perturb_baseline")
N_RECORDS = 17_520  # half hours of a year
_START = np.datetime64("2014-07-01T00:00:00", "s")


@dataclass(frozen=True)
class Demand:
    """The columns of the table.

    Attributes
    ----------
    name : str
        ``nyc_taxi`` and the variant, or ``synthetic-demand``.
    synthetic : bool
        True for the stand-in.
    timestamp : ndarray of datetime64[s], shape (n,)
        Local time, every 30 minutes.
    passenger_count : ndarray of float64, shape (n,)
        Passengers picked up in the half hour.
    timeofday : ndarray of int64, shape (n,)
        Minutes since midnight.
    dayofweek : ndarray of int64, shape (n,)
        0 = Monday ... 6 = Sunday.
    """

    name: str
    synthetic: bool
    timestamp: NDArray[np.datetime64]
    passenger_count: NDArray[np.float64]
    timeofday: NDArray[np.int64]
    dayofweek: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.passenger_count.size)


def load_nyc_taxi(
    path: Path | str | None = None,
    *,
    variant: Literal["plain", "perturb", "perturb_baseline"] = "plain",
    synthetic: bool | None = None,
    seed: int = 0,
) -> Demand:
    """Load the table, or a synthetic demand where there is none.

    Parameters
    ----------
    path : path, optional
        A root with ``nyc_taxi/``, that folder, or one CSV file.
    variant : {"plain", "perturb", "perturb_baseline"}
        ``perturb``: weekday pattern altered from record 13,152 on (weekdays x0.8 from
        07:00 to 10:30 and x1.2 from 21:00 to 23:30); ``perturb_baseline``: in all.
    synthetic : bool, optional
        True: the stand-in even if the table is there. False: never the stand-in.
    seed : int
        Seed of the stand-in.
    """
    if variant not in VARIANTS:
        raise ParameterError(
            f"nyc_taxi: variant must be one of {', '.join(VARIANTS)}, got {variant!r}"
        )
    name = "nyc_taxi" + ("" if variant == "plain" else f"_{variant}")

    def is_set(place: Path) -> bool:
        return place.is_file() or (place / f"{name}.csv").is_file()

    place = None if synthetic else find("nyc_taxi", FOLDERS, path, is_set)
    if place is None:
        if synthetic is False:
            raise missing("nyc_taxi", FOLDERS)
        return _stand_in(variant, seed)
    return _read(place if place.is_file() else place / f"{name}.csv")


def _read(file: Path) -> Demand:
    """Read a CSV with three header lines (names, types, flags)."""
    try:
        with file.open(newline="", encoding="utf-8") as stream_:
            rows = list(csv.reader(stream_))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file}: cannot be read ({error})") from None
    names = ["timestamp", "passenger_count", "timeofday", "dayofweek"]
    if len(rows) < 4 or rows[0] != names:
        raise DatasetError(
            f"{file}: expected the columns {', '.join(names)} and three header lines"
        )
    columns: tuple[list[str], ...] = ([], [], [], [])
    for k, row in enumerate(rows[3:], start=4):
        try:
            datetime.fromisoformat(row[0])
            float(row[1]), int(row[2]), int(row[3])
        except (ValueError, IndexError):
            raise DatasetError(f"{file}: line {k} cannot be read: {row}") from None
        for column, text in zip(columns, row, strict=False):
            column.append(text)
    return Demand(
        file.stem,
        False,
        np.array(columns[0], "datetime64[s]"),
        np.array(columns[1], np.float64),
        np.array(columns[2], np.int64),
        np.array(columns[3], np.int64),
    )


def _stand_in(variant: str, seed: int) -> Demand:
    """Daily and weekly pattern with slow drift and noise, in the range of the table."""
    k = np.arange(N_RECORDS)
    timeofday = k % 48 * 30
    day = k // 48
    dayofweek = (day + 1) % 7  # 2014-07-01 was a Tuesday
    hour = timeofday / 60
    weekend = dayofweek >= 5

    def bump(centre: float, width: float) -> NDArray[np.float64]:
        distance = (hour - centre + 12) % 24 - 12
        bell: NDArray[np.float64] = np.exp(-0.5 * (distance / width) ** 2)
        return bell

    shape = np.where(
        weekend,
        0.25 + 0.75 * bump(0.0, 2.5) + 0.55 * bump(14.0, 4.0) + 0.7 * bump(20.0, 3.0),
        0.15 + 0.75 * bump(8.5, 1.6) + 0.6 * bump(14.0, 3.5) + bump(19.5, 2.4),
    )
    rng = stream(seed, "nyc_taxi", "stand-in")
    days = 1 + 0.06 * rng.standard_normal(N_RECORDS // 48)
    season = 1 + 0.05 * np.cos(2 * np.pi * (day - 120) / 365)
    value = 19_000 * shape * season * days[day]
    value *= 1 + 0.025 * rng.standard_normal(N_RECORDS)
    if variant != "plain":
        late = (k >= 13_152) | (variant == "perturb_baseline")
        morning = (timeofday >= 420) & (timeofday <= 630)
        evening = timeofday >= 1260
        value = np.where(late & ~weekend & morning, 0.8 * value, value)
        value = np.where(late & ~weekend & evening, 1.2 * value, value)
    return Demand(
        STAND_IN,
        True,
        _START + k * np.timedelta64(1800, "s"),
        np.rint(value.clip(0)),
        timeofday.astype(np.int64),
        dayofweek.astype(np.int64),
    )
