"""The exact engine: no time grid, cost per event."""

from neuro.core.exact.engine import WINDOW as WINDOW
from neuro.core.exact.engine import CellGroup as CellGroup
from neuro.core.exact.engine import EventSource as EventSource
from neuro.core.exact.engine import ExactCore as ExactCore
from neuro.core.exact.engine import SynapseGroup as SynapseGroup
from neuro.core.exact.engine import psp_peak as psp_peak

__all__ = [
    "WINDOW",
    "CellGroup",
    "EventSource",
    "ExactCore",
    "SynapseGroup",
    "psp_peak",
]
