"""Liquid state machines: a fixed random spiking reservoir and a trained read-out."""

from neuro.lsm.cost import TrainingCost as TrainingCost
from neuro.lsm.cost import array_energy as array_energy
from neuro.lsm.cost import array_operations as array_operations
from neuro.lsm.cost import break_even_energy as break_even_energy
from neuro.lsm.cost import dense_macs as dense_macs
from neuro.lsm.cost import training_cost as training_cost
from neuro.lsm.event_liquid import EventLiquid
from neuro.lsm.liquid import Liquid as Liquid
from neuro.lsm.liquid import LiquidActivity as LiquidActivity
from neuro.lsm.liquid import LiquidNeuron as LiquidNeuron
from neuro.lsm.presets import PRESETS as PRESETS
from neuro.lsm.presets import LiquidPreset as LiquidPreset
from neuro.lsm.readout import READOUTS as READOUTS
from neuro.lsm.readout import cross_validate as cross_validate
from neuro.lsm.readout import fit_readout as fit_readout
from neuro.lsm.windows import input_counts as input_counts
from neuro.lsm.windows import window_edges as window_edges

__all__ = [
    "PRESETS",
    "READOUTS",
    "EventLiquid",
    "Liquid",
    "LiquidActivity",
    "LiquidNeuron",
    "LiquidPreset",
    "TrainingCost",
    "array_energy",
    "array_operations",
    "break_even_energy",
    "cross_validate",
    "dense_macs",
    "fit_readout",
    "input_counts",
    "training_cost",
    "window_edges",
]
