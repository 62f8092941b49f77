"""The tasks: which samples, how they are split, and what a network is fed with.

``still``   grey levels, the same frame at each step.
``events``  recordings cut into T frames; event counts clipped to the bits of a spike.
``binary``  the same recordings and splits, every frame clipped to one bit.
``order``   each recording twice, as it is and with its frames in reverse order; the
            class is digit and direction, 20 in all. Summed over time both directions
            are the same frame: only the order of events tells them apart: with one
            step no more than half of the digits' accuracy can be reached.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError

from .._config import Config
from .._runner import Context

__all__ = ["TASKS", "Arrays", "Task", "load_tasks"]

Arrays = tuple[NDArray[Any], NDArray[np.int64]]
Split = Callable[[int], tuple[Arrays, Arrays, Arrays]]
TASKS = ("still", "events", "binary", "order")


@dataclass(frozen=True)
class Task:
    """A data set, cut into train, validation and test by seed.

    Attributes
    ----------
    name : str
        One of `TASKS`.
    classes : int
        Number of classes.
    split : callable
        ``split(seed)`` returns (samples, labels) of train, validation and test.
    frames : callable
        ``frames(samples, steps, s_bits)`` returns (batch, steps, P, H, W), float32.
    """

    name: str
    classes: int
    split: Split
    frames: Callable[[NDArray[Any], int, int], Any]


def load_tasks(cfg: Config, ctx: Context) -> dict[str, Task]:
    """Return the tasks that the configuration names, in the order of `TASKS`."""
    unknown = [t for t in cfg.tasks if t not in TASKS]
    if unknown or not cfg.tasks:
        raise ParameterError(
            f"bit-budget: tasks: expected some of {list(TASKS)}, got {cfg.tasks}"
        )
    found = {}
    recordings: _Recordings | None = None
    for name in sorted(cfg.tasks, key=TASKS.index):
        if name == "still":
            found[name] = _still(cfg, ctx)
        else:
            recordings = recordings or _Recordings(cfg.events, ctx)
            found[name] = _MAKE[name](recordings)
    return found


def _still(cfg: Config, ctx: Context) -> Task:
    data = ctx.data("mnist")
    images = np.asarray(data.images)
    labels = np.asarray(data.labels)
    c = cfg.still
    sizes = np.cumsum([c.train, c.valid, c.test])
    if sizes[-1] > len(labels):
        shares = np.array([c.train, c.valid, c.test]) / sizes[-1]
        sizes = np.cumsum((shares * len(labels)).astype(int))

    def split(seed: int) -> tuple[Arrays, Arrays, Arrays]:
        order = ctx.rng(f"still split {seed}").permutation(len(labels))
        parts = np.split(order[: sizes[-1]], sizes[:-1])
        a, b, d = ((images[p], labels[p]) for p in parts)
        return a, b, d

    def frames(x: NDArray[Any], steps: int, s_bits: int) -> Any:
        import torch

        grey = torch.as_tensor(x.astype(np.float32) / 255.0)
        return grey[:, None, None].expand(-1, steps, -1, -1, -1)

    return Task("still", 10, split, frames)


class _Recordings:
    """Recordings, their split by group, and their frames, made once per step count."""

    def __init__(self, c: Config, ctx: Context) -> None:
        data = ctx.data("nmnist", limit=c.recordings or None)
        if data.synthetic and not c.recordings:
            data = ctx.data("nmnist", limit=c.stand_in_samples)
        self.labels, self.groups = np.asarray(data.labels), np.asarray(data.groups)
        self._events = [data[i] for i in range(len(data))]
        self._size, self._config, self._ctx = data.sensor_size, c, ctx
        self._frames: dict[int, NDArray[np.uint16]] = {}
        n, n_test = len(data), int(c.test_share * len(data))
        ctx.split(n_train=n - n_test, n_test=n_test)

    def frames(self, steps: int) -> NDArray[np.uint16]:
        """Return event counts (recordings, steps, P, H, W)."""
        if steps not in self._frames:
            from neuro.events import frame_batch

            c, size = self._config, self._size
            side = min(c.crop, size[0], size[1]) // c.pool * c.pool
            found = frame_batch(
                self._events,
                size,
                bin_us=-(-c.duration_us // steps),
                n_bins=steps,
                crop=side,
                binary=False,
            )
            shape = (*found.shape[:3], side // c.pool, c.pool, side // c.pool, c.pool)
            self._frames[steps] = found.reshape(shape).sum((4, 6), dtype=np.uint16)
        return self._frames[steps]

    def split(self, seed: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return the recordings of train, validation and test; no group in two."""
        rng = self._ctx.rng(f"events split {seed}")
        unique = rng.permutation(np.unique(self.groups))
        cut = np.cumsum([self._config.test_share, self._config.valid_share])
        where = np.split(unique, (cut * len(unique)).astype(int))
        test, valid, train = (
            np.flatnonzero(np.isin(self.groups, group)) for group in where
        )
        return train, valid, test


def _events(recordings: _Recordings, *, one_bit: bool = False) -> Task:
    def split(seed: int) -> tuple[Arrays, Arrays, Arrays]:
        a, b, d = ((p, recordings.labels[p]) for p in recordings.split(seed))
        return a, b, d

    def frames(x: NDArray[Any], steps: int, s_bits: int) -> Any:
        import torch

        top = 1 if one_bit else 2**s_bits - 1
        held = np.minimum(recordings.frames(steps)[x], top)
        return torch.as_tensor(held.astype(np.float32))

    return Task("binary" if one_bit else "events", 10, split, frames)


def _binary(recordings: _Recordings) -> Task:
    return _events(recordings, one_bit=True)


def _order(recordings: _Recordings) -> Task:
    def split(seed: int) -> tuple[Arrays, Arrays, Arrays]:
        # sample 2 i is recording i, 2 i + 1 the same reversed: never in two parts
        a, b, d = ((2 * p[:, None] + [0, 1]).ravel() for p in recordings.split(seed))
        labels = 2 * recordings.labels.astype(np.int64)
        return tuple((s, labels[s // 2] + s % 2) for s in (a, b, d))  # type: ignore[return-value]

    def frames(x: NDArray[Any], steps: int, s_bits: int) -> Any:
        import torch

        held = np.minimum(recordings.frames(steps)[x // 2], 2**s_bits - 1)
        backward = (x % 2).astype(bool)
        held[backward] = held[backward, ::-1]
        return torch.as_tensor(held.astype(np.float32))

    return Task("order", 20, split, frames)


_MAKE: dict[str, Callable[[_Recordings], Task]] = {
    "events": _events,
    "binary": _binary,
    "order": _order,
}
