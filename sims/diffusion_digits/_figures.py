"""Figures: samples, the reverse process, scores with floors and ceilings, rates."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro.plot.images import plot_image_grid, plot_rates, plot_reverse_strip
from neuro.statistics import summary

from .._config import Config
from .._images import Calibration, Splits
from .._runner import Context

__all__ = ["rates", "samples", "strip", "table"]

_LABELS = {
    "spiking": "spiking",
    "dense": "non-spiking, equal steps",
    "dense_equal_time": "non-spiking, equal time",
    "spiking_raw": "spiking, weights not averaged",
    "dense_raw": "non-spiking, not averaged",
}


def samples(ctx: Context, pictures: Mapping[str, Any], data: Splits) -> None:
    """Grids of generated images from the same noise, and of real ones."""
    import matplotlib.pyplot as plt

    names = [k for k in pictures if not k.endswith("_raw")]
    figure, axes = plt.subplots(
        1, len(names) + 1, figsize=(3.2 * (len(names) + 1), 3.4), layout="constrained"
    )
    for ax, name in zip(axes, names, strict=False):
        plot_image_grid(pictures[name]["images"][:64], ax=ax, columns=8,
                        title=_LABELS.get(name, name))  # fmt: skip
    plot_image_grid(data.test[0][:64], ax=axes[-1], columns=8, title="real (test)")
    ctx.figure("samples", figure)


def strip(ctx: Context, picture: Any, cfg: Config) -> None:
    """Show how the first images emerge from noise."""
    import matplotlib.pyplot as plt

    from neuro.diffusion import Schedule, timesteps

    path = picture["path"]
    times = timesteps(Schedule(), cfg.solver_steps, cfg.solver)
    at = np.linspace(0, cfg.solver_steps - 1, len(path)).round().astype(int)
    figure, ax = plt.subplots(figsize=(0.62 * len(path), 5), layout="constrained")
    plot_reverse_strip(path, ax=ax, labels=[str(times[k]) for k in at],
                       title="image predicted by the spiking network")  # fmt: skip
    ctx.figure("reverse", figure)


def table(ctx: Context, found: Mapping[str, Any], calibration: Calibration) -> None:
    """Fréchet distance of every network between its floor and its ceilings."""
    import matplotlib.pyplot as plt

    c = calibration
    figure, (ax, side) = plt.subplots(1, 2, figsize=(9.5, 3.2), layout="constrained")
    names = list(found)
    for k, name in enumerate(names):
        mean, sd, _n = summary([r["fd"] for r in found[name]])
        ax.errorbar(mean, k, xerr=sd or 0, fmt="o", c="#0072B2", capsize=3)
        ax.annotate(f"{mean:.2f}", (mean, k), xytext=(0, 6), fontsize=8,
                    textcoords="offset points", ha="center")  # fmt: skip
    for value, label, colour in (
        (c.floor, "real against real", "#009E73"),
        (c.pixels, "independent pixels", "#E69F00"),
        (c.noise, "noise", "#777777"),
    ):
        ax.axvline(value, c=colour, ls="--", lw=1, label=f"{label}: {value:.2f}")
    ax.set(xscale="log", xlabel="classifier-feature Fréchet distance (not FID)")
    ax.set_yticks(range(len(names)), [_LABELS.get(n, n) for n in names], fontsize=8)
    ax.set_ylim(-0.6, len(names) - 0.2)
    ax.legend(fontsize=7, loc="upper center", ncols=3, bbox_to_anchor=(0.5, 1.16))
    shown = ("precision", "recall", "density", "coverage", "confident_share")
    width = 0.8 / len(names)
    for k, name in enumerate(names):
        values = [summary([r[s] for r in found[name]]).mean for s in shown]
        side.bar(np.arange(len(shown)) + k * width, values, width,
                 label=_LABELS.get(name, name))  # fmt: skip
    at = np.arange(len(shown)) + 0.4 - width / 2
    side.set_xticks(at, [s.replace("_", "\n") for s in shown], fontsize=8)
    side.set_ylabel("share")
    side.legend(fontsize=7)
    ctx.figure("scores", figure)


def rates(ctx: Context, values: Mapping[str, float]) -> None:
    """Firing rates per layer of the calls on the event core."""
    ctx.figure("rates", plot_rates(dict(values), title="spiking U-Net").figure)
