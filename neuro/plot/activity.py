"""Activity of networks: rasters, population rates, state variables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["plot_raster", "plot_rates", "plot_state"]

# Okabe & Ito: told apart by colour-blind readers
_COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
    "#999999",
)  # fmt: skip


def _axes(ax: Any) -> Any:
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    return ax


def plot_raster(
    result: Any,
    *,
    ax: Any = None,
    populations: Sequence[str] | None = None,
    window: tuple[float, float] | None = None,
    share: float = 1.0,
    **kwargs: Any,
) -> Any:
    """Plot spikes as dots, populations above one another.

    Parameters
    ----------
    result : Result or mapping of str to Spikes
        Spikes by population, seconds.
    ax : Axes, optional
        Where to plot.
    populations : sequence of str, optional
        Which, from bottom to top; all by default.
    window : tuple of float, optional
        Time range, seconds.
    share : float
        Share of the neurons shown, 0..1 (the first of each population).
    **kwargs
        Handed to ``Axes.plot``.

    Returns
    -------
    Axes
    """
    spikes: Mapping[str, Any] = getattr(result, "spikes", result)
    names = list(spikes if populations is None else populations)
    ax = _axes(ax)
    style = {"marker": ".", "markersize": 1.5, "linestyle": "none", "rasterized": True}
    base, ticks = 0.0, []
    for k, name in enumerate(names):
        s = spikes[name]
        if hasattr(result, "spike_counts"):
            n = result.spike_counts(name).shape[1]
        else:
            n = int(s.indices.max(initial=0)) + 1
        shown = max(1, round(n * share))
        keep = s.indices < shown
        if window is not None:
            keep &= (s.times >= window[0]) & (s.times < window[1])
        ax.plot(
            s.times[keep],
            s.indices[keep] + base,
            **{**style, "color": _COLOURS[k % 8], **kwargs},
        )
        ticks.append(base + shown / 2)
        base += shown
    ax.set_yticks(ticks, names)
    ax.set_ylim(-1, max(base, 1))
    if window is not None:
        ax.set_xlim(*window)
    ax.set_xlabel("time (s)")
    return ax


def plot_rates(
    result: Any,
    *,
    ax: Any = None,
    bin_s: float = 5e-3,
    populations: Sequence[str] | None = None,
    **kwargs: Any,
) -> Any:
    """Plot the mean rate of each population over time.

    Parameters
    ----------
    result : Result
        Of a single run.
    ax : Axes, optional
        Where to plot.
    bin_s : float
        Bin width, seconds.
    populations : sequence of str, optional
        Which; all by default.
    **kwargs
        Handed to ``Axes.stairs``.

    Returns
    -------
    Axes
    """
    ax = _axes(ax)
    names = list(result.spikes if populations is None else populations)
    first = min((s.times[0] for s in result.spikes.values() if s.times.size), default=0)
    # a spike is stamped at the end of its step: bins include their right edge
    late = 1e-6 * bin_s
    start = np.floor((first - late) / bin_s) * bin_s
    stop = max((s.times[-1] for s in result.spikes.values() if s.times.size), default=0)
    n_bins = max(1, int(np.ceil((stop - late - start) / bin_s)))
    edges = start + bin_s * np.arange(n_bins + 1)
    for k, name in enumerate(names):
        n = max(result.spike_counts(name).shape[1], 1)
        count, _ = np.histogram(result.spikes[name].times - late, edges)
        ax.stairs(
            count / n / bin_s,
            edges,
            **{"color": _COLOURS[k % 8], "label": name, **kwargs},
        )
    ax.set_xlabel("time (s)")
    ax.set_ylabel("rate (Hz)")
    if len(names) > 1:
        ax.legend(frameon=False, fontsize="small")
    return ax


def plot_state(
    trace: Any, *, ax: Any = None, label: str = "", unit: str = "", **kwargs: Any
) -> Any:
    """Plot a recorded state variable, one line per neuron.

    Parameters
    ----------
    trace : Trace
        ``result.traces["population.variable"]`` of a single run.
    ax : Axes, optional
        Where to plot.
    label, unit : str
        Name and unit of the variable.
    **kwargs
        Handed to ``Axes.plot``.

    Returns
    -------
    Axes
    """
    ax = _axes(ax)
    for k, index in enumerate(trace.indices):
        ax.plot(
            trace.times,
            trace.values[:, k],
            **{"color": _COLOURS[k % 8], "linewidth": 0.9, "label": f"{index}"}
            | kwargs,
        )
    ax.locator_params(axis="x", nbins=6)
    ax.set_xlabel("time (s)")
    ax.set_ylabel(f"{label or 'state'}{f' ({unit})' if unit else ''}")
    if 1 < len(trace.indices) <= 8:
        ax.legend(title="neuron", frameon=False, fontsize="small")
    return ax
