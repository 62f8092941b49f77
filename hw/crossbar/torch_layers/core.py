"""Products through arrays: exact circuits with gradients, injected noise, hardware."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from neuro.errors import ParameterError

from ... import _checks
from ..analog import AnalogMatrix
from ..array import Crossbar
from ..config import AnalogConfig
from ..tile import split

__all__ = ["AnalogCore", "Injection", "crossbar_mvm"]

# aihwkit's polynomial of the weight modifier (parameters/inference.py)
POLYNOMIAL = (0.0105392, 0.0768, -0.046925)
KINDS = (
    "none",
    "gaussian",
    "multiplicative",
    "polynomial",
    "device",
    "drop_connect",
    "discretize",
    "dorefa",
)


class _CrossbarProduct(torch.autograd.Function):  # type: ignore[misc]
    """Currents of an array with wires; adjoint gradients."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, v: Tensor, options: dict[str, Any]) -> Tensor:
        """Solve."""
        xbar = Crossbar(g.detach().cpu().double().numpy(), **options)
        volts = v.detach().cpu().double().numpy()
        ctx.xbar, ctx.volts = xbar, volts
        return torch.from_numpy(np.ascontiguousarray(xbar.mvm(volts))).to(v)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """One adjoint solution per sample."""
        (grad,) = grads
        dg, dv = ctx.xbar.vjp(ctx.volts, grad.detach().cpu().double().numpy())
        return (
            torch.from_numpy(dg.copy()).to(grad),
            torch.from_numpy(dv.copy()).to(grad),
            None,
        )


def crossbar_mvm(g: Tensor, v: Tensor, **options: Any) -> Tensor:
    """Differentiable currents of an array with wire resistance.

    Parameters
    ----------
    g : Tensor, shape (m, n)
        Siemens, >= 0.
    v : Tensor, shape (m,) or (batch, m)
        Volts.
    **options
        Of :class:`hw.crossbar.Crossbar`: ``r_word``, ``r_bit``, ``tol`` ...

    Returns
    -------
    Tensor, shape (n,) or (batch, n)
        Amperes. Gradients are those of the circuit (adjoint method), first order.
    """
    out = _CrossbarProduct.apply(g, v, options)
    return out  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """What a training forward sees instead of the clean weights.

    Parameters
    ----------
    kind : str
        "gaussian": strength times the largest weight; "multiplicative": strength times
        each weight; "polynomial": aihwkit's curve times strength; "device": programming
        noise of the configuration's device times strength; "drop_connect": weights
        dropped with probability strength; "discretize": strength levels; "dorefa":
        strength bits.
    strength : float
        Scale of the above.
    per : {"batch", "sample"}
        How often noise is redrawn.
    wires : {"off", "effective", "exact"}
        "effective": the shift that the wires cause, recomputed every `refresh`
        forwards, straight-through; "exact": every product solved with adjoint
        gradients (one-sided pairs only).
    refresh : int
        Forwards between two solutions of "effective".
    """

    kind: str = "gaussian"
    strength: float = 0.05
    per: str = "batch"
    wires: str = "off"
    refresh: int = 10

    def __post_init__(self) -> None:
        _checks.choice("Injection.kind", self.kind, KINDS)
        _checks.choice("Injection.per", self.per, ("batch", "sample"))
        _checks.choice("Injection.wires", self.wires, ("off", "effective", "exact"))
        _checks.number("Injection.strength", self.strength, 0.0)


class _Straight(torch.autograd.Function):  # type: ignore[misc]
    """Identity gradient for a function that has none."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        """Return `y`."""
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Pass on."""
        return grads[0], None


