r"""Class read-outs on the codes of one or more levels.

``binary``
    The paper's: one unit per class, a binary weight from every unit that was ever on
    with that class; the class of largest sum wins. Saturates with many samples.
``loglik``
    Naive Bayes on the same codes: counts, ``log P(unit | class)`` with additive
    smoothing, summed over the active units.
``episodic``
    The label of the stored item whose code intersects most: :class:`EpisodicReadout`.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.core import Csr
from neuro.errors import ParameterError, ShapeError
from neuro.sparsey._kernels import label_counts, label_sums

__all__ = ["EpisodicReadout", "LabelField"]

Codes = NDArray[np.int16]


def _as_parts(codes: Codes | Sequence[Codes]) -> list[Codes]:
    return [codes] if isinstance(codes, np.ndarray) else list(codes)


class LabelField:
    """One unit per class, connected from all units of the chosen levels.

    Parameters
    ----------
    n_classes : int
        Classes, numbered from 0.
    shapes : sequence of (n_macs, n_cms, n_units)
        Sizes of the levels that are read.
    smoothing : float
        Additive smoothing of ``loglik``.
    """

    def __init__(
        self,
        n_classes: int,
        shapes: Sequence[tuple[int, int, int]],
        *,
        smoothing: float = 0.05,
    ) -> None:
        if n_classes < 2:
            raise ParameterError(
                f"LabelField.n_classes: expected >= 2, got {n_classes}"
            )
        if smoothing <= 0:
            raise ParameterError(f"LabelField.smoothing: expected > 0, got {smoothing}")
        self.n_classes, self.smoothing = n_classes, smoothing
        self.shapes = tuple(shapes)
        sizes = [m * q * k for m, q, k in self.shapes]
        self._offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self.unit_counts = np.zeros((int(self._offsets[-1]), n_classes), np.int32)

    def _check(self, codes: Codes | Sequence[Codes]) -> list[Codes]:
        parts = _as_parts(codes)
        if len(parts) != len(self.shapes):
            raise ShapeError(
                f"LabelField: expected codes of {len(self.shapes)} levels, "
                f"got {len(parts)}"
            )
        for part, (m, q, _k) in zip(parts, self.shapes, strict=True):
            if part.ndim != 3 or part.shape[1:] != (m, q):
                raise ShapeError(
                    f"LabelField: expected codes (n, {m}, {q}), got {part.shape}"
                )
        return parts

    def learn(self, codes: Codes | Sequence[Codes], labels: ArrayLike) -> None:
        """Connect the active units with the label units that are on.

        Parameters
        ----------
        codes : ndarray (n, n_macs, n_cms), or one per level
            Codes.
        labels : array_like of int, shape (n,)
            Classes.
        """
        parts = self._check(codes)
        y = np.ascontiguousarray(labels, np.int64)
        if y.size and (y.min() < 0 or y.max() >= self.n_classes):
            raise ParameterError(
                f"LabelField: labels must lie in 0..{self.n_classes - 1}, "
                f"got {y.min()}..{y.max()}"
            )
        for part, shape, at in zip(parts, self.shapes, self._offsets, strict=False):
            if len(part) != y.size:
                raise ShapeError(f"LabelField: {len(part)} codes for {y.size} labels")
            label_counts(part, y, int(at), shape[2], self.unit_counts)

    def weights(
        self, kind: Literal["binary", "loglik"] = "binary"
    ) -> NDArray[np.float32]:
        """Return the evidence of every unit for every class, (n_units, n_classes)."""
        if kind == "binary":
            return (self.unit_counts > 0).astype(np.float32)
        if kind != "loglik":
            raise ParameterError(
                f"LabelField: read-out must be 'binary' or 'loglik', got {kind!r}"
            )
        out = np.empty(self.unit_counts.shape, np.float32)
        for (_m, _q, k), a, b in zip(
            self.shapes, self._offsets[:-1], self._offsets[1:], strict=True
        ):
            n = self.unit_counts[a:b].reshape(-1, k, self.n_classes)
            total = n.sum(1, keepdims=True) + self.smoothing * k
            out[a:b] = np.log((n + self.smoothing) / total).reshape(b - a, -1)
        return out

    def evidence(
        self,
        codes: Codes | Sequence[Codes],
        kind: Literal["binary", "loglik"] = "binary",
    ) -> NDArray[np.float64]:
        """Return the summed evidence, shape (n, n_classes)."""
        parts = self._check(codes)
        table = self.weights(kind)
        out = np.zeros((len(parts[0]), self.n_classes))
        for part, shape, at in zip(parts, self.shapes, self._offsets, strict=False):
            label_sums(part, int(at), shape[2], table, out)
        return out

    def predict(
        self,
        codes: Codes | Sequence[Codes],
        kind: Literal["binary", "loglik"] = "binary",
    ) -> NDArray[np.int64]:
        """Return the class of largest evidence, shape (n,)."""
        return np.asarray(self.evidence(codes, kind).argmax(1))


class EpisodicReadout:
    """Label of the stored item whose code intersects most with the active code.

    Parameters
    ----------
    codes : ndarray (n, n_macs, n_cms), or one per level
        Codes of the stored items.
    labels : array_like, shape (n,)
        Their labels.
    shapes : sequence of (n_macs, n_cms, n_units)
        Sizes of the levels.

    Notes
    -----
    An index from unit to items (the ``Csr`` layout of the core) makes the cost the
    number of shared active units, not of stored items times code length.
    """

    def __init__(
        self,
        codes: Codes | Sequence[Codes],
        labels: ArrayLike,
        shapes: Sequence[tuple[int, int, int]],
    ) -> None:
        self.shapes = tuple(shapes)
        self.labels = np.asarray(labels)
        item, unit = self._active(codes)
        n_units = sum(m * q * k for m, q, k in self.shapes)
        self._index = Csr.from_pairs(
            unit, item, np.ones(1, np.int32), n_pre=n_units, n_post=self.labels.size
        )

    def _active(
        self, codes: Codes | Sequence[Codes]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Pairs (item, unit) of the active units, sorted by item."""
        items, units, offset = [], [], 0
        for part, (m, q, k) in zip(_as_parts(codes), self.shapes, strict=True):
            flat = part.reshape(len(part), m * q)
            where = np.nonzero(flat >= 0)
            items.append(where[0])
            units.append(offset + where[1] * k + flat[where])
            offset += m * q * k
        item, unit = np.concatenate(items), np.concatenate(units)
        order = np.argsort(item, kind="stable")
        return item[order], unit[order].astype(np.int32)

    def intersections(self, codes: Codes | Sequence[Codes]) -> NDArray[np.int32]:
        """Return the units shared with every stored item, shape (n, n_stored)."""
        n = len(_as_parts(codes)[0])
        out = np.zeros((n, self.labels.size), np.int32)
        item, unit = self._active(codes)
        edges = np.searchsorted(item, np.arange(n + 1))
        for i in range(n):
            self._index.deliver(unit[edges[i] : edges[i + 1]], out[i])
        return out

    def nearest(
        self, codes: Codes | Sequence[Codes], *, chunk: int = 500
    ) -> NDArray[np.int64]:
        """Return the stored item of largest intersection, shape (n,)."""
        parts = _as_parts(codes)
        found = [
            self.intersections([p[i : i + chunk] for p in parts]).argmax(1)
            for i in range(0, len(parts[0]), chunk)
        ]
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def predict(self, codes: Codes | Sequence[Codes]) -> NDArray[Any]:
        """Return the label of the nearest stored item, shape (n,)."""
        return np.asarray(self.labels[self.nearest(codes)])
