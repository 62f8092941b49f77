"""Figures of the taxi experiment."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.plot.htm import COLOURS, plot_forecast

from .._config import Config
from .._runner import Context
from ._scores import PAPER

__all__ = ["comparison", "perturbation", "week"]


def comparison(
    ctx: Context, table: dict[str, dict[str, float]], *, synthetic: bool
) -> None:
    """Bars of error and likelihood, ours beside the published ones (Fig. 10B, C)."""
    import matplotlib.pyplot as plt

    rows: list[tuple[str, float, float, bool]] = []
    if not synthetic:
        for name, row in PAPER.items():
            if not name.startswith("naive"):
                nll = row.get("nll", row.get("nll_top8", np.nan))
                label = f"{name}, paper" if name == "HTM" else name
                rows.append((label, row["mape"], nll, False))
    for name, row in table.items():
        rows.append((name, row["mape"], row.get("nll_full", np.nan), True))
    rows.sort(key=lambda r: -r[1])
    labels = [r[0] for r in rows]
    colours = [COLOURS[0] if r[3] else "0.7" for r in rows]
    figure, axes = plt.subplots(
        1, 2, figsize=(9.5, 0.5 + 0.27 * len(rows)), sharey=True,
        constrained_layout=True,
    )  # fmt: skip
    for ax, column, title in (
        (axes[0], 1, "MAPE (ratio of means)"),
        (axes[1], 2, "negative log-likelihood"),
    ):
        values = np.array([r[column] for r in rows], float)
        ax.barh(labels, np.nan_to_num(values), color=colours)
        for y, v in enumerate(values):
            if np.isfinite(v):
                ax.text(v, y, f" {v:.3f}", va="center", fontsize=7)
        ax.set_xlabel(title)
        ax.margins(x=0.12)
    axes[0].tick_params(axis="y", labelsize=8)
    figure.suptitle("taxi demand, 2.5 h ahead; blue: computed here, grey: published")
    ctx.figure("comparison", figure)


def perturbation(
    ctx: Context,
    cfg: Config,
    values: dict[str, NDArray[np.float64]],
    held: dict[tuple[str, str], list[dict[str, Any]]],
) -> None:
    """Error around the change of pattern, moving over a week (Fig. 11A)."""
    import matplotlib.pyplot as plt

    window, h = 336, cfg.horizon
    figure, axes = plt.subplots(
        2, 1, figsize=(8.5, 5.2), sharex=True, constrained_layout=True
    )
    x = values["perturb"]
    at = np.arange(x.size - h)
    days = (at - cfg.perturbed_from) / 48

    def moving(error: NDArray[np.float64]) -> NDArray[np.float64]:
        kernel = np.ones(min(window, error.size))
        ratio = np.convolve(error, kernel) / np.convolve(np.abs(x[at + h]), kernel)
        return np.asarray(ratio[: error.size])

    shown = days >= -60
    for colour, column in zip(COLOURS, cfg.columns, strict=False):
        runs = np.array(
            [
                moving(np.abs(x[at + h] - r["prediction"][at]))
                for r in held["perturb", column]
            ]
        )[:, shown]
        label = f"HTM ({column.upper()})"
        axes[0].plot(days[shown], runs.mean(0), color=colour, label=label)
        axes[0].fill_between(
            days[shown], runs.min(0), runs.max(0), color=colour, alpha=0.2, linewidth=0
        )
    week = np.where(at + h >= 336, x[np.maximum(at + h - 336, 0)], np.nan)
    error = np.nan_to_num(np.abs(x[at + h] - week))
    axes[0].plot(
        days[shown], moving(error)[shown], color="0.4", ls="--", label="week ago"
    )
    axes[0].set_ylabel("MAPE, last week")
    axes[0].legend(fontsize=8, frameon=False)
    likelihood = held["perturb", cfg.columns[0]][0]["likelihood"][at]
    axes[1].plot(days[shown], likelihood[shown], color=COLOURS[1], linewidth=0.7)
    axes[1].set(xlabel="days after the change", ylabel="anomaly likelihood")
    for ax in axes:
        ax.axvline(0, color="0.5", linestyle="--", linewidth=1)
    figure.suptitle("weekday pattern altered at day 0 (paper's Fig. 11)")
    ctx.figure("perturbation", figure)


def week(
    ctx: Context,
    cfg: Config,
    data: Any,
    held: dict[tuple[str, str], list[dict[str, Any]]],
) -> None:
    """Show the last week of the plain stream with its forecast."""
    import matplotlib.pyplot as plt

    column, h = cfg.columns[0], cfg.horizon
    n = held["plain", column][0]["prediction"].size
    at = np.arange(max(h, n - 336), n)
    figure, ax = plt.subplots(figsize=(8.5, 3.2), constrained_layout=True)
    plot_forecast(
        data.timestamp[at],
        data.passenger_count[at],
        forecast=held["plain", column][0]["prediction"][at - h],
        label="passengers per half hour",
        ax=ax,
    )
    ax.set_title(f"last week, forecast made {h / 2:g} h before")
    ax.tick_params(axis="x", labelsize=8)
    ctx.figure("week", figure)
