"""Sizes of the U-Net, validated, with the presets."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from neuro.errors import ParameterError, did_you_mean

__all__ = ["UNetConfig"]

_CHOICES = {
    "shortcut": ("real", "spike"),
    "encoder": ("spikes", "residual"),
    "readout": ("leaky", "mean"),
    "prediction": ("noise", "velocity"),
    "reset": ("zero", "subtract"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UNetConfig:
    """What a U-Net consists of.

    Parameters
    ----------
    ch : int
        Base width, even.
    mult : tuple of int
        Width factor per level; each level but the last halves the resolution.
    blocks : int
        Residual blocks per level (one more on the way up).
    channels : int
        Of the image.
    steps : int
        Steps of the spiking network per call; 1 for a non-spiking one.
    times : int
        Diffusion steps (length of the time table).
    spiking : bool
        Integrate-and-fire or Swish, where no factory is given.
    shortcut : {"real", "spike"}
        Input of the 1x1 shortcuts.
    encoder : {"spikes", "residual"}
        What enters the residual stream: what the first neurons' spikes carry (the
        published form), or that and the current of the first convolution itself.
    readout : {"leaky", "mean"}
        Temporal read-out of the head.
    prediction : {"noise", "velocity"}
        What the head's output stands for: the noise (the published form) or the
        velocity ``sqrt(abar) eps - sqrt(1 - abar) x_0``. A call returns noise in both.
    reset : {"zero", "subtract"}
        Of the integrate-and-fire neurons, where no factory is given.
    """

    ch: int = 16
    mult: tuple[int, ...] = (1, 2)
    blocks: int = 1
    channels: int = 1
    steps: int = 4
    times: int = 1000
    spiking: bool = True
    shortcut: str = "real"
    encoder: str = "spikes"
    readout: str = "leaky"
    prediction: str = "noise"
    reset: str = "zero"

    def __post_init__(self) -> None:
        object.__setattr__(self, "mult", tuple(self.mult))
        sizes = (self.ch, *self.mult, self.blocks, self.channels, self.steps)
        if min(sizes) < 1 or self.ch % 2 or self.times < 1:
            raise ParameterError(
                f"UNetConfig: sizes must be >= 1 and ch even, got {asdict(self)}"
            )
        for name, accepted in _CHOICES.items():
            if getattr(self, name) not in accepted:
                raise ParameterError(
                    f"UNetConfig.{name}: {accepted[0]!r} or {accepted[1]!r}, got "
                    f"{getattr(self, name)!r}"
                )

    @classmethod
    def preset(cls, name: str, **changes: Any) -> "UNetConfig":
        """Return a preset: tiny, small, medium or paper.

        Parameters
        ----------
        name : {"tiny", "small", "medium", "paper"}
            Size.
        **changes
            Fields that differ from it.

        Raises
        ------
        ParameterError
            If the name is unknown.
        """
        known = {
            "tiny": cls(ch=16, mult=(1, 2), blocks=1),
            "small": cls(ch=32, mult=(1, 2, 2), blocks=1),
            "medium": cls(ch=64, mult=(1, 2, 2), blocks=2),
            "paper": cls(ch=128, mult=(1, 2, 2, 4), blocks=2, channels=3),
        }
        if name not in known:
            raise ParameterError(
                f"UNetConfig.preset: {name!r}{did_you_mean(name, known)}; accepted: "
                f"{', '.join(known)}"
            )
        return replace(known[name], **changes)

    def dense(self) -> "UNetConfig":
        """Return the non-spiking control: Swish, one step, all else equal."""
        return replace(self, spiking=False, steps=1)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {**asdict(self), "mult": list(self.mult)}
