"""One panel per effect, accuracy against its level; and drift against the age."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._runner import Context

__all__ = ["draw_drift", "draw_effects"]

_LABELS = {
    "programming_noise": "programming noise (relative SD)",
    "read_noise": "read noise (relative SD)",
    "read_noise_additive": "read noise (uS per pair)",
    "stuck_on": "cells stuck on (share)",
    "stuck_off": "cells stuck off (share)",
    "p_unformed": "unformed cells (share)",
    "wire_resistance": "wire, ohm per cell",
    "drift": "drift exponent, after a year",
    "adc_bits": "converter bits",
    "event_loss": "events lost (share)",
    "event_noise": "events added (share)",
}
_LINES = (
    ("same", "#0072B2", "-o", "read-out trained on this array"),
    ("same_gain", "#009E73", "-s", "trained on this array, gain restored"),
    ("transfer", "#E69F00", "--o", "trained on the ideal array"),
    ("transfer_gain", "#CC79A7", "--s", "trained on the ideal array, gain restored"),
)
Points = Sequence[tuple[float, Mapping[str, NDArray[np.float64]]]]


def _lines(ax: Any, points: Points) -> None:
    """Draw means and standard deviations over arrays."""
    for key, colour, style, label in _LINES:
        if key in points[0][1]:
            values = [100 * runs[key] for _, runs in points]
            ax.errorbar(
                [level for level, _ in points],
                [v.mean() for v in values],
                yerr=[v.std(ddof=min(1, v.size - 1)) for v in values],
                fmt=style,
                ms=4,
                capsize=2,
                color=colour,
                label=label,
            )
    ax.spines[["top", "right"]].set_visible(False)


def draw_effects(
    ctx: Context, curves: Mapping[str, Points], *, ideal: float, chance: float
) -> None:
    """Draw all effects, one panel each."""
    import matplotlib.pyplot as plt

    columns = 4
    rows = -(-(len(curves) + 1) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(3.1 * columns, 2.6 * rows), sharey=True, squeeze=False
    )
    for ax in axes.flat[len(curves) :]:
        ax.set_axis_off()
    for ax, (effect, points) in zip(axes.flat, curves.items(), strict=False):
        _lines(ax, points)
        ax.axhline(100 * ideal, color="#777777", lw=1, ls="--", label="ideal arrays")
        ax.axhline(100 * chance, color="black", lw=1, ls=":", label="chance")
        ax.set_xlabel(_LABELS.get(effect, effect), fontsize=8)
        ax.tick_params(labelsize=7)
    for ax in axes[:, 0]:
        ax.set_ylabel("accuracy (%)", fontsize=8)
    handles = {
        label: handle
        for ax in axes.flat[: len(curves)]
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    axes.flat[len(curves)].legend(
        handles.values(), handles.keys(), fontsize=8, frameon=False, loc="center left"
    )
    arrays = next(iter(curves.values()))[0][1]["same"].size
    figure.suptitle(f"mean and standard deviation, arrays: {arrays}", fontsize=9)
    figure.tight_layout()
    ctx.figure("effects", figure)


def draw_drift(
    ctx: Context, ages: Points, nu: float, *, ideal: NDArray[np.float64], chance: float
) -> None:
    """Draw accuracy against seconds since programming."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(9.0, 3.8))
    _lines(ax, ages)
    ax.axhline(100 * ideal.mean(), color="#777777", lw=1, ls="--", label="fresh arrays")
    ax.axhline(100 * chance, color="black", lw=1, ls=":", label="chance")
    ax.set_xscale("log")
    marks = [(60, "minute"), (3600, "hour"), (86400, "day"), (2.63e6, "month")]
    marks += [(3.156e7, "year")]
    ax.set_xticks([t for t, _ in marks], [name for _, name in marks])
    ax.minorticks_off()
    ax.set(
        xlabel="time since programming",
        ylabel="accuracy (%)",
        ylim=(0, 100),
        title=f"drift exponent {nu:g} +- {nu / 2:g} per cell; mean and SD, "
        f"arrays: {ideal.size}",
    )
    ax.title.set_size(9)
    ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    ctx.figure("drift", figure)
