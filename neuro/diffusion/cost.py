"""What one denoiser call costs on paper: products per layer and kind of input.

Every synaptic layer has one of three kinds of input: ``"constant"`` real (the first
convolution and the time embedding: computed once per call), ``"real"`` (1x1 shortcuts
on the residual stream and the head: multiply-accumulates at every step) and
``"binary"`` (accumulations, one per spike and synapse). Products here are dense and
include those with zero padding; events are counted when the network runs.
"""

from dataclasses import dataclass
from typing import Any

import torch

from neuro.diffusion.steps import StepConv

__all__ = ["LayerCost", "input_kinds", "layer_costs", "total_products"]


@dataclass(frozen=True, slots=True)
class LayerCost:
    """Dense products of one layer and step of the spiking network.

    Attributes
    ----------
    name : str
        Of the layer.
    kind : {"constant", "real", "binary"}
        Input.
    products : int
        Per image and step, padding included.
    steps : int
        How often they are done in one call if dense: 1 for a constant input.
    """

    name: str
    kind: str
    products: int
    steps: int


def input_kinds(model: Any) -> dict[str, str]:
    """Return the kind of input of every synaptic layer of a U-Net by name.

    Parameters
    ----------
    model : SpikingUNet
        Folded or not.
    """
    c = model.config
    inner = "binary" if c.spiking else "real"
    kinds = {"time1": "constant", "time2": "constant"}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and name.endswith(".time"):
            kinds[name] = "constant"
        elif isinstance(module, StepConv):
            kinds[name] = inner
            shortcut = name.endswith(".shortcut") and c.shortcut == "real"
            if name.startswith("head") or shortcut:
                kinds[name] = "real"
    kinds["encoder.conv1"] = "constant"
    return kinds


def layer_costs(model: Any, side: int) -> list[LayerCost]:
    """Return the dense products of every layer for images of one side length.

    Parameters
    ----------
    model : SpikingUNet
        May be on the meta device: no weights are needed.
    side : int
        Height and width of the image.
    """
    c = model.config
    kinds = input_kinds(model)
    found: list[LayerCost] = []
    handles = []

    def note(name: str, products: int) -> None:
        steps = 1 if kinds[name] == "constant" else c.steps
        found.append(LayerCost(name, kinds[name], products, steps))

    for name, module in model.named_modules():
        if name not in kinds:
            continue
        if isinstance(module, StepConv):

            def conv_hook(m: Any, _i: Any, out: Any, name: str = name) -> None:
                w = m.conv.weight
                note(name, out.shape[-1] * out.shape[-2] * w.numel())

            handles.append(module.register_forward_hook(conv_hook))
        else:

            def linear_hook(m: Any, _i: Any, _o: Any, name: str = name) -> None:
                note(name, m.weight.numel())

            handles.append(module.register_forward_hook(linear_hook))
    device = model.table.device
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            x = torch.zeros(1, c.channels, side, side).to(model.time1.weight)
            model(x, torch.zeros(1, dtype=torch.long, device=device))
    finally:
        for handle in handles:
            handle.remove()
        model.train(training)
    return found


def total_products(model: Any, side: int) -> int:
    """Return the dense products of one step of all layers together.

    Parameters
    ----------
    model : SpikingUNet
        On any device, the meta device included.
    side : int
        Height and width of the images, pixels.
    """
    return sum(layer.products for layer in layer_costs(model, side))
