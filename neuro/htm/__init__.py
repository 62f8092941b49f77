"""Hierarchical temporal memory: sequences learnt online, predicted, and forecast."""

from neuro.htm.parameters import TemporalMemoryParams as TemporalMemoryParams
from neuro.htm.temporal_memory import MemoryTrace as MemoryTrace
from neuro.htm.temporal_memory import TemporalMemory as TemporalMemory

__all__ = ["MemoryTrace", "TemporalMemory", "TemporalMemoryParams"]
