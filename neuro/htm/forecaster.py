"""Forecast a stream: encoders, spatial pooler, temporal memory and classifier in one.

Learns online, record by record: every forecast is made before the value it is for has
been seen.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuro import sdr
from neuro.counts import OpCounts
from neuro.encoders import DateEncoder, ScalarEncoder
from neuro.errors import ParameterError
from neuro.htm import _forecaster_file
from neuro.htm.anomaly import AnomalyLikelihood
from neuro.htm.classifier import Predictions, SdrClassifier
from neuro.htm.forecast import Forecast, quantile_of, row_of
from neuro.htm.parameters import TemporalMemoryParams
from neuro.htm.spatial_pooler import SpatialPooler
from neuro.htm.table import Series, as_series
from neuro.htm.temporal_memory import TemporalMemory

__all__ = ["HTMForecaster"]

GAP = 1.5  # a step longer than so many usual ones is a gap
VALUE_BITS, DATE_BITS, ACTIVE_BITS = 109, (600, 100), 29  # the taxi encoders


class HTMForecaster:
    """Online forecasts of one field of a table.

    Parameters
    ----------
    field, time : str
        Columns of the value and of its time; a table without the latter, or a plain
        series, is forecast from its values alone.
    horizons : sequence of int
        Records ahead, >= 1.
    n_buckets : int
        Resolution of the forecast; 22 in the taxi experiment.
    minimum, maximum : float, optional
        Range of the values; by default that of the first data, widened by a tenth on
        both sides. Values outside are clipped and counted in `clipped`.
    point : {"mode", "median", "mean"}
        Point forecast: value of the most likely bucket (as published), median or mean.
    level : float
        Coverage of the prediction interval.
    missing : {"error", "skip"}
        What to do at a missing value (NaN): refuse the table; or leave the record out
        and treat it as a gap.
    memory : TemporalMemoryParams, optional
        Temporal memory; by default that of the taxi experiment.
    active_columns : int
        Winners of the spatial pooler.
    pooler_records, pooler_passes : int
        First records and passes over them that the pooler learns from, before it is
        frozen.
    alpha : float
        Learning rate of the classifier.
    seed : int
        Seed of everything.

    Notes
    -----
    A step in time longer than 1.5 usual steps is a gap: the memory forgets its context
    there (nothing is learnt across), forecasts go on. `gaps` counts them.

    Examples
    --------
    >>> import numpy as np
    >>> wave = 10 + 5 * np.sin(np.arange(600) * 2 * np.pi / 12)
    >>> model = HTMForecaster(horizons=[1, 3], seed=1).fit(wave)
    >>> model.predict().values.shape
    (1, 2)
    """

    __references__ = ("cui2016", "ahmad2017")

    def __init__(
        self,
        *,
        field: str = "value",
        time: str = "timestamp",
        horizons: Sequence[int] = (1,),
        n_buckets: int = 22,
        minimum: float | None = None,
        maximum: float | None = None,
        point: Literal["mode", "median", "mean"] = "mode",
        level: float = 0.9,
        missing: Literal["error", "skip"] = "error",
        memory: TemporalMemoryParams | None = None,
        active_columns: int = 40,
        pooler_records: int = 5000,
        pooler_passes: int = 3,
        alpha: float = 0.005,
        seed: int = 0,
    ) -> None:
        if not horizons or min(horizons) < 1:
            raise ParameterError(
                f"HTMForecaster.horizons: expected integers >= 1, got {list(horizons)}"
            )
        for name, value, known in (
            ("point", point, ("mode", "median", "mean")),
            ("missing", missing, ("error", "skip")),
        ):
            if value not in known:
                raise ParameterError(
                    f"HTMForecaster.{name}: expected {', '.join(known)}, got {value!r}"
                )
        if not 0 < level < 1 or n_buckets < 2:
            raise ParameterError(
                "HTMForecaster: expected 0 < level < 1 and n_buckets >= 2, got "
                f"{level}, {n_buckets}"
            )
        self.field, self.time = field, time
        self.horizons = tuple(int(h) for h in horizons)
        self.n_buckets, self.point, self.level = int(n_buckets), point, float(level)
        self.minimum, self.maximum, self.missing = minimum, maximum, missing
        self.memory_params = memory or TemporalMemoryParams(predicted_decrement=0.01)
        self.active_columns, self.seed = int(active_columns), int(seed)
        self.pooler_records, self.pooler_passes = int(pooler_records), pooler_passes
        self.alpha = float(alpha)
        self._clear()

    def _clear(self) -> None:
        self.pooler: SpatialPooler | None = None
        self.gaps = self.clipped = self.records = 0
        self._step: Any = None  # timedelta64, or None without times
        self._last_time: np.datetime64 | None = None
        self._last: Forecast | None = None

    # ------------------------------------------------------------------ public
    def fit(self, table: Any, y: Any = None) -> "HTMForecaster":
        """Forget everything and learn a table; return the model.

        Parameters
        ----------
        table : Series, DataFrame, mapping of columns, structured array, 1-D values
            At least ten records.
        y : None
            Ignored, for pipelines.
        """
        self._clear()
        return self.partial_fit(table)

    def prepare(self, table: Any) -> "HTMForecaster":
        """Set range, encoders and pooler from first data without learning sequences.

        The same records may then be given to :meth:`predict`, which makes every
        forecast online, the first ones included.
        """
        self._clear()
        self._prepare(self._read(table))
        return self

    def partial_fit(self, table: Any, y: Any = None) -> "HTMForecaster":
        """Go on learning; the first call sets range, encoders and pooler."""
        self._process(self._read(table), learn=True)
        return self

    def predict(self, table: Any = None, *, learn: bool = True) -> Forecast:
        """Forecast.

        Parameters
        ----------
        table : table-like, optional
            Further records: a forecast is made at each. None: the forecast from the
            last record seen.
        learn : bool
            Whether the model learns from these records, as it would in use.
        """
        if self.pooler is None:
            raise ParameterError("HTMForecaster.predict: call fit or partial_fit first")
        if table is None:
            if self._last is None:
                raise ParameterError("HTMForecaster.predict: no record seen yet")
            return self._last
        return self._process(self._read(table), learn=learn)

    @property
    def counts(self) -> OpCounts:
        """Operations of pooler, memory and classifier so far."""
        self._need()
        out = self.pooler.counts + self.memory.counts  # type: ignore[union-attr]
        out.add("classifier", "synop", self.classifier.visited, w_bits=64)
        return out

    def reset(self) -> None:
        """Forget the context (not what was learnt), as at a gap."""
        self._need()
        self.memory.reset()
        self.classifier.reset()
        self._last_time = None

    # ------------------------------------------------------------------ inside
    def _need(self) -> None:
        if self.pooler is None:
            raise ParameterError("HTMForecaster: call fit or partial_fit first")

    def _read(self, table: Any) -> Series:
        series = as_series(table, field=self.field, time=self.time)
        lost = np.isnan(series.values)
        if lost.any() and self.missing == "error":
            raise ParameterError(
                f"forecast: the value of record {int(np.argmax(lost))} is missing "
                f"({int(lost.sum())} in all); fill it, or use missing='skip'"
            )
        return series

    def _prepare(self, series: Series) -> None:
        known = series.values[~np.isnan(series.values)]
        if known.size < 10:
            raise ParameterError(
                f"HTMForecaster: the first data have {known.size} values; at least 10 "
                "are needed to set up the encoders"
            )
        low, high = float(known.min()), float(known.max())
        pad = 0.1 * (high - low) or max(abs(high), 1.0)
        low = low - pad if self.minimum is None else float(self.minimum)
        high = high + pad if self.maximum is None else float(self.maximum)
        steps = np.diff(series.times) if series.times is not None else None
        self._step = np.median(steps) if steps is not None and steps.size else None
        self._setup(low, high)
        bits = self._encode(series, ~np.isnan(series.values))[: self.pooler_records]
        for _ in range(self.pooler_passes):
            self.pooler.run(bits)  # type: ignore[union-attr]

    def _setup(self, low: float, high: float) -> None:
        """Make the parts for a range and the usual step in time."""
        w = ACTIVE_BITS
        self.value_encoder = ScalarEncoder(n=VALUE_BITS, w=w, minimum=low, maximum=high)
        self.buckets = ScalarEncoder(
            n=self.n_buckets + w - 1, w=w, minimum=low, maximum=high
        )
        r = self.buckets.resolution
        self.edges: NDArray[np.float64] = np.asarray(
            low + r * (np.arange(self.n_buckets + 1) - 0.5), np.float64
        )
        self.date_encoder = None
        if self._step is not None and self._step < np.timedelta64(4, "D"):
            daily = self._step < np.timedelta64(12, "h")
            self.date_encoder = DateEncoder(
                time_of_day=(DATE_BITS[0], w) if daily else None,
                day_of_week=(DATE_BITS[1], w),
            )
        n = VALUE_BITS + (self.date_encoder.n if self.date_encoder else 0)
        params = self.memory_params
        self.pooler = SpatialPooler(
            n, columns=params.columns, active_columns=self.active_columns,
            seed=self.seed,
        )  # fmt: skip
        self.memory = TemporalMemory(params, seed=self.seed)
        self.classifier = SdrClassifier(
            params.n_cells, self.n_buckets, horizons=self.horizons, alpha=self.alpha
        )
        self.likelihood = AnomalyLikelihood()

    def _encode(
        self, series: Series, kept: NDArray[np.bool_]
    ) -> list[NDArray[np.int32]]:
        values = series.values[kept]
        out = [self.value_encoder.encode(v) for v in values]
        if self.date_encoder is None:
            return out
        if series.times is None:
            raise ParameterError(
                f"forecast: the model was fitted with times; column {self.time!r} is "
                "missing"
            )
        sizes = [VALUE_BITS, self.date_encoder.n]
        return [
            sdr.concatenate([bits, self.date_encoder.encode(t)], sizes)
            for bits, t in zip(out, series.times[kept], strict=True)
        ]

    def _pieces(self, series: Series) -> list[tuple[NDArray[np.int64], bool]]:
        """Return runs of records without a gap, and whether a gap precedes each."""
        n = len(series)
        lost = np.isnan(series.values)
        gap = np.zeros(n, np.bool_)
        gap[1:] |= lost[:-1]
        if series.times is not None and self._step is not None and n:
            before = series.times[:1] if self._last_time is None else self._last_time
            steps = np.diff(series.times, prepend=np.atleast_1d(before))
            gap |= steps > GAP * self._step
        kept = np.flatnonzero(~lost)
        starts = np.flatnonzero(gap[kept])
        pieces = np.split(kept, starts)
        flags = [False] + [True] * starts.size
        return [(p, f) for p, f in zip(pieces, flags, strict=True) if p.size]

    def _process(self, series: Series, *, learn: bool) -> Forecast:
        if self.pooler is None:
            self._prepare(series)
        pooler = self.pooler
        if pooler is None:  # set by _prepare
            raise ParameterError("HTMForecaster: not prepared")
        n, h = len(series), len(self.horizons)
        if (
            self._last_time is not None
            and series.times is not None
            and n
            and series.times[0] <= self._last_time
        ):
            raise ParameterError(
                f"forecast: the table begins at {series.times[0]}, but records up to "
                f"{self._last_time} have been seen; continue behind them"
            )
        kept = ~np.isnan(series.values)
        bits = dict(
            zip(np.flatnonzero(kept).tolist(), self._encode(series, kept), strict=True)
        )
        probabilities = np.full((n, h, self.n_buckets), np.nan)
        bucket_values = np.full((n, self.n_buckets), np.nan)
        scores = np.full(n, np.nan)
        for piece, after_gap in self._pieces(series):
            if after_gap:
                self.gaps += 1
                self.memory.reset()
                self.classifier.reset()
            columns = pooler.run([bits[r] for r in piece.tolist()], learn=False)
            trace = self.memory.run(columns, learn=learn, keep_cells=True)
            values = series.values[piece]
            found = self.classifier.run(
                trace.cells,
                trace.cell_ends,
                self.buckets.buckets(values),
                values,
                learn=learn,
            )
            probabilities[piece] = found.probabilities
            bucket_values[piece] = found.bucket_values
            scores[piece] = trace.anomaly_scores
        likelihood = np.full(n, np.nan)
        likelihood[kept] = self.likelihood.update(scores[kept])
        inside = series.values[kept]
        low, high = self.value_encoder.minimum, self.value_encoder.maximum
        self.clipped += int(((inside < low) | (inside > high)).sum())
        self.records += int(kept.sum())
        if series.times is not None and n:
            self._last_time = series.times[-1]
        forecast = self._forecast(probabilities, bucket_values, scores, likelihood)
        if kept.any():
            self._last = row_of(forecast, int(np.flatnonzero(kept)[-1]))
        return forecast

    def _forecast(
        self,
        probabilities: NDArray[np.float64],
        bucket_values: NDArray[np.float64],
        scores: NDArray[np.float64],
        likelihood: NDArray[np.float64],
    ) -> Forecast:
        p, edges = np.nan_to_num(probabilities), self.edges
        if self.point == "mode":
            values = Predictions(p, bucket_values).values
        elif self.point == "mean":
            values = np.einsum("rhb,rb->rh", p, bucket_values)
        else:
            values = quantile_of(p, edges, 0.5)
        lost = np.isnan(scores)
        tail = (1 - self.level) / 2
        low, high = quantile_of(p, edges, tail), quantile_of(p, edges, 1 - tail)
        for array in (values, low, high):
            array[lost] = np.nan
        return Forecast(
            self.horizons, values, low, high, self.level, probabilities, edges, scores,
            likelihood,
        )  # fmt: skip

    # ------------------------------------------------------------------ files
    def save(self, path: Path | str) -> None:
        """Write the whole state into a folder; loading it changes no result."""
        self._need()
        _forecaster_file.save(self, Path(path))

    @classmethod
    def load(cls, path: Path | str) -> "HTMForecaster":
        """Read :meth:`save`.

        Raises
        ------
        ParameterError
            If the folder holds no saved forecaster.
        """
        out = cls.__new__(cls)
        _forecaster_file.load_into(out, Path(path))
        return out

    def __repr__(self) -> str:
        return (
            f"HTMForecaster({self.field!r}, horizons={self.horizons}, "
            f"{self.records} records)"
        )
