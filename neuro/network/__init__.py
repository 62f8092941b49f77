"""Description -> build -> run: networks of populations, projections and stimuli.

The ways to other tools (NIR, Brian2, NEST) are loaded when first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from neuro.network.description import Population as Population
from neuro.network.description import Projection as Projection
from neuro.network.distributions import LogNormal as LogNormal
from neuro.network.distributions import Normal as Normal
from neuro.network.distributions import Uniform as Uniform
from neuro.network.models import Adex as Adex
from neuro.network.models import Alif as Alif
from neuro.network.models import CubaLi as CubaLi
from neuro.network.models import IfDelta as IfDelta
from neuro.network.models import Izhikevich as Izhikevich
from neuro.network.models import Li as Li
from neuro.network.models import LifAlpha as LifAlpha
from neuro.network.models import LifCondExp as LifCondExp
from neuro.network.models import LifCondExpReference as LifCondExpReference
from neuro.network.models import LifDelta as LifDelta
from neuro.network.models import LifExp as LifExp
from neuro.network.models import LifExpEI as LifExpEI
from neuro.network.models import Relay as Relay
from neuro.network.models import ThresholdUnit as ThresholdUnit
from neuro.network.network import MemoryEstimate as MemoryEstimate
from neuro.network.network import Network as Network
from neuro.network.plasticity import PairStdp as PairStdp
from neuro.network.plasticity import PowerLawStdp as PowerLawStdp
from neuro.network.plasticity import RewardStdp as RewardStdp
from neuro.network.plasticity import ShortTerm as ShortTerm
from neuro.network.plasticity import TripletStdp as TripletStdp
from neuro.network.recorders import Record as Record
from neuro.network.recorders import RecordWeights as RecordWeights
from neuro.network.registry import register_neuron as register_neuron
from neuro.network.registry import register_plasticity as register_plasticity
from neuro.network.result import Result as Result
from neuro.network.result import Spikes as Spikes
from neuro.network.result import Trace as Trace
from neuro.network.rules import AllToAll as AllToAll
from neuro.network.rules import Bernoulli as Bernoulli
from neuro.network.rules import FixedIndegree as FixedIndegree
from neuro.network.rules import FixedOutdegree as FixedOutdegree
from neuro.network.rules import FixedTotal as FixedTotal
from neuro.network.rules import OneToOne as OneToOne
from neuro.network.rules import Pairs as Pairs
from neuro.network.simulation import Simulation as Simulation
from neuro.network.stimuli import Current as Current
from neuro.network.stimuli import Events as Events
from neuro.network.stimuli import Frames as Frames
from neuro.network.stimuli import Poisson as Poisson
from neuro.network.stimuli import Sine as Sine
from neuro.network.stimuli import SpikeList as SpikeList
from neuro.network.weights import ColumnReader as ColumnReader
from neuro.network.weights import WeightBlock as WeightBlock
from neuro.network.weights import WeightSource as WeightSource

if TYPE_CHECKING:
    from neuro.network.brian2_adapter import to_brian2 as to_brian2
    from neuro.network.nest_export import to_nest as to_nest
    from neuro.network.nir_reader import from_nir as from_nir
    from neuro.network.nir_writer import to_nir as to_nir
    from neuro.network.nir_writer import write_nir as write_nir

_LATER = {
    "from_nir": "nir_reader",
    "to_brian2": "brian2_adapter",
    "to_nest": "nest_export",
    "to_nir": "nir_writer",
    "write_nir": "nir_writer",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f"neuro.network.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Adex",
    "Alif",
    "AllToAll",
    "Bernoulli",
    "ColumnReader",
    "CubaLi",
    "Current",
    "Events",
    "FixedIndegree",
    "FixedOutdegree",
    "FixedTotal",
    "Frames",
    "IfDelta",
    "Izhikevich",
    "Li",
    "LifAlpha",
    "LifCondExp",
    "LifCondExpReference",
    "LifDelta",
    "LifExp",
    "LifExpEI",
    "LogNormal",
    "MemoryEstimate",
    "Network",
    "Normal",
    "OneToOne",
    "PairStdp",
    "Pairs",
    "Poisson",
    "Population",
    "PowerLawStdp",
    "Projection",
    "Record",
    "RecordWeights",
    "Relay",
    "Result",
    "RewardStdp",
    "ShortTerm",
    "Simulation",
    "Sine",
    "SpikeList",
    "Spikes",
    "ThresholdUnit",
    "Trace",
    "TripletStdp",
    "Uniform",
    "WeightBlock",
    "WeightSource",
    "from_nir",
    "register_neuron",
    "register_plasticity",
    "to_brian2",
    "to_nest",
    "to_nir",
    "write_nir",
]
