"""SONOS charge-trap memory: programming, charge loss over five days and read spread.

The numbers are CrossSim's fit (devices/custom/SONOS.py) to 128,000 devices of Agrawal
et al., IEDM 2022, Figs. 10 and 11. The published ones are currents (0-1600 nA, ratio
1e7); they become conductances at a read voltage of 1 V here: 1 nA is 1 nS.
"""

from .base import Device
from .curves import Saturating
from .dynamics import RelativeReadNoise, TabulatedDrift

__all__ = ["sonos"]

_NANO = 1e-9
_DAY_S = 86_400.0
# of the days 0 to 5: change of the mean in nA, ascending powers of the current in nA
_SHIFT = (
    (0.0,) * 11,
    (
        1.72684e-01, 5.72552e-02, -6.85715e-04, 3.50271e-06, -9.37682e-09, 1.40575e-11,
        -1.19803e-14, 5.41293e-18, -8.85448e-22, -1.66869e-25, 5.95180e-29,
    ),
    (
        2.50712e-01, 6.62195e-02, -6.83218e-04, 2.99442e-06, -6.78255e-09, 7.70482e-12,
        -3.04983e-15, -2.15919e-18, 2.94617e-21, -1.23359e-24, 1.85329e-28,
    ),
    (
        -1.75300e-02, 9.76883e-02, -9.63791e-04, 4.55551e-06, -1.22391e-08, 1.93786e-11,
        -1.85899e-14, 1.07659e-17, -3.58211e-21, 5.96785e-25, -3.30410e-29,
    ),
    (
        4.03338e-02, 1.03111e-01, -1.04740e-03, 4.83961e-06, -1.28132e-08, 1.99484e-11,
        -1.85139e-14, 1.00008e-17, -2.84944e-21, 3.01008e-25, 1.18747e-29,
    ),
    (
        3.19927e-01, 1.06596e-01, -1.04054e-03, 4.50290e-06, -1.10352e-08, 1.56477e-11,
        -1.27592e-14, 5.45513e-18, -7.26841e-22, -2.43893e-25, 7.14608e-29,
    ),
)  # fmt: skip
_SPREAD_A = (19.88665, 25.59102, 28.72753, 31.04318, 33.76214, 34.57909)  # nA
_SPREAD_B = (176.3115, 186.85544, 193.56834, 198.90332, 204.77023, 207.34309)  # nA


def sonos() -> Device:
    """Up to five days after writing, 0.16 fS to 1.6 uS (at 1 V)."""
    days = tuple(_DAY_S * k for k in range(6))
    return Device(
        name="sonos",
        g_min=1600e-9 / 1e7,
        g_max=1600e-9,
        programming=Saturating(a=_SPREAD_A[0] * _NANO, b=_SPREAD_B[0] * _NANO),
        drift=TabulatedDrift(days, _SHIFT, _SPREAD_A, _SPREAD_B, _NANO),
        read_noise=RelativeReadNoise(curve=Saturating(a=12.58037e-9, b=215.36557e-9)),
        valid_until=days[-1],
        reference="Agrawal et al., IEDM 2022, as in CrossSim devices/custom/SONOS.py",
    )
