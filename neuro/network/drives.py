"""Poisson inputs, currents and sinusoids as the arrays of the drivers' kernels."""

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core._kernels.drives import (
    CURRENT,
    CURRENT_EACH,
    POISSON,
    POISSON_EACH,
    SINE,
)
from neuro.network.network import Network
from neuro.network.registry import model_of
from neuro.network.stimuli import Current, Poisson, Sine
from neuro.random import seed_words

__all__ = ["DriveTable", "drive_tables", "stream_key"]

_LARGEST_MEAN = 20.0  # larger means are drawn as a sum


def stream_key(seed: int, *names: object) -> np.uint64:
    """Return the 64-bit key of a counter-based stream."""
    words = ",".join(map(str, seed_words(seed, *names)))
    return np.uint64(
        int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "little")
    )


@dataclass(frozen=True, slots=True)
class DriveTable:
    """Drives in force from one step until `until`, sorted by population.

    Attributes
    ----------
    pop_drives : ndarray of int64, shape (n_pops + 1,)
        Range of drives of each population, in the given order of populations.
    drive : ndarray of int64, shape (n_drives, 7)
        Kind, port, range of levels, range of values, repeats.
    weight, stream, levels, values : ndarray
        See the kernels.
    until : int
        First step at which something changes; -1 if never.
    """

    pop_drives: NDArray[np.int64]
    drive: NDArray[np.int64]
    weight: NDArray[np.float64]
    stream: NDArray[np.uint64]
    levels: NDArray[np.uint32]
    values: NDArray[np.float64]
    until: int


def poisson_levels(mean: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Return cumulative probabilities times 2**32, uint32, shape (K, mean.size)."""
    mean = np.atleast_1d(mean)
    term = np.exp(-mean)
    total = term.copy()
    rows = []
    for k in range(1, 256):
        level = np.rint(total * 2.0**32)
        if (level >= 2.0**32).all():
            break
        rows.append(np.minimum(level, 2.0**32 - 1).astype(np.uint32))
        term = term * mean / k
        total = total + term
    return np.array(rows, np.uint32).reshape(len(rows), mean.size)


def _segment(
    times: Any, values: Any, dt: float, step: int
) -> tuple[NDArray[np.float64], int]:
    """Return the value in force at `step` and the step of the next change (-1)."""
    array = np.asarray(values, np.float64)
    if times is None:
        return array, -1
    starts = np.floor(np.asarray(times, np.float64) / dt + 0.5).astype(np.int64)
    k = int(np.searchsorted(starts, step, side="right")) - 1
    until = int(starts[k + 1]) if k + 1 < starts.size else -1
    if k < 0:
        return np.zeros_like(array[0]), int(starts[0])
    return array[k], until


def drive_tables(net: Network, order: list[str], step: int, seed: int) -> DriveTable:
    """Return the drives in force at `step` for populations in the given order."""
    rows, weights, streams = [], [], []
    levels: list[NDArray[np.uint32]] = []
    values: list[NDArray[np.float64]] = []
    n_levels = n_values = 0
    until = -1
    ptr = [0]
    for name in order:
        ports = model_of(net.populations[name].model).ports
        for d in net.drives:
            if d.target != name:
                continue
            level, value = np.zeros(0, np.uint32), np.zeros(0)
            repeats, weight, key, change = 1, 0.0, np.uint64(0), -1
            if isinstance(d, Poisson):
                rate, change = _segment(d.times, d.rate_hz, net.dt, step)
                mean = rate * net.dt
                repeats = max(1, math.ceil(float(mean.max(initial=0)) / _LARGEST_MEAN))
                kind = POISSON if mean.ndim == 0 else POISSON_EACH
                level = poisson_levels(mean / repeats).ravel()
                weight, key = float(d.weight), stream_key(seed, d.name, "poisson")
            elif isinstance(d, Current):
                value, change = _segment(d.times, d.amplitude, net.dt, step)
                kind = CURRENT if value.ndim == 0 else CURRENT_EACH
            else:
                if not isinstance(d, Sine):
                    raise TypeError(type(d).__name__)
                kind = SINE
                value = np.array(
                    [d.amplitude, 2 * math.pi * d.frequency * net.dt, d.offset, d.phase]
                )
            value = np.atleast_1d(value)
            rows.append(
                [
                    kind,
                    ports.index(d.port),
                    n_levels,
                    n_levels + level.size,
                    n_values,
                    n_values + value.size,
                    repeats,
                ]
            )
            weights.append(weight)
            streams.append(key)
            levels.append(level)
            values.append(value)
            n_levels += level.size
            n_values += value.size
            if change >= 0:
                until = change if until < 0 else min(until, change)
        ptr.append(len(rows))
    return DriveTable(
        np.array(ptr, np.int64),
        np.array(rows, np.int64).reshape(-1, 7),
        np.array(weights, np.float64),
        np.array(streams, np.uint64),
        np.concatenate([*levels, np.zeros(0, np.uint32)]),
        np.concatenate([*values, np.zeros(0)]),
        until,
    )
