r"""Neurons with exponential or alpha-shaped synaptic currents.

.. math::
    \tau_m \dot V = -(V - E_L) + R (I_e + I_s), \qquad \dot I_s = -I_s / \tau_s

advanced by the exact propagator (Rotter & Diesmann 1999); an arrival of weight w adds w
(amperes) to the current. With ``tau_syn`` equal or close to ``tau_mem`` the propagator
is evaluated by expm1 of the difference.

References
----------
.. [1] Rotter & Diesmann, Biol. Cybern. 81:381 (1999).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neuro.network.models._kernels.linear import (
    alif_step,
    leaky_exp_step,
    lif_alpha_step,
    lif_exp_brian2_step,
    lif_exp_ei_step,
    lif_exp_step,
)
from neuro.network.models._parameters import (
    alpha_propagator,
    check,
    decay,
    psc_propagator,
    refractory_steps,
    reset_rows,
    threshold,
)
from neuro.network.registry import register_neuron

__all__ = ["Alif", "CubaLi", "LifAlpha", "LifExp", "LifExpEI"]


def _membrane(model: Any, dt: float, convention: str) -> dict[str, Any]:
    share = -np.expm1(-dt / np.asarray(model.tau_mem, float))
    return {
        "p_m": decay(dt, model.tau_mem),
        "drive": share
        * (np.asarray(model.v_leak, float) + np.asarray(model.r) * model.i_e),
        "r_drive": share * model.r,
        "theta": threshold(model.v_threshold, convention),
        "hold": refractory_steps(model.t_ref, dt, convention),
        **reset_rows(model),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class LifExp:
    """LIF with one exponential synaptic current (NIR's CubaLIF, NEST's iaf_psc_exp).

    Parameters
    ----------
    tau_mem, tau_syn : float or ndarray of shape (n,)
        Membrane and synaptic time constant, seconds.
    r : float or ndarray
        Resistance, ohms.
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
    Ports: ``input`` (amperes, added to the synaptic current), ``current`` (amperes,
    over the step). State: ``v``, ``i_syn``, ``refractory`` (steps left).
    """

    params: ClassVar[tuple[str, ...]] = (
        "p_m", "p_s", "p_ms", "drive", "r_drive", "theta", "keep", "v_after", "hold",
    )  # fmt: skip
    state: ClassVar[tuple[str, ...]] = ("v", "i_syn", "refractory")
    ports: ClassVar[tuple[str, ...]] = ("input", "current")
    __references__: ClassVar[tuple[str, ...]] = ("rotter1999",)

    tau_mem: Any = 20e-3
    tau_syn: Any = 5e-3
    r: Any = 1.0
    v_leak: Any = 0.0
    v_threshold: Any = 1.0
    v_reset: Any = 0.0
    t_ref: Any = 0.0
    i_e: Any = 0.0
    reset: str = "value"

    def __post_init__(self) -> None:
        check(self, positive=("tau_mem", "tau_syn"), free="v_threshold")

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        return {
            "p_s": decay(dt, self.tau_syn),
            "p_ms": psc_propagator(dt, self.tau_mem, self.tau_syn, self.r),
            **_membrane(self, dt, convention),
        }

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v_leak}


register_neuron(LifExp, brian2=lif_exp_brian2_step)(lif_exp_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class LifExpEI:
    """LIF with an excitatory and an inhibitory exponential current.

    Parameters
    ----------
    tau_exc, tau_inh : float or ndarray of shape (n,)
        Synaptic time constants, seconds.
    tau_mem, r, v_leak, v_threshold, v_reset, t_ref, i_e, reset
        See :class:`LifExp`.

    Notes
    -----
    Ports: ``exc``, ``inh`` (amperes; inhibitory weights are negative), ``current``.
    State: ``v``, ``i_exc``, ``i_inh``, ``refractory``.
    """

    params: ClassVar[tuple[str, ...]] = (
        "p_m", "p_e", "p_me", "p_i", "p_mi", "drive", "r_drive", "theta", "keep",
        "v_after", "hold",
    )  # fmt: skip
    state: ClassVar[tuple[str, ...]] = ("v", "i_exc", "i_inh", "refractory")
    ports: ClassVar[tuple[str, ...]] = ("exc", "inh", "current")
    __references__: ClassVar[tuple[str, ...]] = ("rotter1999",)

    tau_mem: Any = 20e-3
    tau_exc: Any = 5e-3
    tau_inh: Any = 10e-3
    r: Any = 1.0
    v_leak: Any = 0.0
    v_threshold: Any = 1.0
    v_reset: Any = 0.0
    t_ref: Any = 0.0
    i_e: Any = 0.0
    reset: str = "value"

    def __post_init__(self) -> None:
        check(self, positive=("tau_mem", "tau_exc", "tau_inh"), free="v_threshold")

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        return {
            "p_e": decay(dt, self.tau_exc),
            "p_me": psc_propagator(dt, self.tau_mem, self.tau_exc, self.r),
            "p_i": decay(dt, self.tau_inh),
            "p_mi": psc_propagator(dt, self.tau_mem, self.tau_inh, self.r),
            **_membrane(self, dt, convention),
        }

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v_leak}


register_neuron(LifExpEI, brian2=lif_exp_ei_step)(lif_exp_ei_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class LifAlpha:
    r"""LIF with an alpha-shaped current ``w e (t / tau_s) exp(-t / tau_s)``.

    Parameters
    ----------
    tau_mem, tau_syn, r, v_leak, v_threshold, v_reset, t_ref, i_e, reset
        See :class:`LifExp`; an arrival's current peaks at its weight, after `tau_syn`.

    Notes
    -----
    Ports: ``input``, ``current``. State: ``v``, ``i_syn``, ``slope`` (amperes per
    second), ``refractory``.
    """

    params: ClassVar[tuple[str, ...]] = (
        "p_m", "p_s", "p_ms", "p_mx", "step", "jump", "drive", "r_drive", "theta",
        "keep", "v_after", "hold",
    )  # fmt: skip
    state: ClassVar[tuple[str, ...]] = ("v", "i_syn", "slope", "refractory")
    ports: ClassVar[tuple[str, ...]] = ("input", "current")
    __references__: ClassVar[tuple[str, ...]] = ("rotter1999",)

    tau_mem: Any = 20e-3
    tau_syn: Any = 5e-3
    r: Any = 1.0
    v_leak: Any = 0.0
    v_threshold: Any = 1.0
    v_reset: Any = 0.0
    t_ref: Any = 0.0
    i_e: Any = 0.0
    reset: str = "value"

    def __post_init__(self) -> None:
        check(self, positive=("tau_mem", "tau_syn"), free="v_threshold")

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        return {
            "p_s": decay(dt, self.tau_syn),
            "p_ms": psc_propagator(dt, self.tau_mem, self.tau_syn, self.r),
            "p_mx": alpha_propagator(dt, self.tau_mem, self.tau_syn, self.r),
            "step": dt,
            "jump": np.e / np.asarray(self.tau_syn, float),
            **_membrane(self, dt, convention),
        }

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v_leak}


register_neuron(LifAlpha, brian2=lif_alpha_step)(lif_alpha_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class CubaLi:
    """Leaky integrator of an exponential current, passed on as a real value.

    Parameters
    ----------
    tau_mem, tau_syn, r, v_leak
        See :class:`LifExp` (NIR's CubaLI).
    """

    params: ClassVar[tuple[str, ...]] = ("p_m", "p_s", "p_ms", "drive", "r_drive")
    state: ClassVar[tuple[str, ...]] = ("v", "i_syn")
    ports: ClassVar[tuple[str, ...]] = ("input", "current")
    output: ClassVar[str] = "v"

    tau_mem: Any = 20e-3
    tau_syn: Any = 5e-3
    r: Any = 1.0
    v_leak: Any = 0.0

    def __post_init__(self) -> None:
        check(self, positive=("tau_mem", "tau_syn"))

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        share = -np.expm1(-dt / np.asarray(self.tau_mem, float))
        return {
            "p_m": decay(dt, self.tau_mem),
            "p_s": decay(dt, self.tau_syn),
            "p_ms": psc_propagator(dt, self.tau_mem, self.tau_syn, self.r),
            "drive": share * self.v_leak,
            "r_drive": share * self.r,
        }

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v_leak}


register_neuron(CubaLi)(leaky_exp_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alif:
    r"""LIF with exponential current and adaptation: ``da/dt = -a / tau_adapt``, +b.

    Parameters
    ----------
    tau_adapt : float or ndarray of shape (n,)
        Time constant of the adaptation, seconds.
    b : float or ndarray
        Increment of the adaptation at a spike: volts (threshold) or amperes (current).
    adaptation : {"threshold", "current"}
        ``V >= v_threshold + a``, or ``-a`` added to the current.
    tau_mem, tau_syn, r, v_leak, v_threshold, v_reset, t_ref, i_e, reset
        See :class:`LifExp`.

    Notes
    -----
    State: ``v``, ``i_syn``, ``adaptation``, ``refractory``.
    """

    params: ClassVar[tuple[str, ...]] = (
        "p_m", "p_s", "p_ms", "p_ma", "p_a", "jump", "raised", "drive", "r_drive",
        "theta", "keep", "v_after", "hold",
    )  # fmt: skip
    state: ClassVar[tuple[str, ...]] = ("v", "i_syn", "adaptation", "refractory")
    ports: ClassVar[tuple[str, ...]] = ("input", "current")

    tau_mem: Any = 20e-3
    tau_syn: Any = 5e-3
    r: Any = 1.0
    v_leak: Any = 0.0
    v_threshold: Any = 1.0
    v_reset: Any = 0.0
    t_ref: Any = 0.0
    i_e: Any = 0.0
    tau_adapt: Any = 200e-3
    b: Any = 0.1
    adaptation: str = "threshold"
    reset: str = "value"

    def __post_init__(self) -> None:
        from neuro.errors import ParameterError

        check(self, positive=("tau_mem", "tau_syn", "tau_adapt"), free="v_threshold")
        if self.adaptation not in ("threshold", "current"):
            raise ParameterError(
                f"Alif.adaptation: 'threshold' or 'current', got {self.adaptation!r}"
            )

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        on_threshold = self.adaptation == "threshold"
        drain = -psc_propagator(dt, self.tau_mem, self.tau_adapt, self.r)
        return {
            "p_s": decay(dt, self.tau_syn),
            "p_ms": psc_propagator(dt, self.tau_mem, self.tau_syn, self.r),
            "p_ma": 0.0 if on_threshold else drain,
            "p_a": decay(dt, self.tau_adapt),
            "jump": self.b,
            "raised": float(on_threshold),
            **_membrane(self, dt, convention),
        }

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v_leak}


register_neuron(Alif, brian2=alif_step)(alif_step)
