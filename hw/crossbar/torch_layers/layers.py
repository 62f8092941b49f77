"""Drop-in layers: linear, convolution, recurrent."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuro.errors import UnsupportedNodeError

from ... import _checks
from ..config import AnalogConfig
from .core import AnalogCore

__all__ = ["AnalogConv2d", "AnalogLinear", "AnalogRecurrent"]


class AnalogLinear(AnalogCore):
    """Drop-in for ``nn.Linear``."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        config: AnalogConfig | None = None,
    ) -> None:
        super().__init__(config)
        like = nn.Linear(in_features, out_features, bias=bias)
        self.in_features, self.out_features = in_features, out_features
        self.weight, self.bias = like.weight, like.bias

    def forward(self, x: Tensor) -> Tensor:
        """Apply to the last dimension; the bias is digital."""
        flat = x.reshape(-1, self.in_features)
        out = self.product(flat, self.weight)
        if self.bias is not None:
            out = out + self.bias
        return out.reshape(*x.shape[:-1], self.out_features)

    def matrix_weight(self) -> Tensor:
        """Weight as it lies on the array, (post, pre)."""
        return self.weight


class AnalogConv2d(AnalogCore):
    """Drop-in for ``nn.Conv2d``: ``groups=1``, zero padding, kernels unrolled."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        config: AnalogConfig | None = None,
    ) -> None:
        super().__init__(config)
        if groups != 1 or isinstance(padding, str):
            raise UnsupportedNodeError(
                "AnalogConv2d: groups=1 and numeric padding only; split grouped "
                "convolutions into single ones"
            )
        like = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding, dilation, bias=bias
        )
        self.weight, self.bias = like.weight, like.bias
        self.kernel_size, self.stride = like.kernel_size, like.stride
        self.padding, self.dilation = like.padding, like.dilation

    def forward(self, x: Tensor) -> Tensor:
        """Apply to (batch, channels, height, width)."""
        patches = functional.unfold(
            x,
            self.kernel_size,
            dilation=self.dilation,
            padding=self.padding,
            stride=self.stride,
        )
        b, k, places = patches.shape
        flat = patches.transpose(1, 2).reshape(b * places, k)
        out = self.product(flat, self.matrix_weight())
        if self.bias is not None:
            out = out + self.bias
        sizes = [
            (x.shape[2 + a] + 2 * self.padding[a] - self.dilation[a] * (kk - 1) - 1)
            // self.stride[a]
            + 1
            for a, kk in enumerate(self.kernel_size)
        ]
        return out.reshape(b, places, -1).transpose(1, 2).reshape(b, -1, *sizes)

    def matrix_weight(self) -> Tensor:
        """Unrolled kernels, (out channels, in channels x kernel)."""
        return self.weight.reshape(self.weight.shape[0], -1)


class AnalogRecurrent(nn.Module):  # type: ignore[misc]
    """Drop-in for a one-layer ``nn.RNN``: input and recurrent weights on own tiles."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        *,
        config: AnalogConfig | None = None,
    ) -> None:
        super().__init__()
        _checks.choice("AnalogRecurrent", nonlinearity, ("tanh", "relu"))
        self.input_size, self.hidden_size = input_size, hidden_size
        self.nonlinearity, self.batch_first = nonlinearity, batch_first
        self.input = AnalogLinear(input_size, hidden_size, bias, config=config)
        self.recurrent = AnalogLinear(hidden_size, hidden_size, bias, config=config)

    def forward(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return outputs of all steps and the last state, shapes as ``nn.RNN``."""
        steps = x.transpose(0, 1) if self.batch_first else x
        state = (
            x.new_zeros(steps.shape[1], self.hidden_size) if h is None else h.squeeze(0)
        )
        act = torch.tanh if self.nonlinearity == "tanh" else torch.relu
        outs = []
        for now in steps:
            state = act(self.input(now) + self.recurrent(state))
            outs.append(state)
        out = torch.stack(outs, 1 if self.batch_first else 0)
        return out, state.unsqueeze(0)
