"""Accuracy against joules, one point per system and energy model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._runner import Context

__all__ = ["trade_off"]

_MARKERS = "osD^vP"


def trade_off(
    ctx: Context,
    rows: Mapping[str, Mapping[str, Any]],
    models: Sequence[str],
    chance: float,
) -> None:
    """Draw accuracy (spread over folds) against energy (range of the constants)."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(models), figsize=(4.6 * len(models), 3.8), sharey=True, squeeze=False
    )
    for ax, model in zip(axes[0], models, strict=True):
        for k, (name, row) in enumerate(rows.items()):
            mean, sd = np.mean(row["accuracy"]), np.std(row["accuracy"], ddof=1)
            shown = {model: f"C{k}"}
            if "cim" in row["energy"]:
                shown["cim"] = "none"
            for m, face in shown.items():
                value, low, high = (1e9 * e for e in row["energy"][m])
                ax.errorbar(
                    value, mean, yerr=sd, xerr=[[value - low], [high - value]],
                    marker=_MARKERS[k % len(_MARKERS)], color=f"C{k}", mfc=face,
                    ls="none", lw=1, capsize=2,
                    label=name if m == model else f"{name} on an analogue array",
                )  # fmt: skip
        ax.set_xscale("log")
        ax.set_xlabel(f"energy per recording, {model} (nJ)")
    axes[0][0].set_ylabel(f"accuracy, mean and s.d. over folds\n(chance: {chance:.2f})")
    axes[0][-1].legend(
        fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False
    )
    figure.tight_layout()
    ctx.figure("systems", figure)
