"""Figures of Sparsey: codes and intersections, likelihoods, recall, capacity."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "plot_capacity",
    "plot_code_intersections",
    "plot_codes",
    "plot_likelihoods",
    "plot_recall_matrix",
    "plot_strips",
]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots()[1]


def plot_codes(
    codes: ArrayLike, n_units: int, *, ax: Any = None, reference: int | None = None
) -> Any:
    """Draw codes as one column of units per module, one panel row per code.

    Parameters
    ----------
    codes : array_like of int, shape (n_codes, n_cms)
        Winner of each module.
    n_units : int
        K.
    reference : int, optional
        Units shared with this code are drawn dark, others light.
    """
    ax = _axes(ax)
    held = np.asarray(codes)
    n, q = held.shape
    gap = 2
    for i, code in enumerate(held):
        base = (n - 1 - i) * (n_units + gap)
        ax.add_patch(_frame(q, n_units, base))
        for cm, unit in enumerate(code):
            if unit < 0:
                continue
            same = reference is None or held[reference, cm] == unit
            ax.plot(
                cm + 0.5, base + unit + 0.5, "s", ms=4,
                color=_COLOURS[0] if same else "0.7",
            )  # fmt: skip
    ax.set_xlim(-0.5, q + 0.5)
    ax.set_ylim(-1, n * (n_units + gap))
    ax.set_yticks([(n - 1 - i) * (n_units + gap) + n_units / 2 for i in range(n)])
    ax.set_yticklabels([str(i) for i in range(n)])
    ax.set_xlabel("competitive module")
    ax.set_ylabel(f"code (each {n_units} units high)")
    return ax


def _frame(q: int, k: int, base: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((0, base), q, k, fill=False, color="0.6", lw=0.6)


def plot_code_intersections(
    codes: ArrayLike, *, ax: Any = None, labels: Any = None
) -> Any:
    """Draw the intersection of every pair of codes as a share of Q.

    Parameters
    ----------
    codes : array_like of int, shape (n_codes, Q)
        Winner of every competitive module.
    ax : Axes, optional
        Where to draw.
    labels : sequence of str, optional
        Names of the codes.
    """
    ax = _axes(ax)
    held = np.asarray(codes)
    share = (held[:, None] == held[None]).mean(2)
    image = ax.imshow(share, vmin=0, vmax=1, cmap="viridis")
    ax.figure.colorbar(image, ax=ax, label="intersection / Q")
    ticks = range(len(held))
    ax.set_xticks(ticks, labels if labels is not None else ticks)
    ax.set_yticks(ticks, labels if labels is not None else ticks)
    ax.set_xlabel("code")
    ax.set_ylabel("code")
    return ax


def plot_likelihoods(
    likelihoods: Mapping[str, ArrayLike],
    *,
    ax: Any = None,
    overlap: ArrayLike | None = None,
    chance: float | None = None,
) -> Any:
    """Draw the likelihood of every stored item, one group of bars per item.

    Parameters
    ----------
    likelihoods : mapping of name to array_like, shape (n_draws, n_items)
        Share of each stored code in the active code.
    overlap : array_like, shape (n_items,), optional
        Input overlap of each item with the probe, 0..1.
    chance : float, optional
        Level of unrelated codes, 1/K.
    """
    ax = _axes(ax)
    width = 0.8 / len(likelihoods)
    n = 0
    for i, (name, values) in enumerate(likelihoods.items()):
        x = np.atleast_2d(np.asarray(values, float))
        n = x.shape[1]
        at = np.arange(n) + (i - (len(likelihoods) - 1) / 2) * width
        sd = x.std(0, ddof=1) if len(x) > 1 else None
        ax.bar(
            at, x.mean(0), width, yerr=sd, color=_COLOURS[i], label=name, ecolor="0.4"
        )
    if overlap is not None:
        ax.plot(np.arange(n), overlap, "k_", ms=18, label="input overlap")
    if chance is not None:
        ax.axhline(chance, color="0.5", ls=":", label="chance 1/K")
    ax.set_xticks(range(n))
    ax.set_xlabel("stored item")
    ax.set_ylabel("share of the stored code that is active")
    ax.legend(frameon=False)
    return ax


def plot_strips(
    strips: Mapping[str, ArrayLike], *, ax: Any = None, shape: tuple[int, int]
) -> Any:
    """Draw sequences of binary images as rows of one picture.

    Parameters
    ----------
    strips : mapping of name to array_like, shape (n_frames, n_pixels)
        One row each.
    shape : (int, int)
        Height and width of a frame.
    """
    ax = _axes(ax)
    height, width = shape
    rows = []
    for frames in strips.values():
        x = np.asarray(frames, float).reshape(-1, height, width)
        rows.append(np.concatenate([np.pad(f, 1, constant_values=0.35) for f in x], 1))
    longest = max(r.shape[1] for r in rows)
    full = [
        np.pad(r, ((0, 0), (0, longest - r.shape[1])), constant_values=1.0)
        for r in rows
    ]
    ax.imshow(np.concatenate(full), cmap="gray_r", vmin=0, vmax=1, aspect="equal")
    ax.set_yticks([(i + 0.5) * (height + 2) for i in range(len(rows))], list(strips))
    ax.set_xticks(
        [(i + 0.5) * (width + 2) for i in range(longest // (width + 2))],
        range(longest // (width + 2)),
    )
    ax.set_xlabel("frame")
    return ax


def plot_capacity(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    ax: Any = None,
    threshold: float = 0.97,
    xlabel: str = "items stored",
    styles: Mapping[str, Mapping[str, Any]] | None = None,
) -> Any:
    """Draw unit accuracy of everything stored against how much was stored.

    Parameters
    ----------
    curves : mapping of name to (n, accuracy)
        `accuracy` has shape (len(n),) or (n_seeds, len(n)).
    threshold : float
        Criterion, drawn as a line.
    styles : mapping of name to line properties, optional
        Colour and style of single curves.
    """
    ax = _axes(ax)
    for i, (name, (n, accuracy)) in enumerate(curves.items()):
        x, y = np.asarray(n), np.atleast_2d(np.asarray(accuracy, float))
        style = {"color": _COLOURS[i % len(_COLOURS)]} | dict(
            (styles or {}).get(name, {})
        )
        colour = style["color"]
        ax.plot(x, y.mean(0), label=name, **style)
        if len(y) > 1:
            sd = y.std(0, ddof=1)
            ax.fill_between(
                x, y.mean(0) - sd, y.mean(0) + sd, color=colour, alpha=0.2, lw=0
            )
    ax.axhline(threshold, color="0.5", ls=":")
    ax.set_ylim(0, 1.03)
    ax.set_xlabel(xlabel)
    ax.set_ylabel("unit accuracy of all stored")
    ax.legend(frameon=False, fontsize="small")
    return ax


def plot_recall_matrix(accuracy: ArrayLike, *, ax: Any = None, step: int = 1) -> Any:
    """Draw accuracy of item block i after block j was stored; NaN above.

    Parameters
    ----------
    accuracy : array_like, shape (n, n)
        Shares in 0..1, NaN where nothing was asked.
    ax : Axes, optional
        Where to draw.
    step : int
        Items of one block.
    """
    ax = _axes(ax)
    held = np.asarray(accuracy, float)
    edge = len(held) * step
    image = ax.imshow(
        held, vmin=0, vmax=1, cmap="viridis", origin="lower", extent=(0, edge, 0, edge)
    )
    ax.figure.colorbar(image, ax=ax, label="unit accuracy")
    ax.set_xlabel("items stored so far")
    ax.set_ylabel("item")
    return ax
