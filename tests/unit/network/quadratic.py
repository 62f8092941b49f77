"""A model with its own solution between events, as in the how-to page."""

from dataclasses import dataclass
from math import atan, inf, sqrt, tan
from typing import Any, ClassVar

from neuro.network import register_neuron


@dataclass(frozen=True, slots=True, kw_only=True)
class Quadratic:
    """tau dv/dt = v^2 + drive; a spike at v_peak resets to v_reset."""

    state: ClassVar[tuple[str, ...]] = ("v",)
    arrivals: ClassVar[dict[str, str]] = {"input": "v"}  # an arrival adds to v

    tau: Any = 20e-3
    drive: Any = 1.0  # > 0
    v_peak: Any = 10.0
    v_reset: Any = -10.0


def advance(params, state, dt):
    tau, root = params[0], sqrt(params[1])
    state[0] = root * tan(atan(state[0] / root) + root * dt / tau)


def crossing(params, state):
    tau, root = params[0], sqrt(params[1])
    if state[0] >= params[2]:
        return 0.0
    return tau / root * (atan(params[2] / root) - atan(state[0] / root))


def reset(params, state):
    state[0] = params[3]


@register_neuron(Quadratic, exact=(advance, crossing, reset))
def quadratic_step(params, state, inputs, spiked, dt):
    one = params.shape[1] == 1
    for i in range(spiked.size):
        k = 0 if one else i
        root = sqrt(params[1, k])
        phase = atan(state[0, i] / root) + root * dt / params[0, k]
        v = root * tan(phase) if phase < 1.5707963267948966 else inf
        v = v + inputs[0, i]
        spiked[i] = v >= params[2, k]
        state[0, i] = params[3, k] if spiked[i] else v
