"""Full solutions: node voltages, cell currents and power of every input."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from neuro.errors import MemoryLimitError

from ._gated import GatedArray
from ._inputs import voltages
from .solution import Solution

if TYPE_CHECKING:
    from .array import Crossbar

__all__ = ["solve_nodes"]

LIMIT_BYTES = 4 * 2**30


def solve_nodes(xbar: "Crossbar", V: ArrayLike, method: str) -> Solution:
    """Solve one or many inputs; see :meth:`Crossbar.solve`."""
    v, one = voltages(V, xbar.shape[0], "Crossbar.solve: V")
    m, n = xbar.shape
    need = 24 * v.shape[0] * m * n
    if need > LIMIT_BYTES:
        raise MemoryLimitError(
            f"Crossbar.solve: {need / 2**30:.1f} GiB for the node voltages of "
            f"{v.shape[0]} inputs; solve fewer at once, or use mvm for currents"
        )
    residual, iterations = 0.0, 0
    if xbar.topology == "gated":
        gated = GatedArray(xbar._planes[0], xbar.lines, xbar.tol)
        word, bit, device = gated.voltages(v)
        source = device
    elif xbar._iterative and method != "direct":
        word, bit = np.empty((2, v.shape[0], m, n))
        for k, x in enumerate(v):
            found = xbar._cg().voltages(x)
            word[k], bit[k] = found.word, found.bit
            residual = max(residual, found.residual)
            iterations = max(iterations, found.iterations)
        source = device = xbar._planes[0] * (word - bit)
    else:
        words, bit, residual = xbar._direct().voltages(v)
        word = words[0]
        parts = [p * (u - bit) for p, u in zip(xbar._planes, words, strict=True)]
        device = sum(parts[1:], start=parts[0])
        source = parts[0] - parts[1] if len(parts) == 2 else parts[0]
    power = (v * source.sum(2)).sum(1)
    parts_out = (device.sum(1), word, bit, device, power)
    if one:
        parts_out = tuple(p[0] for p in parts_out)  # type: ignore[assignment]
    xbar.last_residual, xbar.last_iterations = residual, iterations
    return Solution(*parts_out, residual, iterations)
