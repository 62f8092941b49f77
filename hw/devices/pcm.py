"""Phase-change memory: fits published with aihwkit and CrossSim.

Formulas and numbers as in aihwkit ``inference/noise/pcm.py`` (Nandakumar et al., ICECS
2019), ``inference/noise/hermes.py``, and CrossSim ``devices/custom/PCM_Joshi.py``
(Joshi et al., Nature Communications 11:2473, Fig. 3b). The time inside the logarithm of
the read noise includes t_0, as in the code.
"""

from .base import Device, micro
from .curves import LogFit
from .dynamics import AccumulatedReadNoise, PowerDrift, PowerQ

__all__ = ["pcm_hermes1", "pcm_hermes2", "pcm_joshi", "pcm_nandakumar"]


def pcm_nandakumar(g_max: float = 25e-6) -> Device:
    """Doped Ge2Sb2Te5 mushroom cells, 0-25 uS."""
    scale = g_max / 25e-6
    fit = tuple(scale * c for c in (0.26348, 1.9650, -1.1731))
    return Device(
        name="pcm_nandakumar",
        g_min=0.0,
        g_max=g_max,
        programming=micro(*fit, g_ref=g_max),
        drift=PowerDrift(
            t_0=20.0,
            mean=LogFit(slope=-0.0155, offset=0.0244, low=0.049, high=0.1),
            spread=LogFit(slope=-0.0125, offset=-0.0059, low=0.008, high=0.045),
        ),
        read_noise=AccumulatedReadNoise(
            t_0=20.0, t_r=250e-9, q=PowerQ(a=0.0088, power=0.65, low=1e-3, high=0.2)
        ),
        reference="Nandakumar et al., ICECS 2019, as in aihwkit inference/noise/pcm.py",
    )


def pcm_joshi() -> Device:
    """0.25-25 uS; the fit was taken 27.36 s after writing, no drift beyond."""
    return Device(
        name="pcm_joshi",
        g_min=0.25e-6,
        g_max=25e-6,
        programming=micro(0.28638599, 0.07585724, -0.00178767),
        reference="Joshi et al., Nat Commun 11:2473 (2020), Fig. 3b, as in CrossSim",
    )


_HERMES_MEAN = LogFit(
    slope=-0.0387,
    offset=-0.0182,
    low=0.0720,
    high=0.13,
    border=0.0945,
    coefficients=(0.0736, -0.0126, -0.0436),
)


def pcm_hermes1() -> Device:
    """One device per side, 0-10.35 uS."""
    g_max = 10.35e-6
    return Device(
        name="pcm_hermes1",
        g_min=0.0,
        g_max=g_max,
        programming=micro(0.15781817, 2.32443916, -2.16310839, 0.68841818, g_ref=g_max),
        drift=PowerDrift(
            t_0=200.0,
            mean=_HERMES_MEAN,
            spread=LogFit(
                slope=-0.0120,
                offset=-0.0023,
                low=0.0124,
                high=0.04,
                border=0.3039,
                coefficients=(0.0104, 0.0116, -0.0165),
            ),
        ),
        read_noise=AccumulatedReadNoise(
            t_0=200.0,
            t_r=512e-9,
            q=LogFit(
                slope=-0.0078,
                offset=0.0038,
                low=0.0179,
                high=0.04,
                border=0.1591,
                coefficients=(0.0088, 0.0768, -0.1352, 0.0664),
            ),
        ),
        reference="HERMES core, as in aihwkit inference/noise/hermes.py",
    )


def pcm_hermes2() -> Device:
    """Two devices per side, 0-20.7 uS."""
    g_max = 20.7e-6
    return Device(
        name="pcm_hermes2",
        g_min=0.0,
        g_max=g_max,
        programming=micro(0.16603222, 4.71806468, -8.48101252, 4.68961419, g_ref=g_max),
        drift=PowerDrift(
            t_0=300.0,
            mean=_HERMES_MEAN,
            spread=LogFit(
                slope=-0.0117,
                offset=-0.0057,
                low=0.0091,
                high=0.04,
                border=0.3055,
                coefficients=(0.0073, 0.0093, -0.0118),
            ),
        ),
        read_noise=AccumulatedReadNoise(
            t_0=300.0,
            t_r=512e-9,
            q=LogFit(
                slope=-0.0117,
                offset=-0.0069,
                low=0.015,
                high=0.04,
                border=0.16,
                coefficients=(0.0123, 0.0211, -0.0280, 0.0069),
            ),
        ),
        reference="HERMES core, as in aihwkit inference/noise/hermes.py",
    )
