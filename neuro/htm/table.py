"""Tables for forecasting: a CSV file, a DataFrame, a mapping or a plain series.

Reads ordinary CSV (one header line) and the three-line header of NuPIC's files.
"""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import DatasetError, ParameterError, did_you_mean

__all__ = ["Series", "as_series", "read_csv"]

_TYPES = {"datetime", "int", "float", "string", "bool", "list"}
_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
)
_TIME_NAMES = ("timestamp", "time", "datetime", "date", "ds")


@dataclass(frozen=True, slots=True)
class Series:
    """A value per record, with or without its time.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        NaN where missing.
    times : ndarray of datetime64[us], shape (n,), or None
        Strictly increasing.
    """

    values: NDArray[np.float64]
    times: NDArray[np.datetime64] | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 1:
            raise ParameterError(
                f"forecast: expected one value per record, got {self.values.ndim} "
                "dimensions; choose a field"
            )
        bad = np.isinf(self.values)
        if bad.any():
            raise ParameterError(
                f"forecast: record {int(np.argmax(bad))} is infinite; remove it"
            )
        if self.times is None:
            return
        if self.times.shape != self.values.shape:
            raise ParameterError(
                f"forecast: {self.values.size} values but {self.times.size} times"
            )
        if np.isnat(self.times).any():
            at = int(np.argmax(np.isnat(self.times)))
            raise ParameterError(f"forecast: the time of record {at} is missing")
        back = np.diff(self.times) <= np.timedelta64(0, "us")
        if back.any():
            at = int(np.argmax(back)) + 1
            raise ParameterError(
                f"forecast: the time of record {at} ({self.times[at]}) is not later "
                f"than that of the record before ({self.times[at - 1]}); sort the "
                "table and drop duplicates"
            )

    def __len__(self) -> int:
        return int(self.values.size)


def _time(text: str) -> datetime | None:
    text = text.strip()
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        pass
    for pattern in _FORMATS:
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    return None


def read_csv(path: Path | str, *, field: str = "", time: str = "") -> Series:
    """Read one column of a CSV file and, where there is one, its time.

    Parameters
    ----------
    path : path
        The file; comma, semicolon or tab between fields.
    field : str
        Column of the value; empty: the only numeric column.
    time : str
        Column of the time; empty: one named timestamp, time, datetime, date or ds if
        there is one; ``"-"``: none.

    Raises
    ------
    DatasetError
        If the file cannot be read or a line does not fit; names the line.
    ParameterError
        If the column does not exist.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from None
    lines = text.splitlines()
    if len(lines) < 2:
        raise DatasetError(f"{path}: expected a header line and records")
    delimiter = max(",;\t", key=lines[0].count)
    rows = [
        (k, r) for k, r in enumerate(csv.reader(lines, delimiter=delimiter), 1) if r
    ]
    names = [n.strip() for n in rows[0][1]]
    skip = 3 if len(rows) > 2 and {*map(str.strip, rows[1][1])} <= _TYPES else 1
    rows = rows[skip:]
    if not rows:
        raise DatasetError(f"{path}: no records behind the header")
    if time == "-":
        time_at = None
    else:
        wanted = [time] if time else [n for n in names if n.lower() in _TIME_NAMES]
        if time and time not in names:
            raise _no_column(path, "time", time, names)
        time_at = names.index(wanted[0]) if wanted else None
    value_at = _value_column(path, field, names, rows[0][1], time_at)
    values, times = np.empty(len(rows)), []
    for k, (line, row) in enumerate(rows):
        if len(row) <= max(value_at, time_at or 0):
            raise DatasetError(
                f"{path}: line {line} has {len(row)} fields, expected {len(names)}"
            )
        values[k] = _number(path, line, names[value_at], row[value_at])
        if time_at is not None:
            moment = _time(row[time_at])
            if moment is None:
                raise DatasetError(
                    f"{path}: line {line}: {row[time_at]!r} is no time such as "
                    "2014-07-01 00:30:00 (24:00 is 00:00 of the next day)"
                )
            times.append(moment)
    return Series(values, np.array(times, "datetime64[us]") if times else None)


def _number(path: Path, line: int, name: str, text: str) -> float:
    text = text.strip()
    if text.lower() in ("", "na", "nan", "null", "none"):
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise DatasetError(
            f"{path}: line {line}: {name} is {text!r}, expected a number"
        ) from None


def _value_column(
    path: Path, field: str, names: list[str], first: list[str], time_at: int | None
) -> int:
    if field:
        if field not in names:
            raise _no_column(path, "field", field, names)
        return names.index(field)
    numeric = []
    for k, text in enumerate(first[: len(names)]):
        try:
            float(text)
        except ValueError:
            continue
        if k != time_at:
            numeric.append(k)
    if len(numeric) != 1:
        raise ParameterError(
            f"{path}: {len(numeric)} numeric columns; name one with field=NAME: "
            f"{', '.join(names)}"
        )
    return numeric[0]


def _no_column(path: Path, what: str, name: str, names: list[str]) -> ParameterError:
    return ParameterError(
        f"{path}: no column {name!r} for the {what}{did_you_mean(name, names)}; "
        f"the file has {', '.join(names)}"
    )


def as_series(table: Any, *, field: str = "value", time: str = "timestamp") -> Series:
    """Read a table-like object.

    Parameters
    ----------
    table : Series, mapping of columns, DataFrame, structured array or 1-D values
        A plain series has no times.
    field, time : str
        Columns of the value and of the time; a table without the latter has no times.
    """
    if isinstance(table, Series):
        return table
    names: list[str] | None = None
    if isinstance(table, Mapping):
        names = [str(n) for n in table]
    elif hasattr(table, "columns"):
        names = [str(n) for n in table.columns]
    elif getattr(getattr(table, "dtype", None), "names", None):
        names = list(table.dtype.names)
    if names is None:
        return Series(_values(table))
    if field not in names:
        raise ParameterError(
            f"forecast: no field {field!r}{did_you_mean(field, names)}; the table has "
            f"{', '.join(names)}"
        )
    times = None
    if time in names:
        try:
            times = np.asarray(table[time]).astype("datetime64[us]")
        except ValueError as error:
            raise ParameterError(f"forecast: times cannot be read ({error})") from None
    return Series(_values(table[field]), times)


def _values(column: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(column, np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"forecast: values must be numbers ({error})") from None
