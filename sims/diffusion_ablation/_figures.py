"""Figures: threshold sweep, solver steps, temporal scales."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro.statistics import summary

from .._runner import Context

__all__ = ["scales", "solver", "thresholds"]

_LABEL = "classifier-feature Fréchet distance (not FID)"


def thresholds(ctx: Context, found: Mapping[float, float]) -> None:
    """Distance to the validation images against the sampling threshold."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
    ax.plot(list(found), list(found.values()), "o-", c="#0072B2")
    ax.axvline(1.0, c="#777777", ls=":", label="trained threshold")
    ax.set(xlabel="threshold in sampling", ylabel=_LABEL, title="validation images")
    ax.legend(fontsize=8)
    ctx.figure("thresholds", figure)


def solver(ctx: Context, found: Mapping[str, Any], steps: list[int]) -> None:
    """Distance against the number of solver steps."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
    for name, label, colour in (
        ("spiking", "spiking", "#0072B2"),
        ("dense", "non-spiking", "#E69F00"),
    ):
        rows = [summary([r["fd"] for r in found[f"{name}_{s}_steps"]]) for s in steps]
        ax.errorbar(steps, [r.mean for r in rows], yerr=[r.sd or 0 for r in rows],
                    fmt="o-", c=colour, capsize=3, label=label)  # fmt: skip
    ax.set(xscale="log", xlabel="solver steps (calls of the denoiser)", ylabel=_LABEL)
    ax.set_xticks(steps, [str(s) for s in steps])
    ax.minorticks_off()
    ax.legend(fontsize=8)
    ctx.figure("solver_steps", figure)


def scales(ctx: Context, found: Mapping[str, Any]) -> None:
    """Learned factor per step, every layer and their mean."""
    import matplotlib.pyplot as plt

    values = np.array(list(found.values()))
    n = np.arange(1, values.shape[1] + 1)
    figure, ax = plt.subplots(figsize=(4.4, 3.2), layout="constrained")
    ax.plot(n, values.T, c="#777777", lw=0.6, alpha=0.6)
    ax.plot(n, values.mean(0), "o-", c="#0072B2", label="mean over layers")
    ax.axhline(1, c="k", lw=0.8, ls=":")
    ax.set(xlabel="step n of the spiking network", ylabel="temporal factor p[n]")
    ax.set_xticks(n)
    ax.legend(fontsize=8)
    ctx.figure("temporal_scales", figure)
