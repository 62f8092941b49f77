"""Receptive fields: which pixels, or which macs below, each mac sees."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError

__all__ = [
    "Fields",
    "Source",
    "hexagonal_fields",
    "neighbours",
    "square_fields",
    "whole_field",
]


@dataclass(frozen=True, slots=True)
class Fields:
    """Receptive fields of the macs of one level.

    Attributes
    ----------
    sources : tuple of ndarray of int32
        Indices of the afferents of each mac.
    centres : ndarray of float64, shape (n_macs, 2)
        Row and column of each mac in pixels.
    n_sources : int
        Number of afferents that exist.
    """

    sources: tuple[NDArray[np.int32], ...]
    centres: NDArray[np.float64]
    n_sources: int

    def __post_init__(self) -> None:
        for m, s in enumerate(self.sources):
            if s.size == 0:
                raise ParameterError(
                    f"Fields: mac {m} sees nothing; enlarge the field or its radius"
                )
            if s.min() < 0 or s.max() >= self.n_sources:
                raise ParameterError(
                    f"Fields: mac {m} names afferents outside 0..{self.n_sources - 1}"
                )

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Afferents per mac."""
        return np.array([s.size for s in self.sources], np.int32)

    def padded(self) -> NDArray[np.int32]:
        """Return sources as one array, shape (n_macs, largest), padded with -1."""
        out = np.full((len(self), max(1, int(self.sizes.max(initial=0)))), -1, np.int32)
        for m, s in enumerate(self.sources):
            out[m, : s.size] = s
        return out


@dataclass(frozen=True, slots=True)
class Source:
    """Sizes of a level that another level reads.

    Attributes
    ----------
    n_macs, n_cms, n_units : int
        Macs, Q and K.
    """

    n_macs: int
    n_cms: int
    n_units: int


def whole_field(n_inputs: int) -> Fields:
    """Return one mac that sees everything."""
    return Fields((np.arange(n_inputs, dtype=np.int32),), np.zeros((1, 2)), n_inputs)


def square_fields(
    shape: Sequence[int], size: int | Sequence[int], *, stride: int = 1
) -> Fields:
    """Overlapping rectangles on a regular grid.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the input.
    size : int or (int, int)
        Height and width of a field.
    stride : int
        Distance of neighbouring fields, pixels.

    Examples
    --------
    >>> len(square_fields((20, 20), 6))
    225
    """
    height, width = shape
    rows, columns = (size, size) if isinstance(size, int) else size
    if not (1 <= rows <= height and 1 <= columns <= width) or stride < 1:
        raise ParameterError(
            f"square_fields: fields of {rows} x {columns}, stride {stride} do not fit "
            f"an input of {height} x {width}"
        )
    grid = np.arange(height * width, dtype=np.int32).reshape(height, width)
    sources, centres = [], []
    for top in range(0, height - rows + 1, stride):
        for left in range(0, width - columns + 1, stride):
            sources.append(grid[top : top + rows, left : left + columns].ravel())
            centres.append((top + (rows - 1) / 2, left + (columns - 1) / 2))
    return Fields(tuple(sources), np.array(centres), height * width)


def hexagonal_fields(shape: Sequence[int], *, radius: float, spacing: float) -> Fields:
    """Discs on a hexagonal lattice.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the input.
    radius : float
        Pixels nearer than this to the centre belong to the field.
    spacing : float
        Distance of neighbouring centres, pixels.
    """
    height, width = shape
    if not (radius > 0 and spacing > 0):
        raise ParameterError(
            f"hexagonal_fields: expected radius and spacing > 0 pixels, got {radius} "
            f"and {spacing}"
        )
    y, x = np.mgrid[:height, :width]
    sources, centres = [], []
    row = 0
    cy = (height - 1) / 2 % (spacing * np.sqrt(3) / 2)
    while cy <= height - 1:
        cx = (width - 1) / 2 % spacing - (row % 2) * spacing / 2
        while cx <= width - 1 + spacing / 2:
            inside = np.flatnonzero((y - cy) ** 2 + (x - cx) ** 2 <= radius**2)
            if inside.size:
                sources.append(inside.astype(np.int32))
                centres.append((cy, cx))
            cx += spacing
        cy += spacing * np.sqrt(3) / 2
        row += 1
    return Fields(tuple(sources), np.array(centres), height * width)


def neighbours(
    centres: ArrayLike, of: ArrayLike, radius: float, *, own_first: bool = False
) -> Fields:
    """Macs within a distance, for receptive fields above the first level and for H.

    Parameters
    ----------
    centres : array_like, shape (n_macs, 2)
        Macs that get a field.
    of : array_like, shape (n_sources, 2)
        Macs that are seen.
    radius : float
        Largest distance of centres, pixels.
    own_first : bool
        For H: `centres` and `of` are the same macs, each sees itself first.
    """
    a, b = np.asarray(centres, np.float64), np.asarray(of, np.float64)
    sources = []
    for m, c in enumerate(a):
        near = np.flatnonzero(((b - c) ** 2).sum(1) <= radius**2 + 1e-9)
        if own_first:
            near = np.concatenate([[m], near[near != m]])
        sources.append(near.astype(np.int32))
    return Fields(tuple(sources), a, len(b))
