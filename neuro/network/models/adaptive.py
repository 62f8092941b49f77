"""Non-linear neurons: adaptive exponential (AdEx) and Izhikevich's.

References
----------
.. [1] Brette & Gerstner, J. Neurophysiol. 94:3637 (2005).
.. [2] Izhikevich, IEEE Trans. Neural Netw. 14:1569 (2003).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neuro.errors import ParameterError
from neuro.network.models._kernels.nonlinear import adex_step, izhikevich_step
from neuro.network.models._parameters import check, decay, refractory_steps
from neuro.network.registry import register_neuron

__all__ = ["Adex", "Izhikevich"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adex:
    r"""Adaptive exponential integrate-and-fire neuron.

    .. math::
        C \dot V = -g_L (V - E_L) + g_L \Delta e^{(V - V_T)/\Delta} - w + I, \qquad
        \tau_w \dot w = a (V - E_L) - w

    A spike at ``v_peak``: V <- v_reset, w += b. Runge-Kutta of order 4; the exponent is
    clipped at (v_peak - v_t) / delta.

    Parameters
    ----------
    c, g_leak : float or ndarray of shape (n,)
        Capacitance, farads; leak conductance, siemens.
    v_leak, v_t, v_peak, v_reset, delta : float or ndarray
        Rest, exponential threshold, spike, reset, slope factor, volts.
    a, b : float or ndarray
        Sub-threshold (siemens) and spike-triggered (amperes) adaptation.
    tau_w, tau_syn, t_ref : float or ndarray
        Time constants of adaptation and synaptic current, refractory time, seconds.
    i_e : float or ndarray
        Constant current, amperes.

    Notes
    -----
    Ports: ``input`` (amperes, exponential current), ``current``. State: ``v``, ``w``,
    ``i_syn``, ``refractory``.
    """

    params: ClassVar[tuple[str, ...]] = (
        "c", "g_leak", "v_leak", "delta", "v_t", "v_peak", "v_reset", "a", "b", "tau_w",
        "half_s", "p_s", "i_e", "hold",
    )  # fmt: skip
    state: ClassVar[tuple[str, ...]] = ("v", "w", "i_syn", "refractory")
    ports: ClassVar[tuple[str, ...]] = ("input", "current")
    __references__: ClassVar[tuple[str, ...]] = ("brette2005",)

    c: Any = 281e-12
    g_leak: Any = 30e-9
    v_leak: Any = -70.6e-3
    v_t: Any = -50.4e-3
    v_peak: Any = 0.0
    v_reset: Any = -60e-3
    delta: Any = 2e-3
    a: Any = 4e-9
    b: Any = 80.5e-12
    tau_w: Any = 144e-3
    tau_syn: Any = 5e-3
    t_ref: Any = 0.0
    i_e: Any = 0.0

    def __post_init__(self) -> None:
        check(self, positive=("c", "g_leak", "tau_w", "tau_syn", "delta"))
        if np.any(np.asarray(self.v_reset) >= np.asarray(self.v_peak)):
            raise ParameterError(
                f"Adex.v_reset: expected below v_peak, got {self.v_reset} >= "
                f"{self.v_peak}"
            )

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        own = {k: getattr(self, k) for k in self.params if hasattr(self, k)}
        return {
            **own,
            "half_s": decay(dt / 2, self.tau_syn),
            "p_s": decay(dt, self.tau_syn),
            "hold": refractory_steps(self.t_ref, dt, convention),
        }

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v_leak}


register_neuron(Adex, brian2=adex_step)(adex_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Izhikevich:
    """Izhikevich's neuron in its published units (millivolts, milliseconds).

    ``v' = 0.04 v^2 + 5 v + 140 - u + I``, ``u' = a (b v - u)``; at ``v >= v_peak``:
    v <- c, u <- u + d.

    Parameters
    ----------
    a, b, c, d : float or ndarray of shape (n,)
        The published parameters; `c` in millivolts.
    v_peak : float or ndarray
        Spike cut-off, millivolts.
    i_e : float or ndarray
        Constant input.
    method : {"half-steps", "euler"}
        Two half-steps of v and one of u (the program of 2003), or Euler.

    Notes
    -----
    Both ports, ``input`` and ``current``, act as I over the step in which they arrive.
    State: ``v`` (millivolts), ``u``.
    """

    params: ClassVar[tuple[str, ...]] = (
        "a", "b", "c", "d", "v_peak", "i_e", "euler", "dt_ms",
    )  # fmt: skip
    state: ClassVar[tuple[str, ...]] = ("v", "u")
    ports: ClassVar[tuple[str, ...]] = ("input", "current")
    __references__: ClassVar[tuple[str, ...]] = ("izhikevich2003",)

    a: Any = 0.02
    b: Any = 0.2
    c: Any = -65.0
    d: Any = 8.0
    v_peak: Any = 30.0
    i_e: Any = 0.0
    method: str = "half-steps"

    def __post_init__(self) -> None:
        check(self)
        if self.method not in ("half-steps", "euler"):
            raise ParameterError(
                f"Izhikevich.method: 'half-steps' or 'euler', got {self.method!r}"
            )

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        own = {k: getattr(self, k) for k in ("a", "b", "c", "d", "v_peak", "i_e")}
        return {**own, "euler": float(self.method == "euler"), "dt_ms": dt * 1e3}

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": -65.0, "u": np.asarray(self.b, float) * -65.0}


register_neuron(Izhikevich, brian2=izhikevich_step)(izhikevich_step)
