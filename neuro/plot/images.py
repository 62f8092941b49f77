"""Pictures of generated images and of what a denoiser did."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["plot_image_grid", "plot_rates", "plot_reverse_strip"]


def _tile(images: NDArray[np.floating], columns: int, gap: int = 1) -> NDArray[Any]:
    n, height, width = images.shape
    rows = -(-n // columns)
    sheet = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan
    )
    for k, image in enumerate(images):
        r, c = divmod(k, columns)
        y, x = r * (height + gap), c * (width + gap)
        sheet[y : y + height, x : x + width] = image
    return sheet


def _axes(ax: Any, figsize: tuple[float, float]) -> Any:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1]


def plot_image_grid(
    images: NDArray[np.floating],
    *,
    ax: Any = None,
    columns: int = 10,
    title: str = "",
    **kwargs: Any,
) -> Any:
    """Show images side by side.

    Parameters
    ----------
    images : ndarray of float, shape (n, 1, height, width) or (n, height, width)
        In [-1, 1].
    ax : matplotlib Axes, optional
        Where to draw.
    columns : int
        Images per row.
    title : str
        Of the axes.
    **kwargs
        For ``imshow``.
    """
    flat = np.asarray(images).reshape(-1, *np.shape(images)[-2:])
    ax = _axes(ax, (5, 5 * (-(-len(flat) // columns)) / columns))
    options = {"cmap": "gray", "vmin": -1, "vmax": 1, "interpolation": "nearest"}
    ax.imshow(_tile(flat, columns), **{**options, **kwargs})
    ax.set_axis_off()
    ax.set_title(title, fontsize=9)
    return ax


def plot_reverse_strip(
    path: NDArray[np.floating],
    *,
    ax: Any = None,
    labels: Any = None,
    title: str = "",
) -> Any:
    """Show how images emerge: one row per image, one column per kept solver step.

    Parameters
    ----------
    path : ndarray of float, shape (n_kept, n, 1, height, width)
        Predicted images along the way.
    ax : matplotlib Axes, optional
        Where to draw.
    labels : sequence of str, optional
        Of the columns.
    title : str
        Of the axes.
    """
    p = np.asarray(path)
    kept, n, _c, height, width = p.shape
    ax = _axes(ax, (0.55 * kept, 0.6 * n))
    ax.imshow(
        _tile(p.transpose(1, 0, 2, 3, 4).reshape(-1, height, width), kept),
        cmap="gray", vmin=-1, vmax=1, interpolation="nearest",
    )  # fmt: skip
    ax.set_yticks([])
    if labels is None:
        ax.set_xticks([])
    else:
        ax.set_xticks(np.arange(kept) * (width + 1) + (width - 1) / 2, labels)
        ax.set_xlabel("diffusion step t of the call")
    ax.tick_params(length=0, labelsize=7)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_title(title, fontsize=9)
    return ax


def plot_rates(
    rates: dict[str, float], *, ax: Any = None, title: str = "", **kwargs: Any
) -> Any:
    """Show firing rates per layer as horizontal bars.

    Parameters
    ----------
    rates : dict of str to float
        Spikes per neuron and step.
    ax : matplotlib Axes, optional
        Where to draw.
    title : str
        Of the axes.
    **kwargs
        For ``barh``.
    """
    ax = _axes(ax, (5, 0.24 * len(rates) + 0.8))
    names = list(rates)
    ax.barh(
        np.arange(len(names)), list(rates.values()), **{"color": "#0072B2", **kwargs}
    )
    ax.set_yticks(np.arange(len(names)), names, fontsize=7)
    ax.invert_yaxis()
    ax.set_xlabel("spikes per neuron and step")
    ax.set_title(title, fontsize=9)
    return ax
