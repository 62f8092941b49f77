"""Neuron models and plasticity rules register functions from any importable module.

A neuron model is a frozen dataclass of parameters (scalars or arrays of shape (n,)).
Its step

    step(params, state, inputs, spiked, dt)

gets float64 ``params`` (n_params, 1 or n), ``state`` (n_state, n), ``inputs``
(n_ports, n) and uint8 ``spiked`` (n,). Rows may be longer than ``n = spiked.size``;
``inputs`` holds all that arrives in this step; ``spiked`` is written for every neuron.
Threshold, reset and refractoriness are the model's own.

The dataclass names its rows by class attributes: ``state``, ``ports`` (default
``("input",)``), ``params`` (default: its fields) and, for models that pass real values
on instead of spikes, ``output`` (a state row). Two optional methods:
``prepare(dt, convention)`` returns the values of the rows ``params`` (propagators
instead of time constants), ``initial()`` the initial state by row where it is not 0.

For ``engine="exact"`` a model brings three functions of one neuron as well,

    advance(params, state, dt)       move the state on by dt > 0, no event in between
    crossing(params, state) -> wait  time to the next spike if no event comes (0: now,
                                     inf: none), in closed form or by a bracketed root
    reset(params, state)             what a spike does to the state

with float64 ``params`` (the dataclass's fields in their order) and ``state``
(n_state,), times in seconds (steps if dimensionless), and the class attribute
``arrivals``: the state row that an arrival adds its weight to, by port. Refractoriness
is the model's own, as in the step.

A plasticity rule is a frozen dataclass with the class attributes ``fields`` (names of
the rows of a synapse, float32, or float64 with ``precision="double"``; row 0 is what is
delivered; if it is named "delivered", row 1 starts at the weight too, all others at 0),
``pre_traces`` and ``post_traces`` (names of fields that hold a time constant) and the
method ``prepare(dt)``; its function ``on_pre`` is described at
:data:`PLASTIC_SIGNATURE`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from typing import Any

import numba as nb
from numba import types

from neuro.compiled import kernel
from neuro.errors import ParameterError

__all__ = [
    "DOUBLE_PLASTIC_SIGNATURE",
    "MAX_MODELS",
    "PLASTIC_SIGNATURE",
    "STEP_SIGNATURE",
    "NeuronModel",
    "PlasticityRule",
    "model_of",
    "register_neuron",
    "register_plasticity",
    "registered_neurons",
    "rule_of",
]

MAX_MODELS = (
    8  # different models (or rules) in one network: length of the driver's tuple
)

_MATRIX = types.float64[:, ::1]
STEP_SIGNATURE = types.void(_MATRIX, _MATRIX, _MATRIX, types.uint8[::1], types.float64)


# on_pre(params, synapse, targets, pre, post, post_times, post_count, post_state, last,
#        now, delay, decay, spike) -> updates made
# Called once per pre spike and row (the synapses of one source in one block, of one
# delay). params float64 (n_params,); synapse float32, float64 in double precision,
# (n_fields, row), field 0 is what is delivered after the call; targets uint16 (row,)
# index the post arrays; pre float64
# (n_pre_traces,): traces at `last`; post float64 (n_post_traces, n, H), post_times
# int64 (n, H), post_count int64 (n,): ring of the post spikes' traces and times, entry
# i at i % H; post_state float64 (n_state, n); last, now, delay: int64 steps (last < 0:
# no spike yet); decay float64 (n_traces, n_lags): exp(-lag dt / tau), pre traces first;
# spike int64: 1 for a pre spike at `now`, 0 to account for the post spikes only. A
# source silent for 40 of the longest time constant is settled with spike 0 and has
# last < 0 at its next spike: traces that old count for nothing, histories stay short.
def _plastic_signature(weight: Any) -> Any:
    return types.int64(
        types.float64[::1],
        weight[:, ::1],
        types.uint16[::1],
        types.float64[::1],
        types.float64[:, :, ::1],
        types.int64[:, ::1],
        types.int64[::1],
        _MATRIX,
        types.int64,
        types.int64,
        types.int64,
        _MATRIX,
        types.int64,
    )


PLASTIC_SIGNATURE = _plastic_signature(types.float32)
DOUBLE_PLASTIC_SIGNATURE = _plastic_signature(types.float64)  # precision="double"


@dataclass(frozen=True, slots=True)
class NeuronModel:
    """A registered model: names of its rows and its compiled steps."""

    params: tuple[str, ...]
    state: tuple[str, ...]
    ports: tuple[str, ...]
    step: Any
    brian2_step: Any = None
    output: str | None = None
    exact: tuple[Any, Any, Any] | None = None
    arrivals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlasticityRule:
    """A registered rule: names of its synaptic fields, traces, and its function."""

    fields: tuple[str, ...]
    pre_traces: tuple[str, ...]
    post_traces: tuple[str, ...]
    on_pre: Any


_MODELS: dict[type, NeuronModel] = {}
_RULES: dict[type, PlasticityRule] = {}


def register_neuron(
    cls: type, *, brian2: Any = None, exact: tuple[Any, Any, Any] | None = None
) -> Callable[[Callable[..., None]], Any]:
    """Register a step for the parameter dataclass `cls`.

    Parameters
    ----------
    cls : type
        The dataclass; see the module's text for its class attributes.
    brian2 : function, optional
        The same step in Brian2's order, for ``convention="brian2"``.
    exact : tuple (advance, crossing, reset) of functions, optional
        The model without a step, for ``engine="exact"``; see the module's text.

    Returns
    -------
    decorator
        Wraps the function (compiled at first use, cached) and returns it.

    Raises
    ------
    ParameterError
        If `cls` does not name its state rows, or where the arrivals of `exact` go.
    """
    for name in ("state", "ports"):
        rows = getattr(cls, name, ("input",) if name == "ports" else None)
        if not isinstance(rows, tuple) or not all(isinstance(r, str) for r in rows):
            raise ParameterError(
                f"register_neuron({cls.__name__}): class attribute {name!r} must be a "
                f"tuple of row names, got {rows!r}"
            )

    arrivals = _check_exact(cls, exact) if exact is not None else {}

    def decorate(function: Callable[..., None]) -> Any:
        step = _lazy(function)
        fields = tuple(f.name for f in dataclass_fields(cls))
        _MODELS[cls] = NeuronModel(
            params=tuple(getattr(cls, "params", fields)),
            state=tuple(cls.state),  # type: ignore[attr-defined]
            ports=tuple(getattr(cls, "ports", ("input",))),
            step=step,
            brian2_step=None if brian2 is None else _lazy(brian2),
            output=getattr(cls, "output", None),
            exact=None if exact is None else tuple(_lazy(f) for f in exact),  # type: ignore[arg-type]
            arrivals=arrivals,
        )
        return step

    return decorate


def _check_exact(cls: type, exact: Any) -> dict[str, str]:
    """Check what is given for the exact engine; return the row of each port."""
    who = f"register_neuron({cls.__name__}, exact=...)"
    if len(exact) != 3 or not all(callable(f) for f in exact):
        raise ParameterError(
            f"{who}: expected (advance, crossing, reset), got {exact!r}"
        )
    arrivals = getattr(cls, "arrivals", None)
    if not isinstance(arrivals, Mapping) or not arrivals:
        raise ParameterError(
            f"{who}: class attribute 'arrivals' must map ports to state rows, got "
            f"{arrivals!r}"
        )
    ports, rows = getattr(cls, "ports", ("input",)), cls.state  # type: ignore[attr-defined]
    for port, row in arrivals.items():
        if port not in ports or row not in rows:
            raise ParameterError(
                f"{who}: arrivals {port!r} -> {row!r}; ports: {', '.join(ports)}; "
                f"state rows: {', '.join(rows)}"
            )
    return dict(arrivals)


def register_plasticity(cls: type) -> Callable[[Callable[..., int]], Any]:
    """Register a rule's function for the parameter dataclass `cls`.

    Returns
    -------
    decorator
        Wraps the function (compiled at first use, cached) and returns it.
    """

    def decorate(function: Callable[..., int]) -> Any:
        on_pre = _lazy(function)
        _RULES[cls] = PlasticityRule(
            fields=tuple(getattr(cls, "fields", ("weight",))),
            pre_traces=tuple(getattr(cls, "pre_traces", ())),
            post_traces=tuple(getattr(cls, "post_traces", ())),
            on_pre=on_pre,
        )
        return on_pre

    return decorate


def _lazy(function: Any) -> Any:
    """Wrap for compilation at first use: importing the package compiles nothing."""
    if isinstance(function, nb.core.registry.CPUDispatcher):
        return function
    return kernel(function)


def registered_neurons() -> Mapping[type, NeuronModel]:
    """Return all registered models by dataclass."""
    return dict(_MODELS)


def model_of(model: object) -> NeuronModel:
    """Return the registration of a model instance."""
    try:
        return _MODELS[type(model)]
    except KeyError:
        if isinstance(model, type) and model in _MODELS:
            raise ParameterError(
                f"{model.__name__} is a class; give its parameters: "
                f"{model.__name__}(...)"
            ) from None
        known = ", ".join(sorted(c.__name__ for c in _MODELS))
        raise ParameterError(
            f"{type(model).__name__} is not a registered neuron model; known: {known}; "
            "see neuro.network.register_neuron"
        ) from None


def rule_of(plasticity: object) -> PlasticityRule:
    """Return the registration of a plasticity rule."""
    try:
        return _RULES[type(plasticity)]
    except KeyError:
        known = ", ".join(sorted(c.__name__ for c in _RULES))
        raise ParameterError(
            f"{type(plasticity).__name__} is not a registered plasticity rule; known: "
            f"{known}; see neuro.network.register_plasticity"
        ) from None
