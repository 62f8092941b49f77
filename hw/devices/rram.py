"""Resistive memory: fits published with aihwkit and CrossSim, and a generic device.

``rram_wan*``: Wan et al., Nature 608 (2022), as in aihwkit
``inference/noise/reram.py`` and CrossSim ``devices/custom/RRAM_Wan.py`` (Extended Data
Fig. 3). ``rram_milo``: Milo et al., IRPS 2021, Fig. 4, as in CrossSim. ``rram_cmo_*``:
conductive-metal-oxide/HfOx, write-verify windows of 0.2 % and 2 %, as in aihwkit.
"""

from .base import Device, micro
from .curves import Curve
from .dynamics import CmoReadNoise, LogRelaxation, RelativeReadNoise
from .iv import MiloIV
from .spread import Variability

__all__ = [
    "rram_cmo_02",
    "rram_cmo_2",
    "rram_generic",
    "rram_milo",
    "rram_wan",
    "rram_wan_1d",
    "rram_wan_1s",
    "rram_wan_2d",
    "rram_wan_cubic",
]

_DAY = 86400.0
_WAN: tuple[tuple[float, Curve], ...] = (
    (1.0, micro(0.348, 16.030, -43.853, 45.393, -16.815, g_ref=40e-6)),
    (_DAY, micro(0.701, 22.086, -50.773, 47.095, -16.458, g_ref=40e-6)),
    (2 * _DAY, micro(0.782, 20.274, -43.507, 37.062, -11.934, g_ref=40e-6)),
)
_WAN_SOURCE = "Wan et al., Nature 608 (2022), as in aihwkit inference/noise/reram.py"


def rram_wan() -> Device:
    """1 s to 2 days after programming, interpolated in ln t, never extrapolated."""
    return Device(
        name="rram_wan",
        g_min=0.0,
        g_max=40e-6,
        timed_programming=_WAN,
        read_noise=RelativeReadNoise(fraction=0.01),
        reference=_WAN_SOURCE,
    )


def _wan_at(name: str, k: int) -> Device:
    return rram_wan().with_(name=name, timed_programming=(), programming=_WAN[k][1])


def rram_wan_1s() -> Device:
    """As measured 1 s after programming."""
    return _wan_at("rram_wan_1s", 0)


def rram_wan_1d() -> Device:
    """As measured one day after programming."""
    return _wan_at("rram_wan_1d", 1)


def rram_wan_2d() -> Device:
    """As measured two days after programming."""
    return _wan_at("rram_wan_2d", 2)


def rram_wan_cubic() -> Device:
    """Cubic fit up to 39.26 uS."""
    return Device(
        name="rram_wan_cubic",
        g_min=0.0,
        g_max=39.26e-6,
        programming=micro(1.053, 0.2374, -1.167e-2, 1.536e-4),
        reference="Wan et al., Nature 608 (2022), Ext. Data Fig. 3, as in CrossSim",
    )


def rram_milo() -> Device:
    """HfO2 multilevel, 50-225 uS, incremental gate voltage with verify (IGVVA-100)."""
    return Device(
        name="rram_milo",
        g_min=50e-6,
        g_max=225e-6,
        programming=micro(4.782321, -0.009107),
        iv=MiloIV(),
        reference="Milo et al., IRPS 2021, Fig. 4, as in CrossSim",
    )


def _cmo(name: str, a: float, b: float, g_min: float, g_max: float) -> Device:
    return Device(
        name=name,
        g_min=g_min,
        g_max=g_max,
        programming=micro(a, b),
        drift=LogRelaxation(a=-0.08900206e-6, b=0.04201137e-6, c=0.41183342e-6),
        read_noise=CmoReadNoise(),
        reference="CMO/HfOx ReRAM, as in aihwkit inference/noise/reram.py",
    )


def rram_cmo_02(g_min: float = 1e-6, g_max: float = 100e-6) -> Device:
    """Window of 0.2 %; the range is the user's (default ours)."""
    return _cmo("rram_cmo_02", 0.00081107, 0.00106879, g_min, g_max)


def rram_cmo_2(g_min: float = 1e-6, g_max: float = 100e-6) -> Device:
    """Window of 2 %; the range is the user's (default ours)."""
    return _cmo("rram_cmo_2", 0.0112185391, 0.01129027418, g_min, g_max)


def rram_generic() -> Device:
    """1-100 uS, log-normal spread 0.5 at the low to 0.05 at the high end (ours)."""
    return Device(
        name="rram_generic",
        g_min=1e-6,
        g_max=100e-6,
        variability=Variability(cycle_to_cycle=(0.5, 0.05)),
        read_noise=RelativeReadNoise(fraction=0.02),
        reference="generic values of this project",
    )
