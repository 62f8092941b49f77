"""Figures of events: cloud in (x, y, t), frames, rate over time, channels."""

from typing import Any

import numpy as np

from neuro.errors import ParameterError
from neuro.events.array import validate
from neuro.events.frames import frames
from neuro.events.summary import event_rate

__all__ = [
    "plot_event_channels",
    "plot_event_cloud",
    "plot_event_frames",
    "plot_event_rate",
]

# blue and orange of Okabe and Ito: told apart by colour-blind readers
_COLOURS = ("#0072B2", "#D55E00")


def _label(p: int, brighter: int | None) -> str:
    if brighter is None:
        return f"p = {p}"
    return f"p = {p} ({'brighter' if p == brighter else 'darker'})"


def plot_event_cloud(
    events: Any,
    sensor_size: tuple[int, int, int],
    *,
    ax: Any = None,
    max_events: int = 6000,
    brighter: int | None = None,
    size: float = 1.5,
) -> Any:
    """Draw events as points in (x, y, t).

    Parameters
    ----------
    events : structured array, shape (n,)
        Events; more than `max_events` are thinned evenly.
    sensor_size : tuple of int
        (W, H, P).
    ax : mpl_toolkits.mplot3d.Axes3D, optional
        Axes with ``projection="3d"``.
    max_events : int
        Most points drawn.
    brighter : int, optional
        Polarity that means a brightness increase (0 on N-MNIST), for the legend.
    size : float
        Size of a point.

    Returns
    -------
    Axes3D
        The axes: time to the right, columns into the page, rows downwards.
    """
    import matplotlib.pyplot as plt

    e = validate(events, sensor_size, allow_empty=True)
    if max_events < 1:
        raise ParameterError(
            f"plot_event_cloud: max_events must be >= 1, got {max_events}"
        )
    if e.size > max_events:
        e = e[np.linspace(0, e.size - 1, max_events).astype(np.int64)]
    if ax is None:
        figure = plt.figure(figsize=(7.5, 4.5))
        ax = figure.add_subplot(projection="3d")
    for p in range(sensor_size[2]):
        part = e[e["p"] == p]
        if part.size == 0:
            continue
        ax.scatter(
            part["t"] / 1e3,
            part["x"],
            part["y"],
            s=size,
            c=_COLOURS[p % 2],
            label=_label(p, brighter),
            linewidths=0,
            depthshade=False,
        )
    ax.set_xlabel("time (ms)", labelpad=12)
    ax.set_ylabel("column (px)")
    ax.set_zlabel("row (px)")
    ax.set_ylim(0, sensor_size[0])
    ax.set_zlim(sensor_size[1], 0)
    ax.set_yticks([0, sensor_size[0] // 2, sensor_size[0]])
    ax.set_box_aspect((2.2, 1, 1))
    ax.view_init(elev=18, azim=-62)
    if e.size:
        ax.legend(markerscale=4, loc="upper left", frameon=False)
    return ax


def plot_event_frames(
    events: Any,
    sensor_size: tuple[int, int, int],
    *,
    bin_us: int,
    n_bins: int,
    axes: Any = None,
    first_us: int = 0,
) -> Any:
    """Draw a row of frames: events of polarity 1 minus events of polarity 0.

    Parameters
    ----------
    events : structured array, shape (n,)
        Events.
    sensor_size : tuple of int
        (W, H, 2).
    bin_us, n_bins : int
        Width and number of the frames.
    axes : sequence of Axes, optional
        One per frame.
    first_us : int
        Start of the first frame.

    Returns
    -------
    ndarray of Axes, shape (n_bins,)
        The axes.
    """
    import matplotlib.pyplot as plt

    e = validate(events, sensor_size, allow_empty=True)
    e = e[e["t"] >= first_us].copy()
    e["t"] -= first_us
    movie = frames(e, sensor_size, bin_us=bin_us, n_bins=n_bins, binary=False)
    signed = movie[:, -1].astype(np.int64)
    if sensor_size[2] > 1:
        signed = signed - movie[:, 0]
    if axes is None:
        _, axes = plt.subplots(1, n_bins, figsize=(1.5 * n_bins, 1.9), squeeze=False)
    axes = np.ravel(axes)
    if axes.size != n_bins:
        raise ParameterError(
            f"plot_event_frames: {n_bins} frames need as many axes, got {axes.size}"
        )
    top = max(1, int(np.abs(signed).max()))
    for k, (ax, frame) in enumerate(zip(axes, signed, strict=True)):
        ax.imshow(frame, cmap="PuOr", vmin=-top, vmax=top, interpolation="nearest")
        start = (first_us + k * bin_us) / 1e3
        ax.set_title(f"{start:g} to {start + bin_us / 1e3:g} ms", fontsize=8)
        ax.set_xticks([])
        ax.set_yticks([])
    return axes


def plot_event_rate(
    recordings: Any,
    *,
    bin_us: int = 5000,
    duration_us: int | None = None,
    ax: Any = None,
    **kwargs: Any,
) -> Any:
    """Draw the rate of events over time; of several recordings, mean and spread.

    Parameters
    ----------
    recordings : event array, or sequence of event arrays
        One or several recordings.
    bin_us : int
        Width of a bin.
    duration_us : int, optional
        End of the axis; default: the last stamp.
    ax : Axes, optional
        Where to draw.
    **kwargs
        For the line (``label``, ``color`` ...).

    Returns
    -------
    Axes
        The axes.
    """
    import matplotlib.pyplot as plt

    single = getattr(getattr(recordings, "dtype", None), "names", None) is not None
    items = [recordings] if single else [recordings[i] for i in range(len(recordings))]
    if not items:
        raise ParameterError("plot_event_rate: expected at least one recording")
    if duration_us is None:
        last = max((int(e["t"][-1]) for e in items if e.size), default=bin_us)
        duration_us = (last // bin_us + 1) * bin_us
    rates = np.stack(
        [event_rate(e, bin_us=bin_us, duration_us=duration_us) for e in items]
    )
    if ax is None:
        _, ax = plt.subplots(figsize=(6, 3), layout="constrained")
    centre = (np.arange(rates.shape[1]) + 0.5) * bin_us / 1e3
    mean = rates.mean(0) / 1e3
    (line,) = ax.plot(centre, mean, **kwargs)
    if len(items) > 1:
        sd = rates.std(0, ddof=1) / 1e3
        ax.fill_between(
            centre,
            np.maximum(0, mean - sd),
            mean + sd,
            color=line.get_color(),
            alpha=0.2,
            linewidth=0,
        )
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("events (thousands per s)")
    ax.set_ylim(bottom=0)
    return ax


def plot_event_channels(
    events: Any, n_channels: int, *, ax: Any = None, **kwargs: Any
) -> Any:
    """Draw the events of a one-dimensional sensor: channel over time.

    Parameters
    ----------
    events : structured array, shape (n,)
        Events; ``x`` is the channel.
    n_channels : int
        Number of channels.
    ax : Axes, optional
        Where to draw.
    **kwargs
        For the points.

    Returns
    -------
    Axes
        The axes.
    """
    import matplotlib.pyplot as plt

    e = validate(events, (n_channels, 1, 128), allow_empty=True)
    if ax is None:
        _, ax = plt.subplots(figsize=(6, 3), layout="constrained")
    style = {"s": 4, "c": _COLOURS[0], "linewidths": 0} | kwargs
    ax.scatter(e["t"] / 1e3, e["x"], **style)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("channel")
    ax.set_ylim(-1, n_channels)
    return ax
