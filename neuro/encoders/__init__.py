"""Values to sparse distributed representations, and to spike trains."""

from neuro.encoders.base import Encoder as Encoder
from neuro.encoders.category import CategoryEncoder as CategoryEncoder
from neuro.encoders.date import DateEncoder as DateEncoder
from neuro.encoders.multi import MultiEncoder as MultiEncoder
from neuro.encoders.scalar import PeriodicEncoder as PeriodicEncoder
from neuro.encoders.scalar import ScalarEncoder as ScalarEncoder
from neuro.encoders.spikes import latency_spikes as latency_spikes
from neuro.encoders.spikes import rate_spikes as rate_spikes

__all__ = [
    "CategoryEncoder",
    "DateEncoder",
    "Encoder",
    "MultiEncoder",
    "PeriodicEncoder",
    "ScalarEncoder",
    "latency_spikes",
    "rate_spikes",
]
