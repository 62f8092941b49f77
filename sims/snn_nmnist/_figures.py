"""Figures: accuracies with controls, frames of one recording, firing rates."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.statistics import summary

from .._runner import Context

__all__ = ["accuracy", "frames", "rates"]

_NAMES = {
    "snn_conv": "SNN, convolutional",
    "snn_recurrent": "SNN, recurrent",
    "ann": "ANN of equal size",
    "liquid": "liquid + ridge",
    "transfer": "SNN, trained on\nsimulated recordings",
}


def accuracy(
    ctx: Context, scores: Mapping[str, NDArray[np.float64]], chance: float
) -> None:
    """Mean accuracy and spread over folds."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    for k, (name, values) in enumerate(scores.items()):
        mean, sd, _n = summary(values)
        ax.bar(k, mean, color="#0072B2" if "snn" in name else "#E69F00", width=0.6)
        ax.errorbar(k, mean, yerr=sd or 0, c="k", capsize=4)
        ax.plot(np.full(values.size, k), values, ".", c="#777777", ms=4)
        ax.annotate(f"{mean:.3f}", (k, 0.03), ha="center", c="w", fontsize=9)
    ax.axhline(chance, c="#777777", ls="--", lw=1, label="chance")
    ax.set_xticks(range(len(scores)), [_NAMES.get(n, n) for n in scores], fontsize=8)
    ax.set(ylabel="accuracy", ylim=(0, 1))
    ax.legend(fontsize=8)
    ctx.figure("accuracy", figure)


def frames(ctx: Context, data: Any) -> None:
    """Frames of the first recording, both polarities."""
    import matplotlib.pyplot as plt

    shown = data.frames[0]
    figure, axes = plt.subplots(
        1, len(shown), figsize=(1.2 * len(shown), 1.5), layout="constrained"
    )
    for k, (ax, frame) in enumerate(zip(np.atleast_1d(axes), shown, strict=True)):
        ax.imshow(frame[1].astype(int) - frame[0], cmap="RdBu", vmin=-1, vmax=1)
        ax.set_axis_off()
        ax.set_title(f"{k}", fontsize=8)
    ctx.figure("frames", figure)


def rates(ctx: Context, values: Mapping[str, Mapping[str, float]]) -> None:
    """Firing rates per layer."""
    from neuro.plot.images import plot_rates

    flat = {
        f"{net} {layer.removeprefix('rate/')}": rate
        for net, layers in values.items()
        for layer, rate in layers.items()
    }
    ctx.figure("rates", plot_rates(flat).figure)