class AnalogCore(nn.Module):  # type: ignore[misc]
    """Weights of one matrix and the three ways to multiply with them."""

    def __init__(self, config: AnalogConfig | None) -> None:
        super().__init__()
        self.config = AnalogConfig() if config is None else config
        self.injection: Injection | None = None
        self.generator: torch.Generator | None = None
        self.matrix: AnalogMatrix | None = None
        self.applied_sd = 0.0
        self._shift: Tensor | None = None
        self._age = 0

    def product(self, x: Tensor, weight: Tensor) -> Tensor:
        """``x @ weight.T`` by the way in force; x (batch, pre), weight (post, pre)."""
        if self.matrix is not None and not self.training:
            out = self.matrix.forward(x.detach().cpu().double().numpy())
            return torch.from_numpy(out).to(x)
        if self.injection is not None and self.training:
            return self._injected(x, weight, self.injection)
        return functional.linear(x, weight)

    def _normal(self, like: Tensor, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(
            shape, generator=self.generator, dtype=like.dtype, device=like.device
        )

    def _injected(self, x: Tensor, weight: Tensor, how: Injection) -> Tensor:
        noisy = self._perturbed(weight, how, len(x))
        self.applied_sd = float((noisy - weight).detach().std())
        if how.wires == "exact":
            if noisy.dim() == 3:
                raise ParameterError("Injection: wires 'exact' needs per='batch'")
            return self._wired(x, noisy)
        if how.wires == "effective":
            noisy = noisy + self._wire_shift(weight, how.refresh)
        if noisy.dim() == 3:
            return torch.einsum("bi,boi->bo", x, noisy)
        return functional.linear(x, noisy)

    def _perturbed(self, weight: Tensor, how: Injection, batch: int) -> Tensor:
        clean = weight.detach()
        top = clean.abs().max().clamp(min=1e-12)
        shape = (batch, *clean.shape) if how.per == "sample" else tuple(clean.shape)
        s = how.strength
        if how.kind == "none":
            return weight
        if how.kind in ("discretize", "dorefa"):
            steps = (s - 1 if how.kind == "discretize" else 2**s - 2) / 2
            q = torch.round(clean / top * steps) / steps * top
            return _Straight.apply(weight, q)  # type: ignore[no-any-return]
        if how.kind == "drop_connect":
            keep = torch.rand(
                shape, generator=self.generator, dtype=clean.dtype, device=clean.device
            )
            return weight * (keep >= s)
        if how.kind == "gaussian":
            sd = s * top * torch.ones_like(clean)
        elif how.kind == "multiplicative":
            sd = s * clean.abs()
        elif how.kind == "polynomial":
            u = clean.abs() / top
            sd = s * top * sum(c * u**k for k, c in enumerate(POLYNOMIAL))
            sd = sd.clamp(min=0)
        else:
            sd = s * self._device_sd(clean)
        return weight + sd * self._normal(clean, shape)

    def _device_sd(self, clean: Tensor) -> Tensor:
        """Programming spread of both halves, in weights."""
        d = self.config.device
        w = clean.cpu().double().numpy()
        e = self.config.mapping.encode(w, d.g_min, d.g_max)
        variance = sum(
            (f[:, None] * d.sigma_written(p).T) ** 2
            for f, p in zip(e.factors, e.planes, strict=True)
        )
        if e.dummy is not None:
            spread = d.sigma_written(np.array([[e.dummy]]))[0, 0]
            variance = variance + ((e.dummy_factor * spread) ** 2)[:, None]
        return torch.from_numpy(np.sqrt(variance)).to(clean)

    def _wire_shift(self, weight: Tensor, refresh: int) -> Tensor:
        if self._shift is None or self._age >= refresh:
            w = weight.detach().cpu().double().numpy()
            ideal = self.config.only("wires")
            eff = AnalogMatrix(w, ideal).effective_weights()
            self._shift = torch.from_numpy(eff - w).to(weight)
            self._age = 0
        self._age += 1
        return self._shift

    def _wired(self, x: Tensor, weight: Tensor) -> Tensor:
        """Product through the exact circuit, one-sided pairs, tiles as programmed."""
        c = self.config
        if c.mapping.style != "differential" or c.topology != "driven":
            raise ParameterError(
                "Injection: wires 'exact' needs driven arrays with one-sided pairs"
            )
        top = weight.detach().abs().max().clamp(min=1e-12)
        span = c.device.g_max - c.device.g_min
        unit = weight / top
        plus = c.device.g_min + span * unit.clamp(min=0, max=1)
        minus = c.device.g_min + span * (-unit).clamp(min=0, max=1)
        scale = float(x.detach().abs().max()) or 1.0
        volts = x * (c.v_read / scale)
        columns = []
        for cols in split(weight.shape[0], c.cols_max // 2, c.tiling):
            total: Any = 0.0
            for rows in split(weight.shape[1], c.rows_max, c.tiling):
                pair = torch.stack([plus[cols, rows], minus[cols, rows]], dim=1)
                g = pair.reshape(-1, pair.shape[2]).T
                i = crossbar_mvm(
                    g,
                    volts[:, rows],
                    r_word=c.r_word,
                    r_bit=c.r_bit,
                    r_source=c.r_source,
                    r_sense=c.r_sense,
                    tol=c.tol,
                )
                total = total + (i[:, 0::2] - i[:, 1::2])
            columns.append(total)
        out = torch.cat(columns, dim=1)
        return out * (top * scale / (span * c.v_read))
