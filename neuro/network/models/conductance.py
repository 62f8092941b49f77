r"""Conductance-based LIF (COBA).

.. math::
    C \dot V = -g_L (V - E_L) - g_e (V - E_e) - g_i (V - E_i) + I,
    \qquad \dot g_k = -g_k / \tau_k

By default exponential Euler: the conductances are held over the step, for which V is
then exact (error of first order in dt). ``method="rk4"`` is the reference: Runge-Kutta
of order 4 with substeps on the decaying conductances.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neuro.errors import ParameterError
from neuro.network.models._kernels.nonlinear import lif_cond_rk4_step, lif_cond_step
from neuro.network.models._parameters import (
    check,
    decay,
    refractory_steps,
    reset_rows,
    threshold,
)
from neuro.network.registry import register_neuron

__all__ = ["LifCondExp", "LifCondExpReference"]

_ROWS = (
    "g_leak", "leak_drive", "e_exc", "e_inh", "per_c", "p_e", "p_i", "i_e", "theta",
    "keep", "v_after", "hold",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LifCondExp:
    """LIF with exponential excitatory and inhibitory conductances.

    Parameters
    ----------
    c : float or ndarray of shape (n,)
        Capacitance, farads.
    g_leak : float or ndarray
        Leak conductance, siemens.
    v_leak, e_exc, e_inh : float or ndarray
        Reversal potentials, volts.
    tau_exc, tau_inh : float or ndarray
        Time constants of the conductances, seconds.
    v_threshold, v_reset : float or ndarray
        Threshold and reset, volts.
    t_ref : float or ndarray
        Refractory time, seconds, rounded to steps.
    i_e : float or ndarray
        Constant current, amperes.

    Notes
    -----
    Ports: ``exc``, ``inh`` (siemens, both weights positive), ``current`` (amperes).
    State: ``v``, ``g_exc``, ``g_inh``, ``refractory``.
    """

    params: ClassVar[tuple[str, ...]] = _ROWS
    state: ClassVar[tuple[str, ...]] = ("v", "g_exc", "g_inh", "refractory")
    ports: ClassVar[tuple[str, ...]] = ("exc", "inh", "current")

    c: Any = 200e-12
    g_leak: Any = 10e-9
    v_leak: Any = -60e-3
    e_exc: Any = 0.0
    e_inh: Any = -80e-3
    tau_exc: Any = 5e-3
    tau_inh: Any = 10e-3
    v_threshold: Any = -50e-3
    v_reset: Any = -60e-3
    t_ref: Any = 5e-3
    i_e: Any = 0.0
    reset: str = "value"

    def __post_init__(self) -> None:
        _check_conductance(self)

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        return _conductance_rows(self, dt, convention)

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v_leak}


register_neuron(LifCondExp, brian2=lif_cond_step)(lif_cond_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class LifCondExpReference:
    """:class:`LifCondExp` by Runge-Kutta of order 4 with substeps.

    Parameters
    ----------
    substeps : int
        Runge-Kutta steps per step.
    c, g_leak, v_leak, e_exc, e_inh, tau_exc, tau_inh, v_threshold, v_reset, t_ref, i_e
        See :class:`LifCondExp`.
    """

    params: ClassVar[tuple[str, ...]] = (*_ROWS, "substeps", "tau_e", "tau_i")
    state: ClassVar[tuple[str, ...]] = ("v", "g_exc", "g_inh", "refractory")
    ports: ClassVar[tuple[str, ...]] = ("exc", "inh", "current")

    c: Any = 200e-12
    g_leak: Any = 10e-9
    v_leak: Any = -60e-3
    e_exc: Any = 0.0
    e_inh: Any = -80e-3
    tau_exc: Any = 5e-3
    tau_inh: Any = 10e-3
    v_threshold: Any = -50e-3
    v_reset: Any = -60e-3
    t_ref: Any = 5e-3
    i_e: Any = 0.0
    reset: str = "value"
    substeps: int = 4

    def __post_init__(self) -> None:
        _check_conductance(self)
        if self.substeps < 1:
            raise ParameterError(
                f"LifCondExpReference.substeps: expected >= 1, got {self.substeps}"
            )

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        return {
            **_conductance_rows(self, dt, convention),
            "substeps": float(self.substeps),
            "tau_e": self.tau_exc,
            "tau_i": self.tau_inh,
        }

    def initial(self) -> dict[str, Any]:
        """Return the initial state where it is not 0."""
        return {"v": self.v_leak}


register_neuron(LifCondExpReference)(lif_cond_rk4_step)


def _check_conductance(model: Any) -> None:
    check(model, positive=("c", "g_leak", "tau_exc", "tau_inh"), free="v_threshold")


def _conductance_rows(model: Any, dt: float, convention: str) -> dict[str, Any]:
    return {
        "g_leak": model.g_leak,
        "leak_drive": np.asarray(model.g_leak, float) * model.v_leak,
        "e_exc": model.e_exc,
        "e_inh": model.e_inh,
        "per_c": dt / np.asarray(model.c, float),
        "p_e": decay(dt, model.tau_exc),
        "p_i": decay(dt, model.tau_inh),
        "i_e": model.i_e,
        "theta": threshold(model.v_threshold, convention),
        "hold": refractory_steps(model.t_ref, dt, convention),
        **reset_rows(model),
    }
