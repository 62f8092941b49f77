"""Gradient-based variants: spiking networks trained with surrogate gradients.

Needs the extra ``grad`` (torch, snntorch).
"""

from neuro.errors import optional_import as _optional_import

_optional_import("torch", "grad")

from neuro.grad.batches import Batches as Batches  # noqa: E402
from neuro.grad.batches import step_generator as step_generator  # noqa: E402
from neuro.grad.checkpoint import load_weights as load_weights  # noqa: E402
from neuro.grad.checkpoint import save_weights as save_weights  # noqa: E402
from neuro.grad.factory import NeuronFactory as NeuronFactory  # noqa: E402
from neuro.grad.factory import neuron_factory as neuron_factory  # noqa: E402
from neuro.grad.layers import PerStep as PerStep  # noqa: E402
from neuro.grad.layers import Recurrent as Recurrent  # noqa: E402
from neuro.grad.layers import repeat as repeat  # noqa: E402
from neuro.grad.losses import accuracy as accuracy  # noqa: E402
from neuro.grad.losses import cross_entropy as cross_entropy  # noqa: E402
from neuro.grad.losses import firing_rates as firing_rates  # noqa: E402
from neuro.grad.losses import mean_logits as mean_logits  # noqa: E402
from neuro.grad.losses import record_activity as record_activity  # noqa: E402
from neuro.grad.losses import shifted as shifted  # noqa: E402
from neuro.grad.neurons import Activation as Activation  # noqa: E402
from neuro.grad.neurons import Integrator as Integrator  # noqa: E402
from neuro.grad.neurons import Lif as Lif  # noqa: E402
from neuro.grad.neurons import SnnTorch as SnnTorch  # noqa: E402
from neuro.grad.surrogate import Surrogate as Surrogate  # noqa: E402
from neuro.grad.surrogate import spike as spike  # noqa: E402
from neuro.grad.training import History as History  # noqa: E402
from neuro.grad.training import fit as fit  # noqa: E402

__all__ = [
    "Activation",
    "Batches",
    "History",
    "Integrator",
    "Lif",
    "NeuronFactory",
    "PerStep",
    "Recurrent",
    "SnnTorch",
    "Surrogate",
    "accuracy",
    "cross_entropy",
    "firing_rates",
    "fit",
    "load_weights",
    "mean_logits",
    "neuron_factory",
    "record_activity",
    "repeat",
    "save_weights",
    "shifted",
    "spike",
    "step_generator",
]
