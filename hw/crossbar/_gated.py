"""Gated 1T1R arrays: gates select rows, columns decouple into ladders.

Per column a source line, fed at row 0 with the read voltage, runs beside the bit line,
which is sensed after the last row. A silent row is open. Each ladder is a chain of
2 x 2 blocks, solved directly; for currents alone the segments between two active rows
are in series, so that the cost is that of the active rows.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError

from . import _kernels
from ._lines import Lines
from ._threads import spread

__all__ = ["GatedArray"]

Floats = NDArray[np.float64]


class GatedArray:
    """Solver of one gated array.

    Parameters
    ----------
    g : ndarray, shape (m, n)
        Cells, siemens.
    lines : Lines
        ``word`` holds the source line's segments, shape (m,).
    tol : float
        Handed to the iterative solver in the limits that use it.
    """

    def __init__(self, g: Floats, lines: Lines, tol: float) -> None:
        self.g, self.lines, self.tol = g, lines, tol

    def _pattern(self, v: Floats) -> tuple[NDArray[np.uint8], Floats]:
        """Return gates (batch, m) and the read voltage of each input."""
        v_read = v.max(1)
        on = v != 0
        if ((v != v_read[:, None]) & on).any() or (v < 0).any():
            raise ParameterError(
                "Crossbar: inputs of a gated array are gates: every entry is 0 or the "
                "one read voltage; analog values come by pulse width or bit by bit"
            )
        return on.astype(np.uint8), v_read

    def voltages(self, v: Floats) -> tuple[Floats, Floats, Floats]:
        """Return source-line and bit-line voltages and cell currents (batch, m, n)."""
        gates, v_read = self._pattern(v)
        m, n = self.g.shape
        batch = v.shape[0]
        s, w = np.empty((2, batch, m, n))
        for k in range(batch):
            self._one(gates[k], float(v_read[k]), s[k], w[k])
        device = self.g * (s - w) * gates[:, :, None]
        return s, w, device

    def currents(self, v: Floats, *, threads: int = 1) -> Floats:
        """Return sense currents (batch, n)."""
        gates, v_read = self._pattern(v)
        m, n = self.g.shape
        out = np.empty((v.shape[0], n))

        def solve(patterns: Sequence[int]) -> None:
            s, w = np.empty((2, m, n))
            for k in patterns:
                if self.lines.regular:
                    rows = np.flatnonzero(gates[k])
                    self._active_rows(rows, float(v_read[k]), s, w, out[k])
                else:
                    out[k] = self._one(gates[k], float(v_read[k]), s, w)

        spread(solve, range(v.shape[0]), threads, self.g.size)
        return out

    def _active_rows(
        self,
        rows: NDArray[np.int64],
        v_read: float,
        s: Floats,
        w: Floats,
        out: Floats,
    ) -> None:
        """Write the currents of one pattern; silent rows are segments in series."""
        k = rows.size
        if k == 0:
            out[:] = 0.0
            return
        word, bit = self.lines.word.copy(), self.lines.bit.copy()
        word[0] += self.lines.source
        bit[-1] += self.lines.sense
        gs, gb = np.zeros((2, k + 1))
        # from the feed to the first active row, then from each to the next
        starts = np.concatenate([[0], rows[:-1] + 1])
        gs[:-1] = 1.0 / np.add.reduceat(word[: rows[-1] + 1], starts)
        gb[1:] = 1.0 / np.add.reduceat(bit, rows)
        on = np.ones(k, np.uint8)
        _kernels.gated_ladders(self.g[rows], gs, gb, on, v_read, s[:k], w[:k], out)

    def _one(
        self, gate: NDArray[np.uint8], v_read: float, s: Floats, w: Floats
    ) -> Floats:
        lines = self.lines
        if lines.regular:
            out = np.empty(self.g.shape[1])
            gs, gb = self._segments()
            _kernels.gated_ladders(self.g, gs, gb, gate, v_read, s, w, out)
            return out
        open_g = self.g * gate[:, None]
        if lines.word_zero and lines.bit_zero:
            s[:], w[:] = v_read, 0.0
        else:
            self._dense(open_g, v_read, s, w)
        return np.asarray((open_g * (s - w)).sum(0))

    def _segments(self) -> tuple[Floats, Floats]:
        m = self.g.shape[0]
        gs, gb = np.zeros((2, m + 1))
        gs[0] = 1.0 / (self.lines.word[0] + self.lines.source)
        gs[1:-1] = 1.0 / self.lines.word[1:]
        gb[1:-1] = 1.0 / self.lines.bit[:-1]
        gb[-1] = 1.0 / (self.lines.bit[-1] + self.lines.sense)
        return gs, gb

    def _dense(self, g: Floats, v_read: float, s: Floats, w: Floats) -> None:
        """Ladders with short-circuited segments: merged nodes, dense, per column."""
        m, n = g.shape

        def chain(segments: Floats, near: float) -> tuple[list[int], list[float]]:
            """Node number of each place from the near end (0: the terminal)."""
            ids, ties, node = [], [], 0
            for k, r in enumerate(segments):
                r = r + near if k == 0 else r
                if r > 0:
                    node += 1
                    ties.append(1.0 / r)
                ids.append(node)
            return ids, ties

        s_ids, s_ties = chain(self.lines.word, self.lines.source)
        w_ids, w_ties = chain(self.lines.bit[::-1], self.lines.sense)
        w_ids = w_ids[::-1]
        ns, nw = len(s_ties), len(w_ties)
        base = np.zeros((ns + 1 + nw + 1,) * 2)

        def tie(a: np.ndarray, p: int, q: int, value: float) -> None:
            a[p, p] += value
            a[q, q] += value
            a[p, q] -= value
            a[q, p] -= value

        off = ns + 1
        for k, value in enumerate(s_ties):
            tie(base, k, k + 1, value)
        for k, value in enumerate(w_ties):
            tie(base, off + k, off + k + 1, value)
        fixed = [0, off]
        free = [k for k in range(base.shape[0]) if k not in fixed]
        for j in range(n):
            a = base.copy()
            for i in range(m):
                if g[i, j] > 0:
                    tie(a, s_ids[i], off + w_ids[i], g[i, j])
            x = np.zeros(base.shape[0])
            x[0] = v_read
            rhs = -a[np.ix_(free, fixed)] @ x[fixed]
            x[free] = np.linalg.solve(a[np.ix_(free, free)], rhs)
            s[:, j] = x[s_ids]
            w[:, j] = x[[off + k for k in w_ids]]
