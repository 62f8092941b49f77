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
                square = _of(f, tile.cols) ** 2
                part = tile.plane(variance, k).T
                out[tile.cols, tile.rows] += square[:, None] * part
            if matrix.encoded.dummy is not None:
                factor = _of(matrix.encoded.dummy_factor, tile.cols)
                out[tile.cols, tile.rows] += np.outer(factor**2, tile.dummy(variance))
    return out * matrix.gain(seconds)[:, None] ** 2 if found else None


def _of(factor: Floats, cols: slice) -> Floats:
    """Factors of the outputs `cols`, shape (1,) or (outputs,)."""
    return factor[cols] if factor.size > 1 else factor


def _array_weights(matrix: "AnalogMatrix", seconds: float) -> Floats:
    """Weights of the arrays alone: no compensation, no digital offset."""
    w = np.zeros(matrix.shape)
    for row in matrix.tiles:
        for tile in row:
            g_eff, _ = tile.effective(seconds)
            for k, f in enumerate(matrix.encoded.factors):
                factor = _of(f, tile.cols)[:, None]
                w[tile.cols, tile.rows] += factor * tile.plane(g_eff, k).T
            if matrix.encoded.dummy is not None:
                factor = _of(matrix.encoded.dummy_factor, tile.cols)
                w[tile.cols, tile.rows] += np.outer(factor, tile.dummy(g_eff))
    return w
