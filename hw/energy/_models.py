"""The energy models by name, and the protocol that they share."""

import importlib
from typing import Any, Protocol, runtime_checkable

from neuro.counts import OpCounts
from neuro.errors import ParameterError, did_you_mean

from .constants import Profile, ProfileError
from .report import Report

__all__ = ["MODELS", "EnergyModel", "default_profile", "make_model"]

# name -> (module, class)
MODELS = {
    "op45": ("op45", "Op45"),
    "lemaire22": ("lemaire22", "Lemaire22"),
    "yan24": ("yan24", "Yan24"),
    "chip": ("chip", "Chip"),
    "cim": ("cim", "Cim"),
}


@runtime_checkable
class EnergyModel(Protocol):
    """Turns a ledger and a profile into a report."""

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    def price(self, counts: OpCounts, profile: Profile) -> Report:
        """Return joules per sample, per layer and component."""
        ...


def make_model(model: str | EnergyModel, **options: Any) -> EnergyModel:
    """Return the model of a name; options the model does not have are left out.

    Raises
    ------
    ParameterError
        If the name is unknown.
    """
    if not isinstance(model, str):
        return model
    if model not in MODELS:
        raise ParameterError(
            f"unknown energy model {model!r}{did_you_mean(model, MODELS)}; "
            f"accepted: {', '.join(MODELS)}"
        )
    module, name = MODELS[model]
    cls = getattr(importlib.import_module(f".{module}", __package__), name)
    known = cls.__dataclass_fields__
    made: EnergyModel = cls(**{k: v for k, v in options.items() if k in known})
    return made


def default_profile(model: str, w_bits: int) -> str:
    """Return the profile that is used when none is given.

    ``op45`` always takes the convention of 4.6 and 0.9 pJ; ``lemaire22`` takes 8-bit
    integers for weights of up to 8 bits, FP32 otherwise.

    Raises
    ------
    ProfileError
        For ``chip``: no chip is a default.
    """
    if model == "op45":
        return "horowitz45-fp32"
    if model == "lemaire22":
        return "horowitz45-int8" if w_bits <= 8 else "horowitz45-fp32"
    if model == "yan24":
        return "yan24-22nm"
    if model == "cim":
        return "rram-32nm"
    raise ProfileError(
        "model 'chip' needs a profile, e.g. --profile loihi; "
        "'neuro energy profiles' lists them"
    )
