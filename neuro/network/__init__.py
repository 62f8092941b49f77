"""Description -> build -> run: networks of populations, projections and stimuli."""

from neuro.network.description import Frames as Frames
from neuro.network.description import Population as Population
from neuro.network.description import Projection as Projection
from neuro.network.registry import register_neuron as register_neuron
from neuro.network.result import Result as Result
from neuro.network.result import Spikes as Spikes
from neuro.network.result import Trace as Trace
from neuro.network.simulation import Network as Network
from neuro.network.simulation import Simulation as Simulation
from neuro.network.weights import ColumnReader as ColumnReader
from neuro.network.weights import WeightBlock as WeightBlock
from neuro.network.weights import WeightSource as WeightSource

__all__ = [
    "ColumnReader",
    "Frames",
    "Network",
    "Population",
    "Projection",
    "Result",
    "Simulation",
    "Spikes",
    "Trace",
    "WeightBlock",
    "WeightSource",
    "register_neuron",
]
