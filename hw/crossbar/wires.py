"""Wire resistance per cell by technology node.

Ohms per micrometre are ``rho / (AR W^2)`` with NeuroSim's metal width, aspect ratio and
resistivity (``Param.cpp``, without its barrier term); a 1T1R cell is 12F wide and 4F
high, a bare cross-point 2F.
"""

from dataclasses import dataclass

from neuro.errors import ParameterError

__all__ = ["NODES", "Wire", "wire"]

# node nm: (W nm, aspect ratio, rho 1e-8 ohm m)
NODES: dict[int, tuple[float, float, float]] = {
    130: (175, 1.6, 2.01),
    90: (110, 1.6, 2.20),
    65: (105, 1.7, 2.21),
    45: (80, 1.7, 2.37),
    32: (56, 1.8, 2.63),
    22: (40, 1.9, 2.97),
    14: (32, 2.0, 3.25),
}


@dataclass(frozen=True, slots=True)
class Wire:
    """Segment resistances of one node, ohms."""

    node_nm: int
    r_word: float
    r_bit: float
    r_crosspoint: float


def wire(node_nm: int) -> Wire:
    """Return segment resistances of a 1T1R array: along 12F, along 4F, and 2F.

    For a 40 nm macro take 45 (2.1 and 0.7 ohm).
    """
    if node_nm not in NODES:
        raise ParameterError(
            f"wire: nodes {', '.join(map(str, NODES))} nm, got {node_nm}"
        )
    w, ratio, rho = NODES[node_nm]
    per_m = rho * 1e-8 / (ratio * (w * 1e-9) ** 2)
    f = w * 1e-9  # NeuroSim lays cells out in units of the metal width
    return Wire(node_nm, 12 * f * per_m, 4 * f * per_m, 2 * f * per_m)
