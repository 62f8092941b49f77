"""In-class and zero-shot retrieval, and zero-shot by pair of test classes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neuro.lsm.retrieval import ClassSplit

from .._runner import Context

__all__ = ["draw"]

_KINDS = {
    "": ("liquids", "#0072B2"),
    "_counts": ("counts", "#777777"),
    "_large": ("large liquids, {w} windows", "#009E73"),
    "_counts_3win": ("counts, {w} windows", "#BBBBBB"),
    "_prototype": ("liquids, prototypical", "#E69F00"),
    "_srnn": ("trained encoders", "#CC79A7"),
}


def draw(
    ctx: Context,
    table: Mapping[str, NDArray[np.float64]],
    chance: Mapping[str, float],
    splits: Sequence[ClassSplit],
    *,
    pairs: str,
    windows: int,
) -> None:
    """Left: means over splits beside the control; right: every choice of classes."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(12.5, 4.2), width_ratios=(1.3, 1.2)
    )
    names = ("in_class", "zero_shot", "zero_shot_reverse", "zero_shot_generalised")
    labels = ("in class", "zero-shot", "zero-shot,\nreverse", "zero-shot,\nall items")
    kinds = [k for k in _KINDS if f"in_class{k}" in table]
    width = 0.8 / len(kinds)
    for i, kind in enumerate(kinds):
        label, colour = _KINDS[kind]
        values = [table[n + kind] for n in names]
        left.bar(
            np.arange(len(names)) + (i - (len(kinds) - 1) / 2) * width,
            [100 * v.mean() for v in values],
            yerr=[
                100 * v.std(ddof=min(1, v.size - 1)) / np.sqrt(v.size) for v in values
            ],
            width=0.9 * width,
            color=colour,
            capsize=2,
            label=label.format(w=windows),
        )
    for k, name in enumerate(names):
        value = chance[name.replace("_reverse", "")]
        left.hlines(100 * value, k - 0.42, k + 0.42, colors="black", ls=":")
    left.set_xticks(range(len(names)), labels)
    left.set(ylabel="top-1 retrieval (%)", ylim=(0, 130), yticks=range(0, 101, 20))
    left.legend(frameon=False, fontsize=7, loc="upper left", ncols=2)
    other = "stills" if pairs == "stills" else "spoken digits"
    left.set_title(
        f"events -> {other}; bars: standard error over splits; dotted: chance",
        fontsize=9,
    )
    order = np.argsort(table["zero_shot"])
    for kind, mark in (("", "o"), ("_counts", "x")):
        label, colour = _KINDS[kind]
        right.plot(
            100 * table[f"zero_shot{kind}"][order],
            mark,
            ms=4,
            color=colour,
            label=label,
        )
    right.axhline(100 * chance["zero_shot"], color="black", ls=":", lw=1)
    right.set_xticks(
        range(len(order)),
        ["/".join(map(str, splits[i].test)) for i in order],
        fontsize=6,
        rotation=90,
    )
    right.set(xlabel="test classes", ylim=(0, 105))
    right.legend(frameon=False, fontsize=7, loc="lower right")
    right.set_title("zero-shot by choice of test classes", fontsize=9)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    ctx.figure("retrieval", figure)
