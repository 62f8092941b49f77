"""Hierarchical temporal memory: sequences learnt online, predicted, and forecast."""

from neuro.htm.anomaly import AnomalyLikelihood as AnomalyLikelihood
from neuro.htm.classifier import Predictions as Predictions
from neuro.htm.classifier import SdrClassifier as SdrClassifier
from neuro.htm.forecast import Forecast as Forecast
from neuro.htm.forecaster import HTMForecaster as HTMForecaster
from neuro.htm.parameters import TemporalMemoryParams as TemporalMemoryParams
from neuro.htm.records import MemoryTrace as MemoryTrace
from neuro.htm.spatial_pooler import SpatialPooler as SpatialPooler
from neuro.htm.table import read_csv as read_csv
from neuro.htm.temporal_memory import TemporalMemory as TemporalMemory

__all__ = [
    "AnomalyLikelihood",
    "Forecast",
    "HTMForecaster",
    "MemoryTrace",
    "Predictions",
    "SdrClassifier",
    "SpatialPooler",
    "TemporalMemory",
    "TemporalMemoryParams",
    "read_csv",
]
