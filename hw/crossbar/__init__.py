"""Resistive crossbar arrays: circuit, devices, mapping, converters, spiking reads.

``torch_layers`` is imported on demand: ``from hw.crossbar.torch_layers import ...``.
"""

from .analog import AnalogMatrix as AnalogMatrix
from .approximations import cubic_drop as cubic_drop
from .approximations import fixed_point as fixed_point
from .approximations import scale_factors as scale_factors
from .array import Crossbar as Crossbar
from .budget import ErrorBudget as ErrorBudget
from .budget import error_budget as error_budget
from .capacity import CapacityReport as CapacityReport
from .capacity import capacity_report as capacity_report
from .compat import solve as solve
from .config import AnalogConfig as AnalogConfig
from .converters import ADC as ADC
from .converters import DAC as DAC
from .forming import formed_probability as formed_probability
from .mapping import Encoded as Encoded
from .mapping import Mapping as Mapping
from .network import dense_weights as dense_weights
from .network import map_network as map_network
from .noise import column_noise_variance as column_noise_variance
from .noise import noisy_product as noisy_product
from .noise import sampled_product as sampled_product
from .nonlinear import solve_nonlinear as solve_nonlinear
from .passive import read_cell as read_cell
from .passive import sneak_resistance as sneak_resistance
from .random_weights import RandomWeights as RandomWeights
from .reader import AnalogReader as AnalogReader
from .solution import Solution as Solution
from .wires import wire as wire

__all__ = [
    "ADC",
    "DAC",
    "AnalogConfig",
    "AnalogMatrix",
    "AnalogReader",
    "CapacityReport",
    "Crossbar",
    "Encoded",
    "ErrorBudget",
    "Mapping",
    "RandomWeights",
    "Solution",
    "capacity_report",
    "column_noise_variance",
    "cubic_drop",
    "dense_weights",
    "error_budget",
    "fixed_point",
    "formed_probability",
    "map_network",
    "noisy_product",
    "read_cell",
    "sampled_product",
    "scale_factors",
    "sneak_resistance",
    "solve",
    "solve_nonlinear",
    "wire",
]
