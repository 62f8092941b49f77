"""The exact engine: no time grid, cost per event."""

from neuro.core.exact.engine import ExactCore as ExactCore
from neuro.core.exact.engine import StateError as StateError
from neuro.core.exact.parts import WINDOW as WINDOW
from neuro.core.exact.parts import CellGroup as CellGroup
from neuro.core.exact.parts import EventSource as EventSource
from neuro.core.exact.parts import OwnModel as OwnModel
from neuro.core.exact.parts import SynapseGroup as SynapseGroup
from neuro.core.exact.parts import psp_peak as psp_peak

__all__ = [
    "WINDOW",
    "CellGroup",
    "EventSource",
    "ExactCore",
    "OwnModel",
    "StateError",
    "SynapseGroup",
    "psp_peak",
]
