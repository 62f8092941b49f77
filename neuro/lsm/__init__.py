"""Liquid state machines: a fixed random spiking reservoir and a trained read-out."""

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
    "Liquid",
    "LiquidActivity",
    "LiquidNeuron",
    "LiquidPreset",
    "cross_validate",
    "fit_readout",
    "input_counts",
    "window_edges",
]
