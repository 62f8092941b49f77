r"""The spiking U-Net of spiking diffusion models, as one class for all its variants.

Tensors are (steps, batch, channels, height, width). Which neuron the network has is
decided by a factory of :mod:`neuro.grad`: integrate-and-fire for the spiking network,
Swish with one step for the non-spiking control of identical topology and parameters.

A residual block is activation, convolution, norm (twice) with the time embedding added
between; the residual stream ``x`` and the skip connections carry real currents, so
every 3x3 convolution but the first and those of the head gets binary input::

    h = BN(Conv3x3(IF(x))) + W Swish(temb)
    h = BN(Conv3x3(IF(h)))
    out = h + shortcut(x)

The 1x1 shortcut sees the real stream (``shortcut="real"``, the published form) or the
spikes of the block's first neuron (``"spike"``), which makes all its operations
accumulations. The head (BN, Swish, convolution, temporal read-out) does not spike.

The head predicts the noise (the published form) or, with ``prediction="velocity"``, the
velocity ``v = sqrt(abar) eps - sqrt(1 - abar) x_0`` (Salimans and Ho, 2022), so that
``eps = sqrt(abar) v + sqrt(1 - abar) x_t``. Where the image is nearly all noise, eps is
nearly x_t; a network whose input passes a few steps of spikes cannot repeat it, and
need not if it predicts v.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from neuro.diffusion.config import UNetConfig
from neuro.diffusion.schedule import Schedule
from neuro.diffusion.steps import StepConv, StepNorm
from neuro.errors import ParameterError, ShapeError
from neuro.grad import NeuronFactory, neuron_factory, repeat

__all__ = ["Block", "Down", "SpikingUNet", "Up", "time_table"]


def time_table(n: int, dim: int) -> Any:
    """Return the sinusoidal table, float32 (n, dim): sine and cosine interleaved.

    Parameters
    ----------
    n : int
        Diffusion steps.
    dim : int
        Columns, even.
    """
    if dim % 2:
        raise ParameterError(f"time_table: dim must be even, got {dim}")
    w = torch.exp(
        -math.log(10000.0) * torch.arange(0, dim, 2, dtype=torch.float64) / dim
    )
    angle = torch.arange(n, dtype=torch.float64)[:, None] * w
    return torch.stack([angle.sin(), angle.cos()], -1).reshape(n, dim).float()


class Block(nn.Module):  # type: ignore[misc]
    """Pre-spike residual block."""

    def __init__(self, ci: int, co: int, cfg: UNetConfig, make: "_Make") -> None:
        super().__init__()
        self.neuron1, self.neuron2 = make.neuron(), make.neuron()
        self.conv1, self.norm1 = make.conv(ci, co, 3), StepNorm(co)
        self.time = nn.Linear(4 * cfg.ch, co)
        self.conv2, self.norm2 = make.conv(co, co, 3), StepNorm(co)
        self.shortcut = make.conv(ci, co, 1) if ci != co else None
        self.from_spikes = cfg.shortcut == "spike"

    def forward(self, x: Any, temb: Any) -> Any:
        """Add to the residual stream."""
        s = self.neuron1(x)
        h = self.norm1(self.conv1(s)) + self.time(temb)[None, :, :, None, None]
        h = self.norm2(self.conv2(self.neuron2(h)))
        if self.shortcut is None:
            return h + x
        return h + self.shortcut(s if self.from_spikes else x)


class Down(nn.Module):  # type: ignore[misc]
    """Halve the resolution: neuron, 3x3 convolution of stride 2, norm."""

    def __init__(self, c: int, make: "_Make") -> None:
        super().__init__()
        self.neuron = make.neuron()
        self.conv, self.norm = make.conv(c, c, 3, stride=2), StepNorm(c)

    def forward(self, x: Any, temb: Any) -> Any:
        """Ignore the time embedding."""
        return self.norm(self.conv(self.neuron(x)))


class Up(nn.Module):  # type: ignore[misc]
    """Double the resolution: neuron, nearest neighbour, 3x3 convolution, norm."""

    def __init__(self, c: int, make: "_Make") -> None:
        super().__init__()
        self.neuron = make.neuron()
        self.conv, self.norm = make.conv(c, c, 3), StepNorm(c)

    def forward(self, x: Any, temb: Any) -> Any:
        """Ignore the time embedding."""
        s = self.neuron(x)
        s = s.repeat_interleave(2, -1).repeat_interleave(2, -2)
        return self.norm(self.conv(s))


class Encoder(nn.Module):  # type: ignore[misc]
    """Direct coding: the image as a constant current of the first neurons.

    With ``encoder="residual"`` that current also enters the residual stream.
    """

    def __init__(self, cfg: UNetConfig, make: "_Make") -> None:
        super().__init__()
        image, ch = cfg.channels, cfg.ch
        self.steps, self.residual = cfg.steps, cfg.encoder == "residual"
        self.conv1, self.norm1 = make.conv(image, ch, 3), StepNorm(ch)
        self.neuron = make.neuron()
        self.conv2, self.norm2 = make.conv(ch, ch, 3), StepNorm(ch)

    def forward(self, x: Any) -> Any:
        """Map images (batch, ...) to currents (steps, batch, ...)."""
        current = self.norm1(self.conv1(x.unsqueeze(0)))
        h = repeat(current[0], self.steps) if len(current) == 1 else current
        out = self.norm2(self.conv2(self.neuron(h)))
        return out + h if self.residual else out


class Head(nn.Module):  # type: ignore[misc]
    """Non-spiking decoder and temporal read-out.

    The read-out is the final potential of a leaky integrator that never fires,
    ``sum_n decay^(steps - n) y[n]``, or (``readout="mean"``) the head applied once to
    the mean of the stream.
    """

    def __init__(self, ch: int, image: int, cfg: UNetConfig, make: "_Make") -> None:
        super().__init__()
        self.readout, self.decay = cfg.readout, 0.8
        self.norm, self.conv = StepNorm(ch), make.conv(ch, image, 3)
        self.temporal = make.conv(image, image, 3)
        self.temporal.fixed = True
        self.norm2 = StepNorm(image)

    def forward(self, h: Any) -> Any:
        """Map currents (steps, batch, ch, ...) to the predicted noise (batch, ...)."""
        if self.readout == "mean":
            h = h.mean(0, keepdim=True)
        y = self.conv(nn.functional.silu(self.norm(h)))
        y = y + nn.functional.silu(self.norm2(self.temporal(y)))
        n = y.shape[0]
        w = self.decay ** torch.arange(n - 1, -1, -1, dtype=y.dtype, device=y.device)
        return torch.tensordot(w, y, dims=1)


class _Make:
    """The factories of one network."""

    def __init__(self, neuron: NeuronFactory, conv: Callable[..., Any]) -> None:
        self.neuron = neuron
        self._conv = conv

    def conv(self, ci: int, co: int, kernel: int, *, stride: int = 1) -> StepConv:
        """Make a convolution over sequences."""
        return StepConv(self._conv(ci, co, kernel, stride=stride, padding=kernel // 2))


class SpikingUNet(nn.Module):  # type: ignore[misc]
    """Denoiser ``(x_t, t) -> eps`` (Cao et al., 2024).

    Parameters
    ----------
    config : UNetConfig
        Sizes, steps, shortcut; ``UNetConfig.preset("tiny")``.
    neuron : callable, optional
        Factory of neurons; integrate-and-fire with reset to zero if not given (Swish if
        ``config.spiking`` is False).
    conv : callable
        Factory ``conv(ci, co, kernel, stride=, padding=)`` with the interface of
        ``torch.nn.Conv2d``: quantised or crossbar convolutions.

    Notes
    -----
    The state of the neurons starts from zero in every call. A time table is a buffer of
    fixed numbers; the published parameter count includes it (:meth:`n_parameters`).

    References
    ----------
    .. [1] J. Cao et al., "Spiking Diffusion Models", IEEE Trans. Artificial
       Intelligence (2024), arXiv:2408.16467.
    .. [2] T. Salimans, J. Ho, ICLR 2022, arXiv:2202.00512 (velocity).
    """

    __references__ = ("cao2024", "salimans2022")

    def __init__(
        self,
        config: UNetConfig,
        *,
        neuron: NeuronFactory | None = None,
        conv: Callable[..., Any] = nn.Conv2d,
    ) -> None:
        super().__init__()
        self.config = c = config
        if neuron is None:
            firing = neuron_factory("if", reset=c.reset)
            neuron = firing if c.spiking else neuron_factory("swish")
        make = _Make(neuron, conv)
        ch = c.ch
        self.register_buffer("table", time_table(c.times, ch), persistent=False)
        bar = torch.as_tensor(Schedule(c.times).alpha_bar)
        self.register_buffer("signal", bar.sqrt().float(), persistent=False)
        self.register_buffer("spread", (1 - bar).sqrt().float(), persistent=False)
        self.time1, self.time2 = nn.Linear(ch, 4 * ch), nn.Linear(4 * ch, 4 * ch)
        self.encoder = Encoder(c, make)
        widths, now = [ch], ch
        down: list[Any] = []
        for level, factor in enumerate(c.mult):
            for _ in range(c.blocks):
                down.append(Block(now, ch * factor, c, make))
                now = ch * factor
                widths.append(now)
            if level < len(c.mult) - 1:
                down.append(Down(now, make))
                widths.append(now)
        self.down = nn.ModuleList(down)
        self.middle = nn.ModuleList([Block(now, now, c, make) for _ in range(2)])
        up: list[Any] = []
        for level, factor in reversed(list(enumerate(c.mult))):
            for _ in range(c.blocks + 1):
                up.append(Block(now + widths.pop(), ch * factor, c, make))
                now = ch * factor
            if level > 0:
                up.append(Up(now, make))
        self.up = nn.ModuleList(up)
        self.head = Head(now, c.channels, c, make)
        self._init()

    def _init(self) -> None:
        for module in self.modules():
            if isinstance(module, StepConv):
                nn.init.xavier_uniform_(module.conv.weight)
                if module.conv.bias is not None:
                    nn.init.zeros_(module.conv.bias)
            elif isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.xavier_uniform_(self.head.conv.conv.weight, gain=1e-5)

    def embed(self, t: Any) -> Any:
        """Return Swish of the time embedding, (batch, 4 ch)."""
        e = self.time2(nn.functional.silu(self.time1(self.table[t])))
        return nn.functional.silu(e)

    def stream(self, x: Any, t: Any) -> Any:
        """Return the residual stream before the head, (steps, batch, ch, ...)."""
        side = 2 ** (len(self.config.mult) - 1)
        if x.ndim != 4 or x.shape[1] != self.config.channels or x.shape[-1] % side:
            raise ShapeError(
                f"SpikingUNet: expected (batch, {self.config.channels}, height, width) "
                f"with sides divisible by {side}, got {tuple(x.shape)}"
            )
        temb = self.embed(t)
        h = self.encoder(x)
        skips = [h]
        for module in self.down:
            h = module(h, temb)
            skips.append(h)
        for module in self.middle:
            h = module(h, temb)
        for module in self.up:
            if isinstance(module, Block):
                h = torch.cat([h, skips.pop()], 2)
            h = module(h, temb)
        return h

    def forward(self, x: Any, t: Any) -> Any:
        """Predict the noise.

        Parameters
        ----------
        x : Tensor, shape (batch, channels, height, width)
            Noised images.
        t : Tensor of long, shape (batch,)
            Diffusion step of each.
        """
        return self.noise(self.output(x, t), x, t)

    def output(self, x: Any, t: Any) -> Any:
        """Return the head's output: noise or velocity, whatever is predicted."""
        return self.head(self.stream(x, t))

    def noise(self, output: Any, x: Any, t: Any) -> Any:
        """Return the predicted noise for an output of the head."""
        if self.config.prediction == "noise":
            return output
        shape = (-1, *(1,) * (x.ndim - 1))
        return self.signal[t].reshape(shape) * output + (
            self.spread[t].reshape(shape) * x
        )

    def convolutions(self) -> Iterator[tuple[str, StepConv]]:
        """Yield the convolutions that a temporal scale acts on, by name."""
        for name, module in self.named_modules():
            if isinstance(module, StepConv) and not module.fixed:
                yield name, module

    def n_parameters(self, *, table: bool = True) -> int:
        """Return the number of parameters, with or without the fixed time table."""
        n = int(sum(p.numel() for p in self.parameters()))
        return n + (int(self.table.numel()) if table else 0)
