"""Which neurons an event reached: from weight layers, through pooling, to neurons.

A neuron layer is fed by the weight layers that ran between the neuron layer before it
and its own first call, and whose outputs are as many as its neurons; pooling modules in
between are followed. What cannot be followed (a functional pooling, a sum of layers of
other sizes) is said, and all neurons are then taken as reached.
"""

from collections import deque
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

__all__ = ["Reach"]

Mask = NDArray[np.bool_]


class Reach:
    """Masks of reached units, waiting for the neurons that they belong to."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Mask]] = {}
        self._feeds: dict[str, tuple[str, ...]] = {}
        self._latest = ""

    def offer(self, layer: str, masks: Mask) -> None:
        """Take reached outputs (calls, batch, *out_shape) of a weight layer."""
        self._waiting.setdefault(layer, deque()).extend(masks)
        self._latest = layer

    def pool(self, module: nn.Module) -> None:
        """Follow the latest layer's outputs through a pooling module."""
        waiting = self._waiting.get(self._latest)
        if not waiting:
            return
        forward: Any = type(module).forward
        for k, mask in enumerate(waiting):
            try:
                found = forward(module, torch.as_tensor(mask, dtype=torch.float32))
            except (RuntimeError, ValueError):
                return  # of another layer, or pooled already
            found = found[0] if isinstance(found, tuple) else found
            waiting[k] = found.numpy() > 0

    def take(
        self, neurons: str, *, steps: int, batch: int, units: int
    ) -> NDArray[np.int64] | None:
        """Return neurons reached in `steps` steps, int64 (batch,); None if unknown."""
        feeds = self._feeds.get(neurons)
        if feeds is None:
            feeds = self._feeds[neurons] = tuple(
                name
                for name, held in self._waiting.items()
                if held and held[0].size == batch * units
            )
        queues = [q for q in (self._waiting.get(name) for name in feeds) if q]
        if not queues:
            return None
        total = np.zeros(batch, np.int64)
        for _ in range(steps):
            seen = np.zeros((batch, units), bool)
            for queue in queues:
                if queue:
                    seen |= queue.popleft().reshape(batch, units)
            total += np.count_nonzero(seen, axis=1)
        return total

    def clear(self) -> None:
        """Forget waiting masks; who feeds whom stays."""
        self._waiting.clear()
