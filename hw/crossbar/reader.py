"""Other faces of an analog matrix: transposed products, reads of whole patterns."""

from collections.abc import Mapping as MappingType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.network import WeightBlock

if TYPE_CHECKING:
    from .analog import AnalogMatrix

__all__ = ["AnalogReader", "TransposedMatrix"]

Floats = NDArray[np.float64]


class TransposedMatrix:
    """Transposed view: drives outputs, reads inputs; ideal converters."""

    def __init__(self, matrix: "AnalogMatrix") -> None:
        self._matrix = matrix

    @property
    def shape(self) -> tuple[int, int]:
        """``(pre, post)``."""
        return self._matrix.shape[::-1]

    def __matmul__(self, y: ArrayLike) -> Floats:
        m = self._matrix
        steps = m.time / m.config.seconds_per_step
        return np.asarray(m.effective_weights(steps).T @ np.asarray(y, np.float64))


class AnalogReader:
    """A ``ColumnReader``: one call per step, for patterns that do not superpose.

    Parameters
    ----------
    matrix : AnalogMatrix
    """

    def __init__(self, matrix: "AnalogMatrix") -> None:
        self.matrix = matrix

    @property
    def shape(self) -> tuple[int, int]:
        """``(post, pre)``."""
        return self.matrix.shape

    def block(self, t: float) -> WeightBlock:
        """Return the weights in force; variance and converter act in :meth:`read`."""
        held = self.matrix.block(t)
        return WeightBlock(held.w, None, None, held.expires)

    def settle(self, row_reads: NDArray[np.int64]) -> MappingType[str, float]:
        """As :meth:`AnalogMatrix.settle`."""
        return self.matrix.settle(row_reads)

    def read(self, active: NDArray[np.int32], t: float) -> Floats:
        """Return the summed input of every target for the active rows."""
        if np.size(active) == 0:
            return np.zeros(self.shape[0])
        return self.matrix.spike_read(np.asarray(active, np.int64), t)
