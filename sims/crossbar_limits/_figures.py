"""Figures of the experiment."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.plot.crossbar import plot_array_map, plot_error_against_size

from .._runner import Context

__all__ = ["errors", "losses", "maps"]


def losses(
    ctx: Context,
    sizes: Sequence[int],
    table: Mapping[tuple[str, int], Mapping[str, NDArray[np.float64]]],
    limit: float,
) -> None:
    """Loss against the size of the arrays, one panel per node; bars: standard error."""
    import matplotlib.pyplot as plt

    nodes = sorted({n for _, n in table}, reverse=True)
    figure, axes = plt.subplots(
        2,
        len(nodes),
        figsize=(3.6 * len(nodes) + 0.6, 6.0),
        sharey="row",
        squeeze=False,
        layout="constrained",
    )
    for row, kind in enumerate(("raw", "gain")):
        for ax, node in zip(axes[row], nodes, strict=True):
            found = {t: v[kind] for (t, n), v in table.items() if n == node}
            plot_error_against_size(
                sizes,
                {t.replace("_", " "): 100 * v.mean(1) for t, v in found.items()},
                spread={
                    t.replace("_", " "): 100 * v.std(1, ddof=1) / np.sqrt(v.shape[1])
                    for t, v in found.items()
                    if v.shape[1] > 1
                },
                limit=100 * limit,
                label="loss of accuracy (points)",
                log=False,
                legend=False,
                ax=ax,
            )
            ax.axhline(0.0, color="0.85", linewidth=1, zorder=0)
            title = "as it comes" if kind == "raw" else "mean drive restored"
            ax.set_title(f"{node} nm wires, {title}", fontsize="medium")
            ax.set_xlabel("largest array (lines per side)" if row else "")
            if ax is not axes[row][0]:
                ax.set_ylabel("")
    handles, names = axes[0][0].get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside upper center", ncols=len(names), frameon=False
    )
    ctx.figure("losses", figure)


def errors(ctx: Context, sizes: Sequence[int], found: Mapping[str, Any]) -> None:
    """Column error against size for the nodes of the wire table, both topologies."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, 2, figsize=(8.6, 3.8), sharey=True, layout="constrained"
    )
    for ax, topology in zip(axes, ("driven", "gated"), strict=True):
        plot_error_against_size(
            sizes,
            {
                f"{name.split('_')[0]} nm": values
                for name, values in found.items()
                if name.endswith(topology)
            },
            label="rms column error / rms current",
            legend=topology == "driven",
            ax=ax,
        )
        silent = "at 0 V" if topology == "driven" else "open"
        ax.set_title(f"{topology}: silent rows {silent}", fontsize="medium")
        ax.grid(color="0.92")
    axes[1].set_ylabel("")
    ctx.figure("errors", figure)


def maps(ctx: Context, solution: Any) -> None:
    """Voltages across the cells and along the bit lines of one array."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8.6, 4.0), layout="constrained")
    plot_array_map(
        solution.v_word - solution.v_bit,
        label="voltage across the cell (V)",
        title="drivers left, sense amplifiers below",
        ax=axes[0],
    )
    plot_array_map(
        1e6 * solution.i_device,
        label="current through the cell (µA)",
        title="cells of 1-100 µS",
        ax=axes[1],
        cmap="magma",
    )
    figure.suptitle("22 nm wires, all word lines at 0.2 V", fontsize="medium")
    ctx.figure("maps", figure)
