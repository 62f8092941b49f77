"""What the arrays of an analog matrix hold, read back as weights."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .analog import AnalogMatrix

__all__ = ["decoded_variance", "decoded_weights", "mean_magnitude"]

Floats = NDArray[np.float64]


def decoded_weights(matrix: "AnalogMatrix", seconds: float) -> Floats:
    """Weights at a device time, wires and drift compensation included, (post, pre)."""
    analog = matrix.gain(seconds)[:, None] * _array_weights(matrix, seconds)
    return np.asarray(analog + matrix.encoded.offset[:, None])


def mean_magnitude(matrix: "AnalogMatrix", seconds: float, how: str) -> Floats:
    """Mean magnitude of the outputs for single driven rows, over all or per output."""
    axis = 1 if how == "column" else None
    return np.atleast_1d(np.abs(_array_weights(matrix, seconds)).mean(axis))


def decoded_variance(matrix: "AnalogMatrix", seconds: float) -> Floats | None:
    """Variance of each weight in each read; None unless noise is white."""
    if matrix.config.read_mode != "white":
        return None
    out, found = np.zeros(matrix.shape), False
    for row in matrix.tiles:
        for tile in row:
            _, variance = tile.effective(seconds)
            if variance is None:
                continue
            found = True
            for k, f in enumerate(matrix.encoded.factors):
                square = (f[tile.cols] if f.size > 1 else f) ** 2
                part = tile.plane(variance, k).T
                out[tile.cols, tile.rows] += square[:, None] * part
    return out * matrix.gain(seconds)[:, None] ** 2 if found else None


def _array_weights(matrix: "AnalogMatrix", seconds: float) -> Floats:
    """Weights of the arrays alone: no compensation, no digital offset."""
    w = np.zeros(matrix.shape)
    for row in matrix.tiles:
        for tile in row:
            g_eff, _ = tile.effective(seconds)
            for k, f in enumerate(matrix.encoded.factors):
                factor = f[tile.cols] if f.size > 1 else f
                w[tile.cols, tile.rows] += factor[:, None] * tile.plane(g_eff, k).T
    return w
