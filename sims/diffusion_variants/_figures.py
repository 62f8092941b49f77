"""Figures: a sheet of samples per variant, the error against the diffusion time."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuro.plot.images import plot_image_grid

from .._images import Splits
from .._runner import Context

__all__ = ["errors", "samples"]


def samples(ctx: Context, found: Mapping[str, Any], data: Splits) -> None:
    """The first generated images of every variant, real ones beside them."""
    import matplotlib.pyplot as plt

    sets = {**found, "validation images": data.valid[0]}
    columns = 4
    rows = -(-len(sets) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(10, 2.7 * rows), layout="constrained", squeeze=False
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (name, images) in zip(axes.flat, sets.items(), strict=False):
        plot_image_grid(images[:36], ax=ax, columns=6, title=name.replace("_", " "))
    ctx.figure("samples", figure)


def errors(
    ctx: Context, found: Mapping[str, Any], ranges: tuple[tuple[int, int], ...]
) -> None:
    """Mean square error of the predicted noise by range of the diffusion time."""
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    colours = plt.get_cmap("tab20")
    at = np.arange(len(ranges))
    for n, (name, values) in enumerate(found.items()):
        ax.plot(at, values, "o-", c=colours(n), label=name.replace("_", " "), ms=4)
    ax.set_xticks(at, [f"{a}-{b}" for a, b in ranges])
    ax.set(
        yscale="log", xlabel="diffusion step t", ylabel="error of the predicted noise"
    )
    ax.legend(fontsize=6, ncols=2)
    ctx.figure("errors", figure)
