r"""Plasticity rules: pair and triplet STDP, short-term depression and facilitation.

All rules are evaluated at presynaptic spikes; the postsynaptic spikes since the last
one are read from a history, so that nothing is lost and nothing is updated per step.
The delay is dendritic by default: a post spike at t is seen by the synapse at t +
delay, a pre spike at once (as in NEST). Potentiation covers post spikes with
``t_last < t_post + delay <= t_pre``, depression those with ``t_post + delay < t_pre``.
With ``delay_on="axon"`` the pre spike reaches the synapse at t + delay and a post spike
at once (as with Brian2's delay on the pre pathway): ``t_last + delay <= t_post <
t_pre + delay`` for both; a post spike in the step of an arrival comes after it.
Delays may differ between the synapses of a projection.

References
----------
.. [1] Morrison, Aertsen & Diesmann, Neural Comput. 19:1437 (2007).
.. [2] Guetig et al., J. Neurosci. 23:3697 (2003).
.. [3] Pfister & Gerstner, J. Neurosci. 26:9673 (2006).
.. [4] Tsodyks, Pawelzik & Markram, Neural Comput. 10:821 (1998).
.. [5] Izhikevich, Cereb. Cortex 17:2443 (2007).
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from neuro.errors import ParameterError
from neuro.network._kernels import pair_stdp, reward_stdp, short_term, triplet_stdp
from neuro.network.registry import register_plasticity

__all__ = ["PairStdp", "PowerLawStdp", "RewardStdp", "ShortTerm", "TripletStdp"]

_PAIRINGS = ("all", "nearest", "restricted")


def _check(rule: Any, positive: tuple[str, ...]) -> None:
    for f in fields(rule):
        value = getattr(rule, f.name)
        if isinstance(value, str):
            continue
        if not np.isfinite(value) or (f.name in positive and value <= 0):
            what = "> 0" if f.name in positive else "finite"
            raise ParameterError(
                f"{type(rule).__name__}.{f.name}: expected {what}, got {value}"
            )
    pairing = getattr(rule, "pairing", "all")
    if pairing not in _PAIRINGS:
        raise ParameterError(
            f"{type(rule).__name__}.pairing: one of {', '.join(_PAIRINGS)}, got "
            f"{pairing!r}"
        )
    if getattr(rule, "delay_on", "dendrite") not in ("dendrite", "axon"):
        raise ParameterError(
            f"{type(rule).__name__}.delay_on: 'dendrite' or 'axon', got "
            f"{rule.delay_on!r}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PairStdp:
    r"""Pair STDP with weight-dependent updates.

    .. math::
        \Delta w_+ = \lambda w_\max (1 - w/w_\max)^{\mu_+} K_\mathrm{pre}, \qquad
        \Delta w_- = -\alpha \lambda w_\max (w/w_\max)^{\mu_-} K_\mathrm{post}

    ``mu = 0`` is additive, ``mu = 1`` multiplicative, between them Guetig's rule.

    Parameters
    ----------
    tau_plus, tau_minus : float
        Time constants of the pre and post trace, seconds.
    rate : float
        lambda.
    alpha : float
        Depression over potentiation.
    mu_plus, mu_minus : float
        Exponents of the weight dependence.
    w_max : float
        Upper bound, unit of the weight; the lower bound is 0.
    pairing : {"all", "nearest", "restricted"}
        All to all; nearest spike of the other side for both; or only the two nearest
        neighbours of each pair of sides.
    delay_on : {"dendrite", "axon"}
        Which side's spikes reach the synapse late.
    """

    fields: ClassVar[tuple[str, ...]] = ("weight",)
    pre_traces: ClassVar[tuple[str, ...]] = ("tau_plus",)
    post_traces: ClassVar[tuple[str, ...]] = ("tau_minus",)
    __references__: ClassVar[tuple[str, ...]] = ("morrison2007",)

    tau_plus: float = 20e-3
    tau_minus: float = 20e-3
    rate: float = 0.01
    alpha: float = 1.0
    mu_plus: float = 1.0
    mu_minus: float = 1.0
    w_max: float = 1.0
    pairing: str = "all"
    delay_on: str = "dendrite"

    def __post_init__(self) -> None:
        _check(self, ("tau_plus", "tau_minus", "w_max"))

    def prepare(self, dt: float) -> list[float]:
        """Return the parameters of the compiled rule."""
        code = float(_PAIRINGS.index(self.pairing))
        return [
            0.0, code, self.rate, self.alpha, self.mu_plus, self.mu_minus, self.w_max,
            1.0,
        ]  # fmt: skip


register_plasticity(PairStdp)(pair_stdp)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLawStdp:
    r"""Power-law STDP of Morrison et al. (2007).

    .. math::
        \Delta w_+ = \lambda w_0^{1-\mu} w^\mu K_\mathrm{pre}, \qquad
        \Delta w_- = -\lambda \alpha w K_\mathrm{post}

    Parameters
    ----------
    tau_plus, tau_minus : float
        Time constants of the pre and post trace, seconds.
    rate, alpha, mu : float
        lambda, alpha and mu.
    w0 : float
        Reference weight, unit of the weight.
    pairing : {"all", "nearest", "restricted"}
        See :class:`PairStdp`.
    delay_on : {"dendrite", "axon"}
        See :class:`PairStdp`.
    """

    fields: ClassVar[tuple[str, ...]] = ("weight",)
    pre_traces: ClassVar[tuple[str, ...]] = ("tau_plus",)
    post_traces: ClassVar[tuple[str, ...]] = ("tau_minus",)
    __references__: ClassVar[tuple[str, ...]] = ("morrison2007",)

    tau_plus: float = 15e-3
    tau_minus: float = 30e-3
    rate: float = 0.1
    alpha: float = 0.0513
    mu: float = 0.4
    w0: float = 1.0
    pairing: str = "all"
    delay_on: str = "dendrite"

    def __post_init__(self) -> None:
        _check(self, ("tau_plus", "tau_minus", "w0"))

    def prepare(self, dt: float) -> list[float]:
        """Return the parameters of the compiled rule."""
        code = float(_PAIRINGS.index(self.pairing))
        return [
            1.0, code, self.rate, self.alpha, self.mu, 1.0, np.inf,
            self.w0 ** (1 - self.mu),
        ]  # fmt: skip


register_plasticity(PowerLawStdp)(pair_stdp)


@dataclass(frozen=True, slots=True, kw_only=True)
class TripletStdp:
    """Triplet STDP (Pfister & Gerstner 2006), all to all, hard bounds 0 and w_max.

    Parameters
    ----------
    tau_plus, tau_x : float
        Fast and slow pre traces r1, r2, seconds.
    tau_minus, tau_y : float
        Fast and slow post traces o1, o2, seconds.
    a2_plus, a3_plus, a2_minus, a3_minus : float
        Amplitudes, unit of the weight.
    w_max : float
        Upper bound.
    delay_on : {"dendrite", "axon"}
        See :class:`PairStdp`.
    """

    fields: ClassVar[tuple[str, ...]] = ("weight",)
    pre_traces: ClassVar[tuple[str, ...]] = ("tau_plus", "tau_x")
    post_traces: ClassVar[tuple[str, ...]] = ("tau_minus", "tau_y")
    __references__: ClassVar[tuple[str, ...]] = ("pfister2006",)

    tau_plus: float = 16.8e-3
    tau_x: float = 101e-3
    tau_minus: float = 33.7e-3
    tau_y: float = 125e-3
    a2_plus: float = 5e-10
    a3_plus: float = 6.2e-3
    a2_minus: float = 7e-3
    a3_minus: float = 2.3e-4
    w_max: float = 1.0
    delay_on: str = "dendrite"

    def __post_init__(self) -> None:
        _check(self, ("tau_plus", "tau_x", "tau_minus", "tau_y", "w_max"))

    def prepare(self, dt: float) -> list[float]:
        """Return the parameters of the compiled rule."""
        return [
            self.a2_plus, self.a3_plus, self.a2_minus, self.a3_minus, self.w_max,
        ]  # fmt: skip


register_plasticity(TripletStdp)(triplet_stdp)


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardStdp:
    r"""Three-factor rule: pairs of spikes mark a synapse, a reward changes it.

    .. math::
        \tau_e \dot e = -e + \tau_e \sum (A_+ K_\mathrm{pre} \text{ at post spikes}
        - A_- K_\mathrm{post} \text{ at pre spikes}), \qquad \Delta w = r\, e

    The reward r is given between runs by ``Simulation.reward(projection, r)``; until
    then the weights stay as they are. Pairing is all to all, bounds are 0 and w_max.

    Parameters
    ----------
    tau_plus, tau_minus : float
        Time constants of the pre and post trace, seconds.
    tau_e : float
        Time constant of the eligibility, seconds.
    a_plus, a_minus : float
        Eligibility gained per pair.
    w_max : float
        Upper bound, unit of the weight.
    delay_on : {"dendrite", "axon"}
        See :class:`PairStdp`.

    Notes
    -----
    After Izhikevich [5]_ with the reward as a point in time instead of a decaying
    concentration.
    """

    fields: ClassVar[tuple[str, ...]] = ("weight", "eligibility")
    pre_traces: ClassVar[tuple[str, ...]] = ("tau_plus", "tau_e")
    post_traces: ClassVar[tuple[str, ...]] = ("tau_minus",)
    rewarded: ClassVar[bool] = True
    __references__: ClassVar[tuple[str, ...]] = ("izhikevich2007",)

    tau_plus: float = 20e-3
    tau_minus: float = 20e-3
    tau_e: float = 1.0
    a_plus: float = 1.0
    a_minus: float = 1.5
    w_max: float = 1.0
    delay_on: str = "dendrite"

    def __post_init__(self) -> None:
        _check(self, ("tau_plus", "tau_minus", "tau_e", "w_max"))

    def prepare(self, dt: float) -> list[float]:
        """Return the parameters of the compiled rule; the first is the reward."""
        return [0.0, self.a_plus, self.a_minus, self.w_max]


register_plasticity(RewardStdp)(reward_stdp)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortTerm:
    """Short-term plasticity (Tsodyks, Pawelzik & Markram 1998), exact between spikes.

    At a spike: recover x, update u, release ``w u x``, then ``x -= u x``.

    Parameters
    ----------
    u : float
        Utilisation at rest, in (0, 1].
    tau_rec : float
        Recovery from depression, seconds.
    tau_facil : float
        Decay of facilitation, seconds; 0: no facilitation.
    """

    fields: ClassVar[tuple[str, ...]] = ("delivered", "weight", "u", "x")
    pre_traces: ClassVar[tuple[str, ...]] = ()
    post_traces: ClassVar[tuple[str, ...]] = ()
    __references__: ClassVar[tuple[str, ...]] = ("tsodyks1998",)

    u: float = 0.5
    tau_rec: float = 800e-3
    tau_facil: float = 0.0

    def __post_init__(self) -> None:
        _check(self, ("u", "tau_rec"))
        if self.u > 1 or self.tau_facil < 0:
            raise ParameterError(
                f"ShortTerm: expected u <= 1 and tau_facil >= 0, got {self.u}, "
                f"{self.tau_facil}"
            )

    def prepare(self, dt: float) -> list[float]:
        """Return the parameters of the compiled rule."""
        return [self.u, self.tau_rec, self.tau_facil, dt]


register_plasticity(ShortTerm)(short_term)
