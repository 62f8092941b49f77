"""Figures of resistive arrays: maps, error against size, drift, error budgets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neuro.errors import ShapeError

__all__ = [
    "plot_array_map",
    "plot_conductance_drift",
    "plot_error_against_size",
    "plot_error_budget",
]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^v<>"


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def plot_array_map(
    values: ArrayLike,
    *,
    label: str = "voltage (V)",
    title: str = "",
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Map of one quantity over an array: voltages, currents, conductances.

    Parameters
    ----------
    values : array_like, shape (word lines, bit lines)
        One value per cell or node.
    label : str
        Quantity and unit, beside the colour bar.
    **kwargs
        Of ``imshow``.

    Returns
    -------
    matplotlib.axes.Axes
    """
    a = np.asarray(values, float)
    if a.ndim != 2:
        raise ShapeError(f"plot_array_map: expected a matrix, got shape {a.shape}")
    ax = _axes(ax)
    image = ax.imshow(a, **{"cmap": "viridis", "interpolation": "nearest"} | kwargs)
    ax.figure.colorbar(image, ax=ax, label=label, shrink=0.85)
    ax.set(xlabel="bit line", ylabel="word line", title=title)
    return ax


def plot_error_against_size(
    sizes: ArrayLike,
    errors: Mapping[str, ArrayLike],
    *,
    spread: Mapping[str, ArrayLike] | None = None,
    limit: float | None = None,
    label: str = "relative output error",
    log: bool = True,
    legend: bool = True,
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Error of each wire or device against the size of the array.

    Parameters
    ----------
    sizes : array_like, shape (n,)
        Lines of a square array.
    errors : mapping of str to array_like, shape (n,)
        One curve per entry.
    spread : mapping of str to array_like, optional
        Half-width of an error bar per point; curves then stand a little beside each
        other.
    limit : float, optional
        Horizontal line: the tolerated value.
    log : bool
        Logarithmic values.
    legend : bool
        Name the curves in the axes.
    """
    ax = _axes(ax)
    x = np.asarray(sizes, float)
    for k, (name, values) in enumerate(errors.items()):
        bars = None if spread is None else spread.get(name)
        beside = 1.0 if spread is None else 2 ** (0.08 * (k - (len(errors) - 1) / 2))
        ax.errorbar(
            x * beside,
            np.asarray(values, float),
            yerr=bars,
            label=name,
            color=_COLOURS[k % len(_COLOURS)],
            marker=_MARKERS[k % len(_MARKERS)],
            markersize=4,
            capsize=2,
            **kwargs,
        )
    if limit is not None:
        ax.axhline(limit, color="0.4", linestyle="--", linewidth=1)
    ax.set_xscale("log", base=2)
    ax.set_xticks(x, [f"{int(v)}" for v in x])
    ax.minorticks_off()
    if log:
        ax.set_yscale("log")
    ax.set(xlabel="lines per side", ylabel=label)
    if legend:
        ax.legend(fontsize="small")
    return ax


def plot_conductance_drift(
    times_s: ArrayLike,
    conductances: Mapping[str, ArrayLike],
    *,
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Median and middle 80 % of conductances against time since programming.

    Parameters
    ----------
    times_s : array_like, shape (n,)
        Seconds, > 0.
    conductances : mapping of str to array_like, shape (n, cells)
        Siemens.
    """
    ax = _axes(ax)
    t = np.asarray(times_s, float)
    for k, (name, values) in enumerate(conductances.items()):
        g = 1e6 * np.asarray(values, float).reshape(t.size, -1)
        low, middle, high = np.percentile(g, [10, 50, 90], axis=1)
        colour = _COLOURS[k % len(_COLOURS)]
        ax.plot(t, middle, color=colour, label=name, **kwargs)
        ax.fill_between(t, low, high, color=colour, alpha=0.2, linewidth=0)
    ax.set_xscale("log")
    ax.set(xlabel="time since programming (s)", ylabel="conductance (µS)")
    ax.legend(fontsize="small")
    return ax


def plot_error_budget(
    effects: Mapping[str, Sequence[float] | float],
    *,
    label: str = "rms output error / rms output",
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Bars: each effect alone and all together.

    Parameters
    ----------
    effects : mapping of str to float or (mean, sd, ...)
        As in ``hw.crossbar.ErrorBudget.effects``.
    """
    ax = _axes(ax)
    names = list(effects)
    pairs = [
        (float(np.ravel(v)[0]), float(np.ravel(v)[1] or 0.0) if np.size(v) > 1 else 0.0)
        for v in (
            tuple(0.0 if x is None else x for x in np.atleast_1d(np.array(e, object)))
            for e in effects.values()
        )
    ]
    place = np.arange(len(names))[::-1]
    colours = [_COLOURS[1] if n == "all" else _COLOURS[0] for n in names]
    ax.barh(
        place,
        [p[0] for p in pairs],
        xerr=[p[1] for p in pairs],
        color=colours,
        capsize=2,
        **kwargs,
    )
    ax.set_yticks(place, [n.replace("_", " ") for n in names])
    ax.set(xlabel=label)
    return ax
