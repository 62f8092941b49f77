"""Figures: accuracy by N for both curricula, time constants after training."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._config import Config
from .._runner import Context

__all__ = ["accuracy", "time_constants"]

_COLOURS = {"single": "#E69F00", "multi": "#0072B2"}


def accuracy(ctx: Context, found: Mapping[str, Any], cfg: Config) -> None:
    """Accuracy when each N was trained, and for every N at the end."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(5.6, 3.4), layout="constrained")
    for name, row in found.items():
        n = cfg.first_n + np.arange(len(row["stage_accuracy"]))
        ax.plot(n, row["stage_accuracy"], "o--", c=_COLOURS[name], mfc="w",
                label=f"{name} head, when N was trained")  # fmt: skip
        ax.plot(n, row["accuracy_by_n"], "s-", c=_COLOURS[name],
                label=f"{name} head, at the end")  # fmt: skip
    ax.axhline(cfg.solved, c="#009E73", lw=1, ls=":", label="solved")
    ax.axhline(0.5, c="#777777", lw=1, ls=":", label="chance")
    ax.set(xlabel="N (bits looked back)", ylabel="accuracy", title=f"N-{cfg.task}")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(fontsize=7)
    ctx.figure("accuracy", figure)


def time_constants(ctx: Context, found: Mapping[str, Any], cfg: Config) -> None:
    """Distribution of the trained time constants."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(5.6, 3.0), layout="constrained")
    for name, row in found.items():
        tau = np.sort(row["tau"])
        ax.step(tau, np.arange(1, tau.size + 1) / tau.size, c=_COLOURS[name],
                label=f"{name} head")  # fmt: skip
    ax.axvline(-1 / np.log(cfg.beta), c="#777777", ls="--", lw=1, label="start")
    ax.set(xscale="log", xlabel="time constant (steps)", ylabel="share of neurons")
    ax.legend(fontsize=8)
    ctx.figure("time_constants", figure)
