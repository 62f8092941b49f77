"""Figures of sweeps: metrics against the setting that was varied."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuro.plot.htm import COLOURS

__all__ = ["plot_sweep"]


def plot_sweep(
    record: Mapping[str, Any],
    *,
    ax: Any = None,
    metrics: Sequence[str] | None = None,
    **kwargs: Any,
) -> Any:
    """Plot mean and standard deviation over seeds against one swept setting.

    Parameters
    ----------
    record : mapping
        The object of ``sweep.json``, with one swept key whose values are numbers.
    ax : matplotlib axes, optional
        Where to draw.
    metrics : sequence of str, optional
        Which; all of the record by default.
    **kwargs
        Handed to ``Axes.errorbar``.

    Returns
    -------
    Axes
        With a logarithmic abscissa where positive values span more than a factor 20.
    """
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    points = record["points"]
    (key,) = points[0]["parameters"]
    names = list(record["metrics"] if metrics is None else metrics)
    for k, name in enumerate(names):
        rows = sorted(
            (p["parameters"][key], m["value"], m["sd"] or 0.0)
            for p in points
            if (m := p["metrics"][name])["n"]
        )
        if not rows:
            continue
        x, mean, sd = np.array(rows, np.float64).T
        unit = next(m["unit"] for p in points if (m := p["metrics"][name])["n"])
        ax.errorbar(
            x,
            mean,
            sd,
            label=f"{name} [{unit}]" if unit else name,
            **{
                "color": COLOURS[k % len(COLOURS)],
                "marker": "o",
                "markersize": 4,
                "capsize": 3,
                **kwargs,
            },
        )
    swept = [p["parameters"][key] for p in points]
    if min(swept) > 0 and max(swept) > 20 * min(swept):
        ax.set_xscale("log")
    elif all(isinstance(v, int) for v in swept):
        ax.xaxis.get_major_locator().set_params(integer=True)
    seeds = len(record["seeds"])
    ax.set_xlabel(key)
    ax.set_ylabel(f"mean and sd over {seeds} seeds" if seeds > 1 else "value, one seed")
    ax.legend(fontsize=8, frameon=False)
    return ax
