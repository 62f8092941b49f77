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
    """Accuracy of each kind of training on each kind of hardware."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    place = np.arange(len(_LABELS))
    for k, (kind, scores) in enumerate(found.items()):
        means = [100 * float(np.mean(scores[key])) for key in _LABELS]
        spread = [
            100 * float(np.std(scores[key], ddof=1)) if len(scores[key]) > 1 else 0.0
            for key in _LABELS
        ]
        ax.bar(
            place + 0.27 * (k - 1),
            means,
            0.25,
            yerr=spread,
            capsize=2,
            color=_COLOURS[k],
            label="trained " + kind.replace("_", " ").replace("noise", "with noise", 1),
        )
    ax.set_xticks(place, list(_LABELS.values()))
    ax.set(ylabel="test accuracy (%)", xlabel="evaluated with")
    low = min(float(np.mean(v)) for s in found.values() for v in s.values())
    ax.set_ylim(max(0.0, 100 * low - 8), 101)
    ax.legend(fontsize="small", loc="lower left")
    ctx.figure("training", figure)
