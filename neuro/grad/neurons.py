r"""Neurons over whole sequences: resetting leaky integrate-and-fire and its kin.

.. math::
    U[n] = \beta V[n-1] + I[n], \qquad S[n] = 1[U[n] \ge \theta]

with ``V[n] = U[n] (1 - S[n])`` (reset ``"zero"``) or ``V[n] = U[n] - theta S[n]``
(``"subtract"``). ``beta = 1`` gives the non-leaky integrate-and-fire neuron.

Every neuron module maps (steps, batch, ...) to the same shape, starts from the same
initial potential at every call and keeps nothing between calls: two calls with the same
input give the same output, and copies of a network never share state. Networks with
feedback use ``step`` and carry the potential themselves.

On the CPU a compiled kernel walks all steps of a block of neurons while it is in the
cache; elsewhere, and where a state quantiser is given, the same equations run as a loop
of torch operations.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from neuro.errors import ParameterError
from neuro.grad import _kernels
from neuro.grad.surrogate import Surrogate, spike

__all__ = ["Activation", "Integrator", "Lif", "SnnTorch"]


class _Fused(torch.autograd.Function):  # type: ignore[misc]
    """Compiled multi-step neuron; saves the potentials only."""

    @staticmethod
    def forward(ctx: Any, x: Any, beta: Any, shape: tuple[int, ...], p: Any) -> Any:
        threshold, strict, zero, v_init, detach, surrogate = p
        kind = np.float32 if x.dtype == torch.float32 else np.float64
        source = np.ascontiguousarray(x.detach().numpy()).reshape(shape)
        decay = np.ascontiguousarray(beta.detach().numpy().astype(kind)).reshape(-1)
        u, s = np.empty(shape, kind), np.empty(shape, kind)
        _kernels.forward(
            source, decay, kind(threshold), strict, zero, kind(v_init), u, s
        )
        ctx.held = (u, decay, kind(threshold), strict, zero, kind(v_init), detach)
        ctx.surrogate, ctx.beta_like = surrogate, beta
        return torch.from_numpy(s.reshape(tuple(x.shape)))

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        u = ctx.held[0]
        g = np.ascontiguousarray(grad.numpy()).reshape(u.shape)
        gx, gbeta = np.empty_like(u), np.zeros(u.shape[2], np.float64)
        code, alpha = ctx.surrogate.code, ctx.surrogate.alpha
        learn = bool(ctx.needs_input_grad[1])
        _kernels.backward(g, *ctx.held, code, alpha, learn, gx, gbeta)
        beta = ctx.beta_like
        gb = torch.from_numpy(gbeta).to(beta.dtype).reshape(beta.shape)
        gb = gb if learn else None
        return torch.from_numpy(gx.reshape(tuple(grad.shape))), gb, None, None


class Lif(nn.Module):  # type: ignore[misc]
    r"""Resetting (leaky) integrate-and-fire neurons over a sequence.

    Parameters
    ----------
    beta : float or array_like of float, shape (n_features,)
        Factor of the potential per step, in (0, 1]; 1: no leak.
    threshold : float
        Potential at which a spike is sent.
    reset : {"zero", "subtract"}
        What a spike does to the potential.
    detach_reset : bool
        Whether the reset is left out of the gradient (as snnTorch does).
    surrogate : Surrogate
        Derivative of the spike.
    learn_beta : bool
        Whether `beta` is trained; held as the logit of beta, so it stays in (0, 1).
    v_init : float
        Potential at the start of every call.
    strict : bool
        Fire above the threshold only (``>``), not at it.
    amplitude : float
        Value of a spike in the output.
    quantize_state : callable, optional
        Applied to U at every step (straight-through in the backward pass if it is a
        module of ``neuro.grad.quantized``).

    Notes
    -----
    Features are axis 2 of the input: channels of (steps, batch, channels, height,
    width), units of (steps, batch, units).

    References
    ----------
    .. [1] J. K. Eshraghian et al., Proc. IEEE 111 (2023) 1016, section on leaky
       neurons. doi:10.1109/JPROC.2023.3308088
    """

    __references__ = ("eshraghian2023",)
    spiking = True

    def __init__(
        self,
        beta: Any = 1.0,
        *,
        threshold: float = 1.0,
        reset: str = "zero",
        detach_reset: bool = False,
        surrogate: Surrogate | None = None,
        learn_beta: bool = False,
        v_init: float = 0.0,
        strict: bool = False,
        amplitude: float = 1.0,
        quantize_state: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__()
        given = np.asarray(beta, np.float32)
        if given.ndim > 1 or not ((given > 0) & (given <= 1)).all():
            raise ParameterError(
                f"Lif.beta: expected values in (0, 1], scalar or one per feature, "
                f"got {beta}"
            )
        if reset not in ("zero", "subtract"):
            raise ParameterError(
                f"Lif.reset: expected 'zero' or 'subtract', got {reset!r}"
            )
        if not threshold > 0:
            raise ParameterError(f"Lif.threshold: expected > 0, got {threshold}")
        self.threshold, self.reset = float(threshold), reset
        self.detach_reset, self.strict = detach_reset, strict
        self.v_init, self.amplitude = float(v_init), float(amplitude)
        self.surrogate = surrogate or Surrogate()
        self.quantize_state = quantize_state
        self.learn_beta = learn_beta
        values = torch.tensor(given)
        if learn_beta:
            self.beta_logit = nn.Parameter(torch.logit(values.clamp(1e-4, 1 - 1e-4)))
        else:
            self.register_buffer("fixed_beta", values, persistent=False)

    @property
    def beta(self) -> Any:
        """Factor per step, scalar or (n_features,)."""
        if self.learn_beta:
            return torch.sigmoid(self.beta_logit)
        return self.fixed_beta

    @property
    def tau_steps(self) -> Any:
        """Time constant in steps, ``-1 / ln(beta)``; infinite where beta is 1."""
        return -1 / torch.log(self.beta)

    def _beta_for(self, x: Any) -> Any:
        beta = self.beta.to(x.dtype)
        if beta.ndim == 0:
            return beta
        return beta.reshape((-1,) + (1,) * (x.ndim - 2))

    def initial(self, x: Any) -> Any:
        """Return the potential before the first step for one step's input `x`."""
        return torch.full_like(x, self.v_init)

    def step(self, x: Any, v: Any) -> tuple[Any, Any]:
        """Advance one step: current (batch, ...) and potential -> spikes, potential."""
        u = self._beta_for(x) * v + x
        if self.quantize_state is not None:
            u = self.quantize_state(u)
        s = spike(u - self.threshold, self.surrogate, strict=self.strict)
        gate = s.detach() if self.detach_reset else s
        if self.reset == "zero":
            return s, u * (1 - gate)
        return s, u - gate * self.threshold

    def forward(self, x: Any) -> Any:
        """Return spikes (steps, batch, ...) of currents of the same shape."""
        plain = self.quantize_state is None and x.device.type == "cpu" and x.ndim >= 2
        fits = plain and x.dtype in (torch.float32, torch.float64)
        s = self._fused(x) if fits else self.forward_loop(x)
        return s if self.amplitude == 1.0 else s * self.amplitude

    def forward_loop(self, x: Any) -> Any:
        """Return unit spikes as the call does, as a plain loop of torch operations."""
        v = self.initial(x[0])
        out = []
        for current in x:
            s, v = self.step(current, v)
            out.append(s)
        return torch.stack(out)

    def _fused(self, x: Any) -> Any:
        beta = self.beta
        if beta.ndim == 0:
            shape = (x.shape[0], 1, 1, x[0].numel())
        else:
            if x.ndim < 3 or x.shape[2] != beta.numel():
                raise ParameterError(
                    f"Lif: {beta.numel()} values of beta do not fit an input of shape "
                    f"{tuple(x.shape)}; features are axis 2"
                )
            inner = int(np.prod(x.shape[3:], dtype=np.int64))
            shape = (x.shape[0], x.shape[1], x.shape[2], inner)
        zero = self.reset == "zero"
        p = (self.threshold, self.strict, zero, self.v_init, self.detach_reset)
        return _Fused.apply(x, beta, shape, (*p, self.surrogate))

    def extra_repr(self) -> str:
        """Describe the neuron in the module's representation."""
        beta = "learned" if self.learn_beta else self.beta.tolist()
        return f"beta={beta}, threshold={self.threshold}, reset={self.reset!r}"


