"""Accuracy on real and simulated recordings against the number trained on."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .._runner import Context

__all__ = ["draw"]


def draw(
    ctx: Context,
    n_train: Sequence[int],
    curves: Mapping[str, NDArray[np.float64]],
    n: int,
    *,
    synthetic: bool,
) -> None:
    """Draw mean and range over liquids; `curves` (liquids, points, real/simulated)."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(9.0, 3.8))
    tested = ("stand-in" if synthetic else "real", "simulated, held out")
    for (name, curve), colour in zip(
        curves.items(), ("#777777", "#0072B2"), strict=True
    ):
        label = "event counts" if name == "counts" else f"liquid, {n} neurons"
        for j, style in enumerate(("-", "--")):
            values = 100 * curve[:, :, j]
            ax.fill_between(
                n_train, values.min(0), values.max(0), color=colour, alpha=0.15, lw=0
            )
            ax.plot(
                n_train,
                values.mean(0),
                style,
                color=colour,
                marker="o",
                ms=3,
                label=f"{label}; tested on {tested[j]}",
            )
    ax.axhline(89.11, color="black", lw=1, ls=":")
    ax.annotate(
        "paper, software, 60 000 real",
        (n_train[0], 89.11),
        xytext=(0, 3),
        textcoords="offset points",
        fontsize=8,
    )
    ax.set(
        xscale="log",
        xlabel="simulated recordings trained on",
        ylabel="accuracy (%)",
        title="one window; band: range over liquids",
    )
    ax.title.set_size(9)
    ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    ax.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    ctx.figure("learning-curve", figure)
