r"""Neurons with delta synapses: an arrival of weight w moves V by w at once.

.. math::
    \tau_m \dot V = -(V - E_L) + R I, \qquad
    V_{n+1} = P_m V_n + (1 - P_m)(E_L + R I) + \sum w

exact for an input that is constant over the step (Rotter & Diesmann 1999). While a
neuron is refractory V is held and arrivals are dropped (NEST's and Brunel's
convention). The step of the NIR and snnTorch users is the same with a strict threshold.

References
----------
.. [1] Rotter & Diesmann, Biol. Cybern. 81:381 (1999).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neuro.network.models._kernels.linear import (
    leaky_step,
    lif_delta_brian2_step,
    lif_delta_step,
)
from neuro.network.models._parameters import (
    check,
    decay,
    refractory_steps,
    reset_rows,
    threshold,
)
from neuro.network.registry import register_neuron

__all__ = ["IfDelta", "Li", "LifDelta"]

_ROWS = ("p_m", "drive", "r_drive", "theta", "keep", "v_after", "hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class LifDelta:
    """Leaky integrate-and-fire neuron with delta synapses (NIR's LIF).

    Parameters
    ----------
    tau_mem : float or ndarray of shape (n,)
        Membrane time constant, seconds.
    r : float or ndarray
        Resistance, ohms; acts on the port ``current`` and on `i_e`.
    v_leak, v_threshold, v_reset : float or ndarray
        Resting, threshold and reset potential, volts.
    t_ref : float or ndarray
        Refractory time, seconds, rounded to steps.
    i_e : float or ndarray
        Constant current, amperes.
    reset : {"value", "subtract"}
        ``V <- v_reset`` or ``V <- V - v_threshold``.

    Notes
    -----
    Ports: ``input`` (volts, added to V), ``current`` (amperes, over the step). State:
    ``v`` (volts), ``refractory`` (steps left). One time constant per neuron makes it
    the parametric LIF (PLIF) with trained constants.
    """

    params: ClassVar[tuple[str, ...]] = _ROWS
    state: ClassVar[tuple[str, ...]] = ("v", "refractory")
    ports: ClassVar[tuple[str, ...]] = ("input", "current")
    __references__: ClassVar[tuple[str, ...]] = ("rotter1999",)

    tau_mem: Any = 20e-3
    r: Any = 1.0
    v_leak: Any = 0.0
    v_threshold: Any = 1.0
    v_reset: Any = 0.0
    t_ref: Any = 0.0
    i_e: Any = 0.0
    reset: str = "value"

    def __post_init__(self) -> None:
        check(self, positive=("tau_mem",), free="v_threshold")

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        p_m = decay(dt, self.tau_mem)
        share = -np.expm1(-dt / np.asarray(self.tau_mem, float))
        rest = np.asarray(self.v_leak, float) + np.asarray(self.r) * self.i_e
        return {
            "p_m": p_m,
            "drive": share * rest,
            "r_drive": share * self.r,
            "theta": threshold(self.v_threshold, convention),
            "hold": refractory_steps(self.t_ref, dt, convention),
            **reset_rows(self),
        }

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v_leak}


register_neuron(LifDelta, brian2=lif_delta_brian2_step)(lif_delta_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class IfDelta:
    """Integrate-and-fire neuron without leak: ``dV/dt = R I`` (NIR's IF).

    Parameters
    ----------
    r : float or ndarray
        Volts per (ampere second), 1/C; acts on ``current`` and `i_e`.
    v_threshold, v_reset, t_ref, i_e, reset
        See :class:`LifDelta`.
    """

    params: ClassVar[tuple[str, ...]] = _ROWS
    state: ClassVar[tuple[str, ...]] = ("v", "refractory")
    ports: ClassVar[tuple[str, ...]] = ("input", "current")

    r: Any = 1.0
    v_threshold: Any = 1.0
    v_reset: Any = 0.0
    t_ref: Any = 0.0
    i_e: Any = 0.0
    reset: str = "value"

    def __post_init__(self) -> None:
        check(self, free="v_threshold")

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        r = np.asarray(self.r, float)
        return {
            "p_m": 1.0,
            "drive": dt * r * self.i_e,
            "r_drive": dt * r,
            "theta": threshold(self.v_threshold, convention),
            "hold": refractory_steps(self.t_ref, dt, convention),
            **reset_rows(self),
        }


register_neuron(IfDelta, brian2=lif_delta_brian2_step)(lif_delta_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Li:
    """Leaky integrator: passes its voltage on as a real value (NIR's LI, read-outs).

    Parameters
    ----------
    tau_mem, r, v_leak
        See :class:`LifDelta`.
    """

    params: ClassVar[tuple[str, ...]] = ("p_m", "drive", "r_drive")
    state: ClassVar[tuple[str, ...]] = ("v",)
    ports: ClassVar[tuple[str, ...]] = ("input", "current")
    output: ClassVar[str] = "v"

    tau_mem: Any = 20e-3
    r: Any = 1.0
    v_leak: Any = 0.0

    def __post_init__(self) -> None:
        check(self, positive=("tau_mem",))

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        share = -np.expm1(-dt / np.asarray(self.tau_mem, float))
        return {
            "p_m": decay(dt, self.tau_mem),
            "drive": share * self.v_leak,
            "r_drive": share * self.r,
        }

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v_leak}


register_neuron(Li)(leaky_step)
