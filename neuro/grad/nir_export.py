"""A trained frame classifier as a NIR graph, norms folded.

NIR has no batch norm, no discrete factor and no reset by subtraction. Norms are folded;
``beta = 1`` becomes an IF with ``r = 1/dt``, ``beta < 1`` a LIF with
``tau = dt / (1 - beta)`` and ``r = tau / dt``, so that one forward Euler step of length
`dt` is the trained step. NIR fires strictly above its threshold, the network at it:
thresholds are lowered by half a grid step, or to the next number below.
"""

from typing import Any

import numpy as np

from neuro.core import Conv
from neuro.errors import UnsupportedNodeError, optional_import
from neuro.grad.fold import Stage, folded_stages, grid_threshold

__all__ = ["to_nir"]


def _neuron(nir: Any, stage: Stage, size: int, bits: int | None, dt: float) -> Any:
    neuron = stage.neuron
    if neuron.reset != "zero":
        raise UnsupportedNodeError(
            f"to_nir: {stage.name} resets by subtraction, which NIR cannot say; use "
            "to_engine"
        )
    theta = neuron.threshold
    if bits is not None:
        theta = grid_threshold(theta, bits) - 2.0 ** -(bits + 1)
    elif not neuron.strict:
        theta = float(np.nextafter(theta, -np.inf))
    beta = np.atleast_1d(neuron.beta.detach().double().numpy())
    beta = np.repeat(beta, size // beta.size)
    full = {"v_threshold": np.full(size, theta), "v_reset": np.zeros(size)}
    if (beta == 1).all():
        return nir.IF(r=np.full(size, 1 / dt), **full)
    if (beta == 1).any():
        raise UnsupportedNodeError(
            f"to_nir: {stage.name} mixes leaky and non-leaky neurons"
        )
    tau = dt / (1 - beta)
    return nir.LIF(tau=tau, r=tau / dt, v_leak=np.zeros(size), **full)


def to_nir(model: Any, *, grid_bits: int | None = None, dt: float = 1e-4) -> Any:
    """Return a NIR graph of a frame classifier.

    Parameters
    ----------
    model : FrameClassifier
        With :class:`neuro.grad.Lif` neurons that reset to zero.
    grid_bits : int, optional
        Fraction bits of weights and biases, as in :func:`neuro.grad.engine.to_engine`.
    dt : float
        Length of a step, seconds.

    Returns
    -------
    nir.NIRGraph
        Nodes ``input``, per layer a convolution or ``Affine`` and a neuron named as in
        the engine, ``output``. ``neuro.network.from_nir(graph, dt=dt,
        semantics="euler")`` runs it.

    Raises
    ------
    UnsupportedNodeError
        If NIR has no such node.
    """
    nir = optional_import("nir", "nir")
    shape: tuple[int, ...] = tuple(model.in_shape)
    nodes: dict[str, Any] = {"input": nir.Input({"input": np.array(shape)})}
    edges: list[tuple[str, str]] = []
    before = "input"

    def add(name: str, node: Any) -> None:
        nonlocal before
        nodes[name] = node
        edges.append((before, name))
        before = name

    for stage in folded_stages(model, grid_bits=grid_bits):
        name = stage.name
        if stage.conv is not None:
            layout = Conv(stage.weight, shape, **stage.conv)  # type: ignore[arg-type]
            add(
                f"{name}_conv",
                nir.Conv2d(
                    input_shape=tuple(shape[1:]), weight=stage.weight,
                    stride=stage.conv["stride"], padding=stage.conv["padding"],
                    dilation=stage.conv["dilation"], groups=1, bias=stage.bias,
                ),
            )  # fmt: skip
            shape = layout.out_shape
        else:
            if len(shape) > 1:
                flat = {"input": np.array(shape)}
                add(f"{name}_flatten", nir.Flatten(flat, start_dim=0, end_dim=-1))
            add(f"{name}_weights", nir.Affine(stage.weight, stage.bias))
            shape = (len(stage.weight),)
        if stage.neuron is None:
            continue
        size = int(np.prod(shape))
        node = _neuron(nir, stage, size, grid_bits, dt)
        if len(shape) > 1:
            for key in ("r", "v_threshold", "v_reset", "tau", "v_leak"):
                if getattr(node, key, None) is not None:
                    setattr(node, key, getattr(node, key).reshape(shape))
            node.input_type = {"input": np.array(shape)}
            node.output_type = {"output": np.array(shape)}
        add(name, node)
        if stage.feedback is not None:
            nodes[f"{name}_feedback"] = nir.Linear(stage.feedback)
            edges += [(name, f"{name}_feedback"), (f"{name}_feedback", name)]
    add("output", nir.Output({"output": np.array(shape)}))
    return nir.NIRGraph(nodes, edges)
