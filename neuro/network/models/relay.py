"""Populations without dynamics: relays of real values and of events."""

from dataclasses import dataclass
from typing import Any, ClassVar

from neuro.network.models._kernels.linear import parrot_step, relay_step
from neuro.network.models._parameters import check, threshold
from neuro.network.registry import register_neuron

__all__ = ["Relay", "ThresholdUnit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Passes the sum of its inputs on as a real value (its targets count MACs)."""

    params: ClassVar[tuple[str, ...]] = ("unused",)
    state: ClassVar[tuple[str, ...]] = ("value",)
    ports: ClassVar[tuple[str, ...]] = ("input",)
    output: ClassVar[str] = "value"

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        return {"unused": 0.0}


register_neuron(Relay)(relay_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdUnit:
    """Fires in every step whose summed input reaches the threshold.

    With threshold 1 and a :class:`~neuro.network.Poisson` drive of weight 1 it is a
    Poisson source (at most one spike per step); with ``convention="nir"`` (strict) it
    is NIR's Threshold.

    Parameters
    ----------
    v_threshold : float or ndarray of shape (n,)
        Threshold, in the unit of the weights.
    """

    params: ClassVar[tuple[str, ...]] = ("theta",)
    state: ClassVar[tuple[str, ...]] = ("value",)
    ports: ClassVar[tuple[str, ...]] = ("input",)

    v_threshold: Any = 1.0

    def __post_init__(self) -> None:
        check(self, free="v_threshold")

    def prepare(self, dt: float, convention: str) -> dict[str, Any]:
        """Return the rows of the step."""
        return {"theta": threshold(self.v_threshold, convention)}


register_neuron(ThresholdUnit)(parrot_step)
