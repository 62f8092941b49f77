"""Forecasts of a stream: values, intervals, distributions, anomaly scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError

__all__ = ["Forecast", "quantile_of", "row_arrays", "row_of"]


ROW = (
    "values", "low", "high", "probabilities", "anomaly_scores", "anomaly_likelihoods",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Forecast:
    """Forecasts made at each record.

    Attributes
    ----------
    horizons : tuple of int
        Records ahead.
    values : ndarray of float64, shape (n_records, n_horizons)
        Point forecasts.
    low, high : ndarray of float64, shape (n_records, n_horizons)
        Limits of the central prediction interval.
    level : float
        Probability that the interval should cover.
    probabilities : ndarray of float64, shape (n_records, n_horizons, n_buckets)
        Distribution over buckets.
    edges : ndarray of float64, shape (n_buckets + 1,)
        Limits of the buckets.
    anomaly_scores, anomaly_likelihoods : ndarray of float64, shape (n_records,)
        How unexpected each record was; the likelihood judges the recent scores.
    """

    horizons: tuple[int, ...]
    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    level: float
    probabilities: NDArray[np.float64]
    edges: NDArray[np.float64]
    anomaly_scores: NDArray[np.float64]
    anomaly_likelihoods: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def quantile(self, q: float) -> NDArray[np.float64]:
        """Return a quantile, linear inside buckets, shape (n_records, n_horizons)."""
        return quantile_of(self.probabilities, self.edges, q)

    def aligned(self, horizon: int) -> NDArray[np.float64]:
        """Return the forecast *of* each record, made `horizon` records before; NaN."""
        if horizon not in self.horizons:
            raise ParameterError(
                f"Forecast.aligned: horizon {horizon} is not among {self.horizons}"
            )
        return _shift(self.values[:, self.horizons.index(horizon)], horizon)

    def aligned_interval(
        self, horizon: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the interval *for* each record, as :meth:`aligned`."""
        self.aligned(horizon)
        k = self.horizons.index(horizon)
        return _shift(self.low[:, k], horizon), _shift(self.high[:, k], horizon)


def _shift(x: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    out = np.full(x.size, np.nan)
    out[by:] = x[: max(x.size - by, 0)]
    return out


def quantile_of(
    p: NDArray[np.float64], edges: NDArray[np.float64], q: float
) -> NDArray[np.float64]:
    """Return the quantile of distributions over buckets, linear inside a bucket."""
    if not 0 <= q <= 1:
        raise ParameterError(f"quantile: expected 0..1, got {q}")
    total = np.cumsum(p, axis=-1)
    b = np.minimum((total < q).sum(-1), p.shape[-1] - 1)
    inside = np.take_along_axis(p, b[..., None], -1)[..., 0]
    below = np.take_along_axis(total, b[..., None], -1)[..., 0] - inside
    share = np.clip((q - below) / np.maximum(inside, 1e-300), 0, 1)
    return np.asarray(edges[b] + share * (edges[b + 1] - edges[b]), np.float64)


def row_arrays(forecast: Forecast) -> dict[str, NDArray[np.float64]]:
    """Return the arrays that have a row per record."""
    return {k: getattr(forecast, k) for k in ROW}


def row_of(forecast: Forecast, k: int) -> Forecast:
    """Return one record of a forecast."""
    arrays = {name: a[k : k + 1].copy() for name, a in row_arrays(forecast).items()}
    return Forecast(
        horizons=forecast.horizons, level=forecast.level, edges=forecast.edges, **arrays
    )
