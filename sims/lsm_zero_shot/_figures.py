"""In-class and zero-shot retrieval, and zero-shot by pair of test classes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neuro.lsm.retrieval import ClassSplit

from .._runner import Context

__all__ = ["draw"]


def draw(
    ctx: Context,
    table: Mapping[str, NDArray[np.float64]],
    chance: Mapping[str, float],
    splits: Sequence[ClassSplit],
) -> None:
    """Left: means over splits beside the control; right: every choice of classes."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10.5, 3.8), width_ratios=(1.0, 1.2)
    )
    names = ("in_class", "zero_shot", "zero_shot_generalised")
    labels = ("in class", "zero-shot", "zero-shot,\nall items")
    for shift, kind, colour, label in (
        (-0.27, "", "#0072B2", "two liquids, contrastive"),
        (0.0, "_prototype", "#E69F00", "two liquids, prototypical"),
        (0.27, "_counts", "#777777", "event counts and pixels"),
    ):
        x = np.arange(len(names)) + shift
        values = [table[n + kind] for n in names]
        left.bar(
            x,
            [100 * v.mean() for v in values],
            yerr=[100 * v.std(ddof=1) / np.sqrt(v.size) for v in values],
            width=0.25,
            color=colour,
            capsize=3,
            label=label,
        )
    for k, name in enumerate(names):
        left.hlines(100 * chance[name], k - 0.4, k + 0.4, colors="black", ls=":")
    left.set_xticks(range(len(names)), labels)
    left.set(ylabel="top-1 retrieval (%)", ylim=(0, 118))
    left.legend(frameon=False, fontsize=7, loc="upper left")
    left.set_title("events -> stills; dotted: chance", fontsize=9)
    order = np.argsort(table["zero_shot"])
    right.plot(100 * table["zero_shot"][order], "o", ms=4, color="#0072B2")
    right.plot(100 * table["zero_shot_counts"][order], "x", ms=4, color="#777777")
    right.axhline(100 * chance["zero_shot"], color="black", ls=":", lw=1)
    right.set_xticks(
        range(len(order)),
        ["/".join(map(str, splits[i].test)) for i in order],
        fontsize=6,
        rotation=90,
    )
    right.set(xlabel="test classes", ylim=(0, 105))
    right.set_title("zero-shot by choice of test classes (liquids: dots)", fontsize=9)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    ctx.figure("retrieval", figure)
