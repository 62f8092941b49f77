"""Figures of energy reports; matplotlib is imported only here and only when called."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro.errors import ParameterError

from ._rows import COLUMNS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .report import Report

__all__ = ["figure", "plot_breakdown", "plot_budget", "plot_comparison", "plot_rate"]

# Okabe and Ito's palette, safe for colour-blind readers
_COLOURS = {
    "compute": "#0072B2",
    "memory": "#E69F00",
    "neuron": "#009E73",
    "convert": "#CC79A7",
    "static": "#999999",
}

_SHARE = {
    "weights": "most bits in weights",
    "spike levels": "most bits in spike levels",
    "steps": "most bits in steps",
    "even": "no single largest share",
}


def _axes(ax: Any) -> Any:
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(layout="constrained")
    return ax


def _unit(value: float) -> tuple[float, str]:
    for factor, name in (
        (1.0, "J"),
        (1e-3, "mJ"),
        (1e-6, "µJ"),
        (1e-9, "nJ"),
        (1e-12, "pJ"),
    ):
        if value >= factor:
            return factor, name
    return 1e-12, "pJ"


def plot_breakdown(report: "Report", *, ax: "Axes | None" = None) -> "Axes":
    """Stacked bars per layer: compute, memory, neuron, conversion; range as whisker.

    Parameters
    ----------
    report : Report
        What to draw.
    ax : matplotlib.axes.Axes, optional
        Drawn into; a new figure if not given.
    """
    ax = _axes(ax)
    factor, unit = _unit(max((r.high for r in report.layers), default=0.0))
    rows = [r for r in report.layers if r.total > 0] or list(report.layers)
    x = np.arange(len(rows))
    bottom = np.zeros(len(rows))
    for column in COLUMNS:
        height = np.array([r.columns[column] for r in rows]) / factor
        if height.any():
            ax.bar(x, height, 0.65, bottom=bottom, color=_COLOURS[column], label=column)
        bottom += height
    low = bottom - np.array([r.low for r in rows]) / factor
    high = np.array([r.high for r in rows]) / factor - bottom
    ax.errorbar(
        x,
        bottom,
        yerr=np.maximum([low, high], 0),
        fmt="none",
        ecolor="black",
        capsize=3,
        linewidth=1,
    )
    ax.set_xticks(x, [r.layer for r in rows], rotation=30, ha="right")
    ax.set_ylabel(f"energy per inference ({unit})")
    ax.set_title(f"{report.model}, {report.profile}")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_comparison(reports: "Sequence[Report]", *, ax: "Axes | None" = None) -> "Axes":
    """Spiking network beside its equivalent artificial networks, with range bars.

    Parameters
    ----------
    reports : sequence of Report
        One group of bars each.
    ax : matplotlib.axes.Axes, optional
        Drawn into.
    """
    ax = _axes(ax)
    bars: list[tuple[str, float, float, float, str]] = []
    for r in reports:
        bars.append((f"{r.model}\nSNN", r.total, r.low, r.high, "#0072B2"))
        bars += [
            (f"{r.model}\nANN {c.name}", c.total, c.low, c.high, "#999999")
            for c in r.ann
        ]
    x = np.arange(len(bars))
    value, low, high = (np.array([b[k] for b in bars]) for k in (1, 2, 3))
    ax.bar(x, value, 0.65, color=[b[4] for b in bars])
    ax.errorbar(
        x,
        value,
        yerr=np.maximum([value - low, high - value], 0),
        fmt="none",
        ecolor="black",
        capsize=3,
        linewidth=1,
    )
    ax.set_xticks(x, [b[0] for b in bars], fontsize="small")
    if value.size and value.min() > 0:
        ax.set_yscale("log")
    ax.set_ylabel("energy per inference (J)")
    ax.set_title("range: all constants low, all high")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_budget(
    configurations: Sequence[str],
    values: Sequence[Any],
    *,
    ax: "Axes | None" = None,
    ylabel: str = "accuracy",
    control: float | None = None,
) -> "Axes":
    """Accuracy against bit budget, mean and standard deviation, one mark per shape.

    Parameters
    ----------
    configurations : sequence of str
        ``b_w/b_s/T``; the colour says what holds the most bits.
    values : sequence of array_like
        One value per seed.
    ax : matplotlib.axes.Axes, optional
        Drawn into.
    ylabel : str
        Label of the values.
    control : float, optional
        Drawn as a line.
    """
    ax = _axes(ax)
    colours = {
        "weights": "#0072B2",
        "spike levels": "#E69F00",
        "steps": "#009E73",
        "even": "#999999",
    }
    shown: set[str] = set()
    budgets: dict[int, int] = {}
    parsed = []
    for text in configurations:
        w, s, t = (int(p) for p in text.split("/"))
        largest = max(w, s, t)
        kinds = [
            k
            for k, v in zip(
                ("weights", "spike levels", "steps"), (w, s, t), strict=True
            )
            if v == largest
        ]
        parsed.append((w * s * t, kinds[0] if len(kinds) == 1 else "even"))
    same = len({budget for budget, _ in parsed}) == 1
    for k, ((budget, kind), text, sample) in enumerate(
        zip(parsed, configurations, values, strict=True)
    ):
        x = np.asarray(sample, np.float64)
        place = budgets.get(budget, 0)
        budgets[budget] = place + 1
        at = float(k) if same else budget * 1.12**place
        ax.errorbar(
            at,
            x.mean(),
            yerr=x.std(ddof=1) if x.size > 1 else 0.0,
            fmt="o",
            color=colours[kind],
            capsize=3,
            label=None if kind in shown else _SHARE[kind],
        )
        shown.add(kind)
        if not same:
            ax.annotate(
                text,
                (at, x.mean()),
                xytext=(4, 5),
                textcoords="offset points",
                fontsize="x-small",
                rotation=40,
            )
    if control is not None:
        ax.axhline(control, color="black", linestyle=":", linewidth=1, label="control")
    if same and parsed:
        ax.set_xticks(np.arange(len(parsed)), list(configurations))
        ax.set_xlabel(f"weight bits / spike bits / steps, bit budget {parsed[0][0]}")
    else:
        ax.set_xscale("log", base=2)
        ax.set_xlabel("bit budget of a synapse (bits; spread out where equal)")
    ax.set_ylabel(ylabel)
    ax.legend(
        frameon=False,
        fontsize="small",
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16),
        ncol=2,
    )
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def plot_rate(
    rates: Any,
    energies_j: Any,
    ann_j: float,
    breakeven: float,
    *,
    ax: "Axes | None" = None,
) -> "Axes":
    """Energy against firing rate with the line where the ANN breaks even.

    Parameters
    ----------
    rates : array_like, shape (n,)
        Spikes per neuron and step.
    energies_j : array_like, shape (n,)
        J per inference of the spiking network.
    ann_j : float
        J per inference of the ANN.
    breakeven : float
        Rate at which both are equal.
    ax : matplotlib.axes.Axes, optional
        Drawn into.
    """
    ax = _axes(ax)
    ax.plot(rates, energies_j, color="#0072B2", label="spiking network")
    ax.axhline(ann_j, color="#E69F00", label="equivalent ANN")
    if np.isfinite(breakeven) and 0 < breakeven <= 1:
        ax.axvline(breakeven, color="black", linestyle=":", linewidth=1)
        ax.annotate(
            f"break-even {breakeven:.3g}",
            (breakeven, ann_j),
            xytext=(8, -16),  # below the line, right of the crossing
            textcoords="offset points",
        )
    ax.set_xlabel("spikes per neuron and step")
    ax.set_ylabel("energy per inference (J)")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def figure(reports: "Sequence[Report]") -> "Figure":
    """Draw one breakdown per report and the comparison with the ANN.

    Parameters
    ----------
    reports : sequence of Report
        At least one.

    Raises
    ------
    ParameterError
        If there is no report.
    """
    if not reports:
        raise ParameterError("plot: no report given")
    import matplotlib.pyplot as plt

    n = len(reports) + 1
    fig, axes = plt.subplots(1, n, figsize=(4.6 * n, 4.2), layout="constrained")
    for report, ax in zip(reports, axes, strict=False):
        plot_breakdown(report, ax=ax)
    plot_comparison(reports, ax=axes[-1])
    made: Figure = fig
    return made
