"""Operations become joules: energy models, profiles, reports.

The only place where a count is priced. A price always carries its range, what it
leaves out, and the source of every constant.
"""

from ._models import MODELS as MODELS
from ._models import EnergyModel as EnergyModel
from ._models import make_model as make_model
from .constants import Constant as Constant
from .constants import Profile as Profile
from .constants import ProfileError as ProfileError
from .constants import profile_names as profile_names
from .estimate import estimate as estimate
from .estimate import load_counts as load_counts
from .estimate import price as price
from .report import Ann as Ann
from .report import LayerEnergy as LayerEnergy
from .report import Report as Report

__all__ = [
    "MODELS",
    "Ann",
    "Constant",
    "EnergyModel",
    "LayerEnergy",
    "Profile",
    "ProfileError",
    "Report",
    "estimate",
    "load_counts",
    "make_model",
    "price",
    "profile_names",
]
