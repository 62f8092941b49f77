"""What both drivers share: compiled models as one tuple, and the driver's signature."""

from collections.abc import Callable
from typing import Any

import numba as nb
import numpy as np
from numba import types

from neuro.compiled import kernel
from neuro.network.network import Network
from neuro.network.registry import (
    DOUBLE_PLASTIC_SIGNATURE,
    MAX_MODELS,
    PLASTIC_SIGNATURE,
    STEP_SIGNATURE,
    model_of,
    rule_of,
)

__all__ = ["compile_driver", "model_tuple", "rule_tuple"]

_STEPS = types.UniTuple(types.FunctionType(STEP_SIGNATURE), MAX_MODELS)
_RULES = {
    np.dtype(np.float32): PLASTIC_SIGNATURE,
    np.dtype(np.float64): DOUBLE_PLASTIC_SIGNATURE,
}


def model_tuple(net: Network) -> tuple[tuple[Any, ...], dict[str, int]]:
    """Return the steps padded to eight, and the index of each population's step."""
    steps: list[Any] = []
    index = {}
    for name, p in net.populations.items():
        model = model_of(p.model)
        step = model.brian2_step if net.convention == "brian2" else model.step
        if step not in steps:
            steps.append(step)
        index[name] = steps.index(step)
    if not steps:
        from neuro.network.models.relay import Relay

        steps.append(model_of(Relay()).step)
    return _pad(steps, STEP_SIGNATURE), index


def rule_tuple(
    net: Network, precision: str
) -> tuple[tuple[Any, ...] | None, dict[int, int]]:
    """Return the plasticity rules padded to eight (None if none) and their indices."""
    rules: list[Any] = []
    index = {}
    for k, q in enumerate(net.projections):
        if q.plasticity is None:
            continue
        on_pre = rule_of(q.plasticity).on_pre
        if on_pre not in rules:
            rules.append(on_pre)
        index[k] = rules.index(on_pre)
    double = precision == "double"
    signature = DOUBLE_PLASTIC_SIGNATURE if double else PLASTIC_SIGNATURE
    return (_pad(rules, signature) if rules else None), index


def _pad(functions: list[Any], signature: Any) -> tuple[Any, ...]:
    for f in () if nb.config.DISABLE_JIT else functions:
        if signature.args not in f.overloads:
            f.compile(signature.args)
    return tuple((functions * MAX_MODELS)[:MAX_MODELS])


def _rules_type(arguments: tuple[Any, ...]) -> Any:
    """Return the type of the rules, whose weights are those of the state."""
    state = next(a for a in arguments if hasattr(a, "plastic_weights"))
    signature = _RULES[state.plastic_weights.dtype]
    return types.UniTuple(types.FunctionType(signature), MAX_MODELS)


_DRIVERS: dict[tuple[Any, Any], Any] = {}


def compile_driver(
    function: Callable[..., Any], result: Any, *arguments: Any, allocates: bool = True
) -> Any:
    """Compile a driver for its arguments' types with an explicit signature.

    Tuples of functions among the arguments are steps or rules. With explicit signatures
    the driver is found in the cache by a new process.
    Interpreted runs (``NUMBA_DISABLE_JIT``) get the function itself.
    """
    if nb.config.DISABLE_JIT:
        return function
    kinds = []
    for a in arguments:
        if isinstance(a, tuple) and not hasattr(a, "_fields"):
            step = STEP_SIGNATURE.args in a[0].overloads
            kinds.append(_STEPS if step else _rules_type(arguments))
        else:
            kinds.append(nb.typeof(a))
    key = (function, tuple(kinds))
    if key not in _DRIVERS:
        driver = kernel(function, allocates=allocates)
        driver.compile(result(*kinds))
        # The compiled entry itself: the dispatcher would look at all types again, and
        # warn, at every call.
        _DRIVERS[key] = driver.overloads[tuple(kinds)].entry_point
    return _DRIVERS[key]
