"""What a network consists of: frozen descriptions without state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuro.core.connectivity import Connectivity
from neuro.errors import ParameterError, ShapeError
from neuro.network._brief import brief_fields
from neuro.network.distributions import Distribution, LogNormal, Normal, Uniform
from neuro.network.rules import Rule
from neuro.network.stimuli import Frames as Frames
from neuro.network.weight_steps import check_step
from neuro.network.weights import WeightSource

__all__ = ["Frames", "Population", "Projection"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Population:
    """A group of neurons of one model.

    Parameters
    ----------
    name : str
        Unique name.
    n : int
        Number of neurons.
    model : object
        Instance of a registered model dataclass.
    init : mapping of str to float, ndarray or Distribution, optional
        Initial state by row name; the model's own initial state (or 0) where not given.
    """

    name: str
    n: int
    model: Any
    init: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ParameterError(f"Population: expected a name, got {self.name!r}")
        if isinstance(self.n, bool) or not isinstance(self.n, int | np.integer):
            raise ParameterError(
                f"Population {self.name!r}: n must be an integer, got {self.n!r}"
            )
        if self.n < 0:
            raise ParameterError(f"Population {self.name!r}: n >= 0, got {self.n}")
        object.__setattr__(self, "n", int(self.n))

    __repr__ = brief_fields


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Projection:
    """Synapses from `pre` to a port of `post`.

    Parameters
    ----------
    pre, post : str
        Names of the source (population or stimulus) and the target population.
    rule : Rule, Connectivity or WeightSource
        The synapses: a connectivity rule (:mod:`neuro.network.rules`), a layout of
        :mod:`neuro.core`, or hardware.
    weight : float, array_like or Distribution, optional
        With a rule: the weight, in the unit of the port (1 by default; an array has one
        entry per synapse, in the order of the rule). With a layout: a factor on its
        weights.
    delay : float, array_like or Distribution, optional
        Seconds (steps if dimensionless), >= dt; None: same step, legal on acyclic
        edges only. A stream of events or spikes needs a delay.
    port : str
        Port of the target model.
    plasticity : object, optional
        Registered plasticity rule.
    gain : array_like of float, shape (n_steps,), optional
        One factor per step on everything the projection delivers in that step.
    weight_step : float, optional
        All weights are multiples of this, at most 32,767 of it. Where every projection
        with weights of its own has a step, the grid engine stores one or two bytes per
        weight instead of four. Given weights must lie on these multiples, drawn ones
        are rounded to them.
    """

    pre: str
    post: str
    rule: Any
    weight: Any = None
    delay: Any = None
    port: str = "input"
    plasticity: Any = None
    gain: Any = None
    weight_step: float | None = None

    def __post_init__(self) -> None:
        who = f"Projection {self.pre!r} -> {self.post!r}"
        if not isinstance(self.rule, Rule | Connectivity | WeightSource):
            raise ParameterError(
                f"{who}: rule must be a connectivity rule, a Connectivity or a "
                f"WeightSource, got {type(self.rule).__name__}"
            )
        for name in ("weight", "delay"):
            value = getattr(self, name)
            if value is None or isinstance(value, Normal | Uniform | LogNormal):
                continue
            array = np.asarray(value)
            if array.ndim > 1 or array.dtype.kind not in "fiub":
                raise ShapeError(
                    f"{who}.{name}: expected a number, a 1-D array or a distribution, "
                    f"got {array.dtype} of shape {array.shape}"
                )
            bad = np.flatnonzero(~np.isfinite(array))
            if bad.size:
                at = f"[{bad[0]}]" if array.ndim else ""
                raise ParameterError(
                    f"{who}.{name}{at} is {array.flat[bad[0]]}; must be finite"
                )
        if self.weight_step is not None:
            check_step(self, who)
        if self.gain is not None:
            gain = np.asarray(self.gain, np.float64)
            if gain.ndim != 1 or not np.isfinite(gain).all():
                raise ShapeError(
                    f"{who}.gain: expected one finite factor per step, got shape "
                    f"{gain.shape}"
                )

    __repr__ = brief_fields

    @property
    def random(self) -> bool:
        """Whether weight or delay is drawn from a distribution."""
        return isinstance(self.weight, Distribution) or isinstance(
            self.delay, Distribution
        )
