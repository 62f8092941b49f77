"""Put the projections of a network onto arrays."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core import Connectivity, Csr, Rows
from neuro.errors import ParameterError, did_you_mean
from neuro.network import Network, Projection, WeightSource
from neuro.random import seed_words

from .analog import AnalogMatrix
from .config import AnalogConfig

__all__ = ["dense_weights", "map_network"]

Floats = NDArray[np.float64]


def dense_weights(rule: Any, shape: tuple[int, int] | None = None) -> Floats:
    """Return the weights of a rule as ``w[post, pre]``.

    Parameters
    ----------
    rule : Connectivity, WeightSource or array_like
        What a projection delivers through; a random connectivity rule has no weights
        before it is built.
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
            f"map_network: {type(rule).__name__} has no weights before it is built; "
            "give Rows, Csr or a WeightSource"
        )
    if shape is not None and w.shape != shape:
        raise ParameterError(f"map_network: weights {w.shape}, expected {shape}")
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
        Projections with ``Rows``, ``Csr`` or another weight source as their rule. A
        scalar ``weight`` of a projection stays a digital factor.
    config : AnalogConfig or callable
        One for all, or a function of the projection's name.
    seed : int
        Every projection gets its own stream.
    include : iterable of str, optional
        Names (``"pre -> post"``) of the projections to map. Default: all with ``Rows``,
        ``Csr`` or a weight source; a convolution is unrolled to a dense matrix only
        when it is named here.

    Returns
    -------
    Network
        Other parts are the same objects.
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
        known = isinstance(q.rule, Rows | Csr | WeightSource)
        if (wanted is not None and name not in wanted) or (
            wanted is None and not known
        ):
            parts.append(q)
            continue
        own = config(name) if callable(config) else config
        key = seed_words(seed, "projection", name)[1]
        w = dense_weights(q.rule, (net.n_of(q.post), net.n_of(q.pre)))
        parts.append(_mapped(q, AnalogMatrix(w, own, key)))
    return Network(
        *parts, dt=net.dt, convention=net.convention, dimensionless=net.dimensionless
    )


def _mapped(q: Projection, matrix: AnalogMatrix) -> Projection:
    if q.plasticity is not None:
        raise ParameterError(
            f"map_network: {q.pre} -> {q.post} learns; plastic synapses are not mapped"
        )
    return replace(q, rule=matrix.source())
