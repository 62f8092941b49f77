"""From a projection to synapses: the one place where rules and distributions are drawn.

Chunks are regenerated from named streams, so that a build counts in a first pass and
fills in a second without ever holding an edge list.
"""

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.core.connectivity import Connectivity, Csr, Rows
from neuro.errors import ParameterError, ShapeError
from neuro.network.description import Projection
from neuro.network.distributions import Distribution, LogNormal, Normal, Uniform
from neuro.network.rules import CHUNK, Rule
from neuro.network.weight_steps import on_steps
from neuro.random import stream

__all__ = ["Synapses", "chunks", "expand", "to_csr"]

log = logging.getLogger(__name__)


class Synapses(NamedTuple):
    """Synapses of a projection, in the order of its rule.

    Attributes
    ----------
    pre, post : ndarray of int32
        Ends.
    weight : ndarray of float64
        Weights, unit of the port.
    delay : ndarray of int32
        Delays in steps; 0 for ``delay=None``.
    """

    pre: NDArray[np.int32]
    post: NDArray[np.int32]
    weight: NDArray[np.float64]
    delay: NDArray[np.int32]


def to_csr(rule: Connectivity) -> Csr:
    """Return any layout as Csr; zero weights of dense rows are kept."""
    if isinstance(rule, Csr):
        return rule
    if isinstance(rule, Rows):
        n_pre, n_post = rule.n_pre, rule.n_post
        return Csr(
            n_post,
            np.arange(n_pre + 1, dtype=np.int64) * n_post,
            np.tile(np.arange(n_post, dtype=np.int32), n_pre),
            rule.rows.ravel(),
        )
    own = getattr(rule, "to_csr", None)
    if own is not None:
        return own()  # type: ignore[no-any-return]
    indptr = np.zeros(rule.n_pre + 1, np.int64)
    indices, weights = [], []
    for k in range(rule.n_pre):  # ask the layout itself, one source at a time
        row = np.zeros(rule.n_post, np.float64)
        rule.deliver(np.array([k], np.int32), row)
        (hit,) = np.nonzero(row)
        indices.append(hit.astype(np.int32))
        weights.append(row[hit])
        indptr[k + 1] = indptr[k] + hit.size
    if not indices:
        return Csr(rule.n_post, indptr, np.zeros(0, np.int32), np.zeros(0))
    return Csr(rule.n_post, indptr, np.concatenate(indices), np.concatenate(weights))


def delay_steps(values: Any, dt: float, who: str) -> tuple[NDArray[np.int32], float]:
    """Round delays to steps; return them and the largest rounding error, in dt."""
    exact = np.asarray(values, np.float64) / dt
    steps = np.floor(exact + 0.5)
    error = float(np.max(np.abs(exact - steps), initial=0.0))
    return steps.astype(np.int32), error


def chunks(
    projection: Projection,
    n_pre: int,
    n_post: int,
    *,
    name: str,
    dt: float,
    seed: int,
    limit: int = 2000,
    weights: bool = True,
    delays: bool = True,
) -> Iterator[Synapses]:
    """Yield the synapses of a projection in pieces, always the same for a seed.

    Parameters
    ----------
    projection : Projection
        The description.
    n_pre, n_post : int
        Sizes of both ends.
    name : str
        Name of the projection: part of its random streams.
    dt : float
        Step.
    seed : int
        The user's seed.
    limit : int
        Largest accepted delay in steps.
    weights, delays : bool
        Whether these are wanted; empty arrays otherwise.
    """
    who = f"Projection {name!r}"
    pair_rng = stream(seed, name, "pairs")
    weight_rng = stream(seed, name, "weights")
    delay_rng = stream(seed, name, "delays")
    base: NDArray[Any] | None = None
    rule = projection.rule
    pieces: Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]
    if isinstance(rule, Rule):
        same = projection.pre == projection.post
        pieces = rule.chunks(n_pre, n_post, pair_rng, same=same)
    else:
        csr = to_csr(rule)
        if (csr.n_pre, csr.n_post) != (n_pre, n_post):
            raise ShapeError(
                f"{who}: the layout is {csr.n_pre} -> {csr.n_post}, the ends are "
                f"{n_pre} -> {n_post}"
            )
        base = csr.weights
        pieces = _csr_chunks(csr)
    at = 0
    for pre, post in pieces:
        m = pre.size
        weight = np.zeros(0)
        if weights:
            weight = _values(projection.weight, m, at, weight_rng, f"{who}.weight", 1.0)
            if base is not None:
                weight = weight * base[at : at + m]
            if projection.weight_step is not None:
                weight = on_steps(
                    weight, float(projection.weight_step), f"{who}.weight", at=at,
                    drawn=isinstance(projection.weight, Distribution),
                )  # fmt: skip
        delay = np.zeros(0, np.int32)
        if delays:
            if projection.delay is None:
                delay = np.zeros(m, np.int32)
            else:
                raw = _values(projection.delay, m, at, delay_rng, f"{who}.delay", 0.0)
                delay, _ = delay_steps(raw, dt, who)
                if isinstance(projection.delay, Normal):
                    delay = np.maximum(delay, 1)
                bad = np.flatnonzero((delay < 1) | (delay > limit))
                if bad.size:
                    k = int(bad[0])
                    raise ParameterError(
                        f"{who}.delay[{at + k}] = {raw[k]:g}: expected {dt:g} to "
                        f"{limit * dt:g} (1 to {limit} steps)"
                    )
        yield Synapses(pre, post, weight, delay)
        at += m
    for field in ("weight", "delay"):
        given = getattr(projection, field)
        if given is not None and not isinstance(given, Normal | Uniform | LogNormal):
            array = np.asarray(given)
            if array.ndim and array.size != at:
                raise ShapeError(
                    f"{who}.{field}: {array.size} values for {at} synapses"
                )


def _csr_chunks(
    csr: Csr,
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    total = csr.indices.size
    for start in range(0, total, CHUNK):
        stop = min(start + CHUNK, total)
        pre = np.searchsorted(csr.indptr, np.arange(start, stop), side="right") - 1
        yield pre.astype(np.int32), csr.indices[start:stop]


def _values(
    given: Any, m: int, at: int, rng: np.random.Generator, who: str, default: float
) -> NDArray[np.float64]:
    if given is None:
        return np.full(m, default)
    if isinstance(given, Normal | Uniform | LogNormal):
        return given.draw(m, rng)
    array = np.asarray(given, np.float64)
    if array.ndim == 0:
        return np.full(m, float(array))
    part = array[at : at + m]
    if part.size != m:
        raise ShapeError(f"{who}: {array.size} values, but at least {at + m} synapses")
    return part


def expand(
    projection: Projection,
    n_pre: int,
    n_post: int,
    *,
    name: str,
    dt: float,
    seed: int,
    limit: int = 2000,
) -> Synapses:
    """Return all synapses of a projection at once (small networks, exports)."""
    parts = list(
        chunks(projection, n_pre, n_post, name=name, dt=dt, seed=seed, limit=limit)
    )
    if not parts:
        empty = np.zeros(0, np.int32)
        return Synapses(empty, empty, np.zeros(0), empty)
    return Synapses(*(np.concatenate(c) for c in zip(*parts, strict=True)))
