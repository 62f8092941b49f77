"""Dense rows of binary weights, one byte each, summed in eight-bit lanes.

A row holds the outgoing weights of one source. Summing the rows of ``n`` active sources
costs ``n * n_post`` byte additions, whatever the rows hold: the time does not depend on
how many weights are set. Up to 255 rows are added in bytes before the partial sum is
widened, so that one vector instruction adds 16 to 64 synapses and the kernel runs at
the speed of the memory that holds the rows.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.compiled import kernel
from neuro.core.connectivity import _check_active
from neuro.errors import ParameterError, ShapeError

__all__ = ["MAX_BYTE_ROWS", "BinaryRows", "add_binary_rows", "sum_byte_rows"]


MAX_BYTE_ROWS = 252  # 255 fit a byte; a multiple of 4


@kernel
def sum_byte_rows(rows, active, begin, end, out):  # type: ignore[no-untyped-def]
    """Set `out` to the sum of the rows ``active[begin:end]``, at most 252 of them.

    Parameters
    ----------
    rows : ndarray of uint8, shape (n_pre, n_post)
        Weights, 0 or 1.
    active : ndarray of int32
        Rows.
    begin, end : int
        Entries of `active` that count.
    out : ndarray of uint8, shape (n_post,)
        Sum, overwritten.
    """
    size = out.size
    k = begin
    if end - begin >= 4:
        a, b = rows[active[k]], rows[active[k + 1]]
        c, d = rows[active[k + 2]], rows[active[k + 3]]
        for j in range(size):
            out[j] = a[j] + b[j] + c[j] + d[j]
        k += 4
    else:
        for j in range(size):
            out[j] = 0
    while k + 4 <= end:
        a, b = rows[active[k]], rows[active[k + 1]]
        c, d = rows[active[k + 2]], rows[active[k + 3]]
        for j in range(size):
            out[j] += a[j] + b[j] + c[j] + d[j]
        k += 4
    while k < end:
        a = rows[active[k]]
        for j in range(size):
            out[j] += a[j]
        k += 1


@kernel
def add_binary_rows(rows, active, n_active, partial, out):  # type: ignore[no-untyped-def]
    """Add the first `n_active` listed rows into `out`.

    Parameters
    ----------
    rows : ndarray of uint8, shape (n_pre, n_post)
        Weights, 0 or 1.
    active : ndarray of int32
        Rows to add; the first `n_active` entries count.
    n_active : int
        Number of rows.
    partial : ndarray of uint8, shape (n_post,)
        Scratch.
    out : ndarray, shape (n_post,)
        Accumulator, changed in place.
    """
    begin = 0
    while begin < n_active:
        end = min(n_active, begin + MAX_BYTE_ROWS)
        sum_byte_rows(rows, active, begin, end, partial)
        for j in range(out.size):
            out[j] += partial[j]
        begin = end


class BinaryRows:
    """Binary weights as dense byte rows: Sparsey's matrices.

    Parameters
    ----------
    w : array_like, shape (n_post, n_pre)
        Weights ``w[post, pre]``, 0 or 1; stored by pre, uint8.

    Raises
    ------
    ParameterError
        If a weight is neither 0 nor 1.

    Examples
    --------
    >>> import numpy as np
    >>> out = np.zeros(2, np.int32)
    >>> BinaryRows([[1, 1, 0], [0, 1, 1]]).deliver(np.array([0, 1], np.int32), out)
    4
    >>> out
    array([2, 1], dtype=int32)
    """

    def __init__(self, w: ArrayLike) -> None:
        w = np.asarray(w)
        if w.ndim != 2:
            raise ShapeError(
                f"BinaryRows: expected w[post, pre], got {w.ndim} dimensions"
            )
        if not np.isin(w, (0, 1)).all():
            raise ParameterError(
                "BinaryRows: weights must be 0 or 1; use Rows for other values"
            )
        self.rows = np.ascontiguousarray(w.T, np.uint8)
        self.n_post, self.n_pre = w.shape

    @property
    def nbytes(self) -> int:
        """Bytes of synaptic memory."""
        return int(self.rows.nbytes)

    def deliver(self, active: NDArray[np.int32], out: NDArray[Any]) -> int:
        """Add the rows of `active` into `out`; return the synapses visited."""
        active = _check_active(active, self.n_pre)
        partial = np.empty(self.n_post, np.uint8)
        add_binary_rows(self.rows, active, active.size, partial, out)
        return int(active.size * self.n_post)

    def __repr__(self) -> str:
        return f"BinaryRows({self.n_pre} -> {self.n_post})"
