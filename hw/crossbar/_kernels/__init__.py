"""Compiled kernels of the nodal solver; plain arrays, private.

Eight lanes run side by side: eight inputs (``many``) or eight neighbouring word lines
of one input (``single``). Lanes are written as tuples of eight and become vector
registers only with LLVM's superword vectoriser, which Numba leaves off:
:func:`superword` switches it on around a call, hence around its compilation.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from numba.core import config

from .factor import factor as factor
from .factor import factor_packed as factor_packed
from .factor import word_voltages as word_voltages
from .gated import gated_ladders as gated_ladders
from .gaussian import add_gaussian as add_gaussian
from .many import solve_many as solve_many
from .single import solve_single as solve_single


@contextmanager
def superword() -> Iterator[None]:
    """Compile what is called inside with the superword vectoriser."""
    held = config.SLP_VECTORIZE
    config.SLP_VECTORIZE = 1
    try:
        yield
    finally:
        config.SLP_VECTORIZE = held
