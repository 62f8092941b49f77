r"""Exact nodal analysis of an array by conjugate gradients on the Schur complement.

With word-line nodes u and bit-line nodes w the circuit's equations are

.. math:: \begin{pmatrix} T_w & -D_G \\ -D_G & T_b \end{pmatrix}
   \begin{pmatrix} u \\ w \end{pmatrix} = \begin{pmatrix} b \\ 0 \end{pmatrix}

with tridiagonal :math:`T_w` (one block per word line) and :math:`T_b` (per bit line).
Eliminating u leaves :math:`S w = D_G T_w^{-1} b`, :math:`S = T_b - D_G T_w^{-1} D_G`,
solved by conjugate gradients preconditioned with :math:`T_b`: one sweep over all word
lines and one over all bit lines per iteration.

The stated residual is :math:`\|r\|_{T_b^{-1}} / \|D_G T_w^{-1} b\|_{T_b^{-1}}` of the
Schur system. Up to 40 iterations it is the recursion's (its drift from the true one is
a few rounding errors); beyond that, and whenever node voltages are asked for, it is
recomputed from the voltages and the iteration restarted until it holds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ConvergenceError

from . import _kernels
from ._threads import spread

__all__ = ["Nodal", "Voltages"]

Floats = NDArray[np.float64]
UNVERIFIED_ITERATIONS = 40
ROUNDS = 12
_EMPTY = np.zeros((0, 0, 8))


class Voltages(NamedTuple):
    """One input's solution: word and bit nodes (m, n), residual, iterations."""

    word: Floats
    bit: Floats
    residual: float
    iterations: int


