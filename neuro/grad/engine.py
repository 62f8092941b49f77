"""From a trained network to the event-driven engine, spike for spike.

The network becomes frames -> populations joined by convolutions (kernel scatter) and
dense rows, delivered within the same step in topological order; feedback arrives one
step later. The read-out is a population that integrates and never fires: its potential
after the last step is the sum of the logits.

With ``grid_bits=k`` folded weights and biases lie on the grid ``2^-k`` and thresholds
on its next point, so that every sum is exact and the engine sends exactly the spikes of
``neuro.grad.fold.with_folded_norms(model, grid_bits=k)``. The leak keeps the potential
on that grid for ``beta = 1`` only; ``1 - 2^-m`` adds m fraction bits at every step,
which float64 has room for while ``k + m * steps`` stays well below 53.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from neuro.core import Conv, Rows
from neuro.errors import ParameterError, ShapeError
from neuro.grad.fold import Stage, folded_stages, grid_threshold
from neuro.network import (
    Frames,
    Network,
    Population,
    Projection,
    Record,
    register_neuron,
)

__all__ = ["Discrete", "to_engine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrete:
    """The neuron of gradient-trained networks: ``V <- beta V + input + bias``.

    Parameters
    ----------
    beta : float or ndarray of shape (n,)
        Factor per step.
    bias : float or ndarray
        Added at every step, events or none.
    v_threshold : float or ndarray
        Fires at or above it; infinite: a read-out.
    keep, v_after : float or ndarray
        Reset ``V <- keep V + v_after``: 0 and 0 to zero, 1 and ``-threshold`` for a
        reset by subtraction.
    """

    params: ClassVar[tuple[str, ...]] = (
        "beta", "bias", "v_threshold", "keep", "v_after",
    )  # fmt: skip
    state: ClassVar[tuple[str, ...]] = ("v",)
    ports: ClassVar[tuple[str, ...]] = ("input",)

    beta: Any = 1.0
    bias: Any = 0.0
    v_threshold: Any = 1.0
    keep: Any = 0.0
    v_after: Any = 0.0


@register_neuron(Discrete)
def discrete_step(params, state, inputs, spiked, dt):  # type: ignore[no-untyped-def]
    """Advance one step."""
    for i in range(spiked.size):
        k = i if params.shape[1] > 1 else 0
        v = params[0, k] * state[0, i] + (inputs[0, i] + params[1, k])
        fired = v >= params[2, k]
        spiked[i] = fired
        state[0, i] = params[3, k] * v + params[4, k] if fired else v


def _shape_after(stage: Stage, shape: tuple[int, ...]) -> tuple[int, ...]:
    if stage.conv is None:
        return (len(stage.weight),)
    return Conv(stage.weight, shape, **stage.conv).out_shape  # type: ignore[arg-type]


def _rule(stage: Stage, shape: tuple[int, ...]) -> Any:
    if stage.conv is not None:
        if len(shape) != 3:
            raise ShapeError(f"{stage.name}: a convolution after a flat layer")
        return Conv(stage.weight, shape, **stage.conv)  # type: ignore[arg-type]
    if stage.weight.shape[1] != int(np.prod(shape)):
        raise ShapeError(
            f"{stage.name}: {stage.weight.shape[1]} inputs for a map of shape {shape}"
        )
    return Rows(stage.weight)


def _model(stage: Stage, size: int, bits: int | None) -> Discrete:
    share = size // len(stage.bias)
    bias = np.repeat(stage.bias, share)
    if stage.neuron is None:
        return Discrete(
            beta=np.ones(size), bias=bias, v_threshold=np.full(size, np.inf),
            keep=np.ones(size), v_after=np.zeros(size),
        )  # fmt: skip
    neuron = stage.neuron
    beta = np.atleast_1d(neuron.beta.detach().double().numpy())
    beta = (
        np.full(size, beta[0]) if beta.size == 1 else np.repeat(beta, size // beta.size)
    )
    theta = neuron.threshold
    if bits is not None:
        theta = grid_threshold(theta, bits)
    test = float(np.nextafter(theta, np.inf)) if neuron.strict else theta
    subtract = neuron.reset == "subtract"
    return Discrete(
        beta=beta,
        bias=bias,
        v_threshold=np.full(size, test),
        keep=np.full(size, float(subtract)),
        v_after=np.full(size, -theta if subtract else 0.0),
    )


def to_engine(model: Any, *, grid_bits: int | None = None) -> Network:
    """Return a frame classifier as a network of the event-driven engine.

    Parameters
    ----------
    model : FrameClassifier
        With :class:`neuro.grad.Lif` neurons, in evaluation mode.
    grid_bits : int, optional
        Fraction bits of weights and biases; the spikes then equal those of the folded
        torch network exactly. Without it they differ where rounding decides.

    Returns
    -------
    Network
        Dimensionless, one step per frame; stimulus ``frames`` (flattened polarity,
        height, width), populations ``layer0`` ..., ``readout``. Run it with
        ``net.build(engine="grid", precision="double").run_samples({"frames": x}, n)``;
        the recorded potential of ``readout`` after step n is the sum of the logits.

    Raises
    ------
    UnsupportedNodeError
        If a stage has no equivalent.
    ParameterError
        If the bits leave no room in float64.
    """
    if grid_bits is not None and not 1 <= grid_bits <= 40:
        raise ParameterError(f"to_engine.grid_bits: expected 1..40, got {grid_bits}")
    stages = folded_stages(model, grid_bits=grid_bits)
    shape: tuple[int, ...] = tuple(model.in_shape)
    parts: list[Any] = [Frames("frames", int(np.prod(shape)))]
    before = "frames"
    for stage in stages:
        rule = _rule(stage, shape)
        shape = _shape_after(stage, shape)
        size = int(np.prod(shape))
        parts.append(Population(stage.name, size, _model(stage, size, grid_bits)))
        parts.append(Projection(before, stage.name, rule))
        if stage.feedback is not None:
            parts.append(
                Projection(stage.name, stage.name, Rows(stage.feedback), delay=1)
            )
        before = stage.name
    if stages[-1].neuron is None:
        parts.append(Record("readout", ("v",)))
    return Network(*parts, dt=1.0, dimensionless=True)
