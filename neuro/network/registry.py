"""Neuron models register a step function from any importable module.

A model is a frozen dataclass of parameters (scalars or arrays of shape (n,)). Its step

    step(params, state, inputs, spiked, dt)

gets float64 ``params`` (n_params, 1 or n), ``state`` (n_state, n), ``inputs``
(n_ports, n) and uint8 ``spiked`` (n,). Rows may be longer than ``n = spiked.size``;
``inputs`` holds all that arrives in this step; ``spiked`` is written for every neuron.
Threshold, reset and refractoriness are the model's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba as nb
from numba import types

from neuro.errors import ParameterError

__all__ = ["STEP_SIGNATURE", "NeuronModel", "model_of", "register_neuron"]

_MATRIX = types.float64[:, ::1]
STEP_SIGNATURE = types.void(_MATRIX, _MATRIX, _MATRIX, types.uint8[::1], types.float64)


@dataclass(frozen=True, slots=True)
class NeuronModel:
    """A registered model: names of its rows and its compiled step."""

    params: tuple[str, ...]
    state: tuple[str, ...]
    ports: tuple[str, ...]
    step: Any


_MODELS: dict[type, NeuronModel] = {}


def register_neuron(cls: type) -> Callable[[Callable[..., None]], Any]:
    """Register a step for the parameter dataclass `cls`.

    The dataclass names its rows: ``params``, ``state`` and ``ports`` are class
    attributes (tuples of str); ``params`` defaults to the dataclass's fields.

    Returns
    -------
    decorator
        Compiles the function with the one signature of all models and returns it.
    """

    def decorate(function: Callable[..., None]) -> Any:
        step = nb.njit(STEP_SIGNATURE, cache=True, error_model="numpy", nogil=True)(
            function
        )
        fields = tuple(getattr(cls, "__dataclass_fields__", {}))
        _MODELS[cls] = NeuronModel(
            params=tuple(getattr(cls, "params", fields)),
            state=tuple(cls.state),  # type: ignore[attr-defined]
            ports=tuple(getattr(cls, "ports", ("input",))),
            step=step,
        )
        return step

    return decorate


def model_of(model: object) -> NeuronModel:
    """Return the registration of a model instance."""
    try:
        return _MODELS[type(model)]
    except KeyError:
        known = ", ".join(sorted(c.__name__ for c in _MODELS))
        raise ParameterError(
            f"{type(model).__name__} is not a registered neuron model; known: {known}; "
            "see neuro.network.register_neuron"
        ) from None
