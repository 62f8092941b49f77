"""Device families: statistics, valid range, source; one module per family."""

from collections.abc import Callable

from .base import Device as Device
from .curves import LogFit as LogFit
from .curves import Polynomial as Polynomial
from .curves import Saturating as Saturating
from .curves import Table as Table
from .dynamics import AccumulatedReadNoise as AccumulatedReadNoise
from .dynamics import LogRelaxation as LogRelaxation
from .dynamics import OrnsteinUhlenbeck as OrnsteinUhlenbeck
from .dynamics import PowerDrift as PowerDrift
from .dynamics import RelativeReadNoise as RelativeReadNoise
from .dynamics import Telegraph as Telegraph
from .iv import CubicIV as CubicIV
from .iv import MiloIV as MiloIV
from .iv import SinhIV as SinhIV
from .pcm import pcm_hermes1, pcm_hermes2, pcm_joshi, pcm_nandakumar
from .programmed import DeviceArray as DeviceArray
from .rram import (
    rram_cmo_02,
    rram_cmo_2,
    rram_generic,
    rram_milo,
    rram_wan,
    rram_wan_1d,
    rram_wan_1s,
    rram_wan_2d,
    rram_wan_cubic,
)
from .sonos import sonos
from .spread import Faults as Faults
from .spread import Variability as Variability
from .spread import WriteVerify as WriteVerify

__all__ = [
    "PRESETS",
    "AccumulatedReadNoise",
    "CubicIV",
    "Device",
    "DeviceArray",
    "Faults",
    "LogFit",
    "LogRelaxation",
    "MiloIV",
    "OrnsteinUhlenbeck",
    "Polynomial",
    "PowerDrift",
    "RelativeReadNoise",
    "Saturating",
    "SinhIV",
    "Table",
    "Telegraph",
    "Variability",
    "WriteVerify",
    "list_presets",
]

PRESETS: dict[str, Callable[[], Device]] = {
    "pcm_hermes1": pcm_hermes1,
    "pcm_hermes2": pcm_hermes2,
    "pcm_joshi": pcm_joshi,
    "pcm_nandakumar": pcm_nandakumar,
    "rram_cmo_02": rram_cmo_02,
    "rram_cmo_2": rram_cmo_2,
    "rram_generic": rram_generic,
    "rram_milo": rram_milo,
    "rram_wan": rram_wan,
    "rram_wan_1d": rram_wan_1d,
    "rram_wan_1s": rram_wan_1s,
    "rram_wan_2d": rram_wan_2d,
    "rram_wan_cubic": rram_wan_cubic,
    "sonos": sonos,
}


def list_presets() -> dict[str, str]:
    """Return the source of each published device by name."""
    return {name: make().reference for name, make in sorted(PRESETS.items())}
