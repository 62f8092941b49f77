"""Derivatives of an array's currents by the adjoint circuit, and to first order."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, ShapeError

from ._inputs import voltages

if TYPE_CHECKING:
    from .array import Crossbar

__all__ = ["perturbation", "vjp"]

Floats = NDArray[np.float64]


def vjp(xbar: "Crossbar", V: ArrayLike, grad_I: ArrayLike) -> tuple[Floats, Floats]:
    """Gradients by cells and inputs; see :meth:`Crossbar.vjp`."""
    xbar._linear("vjp")
    v, one = voltages(V, xbar.shape[0], "Crossbar.vjp: V")
    x, _ = voltages(grad_I, xbar.shape[1], "Crossbar.vjp: grad_I")
    if x.shape[0] != v.shape[0]:
        raise ShapeError(
            f"Crossbar.vjp: {v.shape[0]} inputs, {x.shape[0]} output gradients"
        )
    if xbar._ideal:
        grad_v = x @ xbar._planes[0].T
        return v.T @ x, grad_v[0] if one else grad_v
    forward, other = xbar.solve(v), xbar.transposed()
    back = other.solve(x[:, ::-1])
    # word lines of the transposed array are this array's bit lines, reversed
    lam_w = back.v_word[:, ::-1, ::-1].transpose(0, 2, 1)
    lam_u = back.v_bit[:, ::-1, ::-1].transpose(0, 2, 1)
    drop = forward.v_word - forward.v_bit
    grad_g = np.einsum("bij,bij->ij", lam_w - lam_u, drop)
    grad_v = back.I[:, ::-1]
    return grad_g, np.ascontiguousarray(grad_v[0] if one else grad_v)


def perturbation(xbar: "Crossbar", V: ArrayLike, delta_G: ArrayLike) -> Floats:
    """First-order change of the currents; see :meth:`Crossbar.perturbation`."""
    xbar._linear("perturbation")
    v, one = voltages(V, xbar.shape[0], "Crossbar.perturbation: V")
    dg = np.asarray(delta_G, np.float64)
    if dg.shape != xbar.shape or not one:
        raise ShapeError(
            f"Crossbar.perturbation: one input, delta_G of shape {xbar.shape}, "
            f"got {dg.shape}"
        )
    if xbar._ideal:
        return np.asarray(v[0] @ dg)
    if not xbar._iterative:
        raise ParameterError(
            "Crossbar.perturbation: needs topology='driven' and wire resistance in "
            "both directions (or in none)"
        )
    base = xbar._cg().voltages(v[0])
    c = dg * (base.word - base.bit)
    extra = xbar._cg().voltages(np.zeros(xbar.shape[0]), c)
    return xbar._cg()._sense(extra.bit)
