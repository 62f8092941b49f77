r"""Published settings of the resistive-memory liquids (Lin et al. 2025).

A weight is ``const`` times a draw of the array's differential-pair statistics. Those
statistics come from unused default arguments of the authors' later code; whether they
describe the 40 nm macro of the paper is unverified, and so is the product form. Only
the product ``const * sd`` matters for the dynamics.

References
----------
.. [1] Lin et al., Nature Computational Science (2025), s43588-024-00751-z; settings as
   in the run scripts of the public repository MrLinNing/MemristorLSM.
"""

from dataclasses import dataclass

from neuro.errors import ParameterError, did_you_mean

__all__ = ["PRESETS", "RECURRENT_STATISTICS", "WEIGHT_STATISTICS", "LiquidPreset"]

# mean and standard deviation of a pair difference (unit not stated by the source, by
# magnitude microsiemens; provenance uncertain, see above)
WEIGHT_STATISTICS = (0.00156, 6.61329)
RECURRENT_STATISTICS = (0.00606, 6.67268)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidPreset:
    """One row of the published settings.

    Parameters
    ----------
    n_in, n : int
        Input lines and liquid neurons.
    steps : int
        Frames of one sample.
    decay : float
        Membrane decay per step.
    v_threshold : float
        Threshold; a spike needs a strictly larger membrane value.
    const : float
        Factor on the array's weight statistics.
    """

    n_in: int
    n: int
    steps: int
    decay: float
    v_threshold: float
    const: float


PRESETS = {
    "nmnist": LiquidPreset(
        n_in=256, n=200, steps=50, decay=0.9, v_threshold=5.0, const=0.07
    ),
    "ntidigits": LiquidPreset(
        n_in=64, n=200, steps=129, decay=0.97, v_threshold=5.3, const=0.08
    ),
    "atv-image": LiquidPreset(
        n_in=256, n=200, steps=50, decay=0.9, v_threshold=5.0, const=0.3
    ),
    "atv-audio": LiquidPreset(
        n_in=64, n=200, steps=129, decay=0.97, v_threshold=5.3, const=0.1
    ),
    "btv-neural": LiquidPreset(
        n_in=192, n=2048, steps=201, decay=0.95, v_threshold=0.1, const=5e-4
    ),
    "btv-vision": LiquidPreset(
        n_in=784, n=2048, steps=49, decay=0.95, v_threshold=0.1, const=5e-4
    ),
}


def preset(name: str) -> LiquidPreset:
    """Return a preset by name.

    Parameters
    ----------
    name : str
        A key of :data:`PRESETS`.

    Raises
    ------
    ParameterError
        If the name is unknown.
    """
    if name not in PRESETS:
        raise ParameterError(
            f"liquid preset {name!r}{did_you_mean(name, PRESETS)}; "
            f"accepted: {', '.join(PRESETS)}"
        )
    return PRESETS[name]
