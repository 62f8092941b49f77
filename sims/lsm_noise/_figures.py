"""One panel per effect: accuracy against its level."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .._runner import Context

__all__ = ["draw"]

_LABELS = {
    "programming_noise": "programming noise (relative SD)",
    "read_noise": "read noise (relative SD)",
    "stuck_on": "cells stuck on (share)",
    "stuck_off": "cells stuck off (share)",
    "p_unformed": "unformed cells (share)",
    "drift": "drift exponent, after a year",
    "adc_bits": "converter bits",
    "event_loss": "events lost (share)",
}


def draw(
    ctx: Context,
    curves: Mapping[str, Sequence[tuple[float, Mapping[str, NDArray[np.float64]]]]],
    *,
    ideal: float,
    chance: float,
) -> None:
    """Draw all effects; error bars are standard deviations over programmed copies."""
    import matplotlib.pyplot as plt

    columns = 4
    rows = -(-len(curves) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(3.1 * columns, 2.6 * rows), sharey=True, squeeze=False
    )
    for ax in axes.flat[len(curves) :]:
        ax.set_visible(False)
    for ax, (effect, points) in zip(axes.flat, curves.items(), strict=False):
        for key, colour, label in (
            ("same", "#0072B2", "read-out trained on this array"),
            ("transfer", "#E69F00", "trained on the ideal array"),
        ):
            ax.errorbar(
                [level for level, _ in points],
                [100 * runs[key].mean() for _, runs in points],
                yerr=[
                    100 * runs[key].std(ddof=min(1, runs[key].size - 1))
                    for _, runs in points
                ],
                fmt="-o",
                ms=4,
                capsize=2,
                color=colour,
                label=label,
            )
        ax.axhline(100 * ideal, color="#777777", lw=1, ls="--")
        ax.axhline(100 * chance, color="black", lw=1, ls=":")
        ax.set_xlabel(_LABELS.get(effect, effect), fontsize=8)
        ax.tick_params(labelsize=7)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel("accuracy (%)", fontsize=8)
    axes.flat[0].legend(fontsize=6, frameon=False, loc="lower left")
    figure.suptitle("dashed: ideal array, dotted: chance", fontsize=9)
    figure.tight_layout()
    ctx.figure("effects", figure)
