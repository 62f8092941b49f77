"""What the Sparsey experiments share: random items, distortions, seeds."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from neuro.sparsey import SaturationWarning

from ._runner import Context

__all__ = ["COLOURS", "distort", "overload", "random_items", "replicates"]

# safe for colour-blind readers (Okabe and Ito)
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
    "#999999", "#B8A000",
)  # fmt: skip


def replicates(ctx: Context, n: int) -> Iterator[tuple[int, np.random.Generator]]:
    """Yield (model seed, generator of the data) of every repetition."""
    for i in ctx.progress(range(n), total=n, label="seeds"):
        yield int(ctx.rng(f"model {i}").integers(2**31)), ctx.rng(f"data {i}")


@contextmanager
def overload() -> Iterator[None]:
    """Go past capacity on purpose, without the warning of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SaturationWarning)
        yield


def random_items(
    rng: np.random.Generator,
    count: int,
    n_inputs: int,
    n_active: int | tuple[int, int],
) -> NDArray[np.uint8]:
    """Binary items with a fixed or uniformly drawn number of active inputs."""
    low, high = (n_active, n_active) if isinstance(n_active, int) else n_active
    size = rng.integers(low, high + 1, count)
    rank = rng.random((count, n_inputs)).argsort(1).argsort(1)
    return (rank < size[:, None]).astype(np.uint8)


def distort(
    rng: np.random.Generator, items: NDArray[np.uint8], n_moved: int
) -> NDArray[np.uint8]:
    """Move `n_moved` active inputs of every item to places that were off."""
    out = items.copy()
    for row, item in zip(out, items, strict=True):
        row[rng.choice(np.flatnonzero(item), n_moved, replace=False)] = 0
        row[rng.choice(np.flatnonzero(item == 0), n_moved, replace=False)] = 1
    return out