class SnnTorch(nn.Module):  # type: ignore[misc]
    """A snnTorch neuron over a sequence, with explicit and fresh state.

    Parameters
    ----------
    neuron : torch.nn.Module
        ``snntorch.Leaky``, ``Synaptic``, ``Alpha`` or ``Lapicque``, made with
        ``init_hidden=False``.

    Notes
    -----
    snnTorch neurons continue from their last state when none is given, even after a
    finished sequence, and ``snntorch.utils.reset`` clears every instance of the process
    but not those in nested modules. Here the state is passed explicitly and starts from
    zero in every call.
    """

    __references__ = ("eshraghian2023",)
    spiking = True

    def __init__(self, neuron: Any) -> None:
        super().__init__()
        if getattr(neuron, "init_hidden", False):
            raise ParameterError("SnnTorch: make the neuron with init_hidden=False")
        name = type(neuron).__name__
        states = {"Leaky": 1, "Lapicque": 1, "Synaptic": 2, "Alpha": 3}
        if name not in states:
            raise ParameterError(
                f"SnnTorch: expected one of {', '.join(states)}, got {name}"
            )
        self.neuron, self.n_states = neuron, states[name]

    def initial(self, x: Any) -> tuple[Any, ...]:
        """Return zero states for one step's input `x`."""
        return tuple(torch.zeros_like(x) for _ in range(self.n_states))

    def step(self, x: Any, state: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Advance one step."""
        s, *state_after = self.neuron(x, *state)
        return s, tuple(state_after)

    def forward(self, x: Any) -> Any:
        """Return spikes (steps, batch, ...) of currents of the same shape."""
        state = self.initial(x[0])
        out = []
        for current in x:
            s, state = self.step(current, state)
            out.append(s)
        return torch.stack(out)


class Integrator(nn.Module):  # type: ignore[misc]
    r"""Leaky integrator that never fires: ``V[n] = beta V[n-1] + I[n]``; a read-out.

    Parameters
    ----------
    beta : float
        Factor per step, in [0, 1].
    """

    spiking = False

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        if not 0 <= beta <= 1:
            raise ParameterError(f"Integrator.beta: expected 0..1, got {beta}")
        self.beta = float(beta)

    def forward(self, x: Any) -> Any:
        """Return potentials (steps, batch, ...)."""
        v = torch.zeros_like(x[0])
        out = []
        for current in x:
            v = self.beta * v + current
            out.append(v)
        return torch.stack(out)

    def last(self, x: Any) -> Any:
        """Return the potential after the last step, (batch, ...), as one sum."""
        n = x.shape[0]
        w = self.beta ** torch.arange(n - 1, -1, -1, dtype=x.dtype, device=x.device)
        return torch.tensordot(w, x, dims=1)


class Activation(nn.Module):  # type: ignore[misc]
    """A non-spiking activation in the place of a neuron: the control of every SNN.

    Parameters
    ----------
    function : torch.nn.Module
        Applied to the whole sequence, element by element: ``nn.SiLU()``, ``nn.ReLU()``.
    """

    spiking = False

    def __init__(self, function: Any = None) -> None:
        super().__init__()
        self.function = nn.SiLU() if function is None else function

    def initial(self, x: Any) -> Any:
        """Return an unused state."""
        return torch.zeros((), dtype=x.dtype)

    def step(self, x: Any, v: Any) -> tuple[Any, Any]:
        """Apply the function to one step."""
        return self.function(x), v

    def forward(self, x: Any) -> Any:
        """Apply the function."""
        return self.function(x)
