r"""From a quantised artificial U-Net to a spiking one, with calibration.

A network with ``b``-bit activations of clip ``s`` becomes one of integrate-and-fire
neurons with threshold ``s``, reset by subtraction, initial potential ``s/2`` (which
turns floor into round), spikes of value ``s`` and ``2^b - 1`` steps. The mean output of
a neuron whose current is constant in time then equals the quantised activation exactly;
deeper layers see spike trains, and errors grow with depth.

Calibration goes block by block from the input: each block's weights are tuned so that
its mean spiking output meets the quantised network's output at that point, with the
forward value of the spiking block and the gradient of the artificial one.

Notes
-----
The fine-tuning script published with the method feeds clean images with t in
``0..2^b - 2``; here the pairs (x_t, t) are those of the diffusion, t in 0..999.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.func import functional_call

from neuro.diffusion.config import UNetConfig
from neuro.diffusion.schedule import Schedule
from neuro.diffusion.unet import SpikingUNet
from neuro.errors import ParameterError
from neuro.grad import Lif, fit
from neuro.grad.quantized import QuantizedActivation

__all__ = ["calibrate", "conversion_errors", "quantized_unet", "to_spiking"]

__references__ = ("cao2024", "hu2023")


def quantized_unet(
    config: UNetConfig, bits: int, *, clip: float = 6.0, conv: Any = nn.Conv2d
) -> SpikingUNet:
    """Return an artificial U-Net with quantised activations, to be trained.

    Parameters
    ----------
    config : UNetConfig
        Sizes; steps and read-out are set to those of an artificial network.
    bits : int
        Width of the activations.
    clip : float
        Start of the trained clips.
    conv : callable
        Factory of convolutions, e.g. with quantised weights.
    """
    plain = replace(config, spiking=False, steps=1, readout="mean")
    return SpikingUNet(
        plain, neuron=lambda: QuantizedActivation(bits, clip=clip), conv=conv
    )


def to_spiking(model: SpikingUNet) -> SpikingUNet:
    """Convert a quantised U-Net; the two share no memory.

    Parameters
    ----------
    model : SpikingUNet
        Of :func:`quantized_unet`, trained; unchanged.

    Raises
    ------
    ParameterError
        If the activations are not quantised, or not all of one width.
    """
    held = {
        name: m
        for name, m in model.named_modules()
        if isinstance(m, QuantizedActivation)
    }
    widths = {m.bits for m in held.values()}
    if len(widths) != 1:
        raise ParameterError(
            "to_spiking: expected a U-Net with QuantizedActivation of one width, got "
            f"widths {sorted(widths)}"
        )
    steps = 2 ** widths.pop() - 1
    config = replace(model.config, spiking=True, steps=steps, readout="mean")
    spiking = SpikingUNet(config)
    for name, activation in held.items():
        s = float(activation.clip.detach())
        owner, _, key = name.rpartition(".")
        neuron = Lif(1.0, threshold=s, reset="subtract", v_init=s / 2, amplitude=s)
        setattr(spiking.get_submodule(owner), key, neuron)
    state = {
        k: v.clone() for k, v in model.state_dict().items() if not k.endswith(".clip")
    }
    spiking.load_state_dict(state)
    return spiking.eval()  # type: ignore[no-any-return]


def _units(model: SpikingUNet) -> list[str]:
    names = ["encoder"]
    for part in ("down", "middle", "up"):
        names += [f"{part}.{k}" for k in range(len(getattr(model, part)))]
    return names


class _Tap:
    """Keeps input and output of named parts of a network during one call."""

    def __init__(self, model: Any, names: Iterable[str]) -> None:
        self.inputs: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}
        self._handles = []
        for name in names:

            def hook(_m: Any, given: Any, out: Any, name: str = name) -> None:
                self.inputs[name], self.outputs[name] = given, out

            self._handles.append(model.get_submodule(name).register_forward_hook(hook))

    def close(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()


def conversion_errors(
    model: SpikingUNet, spiking: SpikingUNet, x: Any, t: Any
) -> dict[str, float]:
    """Return the relative error of the mean output of every block, and of the noise.

    Parameters
    ----------
    model, spiking : SpikingUNet
        The quantised network and its conversion.
    x, t : Tensor
        Noised images and their diffusion steps.

    Returns
    -------
    dict of str to float
        ``|mean spiking - artificial|^2 / |artificial|^2``; ``"noise"``: the output.
    """
    names = _units(model)
    taps = _Tap(model, names), _Tap(spiking, names)
    try:
        with torch.no_grad():
            a, b = model.eval()(x, t), spiking.eval()(x, t)
    finally:
        for tap in taps:
            tap.close()
    errors = {}
    for name in names:
        want, got = taps[0].outputs[name].mean(0), taps[1].outputs[name].mean(0)
        errors[name] = float(((got - want) ** 2).sum() / (want**2).sum())
    errors["noise"] = float(((b - a) ** 2).sum() / (a**2).sum())
    return errors


class _Student(nn.Module):  # type: ignore[misc]
    """One block of the spiking network in training, norms in evaluation mode."""

    def __init__(self, spiking: SpikingUNet, name: str) -> None:
        super().__init__()
        self.block = spiking.get_submodule(name)

    def train(self, mode: bool = True) -> "_Student":
        """Stay in evaluation mode: statistics and clips are frozen."""
        super().train(False)
        return self


def calibrate(
    model: SpikingUNet,
    spiking: SpikingUNet,
    images: Any,
    *,
    steps: int,
    seed: int,
    lr: float = 1e-4,
    batch: int = 64,
    schedule: Schedule | None = None,
    progress: Callable[..., Iterable[int]] | None = None,
) -> dict[str, float]:
    """Tune the converted network block by block; `spiking` is changed in place.

    Parameters
    ----------
    model : SpikingUNet
        The quantised network, unchanged.
    spiking : SpikingUNet
        Its conversion.
    images : array_like of float, shape (n, channels, height, width)
        Training images in [-1, 1].
    steps : int
        Training steps of each block.
    seed : int
        Of batches, diffusion steps and noise.
    lr : float
        Adam's rate (the published setting is 1e-6 for 20,000 steps a block).
    batch : int
        Images per step.
    schedule : Schedule, optional
        Of the diffusion.
    progress : callable, optional
        ``progress(iterable, total=, label=)``.

    Returns
    -------
    dict of str to float
        Last training loss of every block.
    """
    schedule = schedule or Schedule()
    losses: dict[str, float] = {}
    # the encoder sees a constant current: its mean output is exact already
    for name in _units(model)[1:]:
        student = _Student(spiking, name)
        teacher = model.get_submodule(name)

        def loss(
            student: Any, given: Any, generator: Any, name: str = name,
            teacher: Any = teacher,
        ) -> Any:  # fmt: skip
            x = given[0]
            t = torch.randint(schedule.n, (len(x),), generator=generator)
            noise = torch.randn(x.shape, generator=generator).to(x)
            xt = schedule.noised(x, t, noise)
            taps = _Tap(model, [name]), _Tap(spiking, [name])
            try:
                with torch.no_grad():
                    model.eval()(xt, t)
                    spiking.eval()(xt, t)
            finally:
                for tap in taps:
                    tap.close()
            inputs = tuple(
                v.mean(0, keepdim=True) if v.ndim == 5 else v
                for v in taps[1].inputs[name]
            )
            own = dict(student.block.named_parameters())
            own |= dict(student.block.named_buffers())
            artificial = functional_call(teacher, own, inputs, strict=False).mean(0)
            seen = taps[1].outputs[name].mean(0)
            value = artificial + (seen - artificial).detach()
            return ((value - taps[0].outputs[name].mean(0)) ** 2).mean()

        history = fit(
            student, (images,), loss=loss, lr=lr, seed=seed, steps=steps, batch=batch,
            progress=progress,
        )  # fmt: skip
        losses[name] = history.loss[-1][1] if history.loss else float("nan")
    return losses
