r"""Spiking temporal memory: LIF neurons with dendritic action potentials.

The computation of the temporal memory in continuous time (Bouhadjar et al. 2022): a
dendritic input above a threshold starts a plateau (dendritic action potential, dAP)
that brings the soma close to firing. When the element arrives, neurons with a plateau
fire first and silence the others of their group through inhibition; without a plateau
all fire. Permanences grow for pre-before-post pairs of successive elements.

Neuron (between events all parts have closed forms and are advanced exactly):

.. math::
    \tau_m \dot V = -V + R\,(I_X + I_D + I_I), \qquad V \ge \theta: V \to 0

with exponential currents :math:`I_X, I_I` and an alpha-shaped :math:`I_D` that is
clamped to a constant while a dAP runs. During the clamp and while the soma is
refractory, dendritic input is dropped; a somatic spike ends the dAP; at its end the
dendritic state starts from zero (the published versions differ in this point).

References
----------
.. [1] Bouhadjar, Wouters, Diesmann & Tetzlaff, PLOS Comput. Biol. 18(6):e1010233
   (2022).
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from neuro.errors import ParameterError
from neuro.htm._kernels.spiking import (
    Z_HISTORY,
    dendritic_lif_step,
    structural_on_pre,
)
from neuro.network import register_neuron, register_plasticity

__all__ = ["DendriticLif", "StructuralStdp", "psc_amplitude"]


def psc_amplitude(psp: float, *, tau_mem: float, tau_syn: float, c: float) -> float:
    """Return the amplitude of an exponential current whose potential peaks at `psp`.

    Parameters
    ----------
    psp : float
        Peak of the postsynaptic potential, volts.
    tau_mem, tau_syn : float
        Time constants, seconds, different.
    c : float
        Membrane capacitance, farads.

    Examples
    --------
    >>> j = psc_amplitude(22e-3, tau_mem=10e-3, tau_syn=2e-3, c=250e-12)
    >>> round(j * 1e12)
    4112
    """
    ratio = tau_mem / tau_syn
    peak = ratio ** (-tau_mem / (tau_mem - tau_syn)) - ratio ** (
        -tau_syn / (tau_mem - tau_syn)
    )
    return float(psp / (tau_mem / c * tau_syn / (tau_syn - tau_mem) * peak))


@dataclass(frozen=True, slots=True, kw_only=True)
class DendriticLif:
    """LIF neuron with a dendritic plateau; defaults of the publication.

    Parameters
    ----------
    tau_mem : float
        Membrane time constant, seconds.
    c : float
        Membrane capacitance, farads.
    v_threshold, v_reset : float
        Volts; the resting potential is 0.
    t_ref : float
        Refractory time, seconds.
    tau_external, tau_inhibition, tau_dendrite : float
        Synaptic time constants, seconds.
    i_dap, t_dap, theta_dap : float
        Current and length of the dAP and the dendritic current that starts it.
    tau_z : float
        Time constant of the dAP trace, seconds.

    Notes
    -----
    Ports: ``external`` and ``inhibition`` (amperes, amplitude of an exponential
    current), ``dendrite`` (amperes, peak of an alpha function). State: ``v``,
    ``i_external``, ``i_inhibition``, ``y_dendrite``, ``i_dendrite``, ``dap`` (steps
    left), ``refractory`` (steps left), ``z`` (dAP trace), ``spikes`` (count) and the
    trace at the last spikes.
    """

    params: ClassVar[tuple[str, ...]] = (
        "p_m", "p_x", "p_mx", "p_i", "p_mi", "p_d", "p_my", "p_md", "kick", "drive",
        "theta", "theta_dap", "v_after", "p_z", "hold", "hold_dap",
    )  # fmt: skip
    state: ClassVar[tuple[str, ...]] = (
        "v", "i_external", "i_inhibition", "y_dendrite", "i_dendrite", "dap",
        "refractory", "z", "spikes", *(f"z_{k}" for k in range(Z_HISTORY)),
    )  # fmt: skip
    ports: ClassVar[tuple[str, ...]] = ("external", "inhibition", "dendrite")
    __references__: ClassVar[tuple[str, ...]] = ("bouhadjar2022",)

    tau_mem: float = 10e-3
    c: float = 250e-12
    v_threshold: float = 20e-3
    v_reset: float = 0.0
    t_ref: float = 10e-3
    tau_external: float = 2e-3
    tau_inhibition: float = 1e-3
    tau_dendrite: float = 5e-3
    i_dap: float = 200e-12
    t_dap: float = 60e-3
    theta_dap: float = 59e-12
    tau_z: float = 440e-3

    def __post_init__(self) -> None:
        for name in (
            "tau_mem", "c", "v_threshold", "t_ref", "tau_external", "tau_inhibition",
            "tau_dendrite", "t_dap", "theta_dap", "tau_z",
        ):  # fmt: skip
            value = float(getattr(self, name))
            if not (math.isfinite(value) and value > 0):
                raise ParameterError(
                    f"DendriticLif.{name}: expected > 0, got {value}; one value for "
                    "all neurons, in SI units"
                )
        for name in ("tau_external", "tau_inhibition", "tau_dendrite"):
            if math.isclose(getattr(self, name), self.tau_mem, rel_tol=1e-6):
                raise ParameterError(
                    f"DendriticLif.{name}: must differ from tau_mem = {self.tau_mem}"
                )

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        p_m = math.exp(-dt / self.tau_mem)

        def exponential(tau: float) -> tuple[float, float]:
            beta = tau * self.tau_mem / (self.tau_mem - tau)
            p = math.exp(-dt / tau)
            return p, beta / self.c * (p_m - p)

        p_x, p_mx = exponential(self.tau_external)
        p_i, p_mi = exponential(self.tau_inhibition)
        p_d, p_md = exponential(self.tau_dendrite)
        tau = self.tau_dendrite
        beta = tau * self.tau_mem / (self.tau_mem - tau)
        p_my = (beta**2 * (p_m - p_d) - beta * dt * p_d) / self.c
        r = self.tau_mem / self.c
        return {
            "p_m": p_m, "p_x": p_x, "p_mx": p_mx, "p_i": p_i, "p_mi": p_mi, "p_d": p_d,
            "p_my": p_my, "p_md": p_md, "kick": math.e / tau,
            "drive": (1 - p_m) * r * self.i_dap, "theta": self.v_threshold,
            "theta_dap": self.theta_dap, "v_after": self.v_reset,
            "p_z": math.exp(-dt / self.tau_z), "hold": round(self.t_ref / dt),
            "hold_dap": round(self.t_dap / dt),
        }  # fmt: skip


register_neuron(DendriticLif)(dendritic_lif_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuralStdp:
    r"""Permanences that decide whether a synapse exists; structural plasticity.

    .. math::
        \dot P / P_{max} = \lambda_+ \sum_{t_i} x(t)\,\delta(t - t_i - d)\,I(t_i)
        - \lambda_- \sum_{t_j} \delta(t - t_j)
        + \lambda_h \sum_{t_i} (z^* - z(t_i))\,\delta(t - t_i)\,I(t_i)

    with post spikes :math:`t_i`, pre spikes :math:`t_j`, the pre trace :math:`x` and
    :math:`I = 1` where the lag to the nearest earlier pre spike lies between the two
    limits. ``P`` stays between its own initial value and `p_max`; the synapse delivers
    `weight` where ``P > p_threshold`` and nothing otherwise. The weight of the
    projection is the initial permanence.

    Parameters
    ----------
    rate_plus, rate_minus, rate_homeostasis : float
        :math:`\lambda_+, \lambda_-, \lambda_h`.
    tau_plus : float
        Time constant of the pre trace, seconds.
    p_max, p_threshold : float
        Largest permanence; permanence of a mature synapse.
    weight : float
        Delivered by a mature synapse, amperes.
    lag_min, lag_max : float
        Limits of the lag, seconds, excluded.
    z_target : float
        Wanted dAP trace: one dAP per episode.
    """

    fields: ClassVar[tuple[str, ...]] = ("delivered", "permanence", "minimum")
    pre_traces: ClassVar[tuple[str, ...]] = ("tau_plus",)
    post_traces: ClassVar[tuple[str, ...]] = ()
    __references__: ClassVar[tuple[str, ...]] = ("bouhadjar2022",)

    rate_plus: float = 0.08
    rate_minus: float = 0.0015
    rate_homeostasis: float = 0.014
    tau_plus: float = 20e-3
    p_max: float = 20.0
    p_threshold: float = 10.0
    weight: float = 12.98e-12
    lag_min: float = 4e-3
    lag_max: float = 80e-3
    z_target: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.p_threshold < self.p_max or self.tau_plus <= 0:
            raise ParameterError(
                "StructuralStdp: expected 0 < p_threshold < p_max and tau_plus > 0, "
                f"got {self.p_threshold}, {self.p_max}, {self.tau_plus}"
            )
        if not 0 <= self.lag_min < self.lag_max:
            raise ParameterError(
                "StructuralStdp: expected 0 <= lag_min < lag_max, got "
                f"{self.lag_min}, {self.lag_max}"
            )

    def prepare(self, dt: float) -> list[float]:
        """Return the parameters of the compiled rule."""
        p = self.p_max
        return [
            self.rate_plus * p, self.rate_minus * p, self.rate_homeostasis * p, p,
            self.p_threshold, self.weight, self.lag_min / dt, self.lag_max / dt,
            self.z_target,
        ]  # fmt: skip


register_plasticity(StructuralStdp)(structural_on_pre)
