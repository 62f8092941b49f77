"""Symbols as fixed random codes without overlap by design."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro import sdr
from neuro.errors import ParameterError

__all__ = ["CategoryEncoder"]


class CategoryEncoder:
    """Every category gets ``w`` random bits of ``n``, once.

    Parameters
    ----------
    categories : iterable of hashable
        The categories, distinct; their order decides the codes.
    n : int
        Bits; 2048 in the sequence experiments.
    w : int
        Active bits.
    rng : numpy.random.Generator
        Draws the codes; two equal ones are drawn again.

    Attributes
    ----------
    codes : ndarray of int32, shape (n_categories, w)
        Sorted active bits of each category.
    """

    def __init__(
        self,
        categories: Iterable[Hashable],
        *,
        n: int = 2048,
        w: int = 41,
        rng: np.random.Generator,
    ) -> None:
        self.categories = list(categories)
        self._index = {c: k for k, c in enumerate(self.categories)}
        if not self.categories or len(self._index) != len(self.categories):
            raise ParameterError("CategoryEncoder: expected distinct categories, >= 1")
        if not 1 <= w <= n:
            raise ParameterError(f"CategoryEncoder: expected 1 <= w <= n, got {w}, {n}")
        self.w, self._n = int(w), int(n)
        seen: set[bytes] = set()
        codes = np.empty((len(self.categories), w), np.int32)
        for k in range(len(codes)):
            for _ in range(1000):
                code = sdr.random_sdr(n, w, rng=rng)
                if code.tobytes() not in seen:
                    break
            else:
                raise ParameterError(
                    f"CategoryEncoder: {len(codes)} codes of {w} of {n} bits do not "
                    "fit; take a larger n"
                )
            seen.add(code.tobytes())
            codes[k] = code
        self.codes = codes

    @property
    def n(self) -> int:
        """Number of bits."""
        return self._n

    def index(self, category: Any) -> int:
        """Return the row of a category in `codes`."""
        try:
            return self._index[category]
        except (KeyError, TypeError):
            raise ParameterError(
                f"CategoryEncoder: unknown category {category!r}; "
                f"{len(self.categories)} are known"
            ) from None

    def encode(self, value: Any) -> NDArray[np.int32]:
        """Return the active bits, sorted."""
        code: NDArray[np.int32] = self.codes[self.index(value)].copy()
        return code

    def decode(self, active: NDArray[np.integer[Any]]) -> Hashable:
        """Return the category with the largest overlap, the first one on ties."""
        found = sdr.overlaps(self.codes, sdr.as_sdr(active, self._n), self._n)
        return self.categories[int(np.argmax(found))]
