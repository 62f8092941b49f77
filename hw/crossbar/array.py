r"""One resistive array with its wires: exact currents, node voltages, derivatives.

Word lines are rows (inputs, m), bit lines columns (outputs, n). The driver sits before
column 0 of each word line, the sense amplifier (0 V) after row m - 1 of each bit line.
Without wire resistance ``I = V @ G``.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError

from .. import _checks
from ._derivatives import perturbation, vjp
from ._direct import Netlist
from ._effective import ROUTES, compute_effective
from ._gated import GatedArray
from ._inputs import cell_planes, voltages
from ._lines import Lines
from ._nodal import Nodal
from ._node_voltages import solve_nodes
from .solution import Solution

__all__ = ["Crossbar"]

Floats = NDArray[np.float64]
TOPOLOGIES = ("driven", "gated", "interleaved")
METHODS = ("auto", "cg", "direct", "effective")


class Crossbar:
    """A crossbar array with wire resistance.

    Parameters
    ----------
    G : array_like, shape (m, n)
        Cell conductances, siemens, >= 0 (0: open). Interleaved: ``(G_plus, G_minus)``.
    r_word, r_bit : float or array_like
        Resistance of one segment, ohms; or one value per segment: before each column
        (n,), after each row (m,). In gated arrays `r_word` is the source line, one
        value or (m,).
    r_source, r_sense : float
        In series with the driver and with the sense amplifier, ohms.
    topology : {"driven", "gated", "interleaved"}
        "driven": inputs are voltages on word lines, a silent line is at 0 V and sinks
        current. "gated": 1T1R, inputs are gates, a silent row is open; source lines run
        along the bit lines. "interleaved": word lines at +V and -V share a bit line.
    r_source_far, r_sense_far : float, optional
        Drive or sense both ends of the lines; None: the far end is open.
    tol : float
        Bound on the stated residual of every solution; the error of the currents stays
        below about twice as much of the largest current.
    max_iterations : int, optional
        Default ``1000 + 20 (m + n)``.
    threads : int
        Blocks of inputs solved at the same time (work of under about a millisecond
        stays in one thread); results do not depend on it.

    Notes
    -----
    The array is linear (except gated ones): :meth:`effective_conductance` gives the
    matrix once, and every further product costs a plain matrix product.
    :meth:`update` replaces the cells and counts :attr:`version` up; what was computed
    from the old cells is dropped.

    Examples
    --------
    >>> xbar = Crossbar([[1e-3, 2e-3], [3e-3, 4e-3]], r_word=1.0, r_bit=1.0)
    >>> xbar.mvm([0.2, 0.1]).round(6)
    array([0.000495, 0.000788])
    """

    __references__ = ("joksas2020",)

    def __init__(
        self,
        G: ArrayLike,
        r_word: ArrayLike = 0.0,
        r_bit: ArrayLike = 0.0,
        r_source: float = 0.0,
        r_sense: float = 0.0,
        topology: str = "driven",
        *,
        r_source_far: float | None = None,
        r_sense_far: float | None = None,
        tol: float = 1e-11,
        max_iterations: int | None = None,
        threads: int = 1,
    ) -> None:
        self.topology = _checks.choice("Crossbar.topology", topology, TOPOLOGIES)
        self.tol = _checks.number("Crossbar.tol", tol, 1e-15, 1.0)
        self.threads = _checks.integer("Crossbar.threads", threads, 1, 1024)
        self.version = 0
        self._set(G)
        m, n = self.shape
        self.max_iterations = (
            1000 + 20 * (m + n)
            if max_iterations is None
            else _checks.integer("Crossbar.max_iterations", max_iterations, 1)
        )
        ends: tuple[float | None, float | None] = (r_source_far, r_sense_far)
        if topology == "gated" and ends != (None, None):
            raise ParameterError("Crossbar: gated arrays are fed and sensed at one end")
        word_shape = (m, m) if topology == "gated" else (m, n)
        self.lines = Lines.make(word_shape, r_word, r_bit, r_source, r_sense, *ends)

    def _set(self, G: ArrayLike) -> None:
        self._planes = cell_planes(G, self.topology)
        self._nodal: Nodal | None = None
        self._netlist: Netlist | None = None
        self._transposed: Crossbar | None = None
        self._effective: Floats | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """``(m, n)``: word lines, bit lines."""
        return (self._planes[0].shape[0], self._planes[0].shape[1])

    @property
    def G(self) -> Any:
        """Cell conductances, read-only (interleaved: the pair)."""
        return self._planes[0] if len(self._planes) == 1 else tuple(self._planes)

    def __repr__(self) -> str:
        m, n = self.shape
        return (
            f"Crossbar({m} x {n}, {self.topology}, r_word={self.lines.word[0]:g}, "
            f"r_bit={self.lines.bit[0]:g} ohm)"
        )

    def with_conductance(self, G: ArrayLike) -> "Crossbar":
        """Return an array with other cells and the same lines."""
        new = Crossbar.__new__(Crossbar)
        new.topology, new.tol, new.threads = self.topology, self.tol, self.threads
        new.lines, new.max_iterations, new.version = self.lines, self.max_iterations, 0
        new._set(G)
        if new.shape != self.shape:
            raise ShapeError(
                f"Crossbar.with_conductance: expected {self.shape}, got {new.shape}"
            )
        return new

    def update(self, G: ArrayLike) -> None:
        """Replace the cells; everything computed from the old ones is dropped."""
        shape = self.shape
        held = self._planes
        self._set(G)
        if self.shape != shape:
            got = self.shape
            self._planes = held
            raise ShapeError(f"Crossbar.update: expected {shape}, got {got}")
        self.version += 1

    # --- inputs

    def _linear(self, what: str) -> None:
        if self.topology == "gated":
            raise ParameterError(
                f"Crossbar.{what}: a gated array is not linear in its inputs (silent "
                "rows are open); use mvm or solve, or topology='driven'"
            )

    @property
    def _ideal(self) -> bool:
        return self.lines.word_zero and self.lines.bit_zero

    @property
    def _iterative(self) -> bool:
        return self.topology == "driven" and self.lines.regular

    def _cg(self) -> Nodal:
        if self._nodal is None:
            gw, gb = self.lines.conductances()
            self._nodal = Nodal(self._planes[0], gw, gb, self.tol, self.max_iterations)
        return self._nodal

    def _direct(self) -> Netlist:
        if self._netlist is None:
            signs = (1.0, -1.0)
            planes = [(p, signs[k]) for k, p in enumerate(self._planes)]
            self._netlist = Netlist(planes, self.lines)
        return self._netlist

    def _ideal_matrix(self) -> Floats:
        if len(self._planes) == 2:
            return np.asarray(self._planes[0] - self._planes[1])
        return self._planes[0]

    def transposed(self) -> "Crossbar":
        """Array as seen from its sense ends: both orders reversed, lines exchanged."""
        self._linear("transposed")
        if self.topology == "interleaved":
            raise ParameterError("Crossbar.transposed: not for interleaved arrays")
        if self._transposed is None:
            new = Crossbar.__new__(Crossbar)
            new.topology, new.tol, new.threads = "driven", self.tol, self.threads
            new.max_iterations, new.version = self.max_iterations, 0
            new.lines = self.lines.transposed()
            new._set(self._planes[0][::-1, ::-1].T)
            self._transposed = new
        return self._transposed

    # --- products

    def mvm(
        self, V: ArrayLike, *, method: str = "auto", iterations: int | None = None
    ) -> Floats:
        """Output currents for word-line voltages.

        Parameters
        ----------
        V : array_like, shape (m,) or (batch, m)
            Volts. Gated arrays: 0 for a silent row, the read voltage for an active one.
        method : {"auto", "cg", "direct", "effective"}
            "auto" takes the cached effective conductance, or computes it when the batch
            has at least ``min(m, n)`` inputs, else solves.
        iterations : int, optional
            Stop after so many iterations (2 or 3: approximate mode); ``last_residual``
            says how far off that is.

        Returns
        -------
        ndarray of float64, shape (n,) or (batch, n)
            Amperes.

        Raises
        ------
        ConvergenceError
            If the residual stays above `tol`; the message has it.
        """
        known = self._effective
        if known is not None and method == "auto" and iterations is None:
            return self._known_product(V, known)
        if method not in METHODS:
            _checks.choice("Crossbar.mvm: method", method, METHODS)
        if iterations is not None:
            _checks.integer("Crossbar.mvm: iterations", iterations, 1)
            if not self._iterative:
                raise ParameterError(
                    "Crossbar.mvm: iterations needs topology='driven' and wire "
                    "resistance in both directions"
                )
        v, one = voltages(V, self.shape[0], "Crossbar.mvm: V")
        self.last_residual, self.last_iterations = 0.0, 0
        if v.shape[0] == 0:
            return np.zeros((0, self.shape[1]))
        out = self._products(v, method, iterations)
        return out[0] if one else out

    def _known_product(self, V: ArrayLike, g_eff: Floats) -> Floats:
        """Multiply by the cached effective conductance: a plain product, and checks."""
        v = V if type(V) is np.ndarray else np.asarray(V)
        size = g_eff.shape[0]
        if v.dtype.char != "d" or v.ndim not in (1, 2) or v.shape[-1] != size:
            v, one = voltages(V, size, "Crossbar.mvm: V")
            v = v[0] if one else v
        out = np.asarray(v @ g_eff)
        # NaN or infinity among a row's inputs shows in each of its currents
        probe = out[..., 0].reshape(-1)
        if not math.isfinite(probe @ probe):
            voltages(v, size, "Crossbar.mvm: V")
        self.last_residual, self.last_iterations = 0.0, 0
        return out

    def _products(self, v: Floats, method: str, iterations: int | None) -> Floats:
        if self.topology == "gated":
            gated = GatedArray(self._planes[0], self.lines, self.tol)
            return gated.currents(v, threads=self.threads)
        if self._ideal and method == "auto":
            return np.asarray(v @ self._ideal_matrix())
        if iterations is not None:
            out, self.last_residual, self.last_iterations = self._cg().currents(
                v, threads=self.threads, cap=iterations
            )
            return out
        large = v.shape[0] >= min(self.shape)
        cached = self._effective is not None
        if method == "effective" or (method == "auto" and (cached or large)):
            return np.asarray(v @ self.effective_conductance())
        if method == "direct" or not self._iterative:
            return self._direct_currents(v)
        out, self.last_residual, self.last_iterations = self._cg().currents(
            v, threads=self.threads
        )
        return out

    def _direct_currents(self, v: Floats) -> Floats:
        net = self._direct()
        out = np.empty((v.shape[0], self.shape[1]))
        for a in range(0, v.shape[0], 32):
            words, bit, residual = net.voltages(v[a : a + 32])
            self.last_residual = max(self.last_residual, residual)
            out[a : a + 32] = sum(
                (p * (u - bit)).sum(1) for p, u in zip(self._planes, words, strict=True)
            )
        return out

    def rmvm(self, V: ArrayLike) -> Floats:
        """Transposed read: drive the sense ends, read currents at the sources.

        Parameters
        ----------
        V : array_like, shape (n,) or (batch, n)
            Volts at the bit lines.

        Returns
        -------
        ndarray, shape (m,) or (batch, m)
            Amperes.
        """
        self._linear("rmvm")
        v, one = voltages(V, self.shape[1], "Crossbar.rmvm: V")
        if self._effective is not None or self.topology == "interleaved":
            out = v @ self.effective_conductance().T
        else:
            out = self.transposed().mvm(v[:, ::-1])[:, ::-1]
        return np.ascontiguousarray(out[0] if one else out)

    def effective_conductance(self, method: str = "auto") -> Floats:
        """Return the matrix with ``I = V @ G_eff``, siemens, shape (m, n); cached.

        Parameters
        ----------
        method : {"auto", "rows", "columns", "recursion", "direct"}
            "rows": one solution per word line; "columns": per bit line, by reciprocity;
            "recursion": dense algebra row by row, for strong coupling; "auto": the
            shorter of the first two, or the recursion where a trial batch needs more
            than 10 (up to 64 lines) or 14 iterations. A named method is not cached.
        """
        self._linear("effective_conductance")
        _checks.choice("Crossbar.effective_conductance: method", method, ROUTES)
        if method == "auto" and self._effective is not None:
            return self._effective
        found = compute_effective(self, method)
        if method == "auto":
            found.flags.writeable = False
            self._effective = found
        return found

    def aslinearoperator(self) -> Any:
        """Return a ``scipy.sparse.linalg.LinearOperator`` of shape (n, m)."""
        self._linear("aslinearoperator")
        from scipy.sparse.linalg import LinearOperator

        m, n = self.shape
        return LinearOperator(
            (n, m),
            matvec=lambda v: self.mvm(np.ravel(v)),
            rmatvec=lambda v: self.rmvm(np.ravel(v)),
            matmat=lambda x: self.mvm(np.asarray(x).T).T,
            rmatmat=lambda x: self.rmvm(np.asarray(x).T).T,
            dtype=np.float64,
        )

    # --- full solution and derivatives

    def solve(self, V: ArrayLike, *, method: str = "auto") -> Solution:
        """Solve for currents, node voltages and power.

        Parameters
        ----------
        V : array_like, shape (m,) or (batch, m)
            Volts.
        method : {"auto", "cg", "direct"}
            "direct": sparse factorisation, the reference.
        """
        _checks.choice("Crossbar.solve: method", method, METHODS[:3])
        return solve_nodes(self, V, method)

    def vjp(self, V: ArrayLike, grad_I: ArrayLike) -> tuple[Floats, Floats]:
        r"""Gradients of a loss by the adjoint circuit, exact.

        With the adjoint voltages :math:`\lambda` (outputs driven with
        :math:`\partial L/\partial I`, sources at 0 V):
        :math:`\partial L/\partial G = -(\lambda_u - \lambda_w)(u - w)`.

        Parameters
        ----------
        V : array_like, shape (m,) or (batch, m)
            Inputs.
        grad_I : array_like, shape (n,) or (batch, n)
            Derivative of the loss by the outputs.

        Returns
        -------
        grad_G : ndarray, shape (m, n)
            Summed over the batch.
        grad_V : ndarray, like `V`
        """
        return vjp(self, V, grad_I)

    def perturbation(self, V: ArrayLike, delta_G: ArrayLike) -> Floats:
        """First-order change of the currents for small changes of the cells.

        The currents ``delta_G (u - w)`` are injected between the two nodes of each
        cell; one solution gives all outputs.

        Parameters
        ----------
        V : array_like, shape (m,)
            Input.
        delta_G : array_like, shape (m, n)
            Change of each cell, siemens.
        """
        return perturbation(self, V, delta_G)
