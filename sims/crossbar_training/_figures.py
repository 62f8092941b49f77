"""Figure of the experiment."""

from collections.abc import Mapping, Sequence

import numpy as np

from .._runner import Context

__all__ = ["draw"]

_LABELS = {
    "digital": "digital",
    "wires": "wires only",
    "noise_only": "noise and converter",
    "hardware": "all of them",
}
_COLOURS = ("#0072B2", "#E69F00", "#009E73")


def draw(ctx: Context, found: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Accuracy of each kind of training on each kind of hardware, every training."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    place = np.arange(len(_LABELS))
    for k, (kind, scores) in enumerate(found.items()):
        values = 100 * np.array([scores[key] for key in _LABELS])
        where = place + 0.2 * (k - 1)
        name = "trained " + kind.replace("_", " ").replace("noise", "with noise", 1)
        ax.plot(where, values, ".", color=_COLOURS[k], markersize=4, alpha=0.6)
        ax.plot(
            where,
            values.mean(1),
            "_",
            color=_COLOURS[k],
            markersize=18,
            mew=2,
            label=name,
        )
        for x, y, top in zip(where, values.mean(1), values.max(1), strict=True):
            ax.annotate(
                f"{y:.1f}",
                (x, top),
                (0, 4),
                textcoords="offset points",
                ha="center",
                fontsize="x-small",
                color=_COLOURS[k],
            )
    ax.set_xticks(place, list(_LABELS.values()))
    ax.set(ylabel="test accuracy (%)", xlabel="evaluated with")
    ax.set_xlim(-0.5, len(_LABELS) - 0.5)
    ax.grid(axis="y", color="0.92")
    ax.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=3, fontsize="small", frameon=False)
    ctx.figure("training", figure)
