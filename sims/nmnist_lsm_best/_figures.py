"""Accuracy against size, per number of windows, beside the control."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.statistics import summary

from .._runner import Context

__all__ = ["draw"]

_COLOURS = ("#777777", "#0072B2", "#E69F00", "#009E73", "#CC79A7")


def draw(
    ctx: Context, scores: Mapping[Any, NDArray[np.float64]], *, synthetic: bool
) -> None:
    """One panel per input; lines per number of windows, dotted: event counts."""
    import matplotlib.pyplot as plt

    # other memories stand in the record only
    scores = {c: v for c, v in scores.items() if c.reservoir.decay == c.standard_decay}
    inputs = list(dict.fromkeys(c.reservoir.inputs for c in scores))
    windows = list(dict.fromkeys(c.windows for c in scores))
    titles = {
        "crop": "16 x 16, one polarity",
        "full": "34 x 34, both polarities",
        "exact": "16 x 16, one polarity, no frames",
    }
    figure, axes = plt.subplots(
        1, len(inputs), figsize=(4.2 * len(inputs), 3.8), sharey=True, squeeze=False
    )
    for ax, name in zip(axes[0], inputs, strict=True):
        for k, w in enumerate(windows):
            colour = _COLOURS[1 + k % 4]
            for recurrent, style in ((True, "-o"), (False, "--s")):
                cells = [
                    c
                    for c in scores
                    if (c.reservoir.inputs, c.windows) == (name, w)
                    and c.reservoir.n
                    and bool(c.reservoir.recurrence) == recurrent
                ]
                points = [summary(scores[c]) for c in cells]
                ax.errorbar(
                    [c.reservoir.n for c in cells],
                    [100 * p.mean for p in points],
                    yerr=[100 * (p.sd or 0.0) / np.sqrt(p.n) for p in points],
                    fmt=style,
                    color=colour,
                    ms=4,
                    capsize=2,
                    label=f"{w} window{'s' if w > 1 else ''}"
                    f"{'' if recurrent else ', no recurrence'}",
                )
            control = next(
                v
                for c, v in scores.items()
                if (c.reservoir.inputs, c.windows, c.reservoir.n) == (name, w, 0)
            )
            ax.axhline(100 * control.mean(), color=colour, ls=":", lw=1.2)
        sizes = sorted(
            {
                c.reservoir.n
                for c in scores
                if c.reservoir.n and c.reservoir.inputs == name
            }
        )
        ax.set(xscale="log", xlabel="neurons", title=titles.get(name, name))
        ax.minorticks_off()
        ax.set_xticks(sizes, [str(n) for n in sizes])
        ax.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel(
        "accuracy (%), " + ("stand-in" if synthetic else "N-MNIST recordings")
    )
    axes[0][-1].legend(
        fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5)
    )
    figure.suptitle("liquid (lines) against event counts (dotted)", fontsize=10)
    figure.tight_layout()
    ctx.figure("accuracy", figure)
