"""How often each entry of an array was not zero, in one byte per entry."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tally"]


class Tally:
    """Counts per entry; bytes are emptied into integers before they overflow.

    Parameters
    ----------
    shape : tuple of int
        Shape of one step, the batch first.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.bytes = np.zeros(shape, np.uint8)
        self.total: NDArray[np.int64] | None = None
        self._added = 0

    def add(self, nonzero: NDArray[np.bool_]) -> None:
        """Count one step."""
        if self._added == 255:
            self._empty()
        self.bytes += nonzero.view(np.uint8)
        self._added += 1

    def _empty(self) -> None:
        if self.total is None:
            self.total = np.zeros(self.bytes.shape, np.int64)
        self.total += self.bytes
        self.bytes[...] = 0
        self._added = 0

    def value(self) -> NDArray[np.int64]:
        """Return the counts, int64, shape (batch, n)."""
        flat = self.bytes.astype(np.int64)
        if self.total is not None:
            flat += self.total
        return flat.reshape(flat.shape[0], -1)
