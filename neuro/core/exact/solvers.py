"""Compiled functions of registered models, and the kernels typed for them."""

from collections.abc import Sequence
from typing import Any

import numba as nb
from numba import types

from neuro.compiled import kernel
from neuro.core.exact._kernels import cells, loop
from neuro.core.exact.parts import OwnModel

__all__ = ["ADVANCE", "CROSSING", "MAX_OWN", "RESET", "Kernels"]

MAX_OWN = 8  # registered models in one network: length of the tuples of functions
_ROW = types.float64[::1]
ADVANCE = types.void(_ROW, _ROW, types.float64)
CROSSING = types.float64(_ROW, _ROW)
RESET = types.void(_ROW, _ROW)
_SIGNATURES = (ADVANCE, CROSSING, RESET)
_TUPLES = types.Tuple(
    [types.UniTuple(types.FunctionType(s), MAX_OWN) for s in _SIGNATURES]
)


class Kernels:
    """The compiled kernels of one network and the functions they call."""

    def __init__(self, models: Sequence[OwnModel]) -> None:
        self.solvers: Any = None
        if models:
            rows = [
                [_compiled(m[k], signature) for m in models]
                for k, signature in enumerate(_SIGNATURES)
            ]
            self.solvers = tuple(tuple((r * MAX_OWN)[:MAX_OWN]) for r in rows)

    def predict_all(self, *arguments: Any) -> None:
        """Call the kernel of this name."""
        self._call(cells.predict_all, types.void, (*arguments, self.solvers))

    def sample(self, t: Any, indices: Any, state: Any, classes: Any, *out: Any) -> None:
        """Call the kernel of this name."""
        arguments = (t, indices, state, classes, self.solvers, *out)
        self._call(cells.sample, types.void, arguments)

    def run_until(self, *arguments: Any) -> Any:
        """Call the kernel of this name."""
        lists = nb.typeof(arguments[9])
        result = types.Tuple([types.int64, lists])
        return self._call(loop.run_until, result, (*arguments, self.solvers))

    def _call(self, function: Any, result: Any, arguments: tuple[Any, ...]) -> Any:
        if self.solvers is None or nb.config.DISABLE_JIT:
            return function(*arguments)
        return _typed(function, result, arguments, self.solvers)(*arguments)


_TYPED: dict[Any, Any] = {}


def _typed(function: Any, result: Any, arguments: Any, solvers: Any) -> Any:
    """The kernel compiled for functions as values: found in the cache by a process."""
    kinds = tuple(_TUPLES if a is solvers else nb.typeof(a) for a in arguments)
    if (function, kinds) not in _TYPED:
        driver = kernel(function.py_func)
        driver.compile(result(*kinds))
        _TYPED[function, kinds] = driver.overloads[kinds].entry_point
    return _TYPED[function, kinds]


def _compiled(function: Any, signature: Any) -> Any:
    if nb.config.DISABLE_JIT:
        return function
    if not isinstance(function, nb.core.registry.CPUDispatcher):
        function = kernel(function)
    if signature.args not in function.overloads:
        function.compile(signature.args)
    return function
