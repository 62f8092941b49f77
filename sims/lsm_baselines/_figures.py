"""Accuracy of trained networks and liquid, and how the first fold trained."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.statistics import summary

from .._runner import Context

__all__ = ["draw"]

_LABELS = {
    "counts": "event\ncounts",
    "counts_3win": "event counts,\n3 windows",
    "liquid": "liquid",
    "srnn_ann": "SRNN,\nlinear",
    "srnn_snn": "SRNN,\nspiking",
    "rnn": "RNN",
}
_COLOURS = {"liquid": "#0072B2", "srnn_ann": "#D55E00", "srnn_snn": "#CC79A7"}


def draw(
    ctx: Context,
    scores: Mapping[str, NDArray[np.float64]],
    training: Mapping[str, Mapping[str, Any]],
    paper: Mapping[str, float],
    *,
    chance: float,
    synthetic: bool,
) -> None:
    """Left: mean and standard error over folds, paper as a dash; right: validation."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10.0, 3.8), width_ratios=(1.5, 1.0)
    )
    for k, (name, values) in enumerate(scores.items()):
        mean, sd, n = summary(values)
        error = 0.0 if sd is None else sd / np.sqrt(n)
        colour = _COLOURS.get(name, "#009E73" if name == "rnn" else "#777777")
        left.bar(k, 100 * mean, yerr=100 * error, color=colour, capsize=3, width=0.7)
        left.annotate(
            f"{100 * mean:.1f}",
            (k, 3),
            ha="center",
            fontsize=8,
            color="white",
        )
        if name in paper and not synthetic:
            left.hlines(100 * paper[name], k - 0.4, k + 0.4, colors="black", lw=1.5)
    left.axhline(100 * chance, color="black", lw=1, ls=":")
    left.set_xticks(range(len(scores)), [_LABELS.get(n, n) for n in scores], fontsize=8)
    left.set(ylabel="accuracy (%)", ylim=(0, 103))
    note = "" if synthetic else "; dash: paper, whole set"
    left.set_title(f"mean and standard error over folds; dotted: chance{note}", size=9)
    for name, row in training.items():
        valid = np.atleast_2d(row["valid"])
        right.plot(
            valid[:, 0],
            100 * valid[:, 1],
            color=_COLOURS.get(name, "#009E73"),
            label=_LABELS[name].replace("\n", " "),
        )
    right.set(xlabel="training step", ylabel="validation accuracy (%)", ylim=(0, 103))
    right.legend(frameon=False, fontsize=8)
    right.set_title("first fold", size=9)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    ctx.figure("accuracy", figure)
