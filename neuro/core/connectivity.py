"""Layouts of synapses: one contract, several layouts.

A layout stores the synapses by presynaptic unit. ``deliver`` is the reference form, for
tests and single steps: it adds the rows of the active units into ``out`` and returns
the number of synapses visited. Drivers call fused kernels of the same layout.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.compiled import kernel
from neuro.errors import ParameterError, ShapeError

__all__ = ["Connectivity", "Csr", "Rows"]


@runtime_checkable
class Connectivity(Protocol):
    """Synapses of one projection, stored by presynaptic unit."""

    n_pre: int
    n_post: int

    @property
    def nbytes(self) -> int:
        """Bytes of synaptic memory."""
        ...

    def deliver(self, active: NDArray[np.int32], out: NDArray[Any]) -> int:
        """Add the rows of `active` into `out`; return the synapses visited.

        Parameters
        ----------
        active : ndarray of int32, shape (n_active,)
            Presynaptic units, each visited as often as listed, in this order.
        out : ndarray, shape (n_post,)
            Accumulator, changed in place.
        """
        ...


@kernel
def _deliver_rows(rows, active, out):  # type: ignore[no-untyped-def]
    for k in range(active.size):
        row = rows[active[k]]
        for j in range(row.size):
            out[j] += row[j]
    return active.size * out.size


@kernel
def _deliver_csr(indptr, indices, weights, active, out):  # type: ignore[no-untyped-def]
    visited = 0
    for k in range(active.size):
        begin, end = indptr[active[k]], indptr[active[k] + 1]
        for s in range(begin, end):
            out[indices[s]] += weights[s]
        visited += end - begin
    return visited


def _check_active(active: NDArray[np.int32], n_pre: int) -> NDArray[np.int32]:
    active = np.ascontiguousarray(active, np.int32)
    if active.size and (active.min() < 0 or active.max() >= n_pre):
        raise ParameterError(
            f"deliver: active units must lie in 0..{n_pre - 1}, "
            f"got {int(active.min())}..{int(active.max())}"
        )
    return active


class Rows:
    """Dense rows, summed whole: liquids, Sparsey, crossbar reads.

    Parameters
    ----------
    w : array_like, shape (n_post, n_pre)
        Weights, ``w[post, pre]``; stored by pre in their own dtype.
    """

    def __init__(self, w: ArrayLike) -> None:
        w = np.asarray(w)
        if w.ndim != 2:
            raise ShapeError(f"Rows: expected w[post, pre], got {w.ndim} dimensions")
        if w.dtype.kind == "f" and not np.isfinite(w).all():
            post, pre = np.argwhere(~np.isfinite(w))[0]
            raise ParameterError(
                f"Rows: w[{post}, {pre}] is {w[post, pre]}; weights must be finite"
            )
        self.rows = np.ascontiguousarray(w.T)
        self.n_post, self.n_pre = w.shape

    @property
    def nbytes(self) -> int:
        """Bytes of synaptic memory."""
        return int(self.rows.nbytes)

    def deliver(self, active: NDArray[np.int32], out: NDArray[Any]) -> int:
        """Add the rows of `active` into `out`; return the synapses visited."""
        return int(_deliver_rows(self.rows, _check_active(active, self.n_pre), out))

    def __repr__(self) -> str:
        return f"Rows({self.n_pre} -> {self.n_post}, {self.rows.dtype})"


class Csr:
    """Compressed sparse rows over presynaptic units: static sparse networks.

    Parameters
    ----------
    n_post : int
        Number of targets.
    indptr : array_like of int, shape (n_pre + 1,)
        Row limits.
    indices : array_like of int, shape (n_synapses,)
        Target of each synapse.
    weights : array_like, shape (n_synapses,)
        Weight of each synapse.
    """

    def __init__(
        self, n_post: int, indptr: ArrayLike, indices: ArrayLike, weights: ArrayLike
    ) -> None:
        self.indptr = np.ascontiguousarray(indptr, np.int64)
        self.indices = np.ascontiguousarray(indices, np.int32)
        self.weights = np.ascontiguousarray(weights)
        self.n_pre, self.n_post = self.indptr.size - 1, int(n_post)
        if self.indices.size != self.weights.size or (
            self.indptr[0] != 0 or self.indptr[-1] != self.indices.size
        ):
            raise ShapeError(
                f"Csr: indptr ends at {self.indptr[-1]}, {self.indices.size} indices, "
                f"{self.weights.size} weights; the three must agree"
            )
        if np.any(np.diff(self.indptr) < 0):
            raise ParameterError("Csr: indptr must not decrease")
        if self.indices.size and (
            self.indices.min() < 0 or self.indices.max() >= self.n_post
        ):
            at = int(np.argmax((self.indices < 0) | (self.indices >= self.n_post)))
            raise ParameterError(
                f"Csr: indices[{at}] = {self.indices[at]}; targets must lie in "
                f"0..{self.n_post - 1}"
            )
        if self.weights.dtype.kind == "f" and not np.isfinite(self.weights).all():
            at = int(np.argmin(np.isfinite(self.weights)))
            raise ParameterError(
                f"Csr: weights[{at}] is {self.weights[at]}; weights must be finite"
            )

    @property
    def nbytes(self) -> int:
        """Bytes of synaptic memory."""
        return int(self.indptr.nbytes + self.indices.nbytes + self.weights.nbytes)

    @classmethod
    def from_pairs(
        cls,
        pre: ArrayLike,
        post: ArrayLike,
        weights: ArrayLike,
        *,
        n_pre: int,
        n_post: int,
    ) -> "Csr":
        """Build from explicit pairs; the order within a row is the given one."""
        pre = np.asarray(pre, np.int64)
        order = np.argsort(pre, kind="stable")
        indptr = np.zeros(n_pre + 1, np.int64)
        np.cumsum(np.bincount(pre, minlength=n_pre), out=indptr[1:])
        return cls(
            n_post,
            indptr,
            np.asarray(post)[order],
            np.broadcast_to(np.asarray(weights), pre.shape)[order],
        )

    def deliver(self, active: NDArray[np.int32], out: NDArray[Any]) -> int:
        """Add the rows of `active` into `out`; return the synapses visited."""
        active = _check_active(active, self.n_pre)
        return int(_deliver_csr(self.indptr, self.indices, self.weights, active, out))

    def __repr__(self) -> str:
        return f"Csr({self.n_pre} -> {self.n_post}, {self.indices.size} synapses)"
