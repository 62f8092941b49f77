"""How hardware enters a network: sources of weights that change with time.

``hw.crossbar`` implements these protocols; this package never imports ``hw``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["ColumnReader", "WeightBlock", "WeightSource"]


class WeightBlock(NamedTuple):
    """Weights in force for a while.

    Attributes
    ----------
    w : ndarray of float, shape (post, pre)
        Effective weights.
    variance : ndarray of float, shape (post, pre), or None
        Variance that each driven synapse adds to its target in every read, fresh in
        each step (white read noise); None if there is none.
    adc : tuple (lo, hi, codes) or None
        Converter on the summed input of a target: clip to ``lo..hi``, round to one of
        `codes` equidistant values; None for no converter.
    expires : float
        Time until which the block is valid, seconds (steps if dimensionless).
    """

    w: NDArray[Any]
    variance: NDArray[Any] | None = None
    adc: tuple[float, float, int] | None = None
    expires: float = np.inf


@runtime_checkable
class WeightSource(Protocol):
    """Weights that hardware provides, asked for in simulated time."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(post, pre)``."""
        ...

    def block(self, t: float) -> WeightBlock:
        """Return the weights in force at `t`; the same `t` gives the same block."""
        ...

    def settle(self, row_reads: NDArray[np.int64]) -> Mapping[str, float]:
        """Account for the reads since the last block.

        Parameters
        ----------
        row_reads : ndarray of int64, shape (pre,)
            How often each row was driven.

        Returns
        -------
        mapping of str to float
            Physical quantities for ``OpCounts.measure``, e.g. ``array_j``.
        """
        ...


@runtime_checkable
class ColumnReader(WeightSource, Protocol):
    """Circuits whose column currents depend on the pattern: one call per step."""

    def read(self, active: NDArray[np.int32], t: float) -> NDArray[np.float64]:
        """Return the summed input of every target, float64, shape (post,)."""
        ...
