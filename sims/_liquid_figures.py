"""Figures of the liquid experiments: events, raster, accuracy, energy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.network import Spikes
from neuro.statistics import summary

from ._runner import Context

__all__ = ["accuracy", "energy", "events", "raster"]

_BLUE, _ORANGE, _GREY, _GREEN = "#0072B2", "#E69F00", "#777777", "#009E73"
_RED = "#D55E00"


def events(ctx: Context, recording: NDArray[Any], label: int) -> None:
    """Event cloud of one recording."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(6.4, 4.4))
    ax = figure.add_subplot(projection="3d")
    for polarity, colour in ((0, _BLUE), (1, _ORANGE)):
        e = recording[recording["p"] == polarity]
        ax.scatter(e["t"] / 1000, e["x"], -e["y"], s=0.6, c=colour, linewidths=0)
    ax.set(xlabel="time (ms)", ylabel="x (px)", zlabel="-y (px)")
    ax.set_title(f"one recording of the digit {label}")
    ctx.figure("events", figure)


def raster(ctx: Context, spikes: Spikes, *, n: int, steps: int) -> None:
    """Spikes of the liquid for one recording."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(6.4, 3.2))
    ax.scatter(np.asarray(spikes.times), spikes.indices, s=2, c=_BLUE, linewidths=0)
    ax.set(
        xlabel="frame",
        ylabel="neuron",
        xlim=(0, steps + 1),
        ylim=(-1, n),
        title="liquid, one recording",
    )
    ctx.figure("raster", figure)


def accuracy(
    ctx: Context,
    scores: Mapping[str, NDArray[np.float64]],
    *,
    chance: float,
    windows: int,
    large: int,
) -> None:
    """Accuracy of every variant beside its controls, with standard errors."""
    import matplotlib.pyplot as plt

    names = {
        "counts": ("event counts\n(control)", _GREY),
        "no_recurrence": ("liquid, no\nrecurrence", _ORANGE),
        "liquid": ("liquid", _BLUE),
        "large": (f"liquid, {large}\nneurons", _GREEN),
        "counts_3win": (f"event counts,\n{windows} windows", _GREY),
        "no_recurrence_3win": (f"liquid, no\nrecurrence,\n{windows} windows", _ORANGE),
        "liquid_3win": (f"liquid,\n{windows} windows", _BLUE),
        "large_no_recurrence_3win": (
            f"{large} neurons,\nno recurrence,\n{windows} windows",
            _RED,
        ),
        "large_3win": (f"liquid, {large}\nneurons,\n{windows} windows", _GREEN),
    }
    figure, ax = plt.subplots(figsize=(10.2, 3.8))
    for k, (name, (_, colour)) in enumerate(names.items()):
        mean, sd, n = summary(scores[name])
        error = 0.0 if sd is None else sd / np.sqrt(n)
        ax.bar(k, 100 * mean, yerr=100 * error, color=colour, capsize=3, width=0.7)
        ax.annotate(
            f"{100 * mean:.1f}",
            (k, 100 * (mean + error)),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    ax.axhline(100 * chance, color="black", lw=1, ls=":")
    ax.set_xlim(-0.6, len(names) + 0.1)
    ax.text(len(names) - 0.5, 100 * chance + 1, "chance", fontsize=8)
    ax.set_xticks(range(len(names)), [label for label, _ in names.values()], fontsize=8)
    ax.set(ylabel="accuracy (%)", ylim=(0, 105))
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title("cross-validated accuracy, mean and standard error", fontsize=10)
    ctx.figure("accuracy", figure)


def energy(ctx: Context, reports: Mapping[str, Any]) -> None:
    """Energy per recording under each model, with its range."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(reports), figsize=(4.2 * len(reports), 3.4), squeeze=False
    )
    for ax, (name, report) in zip(axes[0], reports.items(), strict=True):
        report.plot(ax)
        ax.set_title(name)
    figure.tight_layout()
    ctx.figure("energy", figure)
