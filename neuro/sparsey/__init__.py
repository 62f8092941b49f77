"""Sparsey: superposed episodic and semantic memory in sparse distributed codes."""

import importlib
from typing import TYPE_CHECKING, Any

from neuro.sparsey.activity import Activity as Activity
from neuro.sparsey.activity import intersections as intersections
from neuro.sparsey.activity import likelihoods as likelihoods
from neuro.sparsey.fields import Fields as Fields
from neuro.sparsey.fields import Source as Source
from neuro.sparsey.fields import hexagonal_fields as hexagonal_fields
from neuro.sparsey.fields import neighbours as neighbours
from neuro.sparsey.fields import square_fields as square_fields
from neuro.sparsey.fields import whole_field as whole_field
from neuro.sparsey.level import Level as Level
from neuro.sparsey.mac import Mac as Mac
from neuro.sparsey.mac import Recognition as Recognition
from neuro.sparsey.parameters import BACK_OFF_CHAIN as BACK_OFF_CHAIN
from neuro.sparsey.parameters import Decay as Decay
from neuro.sparsey.parameters import Hypotheses as Hypotheses
from neuro.sparsey.parameters import LevelParameters as LevelParameters
from neuro.sparsey.readout import EpisodicReadout as EpisodicReadout
from neuro.sparsey.readout import LabelField as LabelField
from neuro.sparsey.saturation import SaturationWarning as SaturationWarning
from neuro.sparsey.selection import General as General
from neuro.sparsey.selection import JavaSigmoid as JavaSigmoid
from neuro.sparsey.selection import Logistic as Logistic
from neuro.sparsey.selection import Selection as Selection

if TYPE_CHECKING:
    from neuro.sparsey.estimators import SparseyClassifier as SparseyClassifier
    from neuro.sparsey.estimators import SparseyEncoder as SparseyEncoder
    from neuro.sparsey.hierarchy import Hierarchy as Hierarchy
    from neuro.sparsey.hierarchy import LevelSpec as LevelSpec
    from neuro.sparsey.images import deslant as deslant
    from neuro.sparsey.images import line_images as line_images

# heavier modules, loaded on first use
_LAZY = {
    "Hierarchy": "hierarchy",
    "LevelSpec": "hierarchy",
    "SparseyClassifier": "estimators",
    "SparseyEncoder": "estimators",
    "deslant": "images",
    "line_images": "images",
}
__all__ = [
    "BACK_OFF_CHAIN",
    "Activity",
    "Decay",
    "EpisodicReadout",
    "Fields",
    "General",
    "Hierarchy",
    "Hypotheses",
    "JavaSigmoid",
    "LabelField",
    "Level",
    "LevelParameters",
    "LevelSpec",
    "Logistic",
    "Mac",
    "Recognition",
    "SaturationWarning",
    "Selection",
    "Source",
    "SparseyClassifier",
    "SparseyEncoder",
    "deslant",
    "hexagonal_fields",
    "intersections",
    "likelihoods",
    "line_images",
    "neighbours",
    "square_fields",
    "whole_field",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
