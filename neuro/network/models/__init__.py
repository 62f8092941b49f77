"""Built-in neuron models, one registered step each."""

from neuro.network.models.adaptive import Adex as Adex
from neuro.network.models.adaptive import Izhikevich as Izhikevich
from neuro.network.models.conductance import LifCondExp as LifCondExp
from neuro.network.models.conductance import (
    LifCondExpReference as LifCondExpReference,
)
from neuro.network.models.lif import IfDelta as IfDelta
from neuro.network.models.lif import Li as Li
from neuro.network.models.lif import LifDelta as LifDelta
from neuro.network.models.lif_exp import Alif as Alif
from neuro.network.models.lif_exp import CubaLi as CubaLi
from neuro.network.models.lif_exp import LifAlpha as LifAlpha
from neuro.network.models.lif_exp import LifExp as LifExp
from neuro.network.models.lif_exp import LifExpEI as LifExpEI
from neuro.network.models.relay import Relay as Relay
from neuro.network.models.relay import ThresholdUnit as ThresholdUnit

__all__ = [
    "Adex",
    "Alif",
    "CubaLi",
    "IfDelta",
    "Izhikevich",
    "Li",
    "LifAlpha",
    "LifCondExp",
    "LifCondExpReference",
    "LifDelta",
    "LifExp",
    "LifExpEI",
    "Relay",
    "ThresholdUnit",
]
