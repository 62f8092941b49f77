"""What a torch module is to a counter: its role, its layer, its widths."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuro.counts.layers import LayerSpec

__all__ = [
    "Role",
    "effective_weight",
    "layer_spec",
    "neuron_kind",
    "numbers",
    "role_of",
    "unit_dims",
]

Role = Literal["weights", "neurons", "norm", "pool"]
_SPIKING = {"SpikingNeuron", "BaseNode", "SpikingNeuronBase", "SNNModule"}
_CONV = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_POOL = (
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d),
    *(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
)


def role_of(module: nn.Module, neurons: Sequence[type] = ()) -> Role | None:
    """Return what is counted of a module; None: nothing.

    Neurons are snnTorch's, spikingjelly's, modules with ``spiking = True``, and the
    classes given.
    """
    if isinstance(module, (*_CONV, *_TRANSPOSED, nn.Linear)):
        return "weights"
    if (
        isinstance(module, tuple(neurons))
        or getattr(module, "spiking", False) is True
        or _SPIKING & {c.__name__ for c in type(module).__mro__}
    ):
        return "neurons"
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        return "norm"
    return "pool" if isinstance(module, _POOL) else None


def numbers(x: torch.Tensor) -> NDArray[Any]:
    """Return the values as an array; without a copy on the processor.

    NumPy does the comparing: on a processor it is ten times faster at it than torch.
    """
    held = x.detach()
    if held.dtype == torch.bfloat16:
        held = held.float()
    found: NDArray[Any] = held.cpu().numpy()
    return found


def unit_dims(module: nn.Module) -> int:
    """Return how many trailing axes of the input belong to one sample and step."""
    if isinstance(module, nn.Linear):
        return 1
    weight: Any = module.weight
    return int(weight.ndim) - 1


def layer_spec(
    name: str,
    module: Any,
    shape: tuple[int, ...],
    *,
    w_bits: int | None,
    a_bits: int,
    v_bits: int,
) -> LayerSpec:
    """Describe a weight layer fed with units of `shape`; ``out_shape`` is still open.

    Parameters
    ----------
    name : str
        Name in the ledger.
    module : torch.nn.Module
        A convolution, transposed convolution or linear layer.
    shape : tuple of int
        Input of one sample and step.
    w_bits : int or None
        Declared width; that of the module's quantiser or dtype if None.
    a_bits, v_bits : int
        Declared widths.
    """
    bits = w_bits or _declared_bits(module) or 8 * module.weight.element_size()
    common: dict[str, Any] = {
        "name": name,
        "in_shape": shape,
        "bias": module.bias is not None,
        "w_bits": bits,
        "a_bits": a_bits,
        "v_bits": v_bits,
    }
    if isinstance(module, nn.Linear):
        return LayerSpec(kind="linear", out_shape=(module.out_features,), **common)
    padding = module.padding
    ends: tuple[int, ...] = ()
    if isinstance(padding, str):
        total = [
            d * (k - 1) if padding == "same" else 0
            for d, k in zip(module.dilation, module.kernel_size, strict=True)
        ]
        padding = tuple(t // 2 for t in total)
        ends = tuple(t - t // 2 for t in total)
    return LayerSpec(
        kind="conv" if isinstance(module, _CONV) else "conv_transpose",
        kernel=tuple(module.kernel_size),
        stride=tuple(module.stride),
        padding=tuple(padding),
        padding_end=ends,
        dilation=tuple(module.dilation),
        groups=module.groups,
        **common,
    )


def effective_weight(module: Any) -> NDArray[Any]:
    """Return the weights as they act, after the layer's own quantiser."""
    effective = getattr(module, "effective", None)
    held = module.weight if effective is None else effective()
    return np.asarray(held.detach().cpu().numpy())


def neuron_kind(module: nn.Module) -> str:
    """Return ``"if"`` for neurons without a leak, else ``"lif"``."""
    beta = getattr(module, "beta", None)
    if isinstance(beta, (int, float)):
        return "if" if beta == 1 else "lif"
    if beta is not None and torch.is_tensor(beta) and bool((beta == 1).all()):
        return "if"
    return "if" if type(module).__name__.upper().startswith("IF") else "lif"


def _declared_bits(module: Any) -> int | None:
    """Weight bits of a layer that quantises in its forward pass."""
    found = [getattr(t, "bits", None) for t in getattr(module, "transforms", ())]
    widths = [int(b) for b in found if b is not None]
    return min(widths) if widths else None