class Nodal:
    """Factorised array without short-circuited segments.

    Parameters
    ----------
    g : ndarray of float64, shape (m, n)
        Cells, siemens.
    gw, gb : ndarray of float64, shapes (n + 1,), (m + 1,)
        Segment conductances, siemens; ends included.
    tol : float
        On the stated residual.
    cap : int
        Iterations at most.
    """

    def __init__(self, g: Floats, gw: Floats, gb: Floats, tol: float, cap: int) -> None:
        self.g, self.gw, self.gb = g, gw, gb
        self.tol, self.cap = tol, cap
        self._pivots: tuple[Floats, Floats] | None = None
        self._packed: tuple[Floats, ...] | None = None

    def pivots(self) -> tuple[Floats, Floats]:
        """Inverse pivots of word and bit lines, shape (m, n) each, ohms."""
        if self._pivots is None:
            self._pivots = (np.empty_like(self.g), np.empty_like(self.g))
            _kernels.factor(self.g, self.gw, self.gb, *self._pivots)
        return self._pivots

    def _pack(self, a: Floats) -> Floats:
        m, n = a.shape
        blocks = -(-m // 8)
        padded = np.zeros((8 * blocks, n))
        padded[8 * blocks - m :] = a
        return np.ascontiguousarray(padded.reshape(blocks, 8, n).transpose(0, 2, 1))

    def _unpack(self, a: Floats) -> Floats:
        blocks, n, _ = a.shape
        flat = a.transpose(0, 2, 1).reshape(8 * blocks, n)
        return np.ascontiguousarray(flat[8 * blocks - self.g.shape[0] :])

    def _pack_rows(self, a: Floats) -> Floats:
        blocks = -(-a.size // 8)
        padded = np.zeros(8 * blocks)
        padded[8 * blocks - a.size :] = a
        return padded.reshape(blocks, 8)

    def _layout(self) -> tuple[Floats, ...]:
        if self._packed is None:
            m, n = self.g.shape
            parts = [np.empty((-(-m // 8), n, 8)) for _ in range(3)]
            _kernels.factor_packed(self.g, self.gw, self.gb, *parts)
            self._packed = (
                *parts,
                self._pack_rows(self.gb[:-1]),
                self._pack_rows(self.gb[1:]),
            )
        return self._packed

    def _fail(self, residual: float, iterations: int) -> ConvergenceError:
        return ConvergenceError(
            f"Crossbar: residual {residual:.3g} after {iterations} iterations, tol "
            f"{self.tol:g}; raise max_iterations or tol, or use method='direct'"
        )

    def _run_single(
        self, v: Floats, c: Floats | None, keep: bool, cap: int
    ) -> tuple[Floats, Floats, float, int]:
        g, dw, db, above, below = self._layout()
        n = self.g.shape[1]
        vp = self._pack_rows(v)
        z, p, f = np.empty_like(g), np.zeros_like(g), np.empty_like(g)
        w = np.zeros_like(g) if keep else _EMPTY
        cp = self._pack(c) if c is not None else _EMPTY
        flags = np.array([0, keep, c is not None], np.uint8)
        out = np.zeros((2, n))
        info = np.zeros(3)
        for _ in range(ROUNDS):
            before = int(info[2])
            with _kernels.superword():
                _kernels.solve_single(
                    g,
                    dw,
                    db,
                    self.gw,
                    above,
                    below,
                    vp,
                    vp,
                    self.tol,
                    cap - before,
                    flags,
                    z,
                    p,
                    f,
                    w,
                    cp,
                    out,
                    info,
                )
            steps = int(info[2]) - before
            if not keep or (flags[0] and steps == 0) or info[2] >= cap:
                break
            flags[0] = 1
        residual = float(np.sqrt(info[1] / info[0])) if info[0] > 0 else 0.0
        return out, w, residual, int(info[2])

    def voltages(self, v: Floats, c: Floats | None = None) -> Voltages:
        """Solve for one input, residual recomputed from the voltages.

        Parameters
        ----------
        v : ndarray of float64, shape (m,)
            Source voltages.
        c : ndarray of float64, shape (m, n), optional
            Extra current from word line to bit line in each cell, amperes.
        """
        _, w, residual, iterations = self._run_single(v, c, True, self.cap)
        if not residual <= self.tol:
            raise self._fail(residual, iterations)
        bit = self._unpack(w)
        word = np.empty_like(bit)
        extra = np.zeros_like(bit) if c is None else c
        _kernels.word_voltages(
            self.g, self.pivots()[0], self.gw, v, v, bit, extra, word
        )
        return Voltages(word, bit, residual, iterations)

    def _sense(self, bit: Floats) -> Floats:
        return np.asarray(self.gb[-1] * bit[-1] + self.gb[0] * bit[0])

    def current(self, v: Floats, cap: int | None = None) -> tuple[Floats, float, int]:
        """Return sense currents (n,), residual and iterations of one input."""
        limit = min(self.cap, UNVERIFIED_ITERATIONS) if cap is None else cap
        out, _, residual, iterations = self._run_single(v, None, False, limit)
        if residual <= self.tol or cap is not None:
            return out.sum(0), residual, iterations
        found = self.voltages(v)
        return self._sense(found.bit), found.residual, found.iterations

    def _run_many(
        self, v: Floats, keep: bool, cap: int, work: list[Floats]
    ) -> tuple[Floats, Floats, int]:
        m, n = self.g.shape
        while len(work) < 3 + keep:
            work.append(np.zeros((m + 2, n, 8)))
        z, p, f = work[:3]
        w = work[3] if keep else _EMPTY
        p.fill(0.0)
        if keep:
            w.fill(0.0)
        dw, db = self.pivots()
        out = np.zeros((2, n, 8))
        info = np.zeros((3, 8))
        again = False
        for _ in range(ROUNDS):
            before = int(info[2, 0])
            with _kernels.superword():
                _kernels.solve_many(
                    self.g,
                    dw,
                    db,
                    self.gw,
                    self.gb,
                    v,
                    v,
                    self.tol,
                    cap - before,
                    again,
                    keep,
                    z,
                    p,
                    f,
                    w,
                    out,
                    info,
                )
            steps = int(info[2, 0]) - before
            if not keep or (again and steps == 0) or info[2, 0] >= cap:
                break
            again = True
        with np.errstate(invalid="ignore", divide="ignore"):
            residual = np.where(info[0] > 0, np.sqrt(info[1] / info[0]), 0.0)
        if keep:
            return self._sense(w[1:-1]), residual, int(info[2, 0])
        return out.sum(0), residual, int(info[2, 0])

    def _eight(
        self, v: Floats, work: list[Floats], cap: int | None
    ) -> tuple[Floats, float, int]:
        """Solve up to eight inputs (k, m); return (k, n)."""
        k, m = v.shape
        lanes = np.zeros((m, 8))
        lanes[:, :k] = v.T
        limit = min(self.cap, UNVERIFIED_ITERATIONS) if cap is None else cap
        out, residual, iterations = self._run_many(lanes, False, limit, work)
        if cap is None and residual.max() > self.tol:
            out, residual, iterations = self._run_many(lanes, True, self.cap, work)
            if not residual.max() <= self.tol:
                raise self._fail(float(residual.max()), iterations)
        return np.ascontiguousarray(out[:, :k].T), float(residual.max()), iterations

    def currents(
        self, v: Floats, *, threads: int = 1, cap: int | None = None
    ) -> tuple[Floats, float, int]:
        """Solve many inputs.

        Parameters
        ----------
        v : ndarray of float64, shape (batch, m)
            Source voltages.
        threads : int
            Batches of eight solved at the same time; results do not depend on it.
        cap : int, optional
            Stop after so many iterations whatever the residual: approximate mode.

        Returns
        -------
        currents : ndarray of float64, shape (batch, n)
        residual : float
            Largest of all inputs.
        iterations : int
            Largest of all inputs.
        """
        batch = v.shape[0]
        out = np.empty((batch, self.g.shape[1]))
        if batch <= 2:
            singles = [self.current(x, cap) for x in v]
            for i, s in enumerate(singles):
                out[i] = s[0]
            return out, max(s[1] for s in singles), max(s[2] for s in singles)
        self.pivots()  # before any thread asks for them

        def solve(starts: Sequence[int]) -> tuple[float, int]:
            work: list[Floats] = []
            worst, most = 0.0, 0
            for a in starts:
                part = v[a : a + 8]
                out[a : a + 8], r, k = self._eight(part, work, cap)
                worst, most = max(worst, r), max(most, k)
            return worst, most

        parts = spread(solve, range(0, batch, 8), threads, 8 * self.g.size)
        return out, max(p[0] for p in parts), max(p[1] for p in parts)

    def recursion(self) -> Floats:
        """Effective conductance (m, n) by the dense row recursion; no iteration.

        Needs open upper ends of the bit lines.
        """
        from scipy.linalg import cho_factor, cho_solve, solveh_banded

        m, n = self.g.shape
        y = np.zeros((n, n))
        j = np.zeros((n, m))
        drive = np.zeros(n)
        drive[0] += self.gw[0]
        drive[-1] += self.gw[-1]
        band = np.zeros((2, n))
        band[0, 1:] = -self.gw[1:-1]
        eye = np.eye(n)
        for i in range(m):
            d = self.g[i]
            band[1] = self.gw[:-1] + self.gw[1:] + d
            inverse = solveh_banded(band, eye) if n > 1 else 1.0 / band[1:]
            y += np.diag(d) - d[:, None] * inverse * d[None, :]
            j[:, i] = d * (inverse @ drive)
            r = 1.0 / self.gb[i + 1]
            lower = cho_factor(eye + r * (y + y.T) / 2, lower=True)
            both = cho_solve(lower, np.concatenate([y, j[:, : i + 1]], axis=1))
            y = (both[:, :n] + both[:, :n].T) / 2
            j[:, : i + 1] = both[:, n:]
        return np.ascontiguousarray(j.T)
