"""SONOS charge-trap memory: programming and read spread as in CrossSim's fit.

The published numbers are currents (0-1600 nA, ratio 1e7); they become conductances at
a read voltage of 1 V here, so that 1 nA is 1 nS. The drift table (0-5 days) is not part
of this preset: only the state right after programming is offered.
"""

from .base import Device
from .curves import Saturating
from .dynamics import RelativeReadNoise

__all__ = ["sonos"]


def sonos() -> Device:
    """As written, 0.16 fS to 1.6 uS (at 1 V)."""
    return Device(
        name="sonos",
        g_min=1600e-9 / 1e7,
        g_max=1600e-9,
        programming=Saturating(a=19.88665e-9, b=176.3115e-9),
        read_noise=RelativeReadNoise(curve=Saturating(a=12.58037e-9, b=215.36557e-9)),
        valid_until=0.0,
        reference="CrossSim devices/custom/SONOS.py",
    )
