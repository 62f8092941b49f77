"""What a network consists of: frozen descriptions without state."""

from dataclasses import dataclass
from typing import Any

from neuro.errors import ParameterError

__all__ = ["Frames", "Population", "Projection"]


@dataclass(frozen=True, slots=True)
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
    init : mapping of str to float or ndarray, optional
        Initial state by row name; 0 where not given.
    """

    name: str
    n: int
    model: Any
    init: Any = None

    def __post_init__(self) -> None:
        if self.n < 0:
            raise ParameterError(f"Population {self.name!r}: n >= 0, got {self.n}")


@dataclass(frozen=True, slots=True)
class Frames:
    """A stimulus given as one array per step, handed in when the network runs.

    Frame ``k`` acts in the advance ``k -> k+1``.

    Parameters
    ----------
    name : str
        Unique name; the key of ``inputs`` in ``Simulation.run_samples``.
    n : int
        Number of channels.
    """

    name: str
    n: int


@dataclass(frozen=True, slots=True)
class Projection:
    """Synapses from `pre` to a port of `post`.

    Parameters
    ----------
    pre, post : str
        Names of the source (population or stimulus) and the target population.
    rule : Connectivity or WeightSource
        The synapses.
    weight : float, optional
        Factor on the rule's weights.
    delay : float, optional
        Seconds (steps if dimensionless), >= dt; None: same step, legal on acyclic
        edges only.
    port : str
        Port of the target model.
    plasticity, gain : optional
        Learning rule; one factor per step.
    """

    pre: str
    post: str
    rule: Any
    weight: Any = None
    delay: Any = None
    port: str = "input"
    plasticity: Any = None
    gain: Any = None
