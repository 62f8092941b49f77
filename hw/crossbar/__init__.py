"""Resistive crossbar arrays: circuit, devices, mapping, converters, spiking reads."""

from .capacity import CapacityReport as CapacityReport
from .capacity import capacity_report as capacity_report
from .random_weights import RandomWeights as RandomWeights
from .random_weights import formed_probability as formed_probability

__all__ = [
    "CapacityReport",
    "RandomWeights",
    "capacity_report",
    "formed_probability",
]
