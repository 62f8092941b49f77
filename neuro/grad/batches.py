"""Batches: the three forms of training data that ``fit`` takes.

* a tuple of equal-length arrays or tensors, drawn without replacement, one permutation
  per epoch;
* an indexable object with ``len``, whose ``data[indices]`` (a long tensor) returns a
  batch: augmentation and lazy loading;
* a callable ``draw(generator) -> batch``: an endless stream, counted in steps.

Which samples a step sees is a function of the seed and the step alone, so a resumed run
continues with the same batches without stored positions.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from neuro.errors import ParameterError, ShapeError
from neuro.random import stream

__all__ = ["Batches", "step_generator"]


def step_generator(seed: int, *names: object) -> torch.Generator:
    """Return a torch generator of its own for one purpose, e.g. one training step.

    Parameters
    ----------
    seed : int
        Of the run.
    *names : object
        Purpose and index, e.g. ``"step", 17``.
    """
    generator = torch.Generator()
    generator.manual_seed(int(stream(seed, *names).integers(2**62)))
    return generator


class Batches:
    """Training or validation data, cut into batches.

    Parameters
    ----------
    data : tuple of arrays or tensors, indexable object, or callable
        See the module.
    batch : int
        Samples per batch; the last batch of an epoch may be smaller, but a single
        left-over sample is dropped in training (batch norm).
    seed : int
        Of the permutations and draws.
    """

    def __init__(self, data: Any, *, batch: int, seed: int) -> None:
        if batch < 1:
            raise ParameterError(f"fit.batch: expected >= 1, got {batch}")
        self.batch, self.seed = batch, seed
        self._draw: Callable[[Any], Any] | None = None
        self.n = 0
        if isinstance(data, (tuple, list)):
            tensors = [torch.as_tensor(d) for d in data]
            lengths = {len(t) for t in tensors}
            if len(lengths) != 1 or not tensors:
                raise ShapeError(
                    f"fit: arrays of one length are needed, got {sorted(lengths)}"
                )
            self.n = lengths.pop()
            self._take: Callable[[Any], Any] = lambda i: tuple(t[i] for t in tensors)
        elif hasattr(data, "__len__") and hasattr(data, "__getitem__"):
            self.n = len(data)
            self._take = lambda i: data[i]
        elif callable(data):
            self._draw = data
        else:
            raise ParameterError(
                f"fit: expected a tuple of arrays, an indexable object or a callable, "
                f"got {type(data).__name__}"
            )
        if self._draw is None and self.n < 1:
            raise ParameterError("fit: the data are empty")
        self._epoch, self._order = -1, torch.zeros(0, dtype=torch.long)

    @property
    def endless(self) -> bool:
        """Whether the data are a stream."""
        return self._draw is not None

    @property
    def per_epoch(self) -> int:
        """Batches of one epoch; 0 for a stream."""
        if self.endless:
            return 0
        full, rest = divmod(self.n, self.batch)
        return max(full + (rest > 1), 1)

    def at(self, step: int) -> Any:
        """Return the training batch of a step."""
        if self._draw is not None:
            return self._draw(step_generator(self.seed, "draw", step))
        epoch, k = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            order = stream(self.seed, "epoch", epoch).permutation(self.n)
            self._epoch = epoch
            self._order = torch.from_numpy(order.astype(np.int64))
        return self._take(self._order[k * self.batch : (k + 1) * self.batch])

    def sweep(self, *, draws: int = 8) -> Iterator[Any]:
        """Yield all batches once, in order (`draws` fixed batches of a stream)."""
        if self._draw is not None:
            for k in range(draws):
                yield self._draw(step_generator(self.seed, "validation", k))
            return
        for begin in range(0, self.n, self.batch):
            yield self._take(torch.arange(begin, min(begin + self.batch, self.n)))
