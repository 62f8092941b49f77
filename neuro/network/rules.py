"""Connectivity rules: which pairs of a projection are synapses.

A rule yields its pairs in chunks and always in the same order for the same generator,
so that a build can count first and fill afterwards without an edge list. Within a rule
`autapses` allows a neuron to project to itself (only where source and target are the
same population) and `multapses` several synapses of one pair; both are allowed by
default, as in NEST.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError, ShapeError

__all__ = [
    "AllToAll",
    "Bernoulli",
    "FixedIndegree",
    "FixedOutdegree",
    "FixedTotal",
    "OneToOne",
    "Pairs",
    "Rule",
]

Chunk = tuple[NDArray[np.int32], NDArray[np.int32]]
CHUNK = 1 << 20  # pairs handed over at once


@runtime_checkable
class Rule(Protocol):
    """What a projection needs of a rule."""

    def size(self, n_pre: int, n_post: int) -> int:
        """Return the (expected) number of synapses."""
        ...

    def chunks(
        self, n_pre: int, n_post: int, rng: np.random.Generator, *, same: bool
    ) -> Iterator[Chunk]:
        """Yield ``(pre, post)``, int32; `same`: both ends are one population."""
        ...


def _need_sources(rule: object, n_pre: int, n_post: int, k: int, who: str) -> None:
    if k and min(n_pre, n_post) == 0:
        raise ParameterError(
            f"{type(rule).__name__}: {who} {k} needs neurons on both sides, got "
            f"{n_pre} -> {n_post}"
        )


def _repair(
    pre: NDArray[np.int32],
    post: NDArray[np.int32],
    n_draw: int,
    drawn: NDArray[np.int32],
    rng: np.random.Generator,
) -> None:
    """Draw `drawn` (a view of pre or post) again where it makes an autapse."""
    bad = np.flatnonzero(pre == post)
    while bad.size:
        drawn[bad] = rng.integers(0, n_draw, bad.size, np.int32)
        bad = bad[pre[bad] == post[bad]]


def _degree_chunks(
    n_draw: int,
    n_fixed: int,
    k: int,
    rng: np.random.Generator,
    *,
    no_self: bool,
    multapses: bool,
) -> Iterator[Chunk]:
    """Yield (drawn, fixed): k partners for each of n_fixed units in order."""
    per = max(1, CHUNK // max(k, 1))
    for start in range(0, n_fixed if k else 0, per):
        stop = min(start + per, n_fixed)
        fixed = np.repeat(np.arange(start, stop, dtype=np.int32), k)
        if multapses:
            drawn = rng.integers(0, n_draw, fixed.size, np.int32)
            if no_self:
                _repair(drawn, fixed, n_draw, drawn, rng)
        else:
            rows = []
            for i in range(start, stop):
                here = rng.choice(n_draw - no_self, k, replace=False, shuffle=False)
                if no_self:
                    here = here + (here >= i)
                rows.append(here.astype(np.int32))
            drawn = np.concatenate(rows)
        yield drawn, fixed


@dataclass(frozen=True, slots=True)
class FixedIndegree:
    """Every target gets `k` sources drawn at random."""

    k: int
    autapses: bool = True
    multapses: bool = True

    def __post_init__(self) -> None:
        _check_count(self, "k", self.k)

    def size(self, n_pre: int, n_post: int) -> int:
        """Return the number of synapses."""
        return self.k * n_post

    def chunks(
        self, n_pre: int, n_post: int, rng: np.random.Generator, *, same: bool
    ) -> Iterator[Chunk]:
        """Yield ``(pre, post)``, int32."""
        no_self = same and not self.autapses
        _check_partners(self, self.k, n_pre - no_self, n_post, self.multapses)
        yield from _degree_chunks(
            n_pre, n_post, self.k, rng, no_self=no_self, multapses=self.multapses
        )


@dataclass(frozen=True, slots=True)
class FixedOutdegree:
    """Every source gets `k` targets drawn at random."""

    k: int
    autapses: bool = True
    multapses: bool = True

    def __post_init__(self) -> None:
        _check_count(self, "k", self.k)

    def size(self, n_pre: int, n_post: int) -> int:
        """Return the number of synapses."""
        return self.k * n_pre

    def chunks(
        self, n_pre: int, n_post: int, rng: np.random.Generator, *, same: bool
    ) -> Iterator[Chunk]:
        """Yield ``(pre, post)``, int32."""
        no_self = same and not self.autapses
        _check_partners(self, self.k, n_post - no_self, n_pre, self.multapses)
        for post, pre in _degree_chunks(
            n_post, n_pre, self.k, rng, no_self=no_self, multapses=self.multapses
        ):
            yield pre, post


@dataclass(frozen=True, slots=True)
class FixedTotal:
    """`n` synapses, both ends drawn at random (multapses allowed)."""

    n: int
    autapses: bool = True

    def __post_init__(self) -> None:
        _check_count(self, "n", self.n)

    def size(self, n_pre: int, n_post: int) -> int:
        """Return the number of synapses."""
        return self.n

    def chunks(
        self, n_pre: int, n_post: int, rng: np.random.Generator, *, same: bool
    ) -> Iterator[Chunk]:
        """Yield ``(pre, post)``, int32."""
        _need_sources(self, n_pre, n_post, self.n, "n =")
        if same and not self.autapses and n_pre < 2 and self.n:
            raise ParameterError("FixedTotal: one neuron has only its autapse")
        for start in range(0, self.n, CHUNK):
            m = min(CHUNK, self.n - start)
            pre = rng.integers(0, n_pre, m, np.int32)
            post = rng.integers(0, n_post, m, np.int32)
            if same and not self.autapses:
                _repair(pre, post, n_post, post, rng)
            yield pre, post


@dataclass(frozen=True, slots=True)
class Bernoulli:
    """Every pair is a synapse with probability `p`, independently."""

    p: float
    autapses: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise ParameterError(f"Bernoulli.p: expected 0..1, got {self.p}")

    def size(self, n_pre: int, n_post: int) -> int:
        """Return the expected number of synapses."""
        return round(self.p * n_pre * n_post)

    def chunks(
        self, n_pre: int, n_post: int, rng: np.random.Generator, *, same: bool
    ) -> Iterator[Chunk]:
        """Yield ``(pre, post)``, int32: geometric gaps over the pairs in order."""
        total, at = n_pre * n_post, -1
        while self.p > 0 and at < total:
            want = int(min(CHUNK, (total - at) * self.p * 1.1 + 16))
            gaps = (
                np.ones(want, np.int64)
                if self.p == 1
                else np.asarray(rng.geometric(self.p, want), np.int64)
            )
            flat = at + np.cumsum(np.minimum(gaps, total + 1))
            at = int(flat[-1])
            flat = flat[flat < total]
            pre, post = np.divmod(flat, max(n_post, 1))
            if same and not self.autapses:
                keep = pre != post
                pre, post = pre[keep], post[keep]
            yield pre.astype(np.int32), post.astype(np.int32)


@dataclass(frozen=True, slots=True)
class OneToOne:
    """Neuron i to neuron i."""

    def size(self, n_pre: int, n_post: int) -> int:
        """Return the number of synapses."""
        return n_pre

    def chunks(
        self, n_pre: int, n_post: int, rng: np.random.Generator, *, same: bool
    ) -> Iterator[Chunk]:
        """Yield ``(pre, post)``, int32."""
        if n_pre != n_post:
            raise ShapeError(f"OneToOne: sizes must agree, got {n_pre} -> {n_post}")
        index = np.arange(n_pre, dtype=np.int32)
        yield index, index.copy()


@dataclass(frozen=True, slots=True)
class AllToAll:
    """Every pair once."""

    autapses: bool = True

    def size(self, n_pre: int, n_post: int) -> int:
        """Return the number of synapses (autapses counted)."""
        return n_pre * n_post

    def chunks(
        self, n_pre: int, n_post: int, rng: np.random.Generator, *, same: bool
    ) -> Iterator[Chunk]:
        """Yield ``(pre, post)``, int32."""
        per = max(1, CHUNK // max(n_post, 1))
        for start in range(0, n_pre if n_post else 0, per):
            rows = np.arange(start, min(start + per, n_pre), dtype=np.int32)
            pre = np.repeat(rows, n_post)
            post = np.tile(np.arange(n_post, dtype=np.int32), rows.size)
            if same and not self.autapses:
                keep = pre != post
                pre, post = pre[keep], post[keep]
            yield pre, post


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Explicit pairs, in the given order.

    Parameters
    ----------
    pre, post : array_like of int, shape (n_synapses,)
        Ends of each synapse; a projection's array of weights or delays has this order.
    """

    pre: Any
    post: Any
    random: ClassVar[bool] = False
    _checked: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("pre", "post"):
            given = np.asarray(getattr(self, name))
            if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
                raise ShapeError(
                    f"Pairs.{name}: expected a 1-D array of integers, got "
                    f"{given.dtype} of shape {given.shape}"
                )
            if given.size and (given.min() < 0 or given.max() > 2**31 - 1):
                raise ParameterError(
                    f"Pairs.{name}: indices must be >= 0 and below 2**31, got "
                    f"{given.min()}..{given.max()}"
                )
            object.__setattr__(self, name, given.astype(np.int32))
        if self.pre.size != self.post.size:
            raise ShapeError(
                f"Pairs: pre and post must be equally long, got {self.pre.size} and "
                f"{self.post.size}"
            )

    def size(self, n_pre: int, n_post: int) -> int:
        """Return the number of synapses."""
        return int(self.pre.size)

    def chunks(
        self, n_pre: int, n_post: int, rng: np.random.Generator, *, same: bool
    ) -> Iterator[Chunk]:
        """Yield ``(pre, post)``, int32."""
        for name, array, n in (("pre", self.pre, n_pre), ("post", self.post, n_post)):
            if array.size and array.max() >= n:
                at = int(np.argmax(array >= n))
                raise ParameterError(
                    f"Pairs.{name}[{at}] = {array[at]}: index out of range 0..{n - 1}"
                )
        for start in range(0, self.pre.size, CHUNK):
            part = slice(start, start + CHUNK)
            yield self.pre[part], self.post[part]


def _check_count(rule: object, name: str, n: int) -> None:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
        raise ParameterError(
            f"{type(rule).__name__}.{name}: expected an integer >= 0, got {n!r}"
        )


def _check_partners(
    rule: object, k: int, n_draw: int, n_fixed: int, multapses: bool
) -> None:
    if not k or not n_fixed:
        return
    if n_draw < 1 or (not multapses and k > n_draw):
        raise ParameterError(
            f"{type(rule).__name__}: k = {k} partners of {n_draw}; allow multapses or "
            "lower k"
        )
