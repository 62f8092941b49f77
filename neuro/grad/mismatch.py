"""How far the engine and torch are apart for the same frames."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from neuro.errors import ShapeError
from neuro.grad.engine import to_engine
from neuro.grad.fold import with_folded_norms
from neuro.grad.losses import record_activity

__all__ = ["EngineComparison", "compare"]


class EngineComparison(NamedTuple):
    """Engine against torch.

    Attributes
    ----------
    spikes : dict of str to int
        Differing spikes of every layer.
    total, n : int
        Differing spikes, and neurons times steps, of all layers and samples.
    engine_logits, torch_logits : ndarray of float64, shape (samples, classes)
        Mean over steps.
    result : RunResult
        Of the engine, with its counts.
    """

    spikes: dict[str, int]
    total: int
    n: int
    engine_logits: NDArray[np.float64]
    torch_logits: NDArray[np.float64]
    result: Any

    @property
    def rate(self) -> float:
        """Differing spikes per neuron and step."""
        return self.total / max(self.n, 1)


def compare(
    model: Any, frames: NDArray[np.generic], *, grid_bits: int | None = None
) -> EngineComparison:
    """Run a frame classifier in torch and on the engine; count differing spikes.

    Parameters
    ----------
    model : FrameClassifier
        With :class:`neuro.grad.Lif` neurons; put into evaluation mode.
    frames : ndarray, shape (samples, steps, polarities, height, width)
        Event frames.
    grid_bits : int, optional
        With a grid torch runs the folded network in float64, and nothing differs.
        Without one it runs the trained network as it is, in its own precision: what
        differs is decided by rounding.

    Raises
    ------
    ShapeError
        If the frames do not fit the model.
    """
    if frames.ndim != 5 or tuple(frames.shape[2:]) != tuple(model.in_shape):
        raise ShapeError(
            f"compare: expected frames (samples, steps, {tuple(model.in_shape)}), got "
            f"{frames.shape}"
        )
    samples, steps = frames.shape[:2]
    net = to_engine(model.eval(), grid_bits=grid_bits)
    result = net.build(engine="grid", seed=0, precision="double").run_samples(
        {"frames": frames.reshape(samples, steps, -1)}, steps
    )
    side, dtype = model, next(iter(model.parameters())).dtype
    if grid_bits is not None:
        side, dtype = with_folded_norms(model, grid_bits=grid_bits), torch.float64
    with torch.no_grad(), record_activity(side) as activity:
        x = torch.from_numpy(frames).transpose(0, 1).to(dtype)
        logits = side.stages(x).mean(0).double().numpy()
    differing, n = {}, 0
    for k, raster in enumerate(activity.spikes.values()):
        theirs = raster.transpose(0, 1).flatten(2).numpy()
        ours = _raster(result.spikes[f"layer{k}"], theirs.shape)
        differing[f"layer{k}"] = int((ours != theirs).sum())
        n += theirs.size
    potential = result.traces["readout.v"].values
    last = potential.reshape(samples, -1, logits.shape[1])[:, -1]
    return EngineComparison(
        differing, sum(differing.values()), n, last / steps, logits, result
    )


def _raster(spikes: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Spikes of a batch as (samples, steps, n): the spike of advance k has time k+1."""
    out = np.zeros(shape)
    steps = np.rint(spikes.times).astype(np.int64) - 1
    out[spikes.samples, steps, spikes.indices] = 1
    return out
