"""Resistive crossbar arrays: circuit, devices, mapping, converters, spiking reads."""

from .array import Crossbar as Crossbar
from .array import Solution as Solution
from .array import solve as solve
from .capacity import CapacityReport as CapacityReport
from .capacity import capacity_report as capacity_report
from .noise import column_noise_variance as column_noise_variance
from .noise import noisy_product as noisy_product
from .noise import sampled_product as sampled_product
from .random_weights import RandomWeights as RandomWeights
from .random_weights import formed_probability as formed_probability

__all__ = [
    "CapacityReport",
    "Crossbar",
    "RandomWeights",
    "Solution",
    "capacity_report",
    "column_noise_variance",
    "formed_probability",
    "noisy_product",
    "sampled_product",
    "solve",
]
