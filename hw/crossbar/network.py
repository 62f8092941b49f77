"""Put the projections of a network onto arrays."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core import Connectivity, Csr, Rows
from neuro.errors import MemoryLimitError, ParameterError, did_you_mean
from neuro.network import Network, Projection, WeightSource
from neuro.network.distributions import Distribution
from neuro.network.expand import expand
from neuro.network.rules import Rule
from neuro.random import seed_words

from .analog import AnalogMatrix
from .config import AnalogConfig

__all__ = ["dense_weights", "map_network"]

Floats = NDArray[np.float64]
MOST_WEIGHTS = 50_000_000  # of one projection: cells and their state take about 10 GB


def dense_weights(rule: Any, shape: tuple[int, int] | None = None) -> Floats:
    """Return the weights of a rule as ``w[post, pre]``.

    Parameters
    ----------
    rule : Connectivity, WeightSource or array_like
        What a projection delivers through. The weights of a random connectivity rule
        depend on the network and its seed; :func:`map_network` draws them.
    shape : tuple of int, optional
        Expected ``(post, pre)``.
    """
    if isinstance(rule, WeightSource):
        w = np.array(rule.block(0.0).w, np.float64)
    elif isinstance(rule, Connectivity):
        w = np.zeros((rule.n_post, rule.n_pre))
        for pre in range(rule.n_pre):
            out = np.zeros(rule.n_post)
            rule.deliver(np.array([pre], np.int32), out)
            w[:, pre] = out
    elif isinstance(rule, np.ndarray | list):
        w = np.array(rule, np.float64)
    else:
        raise ParameterError(
            f"dense_weights: {type(rule).__name__} has no weights before it is built; "
            "give Rows, Csr or a WeightSource, or the whole network to map_network"
        )
    if shape is not None and w.shape != shape:
        raise ParameterError(f"dense_weights: weights {w.shape}, expected {shape}")
    return w


def map_network(
    net: Network,
    config: AnalogConfig | Callable[[str], AnalogConfig],
    *,
    seed: int = 0,
    include: Iterable[str] | None = None,
) -> Network:
    """Return the network with its projections on crossbar arrays.

    Parameters
    ----------
    net : Network
        Projections without plasticity and with one delay each: ``Rows``, ``Csr``,
        another weight source, or a connectivity rule, whose pairs and weights are those
        of ``net.build(seed=seed)`` (synapses of one pair are summed). The projection's
        own ``weight`` is part of what is programmed.
    config : AnalogConfig or callable
        One for all, or a function of the projection's name.
    seed : int
        Every projection gets its own stream.
    include : iterable of str, optional
        Names (``"pre -> post"``) of the projections to map. Default: all but
        convolutions, which are unrolled to a dense matrix only when named here.

    Returns
    -------
    Network
        Other parts are the same objects.

    Raises
    ------
    ParameterError
        Where a projection learns, one to be mapped has a delay per synapse, or nothing
        is left to map.
    MemoryLimitError
        For a projection of more than 50 million weights.
    """
    if not isinstance(net, Network):
        raise ParameterError(
            f"map_network: expected a Network, got {type(net).__name__}; a matrix goes "
            "to AnalogMatrix, a torch model to to_analog"
        )
    wanted = None if include is None else set(include)
    for name in wanted or ():
        if name not in net.names:
            raise ParameterError(
                f"map_network: no projection {name!r}{did_you_mean(name, net.names)}"
            )
    parts: list[Any] = [
        *net.populations.values(),
        *net.sources.values(),
        *net.drives,
        *net.records.values(),
    ]
    for name, q in zip(net.names, net.projections, strict=True):
        if q.plasticity is not None:
            raise ParameterError(
                f"map_network: {name} learns, and arrays hold fixed weights; train "
                "first, then map the network with the learned weights and without "
                "plasticity"
            )
    mapped = 0
    for name, q in zip(net.names, net.projections, strict=True):
        usual = isinstance(q.rule, Rows | Csr | WeightSource | Rule)
        if not (usual if wanted is None else name in wanted):
            parts.append(q)
            continue
        mapped += 1
        own = config(name) if callable(config) else config
        key = seed_words(seed, "projection", name)[1]
        w = _weights(net, q, name, seed)
        parts.append(replace(q, rule=AnalogMatrix(w, own, key).source(), weight=None))
    if not mapped:
        raise ParameterError(
            "map_network: nothing to map; name projections with include=, the network "
            f"has {', '.join(net.names) or 'none'}"
        )
    return Network(
        *parts, dt=net.dt, convention=net.convention, dimensionless=net.dimensionless
    )


def _weights(net: Network, q: Projection, name: str, seed: int) -> Floats:
    """Everything a projection multiplies its spikes with, ``w[post, pre]``."""
    who = f"map_network: {name}"
    if isinstance(q.delay, Distribution) or np.ndim(q.delay) > 0:
        raise ParameterError(
            f"{who} has a delay per synapse; the columns of an array need one delay"
        )
    shape = (net.n_of(q.post), net.n_of(q.pre))
    if shape[0] * shape[1] > MOST_WEIGHTS:
        raise MemoryLimitError(
            f"{who} takes {shape[0]} x {shape[1]} weights on arrays, at most "
            f"{MOST_WEIGHTS}; map smaller projections with include="
        )
    if isinstance(q.rule, WeightSource):
        return dense_weights(q.rule, shape) * (1.0 if q.weight is None else q.weight)
    s = expand(q, shape[1], shape[0], name=name, dt=net.dt, seed=seed)
    w = np.zeros(shape)
    np.add.at(w, (s.post, s.pre), s.weight)
    return w
