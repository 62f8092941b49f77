"""Forecast one column of a table, record by record, beside naive controls."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError
from neuro.htm import Forecast, HTMForecaster, TemporalMemoryParams, read_csv
from neuro.htm.table import Series
from neuro.plot.htm import COLOURS, plot_forecast

from .._config import Config
from .._runner import Context

__all__ = ["run"]

ALARM = 0.9999  # likelihood from which Ahmad et al. (2017) raise an alarm


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    series, label = _load(cfg, ctx)
    model = HTMForecaster(
        horizons=cfg.horizons,
        n_buckets=cfg.buckets,
        point=cfg.point,
        level=cfg.level,
        minimum=None if np.isnan(cfg.minimum) else cfg.minimum,
        maximum=None if np.isnan(cfg.maximum) else cfg.maximum,
        missing=cfg.missing,
        memory=TemporalMemoryParams(
            columns=cfg.memory.columns,
            cells_per_column=cfg.memory.cells_per_column,
            predicted_decrement=0.01,
        ),
        alpha=cfg.alpha,
        seed=ctx.seed,
    )
    n = len(series)
    setup = max(10, min(n // 10, 5000))
    model.prepare(_piece(series, 0, setup))
    parts = [
        model.predict(_piece(series, begin, min(begin + 500, n)))
        for begin in ctx.progress(range(0, n, 500), label="records")
    ]
    forecast = _joined(parts)
    _report(cfg, ctx, series, forecast, model)
    _figure(cfg, ctx, series, forecast, label)
    time = np.arange(n) if series.times is None else series.times
    columns = {"time": time, "value": series.values}
    for h in cfg.horizons:
        low, high = forecast.aligned_interval(h)
        columns |= {f"forecast_{h}": forecast.aligned(h)}
        columns |= {f"low_{h}": low, f"high_{h}": high}
    columns |= {
        "anomaly_score": forecast.anomaly_scores,
        "anomaly_likelihood": forecast.anomaly_likelihoods,
    }
    ctx.table("forecast", **columns)
    ctx.counts(model.counts)


def _load(cfg: Config, ctx: Context) -> tuple[Series, str]:
    path = Path(cfg.data.path) if cfg.data.path else None
    if path is not None and not path.is_dir():
        if not path.exists():
            raise ParameterError(f"data.path={path}: no such file; give a CSV file")
        series = read_csv(path, field=cfg.field, time=cfg.time)
        name, label = path.name, cfg.field or "value"
        synthetic = False
    else:
        data = ctx.data("nyc_taxi")
        series = Series(data.passenger_count, data.timestamp.astype("datetime64[us]"))
        name, label = data.name, "passenger_count"
        synthetic = data.synthetic
    if cfg.records:
        series = _piece(series, 0, cfg.records)
    if len(series) < 20 + max(cfg.horizons):
        raise ParameterError(
            f"{name}: {len(series)} records are too few; at least "
            f"{20 + max(cfg.horizons)} are needed for these horizons"
        )
    first = int(cfg.first_scored * len(series))
    ctx.split(n_train=first, n_test=len(series) - first, name=name, synthetic=synthetic)
    return series, label


def _piece(series: Series, begin: int, end: int) -> Series:
    times = None if series.times is None else series.times[begin:end]
    return Series(series.values[begin:end], times)


def _joined(parts: list[Forecast]) -> Forecast:
    names = (
        "values", "low", "high", "probabilities", "anomaly_scores",
        "anomaly_likelihoods",
    )  # fmt: skip
    first = parts[0]
    return Forecast(
        horizons=first.horizons,
        level=first.level,
        edges=first.edges,
        **{k: np.concatenate([getattr(p, k) for p in parts]) for k in names},
    )


def _mape(truth: NDArray[np.float64], guess: NDArray[np.float64]) -> float:
    ok = ~(np.isnan(truth) | np.isnan(guess))
    total = np.abs(truth[ok]).sum()
    return float(np.abs(truth - guess)[ok].sum() / total) if total else float("nan")


def _report(
    cfg: Config,
    ctx: Context,
    series: Series,
    forecast: Forecast,
    model: HTMForecaster,
) -> None:
    x, first = series.values, int(cfg.first_scored * len(series))
    daily = _day(series)
    for h in cfg.horizons:
        truth = x[first:]
        control = f"mape_naive_current_{h}"
        ctx.metric(
            f"mape_{h}", _mape(truth, forecast.aligned(h)[first:]), control=control
        )
        lags = {"current": h}
        if daily:
            lags |= {
                "day": daily * -(-h // daily),
                "week": 7 * daily * -(-h // (7 * daily)),
            }
        for name, lag in lags.items():
            if lag <= first:
                guess = x[first - lag : len(x) - lag]
                ctx.metric(f"mape_naive_{name}_{h}", _mape(truth, guess))
        low, high = forecast.aligned_interval(h)
        ok = ~(np.isnan(x) | np.isnan(low))
        ok[:first] = False
        inside = (x >= low) & (x <= high)
        ctx.metric(f"coverage_{h}", float(inside[ok].mean()), control="level")
    ctx.metric("level", cfg.level)
    alarms = np.nan_to_num(forecast.anomaly_likelihoods[first:]) > ALARM
    ctx.metric("alarms", float(alarms.sum()), unit="records")
    ctx.metric("gaps", float(model.gaps), unit="gaps")
    ctx.metric("missing", float(np.isnan(x).sum()), unit="records")
    ctx.metric("clipped", float(model.clipped), unit="records")


def _day(series: Series) -> int:
    """Return records per day, 0 where there is no such number."""
    if series.times is None or len(series) < 3:
        return 0
    step = np.median(np.diff(series.times))
    ratio = np.timedelta64(1, "D") / step
    return round(ratio) if ratio >= 2 and abs(ratio - round(ratio)) < 1e-6 else 0


def _figure(
    cfg: Config, ctx: Context, series: Series, forecast: Forecast, label: str
) -> None:
    import matplotlib.pyplot as plt

    n = len(series)
    at = slice(max(0, n - cfg.shown), n)
    time = np.arange(n) if series.times is None else series.times
    rows = len(cfg.horizons) + 1
    figure, axes = plt.subplots(
        rows, 1, figsize=(9.5, 2.3 * rows), sharex=True, constrained_layout=True
    )
    for ax, h in zip(axes, cfg.horizons, strict=False):
        low, high = forecast.aligned_interval(h)
        plot_forecast(
            time[at],
            series.values[at],
            forecast=forecast.aligned(h)[at],
            interval=(low[at], high[at]),
            likelihood=forecast.anomaly_likelihoods[at],
            label=label,
            ax=ax,
        )
        ax.set_title(f"{h} record{'s' * (h > 1)} ahead", fontsize=9)
    axes[-1].plot(
        time[at], forecast.anomaly_likelihoods[at], color=COLOURS[1], linewidth=1
    )
    axes[-1].set(ylabel="anomaly likelihood", ylim=(-0.03, 1.03))
    axes[-1].tick_params(axis="x", labelsize=8)
    ctx.figure("forecast", figure)
