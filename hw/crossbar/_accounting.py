"""What reads of an analog matrix cost: energy in the cells, entries of the ledger."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuro.counts import LayerInfo, OpCounts
from neuro.errors import ShapeError

if TYPE_CHECKING:
    from .analog import AnalogMatrix

__all__ = ["book", "settle"]


def settle(matrix: "AnalogMatrix", row_reads: NDArray[np.int64]) -> Mapping[str, float]:
    """Joules in the cells and row pulses; see :meth:`AnalogMatrix.settle`."""
    reads = np.asarray(row_reads)
    if reads.shape != (matrix.shape[1],):
        raise ShapeError(
            f"AnalogMatrix.settle: row_reads of shape ({matrix.shape[1]},), got "
            f"{reads.shape}"
        )
    c = matrix.config
    seconds = c.start_time if matrix._block is None else matrix._block[0]
    row_g = np.zeros(matrix.shape[1])
    for row in matrix.tiles:
        for tile in row:
            row_g[tile.rows] += tile.cells(seconds).sum(1)
    joules = float(reads @ row_g) * c.v_read**2 * c.t_read
    pulses = float(reads.sum() * len(matrix.col_tiles))
    return {"array_j": joules, "row_pulses": pulses}


def book(
    matrix: "AnalogMatrix",
    counts: OpCounts,
    layer: str,
    row_reads: NDArray[np.int64],
    reads: int,
    *,
    sample: int,
) -> None:
    """Write operations into a ledger; see :meth:`AnalogMatrix.book`."""
    bits = 0 if matrix._adc is None else matrix._adc.bits
    counts.layer(
        layer,
        LayerInfo(
            kind="array",
            in_shape=(matrix.shape[1],),
            out_shape=(matrix.shape[0],),
            weights=matrix.W.size,
            synapses=matrix.W.size,
        ),
    )
    pulses = int(np.sum(row_reads)) * len(matrix.col_tiles)
    arrays = len(matrix.row_tiles) * len(matrix.col_tiles)
    counts.add(layer, "row_drive", pulses, sample=sample)
    counts.add(layer, "array_read", reads * arrays, sample=sample)
    converted = reads * matrix.conversions_per_read
    counts.add(layer, "adc_convert", converted, a_bits=max(bits, 1), sample=sample)
    for quantity, value in settle(matrix, row_reads).items():
        counts.measure(layer, quantity, value)
