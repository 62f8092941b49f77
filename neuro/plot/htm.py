"""Figures of sequence memories: accuracy over elements, forecasts, anomalies."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["COLOURS", "plot_accuracy", "plot_against", "plot_forecast"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")


def _axes(ax: Any, **kwargs: Any) -> Any:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(**kwargs)[1]


def plot_accuracy(
    curves: Mapping[str, tuple[NDArray[Any], NDArray[Any]]],
    *,
    paper: tuple[Sequence[float], Sequence[float]] | None = None,
    paper_label: str = "paper, HTM",
    changes: Mapping[str, float] | None = None,
    ax: Any = None,
) -> Any:
    """Plot prediction accuracy against elements seen: mean and range over seeds.

    Parameters
    ----------
    curves : mapping of str to (elements, accuracy)
        Shapes (n,) and (n_seeds, n), by label.
    paper : tuple, optional
        Elements and accuracies of published points.
    paper_label : str
        Their label.
    changes : mapping of str to float, optional
        Elements marked by a vertical line, by label.
    ax : matplotlib axes, optional
        Where to draw.
    """
    ax = _axes(ax, figsize=(6, 3.6))
    for colour, (label, (x, values)) in zip(COLOURS, curves.items(), strict=False):
        known = ~np.isnan(values).any(0)
        x, y = np.asarray(x)[known], np.asarray(values)[:, known]
        ax.plot(x, y.mean(0), color=colour, label=label)
        ax.fill_between(x, y.min(0), y.max(0), color=colour, alpha=0.2, linewidth=0)
    if paper is not None:
        ax.plot(*paper, "k^", markersize=5, fillstyle="none", label=paper_label)
    for label, at in (changes or {}).items():
        ax.axvline(at, color="0.5", linestyle="--", linewidth=1)
        ax.text(at, 0.02, f" {label}", color="0.35", fontsize=8)
    ax.set(xlabel="elements seen", ylabel="accuracy (last 100 sequences)")
    ax.set_ylim(-0.03, 1.06)
    ax.legend(fontsize=8, frameon=False)
    return ax


def plot_against(
    x: ArrayLike,
    values: ArrayLike,
    *,
    references: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    label: str = "HTM",
    xlabel: str = "",
    ylabel: str = "",
    ax: Any = None,
) -> Any:
    """Plot one quantity against a parameter, with published points beside it.

    Parameters
    ----------
    x : array_like, shape (n,)
        The parameter.
    values : array_like, shape (n_seeds, n)
        Every seed is a dot, the mean a line.
    references : mapping of str to (x, y), optional
        Published points by label.
    label, xlabel, ylabel : str
        Labels.
    ax : matplotlib axes, optional
        Where to draw.
    """
    ax = _axes(ax, figsize=(5, 3.6))
    x, y = np.asarray(x, np.float64), np.atleast_2d(np.asarray(values, np.float64))
    ax.plot(x, y.mean(0), color=COLOURS[0], label=label)
    ax.plot(np.tile(x, (len(y), 1)).T, y.T, ".", color=COLOURS[0], alpha=0.4)
    for colour, (name, points) in zip(
        ("k", *COLOURS[1:]), (references or {}).items(), strict=False
    ):
        ax.plot(
            *points, "^--", color=colour, markersize=5, fillstyle="none", label=name
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(fontsize=8, frameon=False)
    return ax


def plot_forecast(
    time: ArrayLike,
    values: ArrayLike,
    *,
    forecast: ArrayLike | None = None,
    interval: tuple[ArrayLike, ArrayLike] | None = None,
    likelihood: ArrayLike | None = None,
    label: str = "value",
    ax: Any = None,
) -> Any:
    """Plot a series, its forecast with interval, and the anomaly likelihood.

    Parameters
    ----------
    time, values : array_like, shape (n,)
        The series.
    forecast : array_like, shape (n,), optional
        Prediction of each value, made earlier; NaN where there is none.
    interval : tuple of array_like, optional
        Lower and upper limit.
    likelihood : array_like, shape (n,), optional
        Anomaly likelihood, 0..1, drawn on a second axis where it exceeds 0.999.
    label : str
        What is plotted, with its unit.
    ax : matplotlib axes, optional
        Where to draw.
    """
    ax = _axes(ax, figsize=(9, 3.6))
    t = np.asarray(time)
    ax.plot(t, values, color="0.25", linewidth=1, label="observed")
    if forecast is not None:
        ax.plot(t, forecast, color=COLOURS[0], linewidth=1, label="forecast")
    if interval is not None:
        low, high = (np.asarray(v, np.float64) for v in interval)
        ax.fill_between(
            t, low, high, color=COLOURS[0], alpha=0.2, linewidth=0, label="interval"
        )
    if likelihood is not None:
        marked = np.asarray(likelihood, np.float64) > 0.999
        if marked.any():
            ax.plot(
                t[marked],
                np.asarray(values)[marked],
                "o",
                color=COLOURS[1],
                markersize=4,
                label="anomaly",
            )
    ax.set_ylabel(label)
    ax.legend(fontsize=8, frameon=False, ncols=4)
    return ax
