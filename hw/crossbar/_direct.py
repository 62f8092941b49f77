"""Sparse direct solution of any array as a netlist: the reference, and the limits.

Nodes joined by a segment of zero resistance are one node, so no infinite conductance is
ever formed. Floating lines have no terminal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from ._lines import Lines

__all__ = ["Netlist"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
GROUND = -1  # terminal at 0 V; terminal of word line i: -2 - i


@dataclass(slots=True)
class _Builder:
    count: int = 0

    def fresh(self, k: int) -> Ints:
        ids = np.arange(self.count, self.count + k)
        self.count += k
        return ids


class Netlist:
    """Assembled and factorised circuit.

    Parameters
    ----------
    planes : sequence of (ndarray (m, n), float)
        Conductances and sign of the drive of each word-line grid: one for a plain
        array, two (+1, -1) for interleaved pairs.
    lines : Lines
        Resistances.
    float_word, float_bit : ndarray of bool, optional
        Lines without any terminal.
    """

    def __init__(
        self,
        planes: list[tuple[Floats, float]],
        lines: Lines,
        float_word: NDArray[np.bool_] | None = None,
        float_bit: NDArray[np.bool_] | None = None,
    ) -> None:
        m, n = planes[0][0].shape
        self.shape = (m, n)
        self.planes = planes
        fw = np.zeros(m, bool) if float_word is None else float_word
        fb = np.zeros(n, bool) if float_bit is None else float_bit
        build = _Builder()
        edges: list[tuple[Ints, Ints, Floats, float]] = []

        def line(
            k: int,
            segments: Floats,
            near: float,
            far: float | None,
            terminal: Ints,
            floating: NDArray[np.bool_],
            sign: float,
        ) -> Ints:
            """Lay out k parallel lines from their near end; node ids (len, k)."""
            length = segments.size
            ids = np.empty((length, k), np.int64)
            first = segments[0] + near
            own = build.fresh(k)
            ids[0] = own if first > 0 else np.where(floating, own, terminal)
            if first > 0:
                g = np.where(floating, 0.0, 1.0 / first)
                edges.append((ids[0], terminal, g, sign))
            for s in range(1, length):
                if segments[s] > 0:
                    ids[s] = build.fresh(k)
                    g = np.full(k, 1.0 / segments[s])
                    edges.append((ids[s - 1], ids[s], g, sign))
                else:
                    ids[s] = ids[s - 1]
            if far is not None:
                g = np.where(floating, 0.0, 1.0 / (segments[-1] + far))
                edges.append((ids[-1], terminal, g, sign))
            return ids

        ground = np.full(n, GROUND)
        bit_near_last = line(
            n, lines.bit[::-1], lines.sense, lines.sense_far, ground, fb, 1.0
        )
        self.bit = bit_near_last[::-1]  # (m, n)
        sources = -2 - np.arange(m)
        self.word = []
        for g, sign in planes:
            ids = line(m, lines.word, lines.source, lines.source_far, sources, fw, sign)
            self.word.append(np.ascontiguousarray(ids.T))
            edges.append((self.word[-1].ravel(), self.bit.ravel(), g.ravel(), sign))
        self._assemble(build.count, edges)

    def _assemble(
        self, count: int, edges: list[tuple[Ints, Ints, Floats, float]]
    ) -> None:
        rows, cols, vals = [], [], []
        b_rows, b_cols, b_vals = [], [], []
        diagonal = np.zeros(count)
        for a, b, g, sign in edges:
            keep = g > 0
            x, y, w = a[keep], b[keep], g[keep]
            for p, q in ((x, y), (y, x)):
                inner = p >= 0
                np.add.at(diagonal, p[inner], w[inner])
                both = inner & (q >= 0)
                rows.append(p[both])
                cols.append(q[both])
                vals.append(-w[both])
                tied = inner & (q <= -2)
                b_rows.append(p[tied])
                b_cols.append(-2 - q[tied])
                b_vals.append(sign * w[tied])
        off = sparse.coo_matrix(
            (np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols))),
            shape=(count, count),
        ).tocsr()
        # parts that touch no terminal carry no current: pin them at 0 V
        parts, label = connected_components(off, directed=False)
        tie = diagonal + np.asarray(off.sum(1)).ravel()
        held = np.zeros(parts)
        np.add.at(held, label, np.maximum(tie, 0.0))
        scale = np.zeros(parts)
        np.maximum.at(scale, label, diagonal)
        loose = held[label] <= 1e-15 * np.maximum(scale[label], 1e-300)
        pin = np.zeros(count)
        if loose.any():
            first = np.unique(label[loose], return_index=True)[1]
            nodes = np.flatnonzero(loose)[first]
            pin[nodes] = np.maximum(diagonal[nodes], 1.0)
        self._matrix = (off + sparse.diags(diagonal + pin)).tocsc()
        self._drive = sparse.coo_matrix(
            (np.concatenate(b_vals), (np.concatenate(b_rows), np.concatenate(b_cols))),
            shape=(count, self.shape[0]),
        ).tocsr()
        self._lu = (
            splu(
                self._matrix,
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )
            if count
            else None
        )

    def voltages(self, v: Floats) -> tuple[list[Floats], Floats, float]:
        """Solve.

        Parameters
        ----------
        v : ndarray of float64, shape (batch, m)

        Returns
        -------
        word : list of ndarray, shape (batch, m, n)
            One per plane.
        bit : ndarray, shape (batch, m, n)
        residual : float
            Largest ``|A x - b| / max|b|``.
        """
        batch = v.shape[0]
        residual = 0.0
        if self._lu is not None:
            b = np.asarray(self._drive @ v.T)
            x = self._lu.solve(b)
            x += self._lu.solve(b - self._matrix @ x)
            scale = np.abs(b).max() if b.size else 0.0
            if scale > 0:
                residual = float(np.abs(b - self._matrix @ x).max() / scale)
        else:
            x = np.zeros((0, batch))

        def at(ids: Ints, sign: float) -> Floats:
            table = np.concatenate([x.T, np.zeros((batch, 1)), sign * v], axis=1)
            index = np.where(ids >= 0, ids, x.shape[0] - 1 - ids)
            return np.asarray(table[:, index])

        words = [at(ids, s) for ids, (_, s) in zip(self.word, self.planes, strict=True)]
        return words, at(self.bit, 1.0), residual
