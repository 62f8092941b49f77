"""Neuron factories: one network class, many neurons.

A factory is a callable without arguments (or with the number of features) that makes a
fresh neuron module; networks take it as ``neuron=``.
"""

from collections.abc import Callable
from typing import Any

from torch import nn

from neuro.errors import ParameterError, did_you_mean, optional_import
from neuro.grad.neurons import Activation, Lif, SnnTorch
from neuro.grad.surrogate import Surrogate

__all__ = ["NeuronFactory", "neuron_factory"]

NeuronFactory = Callable[[], Any]


def _snntorch(**options: Any) -> SnnTorch:
    snn = optional_import("snntorch", "grad")
    kind = options.pop("kind", "Leaky")
    if "spike_grad" not in options:
        surrogate = optional_import("snntorch.surrogate", "grad")
        options["spike_grad"] = surrogate.atan(alpha=2.0)
    options.setdefault("reset_mechanism", "zero")
    options.setdefault("beta", 1.0)
    return SnnTorch(getattr(snn, kind)(**options))


_MAKERS: dict[str, Callable[..., Any]] = {
    "if": lambda **o: Lif(1.0, **o),
    "lif": lambda beta=0.9, **o: Lif(beta, **o),
    "snntorch": _snntorch,
    "swish": lambda: Activation(nn.SiLU()),
    "relu": lambda: Activation(nn.ReLU()),
}


def neuron_factory(name: str = "if", **options: Any) -> NeuronFactory:
    """Return a factory of neurons by name.

    Parameters
    ----------
    name : {"if", "lif", "snntorch", "swish", "relu"}
        ``"if"``: the project's integrate-and-fire neuron (reset to zero, ATan); "lif":
        the same with a leak (``beta``); "snntorch": a neuron of snnTorch (``kind=
        "Leaky"`` and its arguments); "swish", "relu": non-spiking controls.
    **options
        Arguments of the neuron, e.g. ``beta=0.9, detach_reset=True``; for "if" and
        "lif", ``surrogate`` may be a name.

    Raises
    ------
    ParameterError
        If the name is unknown.

    Examples
    --------
    >>> neuron_factory("lif", beta=0.5)()
    Lif(beta=0.5, threshold=1.0, reset='zero')
    """
    if name not in _MAKERS:
        raise ParameterError(
            f"neuron_factory: unknown neuron {name!r}{did_you_mean(name, _MAKERS)}; "
            f"accepted: {', '.join(_MAKERS)}"
        )
    if isinstance(options.get("surrogate"), str):
        options["surrogate"] = Surrogate(options["surrogate"])
    maker = _MAKERS[name]

    def make() -> Any:
        return maker(**options)

    make()
    return make
