"""PyTorch layers on crossbar arrays: train with what the hardware does, then program.

Imported on demand, the only module here that needs torch. The way of a model::

    analog = to_analog(model, config)           # same weights, same answers
    with noise_injection(analog, strength=0.1):  # training forwards see the hardware
        fit(analog, ...)
    program(analog, seed=3)                      # write the weights, evaluate in eval()
    set_time(analog, 3600.0)

In training, weights are perturbed for the forward pass, gradients are taken at the
perturbed weights and applied to the clean ones.
"""

from .core import Injection as Injection
from .core import crossbar_mvm as crossbar_mvm
from .layers import AnalogConv2d as AnalogConv2d
from .layers import AnalogLinear as AnalogLinear
from .layers import AnalogRecurrent as AnalogRecurrent
from .models import analog_layers as analog_layers
from .models import calibrate as calibrate
from .models import clip_weights as clip_weights
from .models import noise_injection as noise_injection
from .models import program as program
from .models import seed as seed
from .models import set_time as set_time
from .models import to_analog as to_analog
from .models import to_digital as to_digital
from .models import unprogram as unprogram

__all__ = [
    "AnalogConv2d",
    "AnalogLinear",
    "AnalogRecurrent",
    "Injection",
    "analog_layers",
    "calibrate",
    "clip_weights",
    "crossbar_mvm",
    "noise_injection",
    "program",
    "seed",
    "set_time",
    "to_analog",
    "to_digital",
    "unprogram",
]
