"""Bytes that a build needs, per object, before anything is allocated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro.network.description import Projection
from neuro.network.distributions import Distribution
from neuro.network.registry import model_of, rule_of
from neuro.network.stimuli import Frames, Poisson
from neuro.network.weight_steps import code_type, varies

if TYPE_CHECKING:
    from neuro.network.network import Network

__all__ = ["MemoryEstimate", "estimate"]

# The exact engine: state, heap and counters of a neuron; a synapse as target and
# weight, and what sorting takes at the peak of the build (measured).
_EXACT_NEURON = 160
_EXACT_SYNAPSE, _EXACT_SORTING = 12, 90


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Bytes per object, before anything is allocated."""

    objects: Mapping[str, int]

    @property
    def total(self) -> int:
        """Sum in bytes."""
        return sum(self.objects.values())

    def __str__(self) -> str:
        rows = sorted(self.objects.items(), key=lambda x: -x[1])
        lines = [f"{name:<32} {n / 1e6:12.3f} MB" for name, n in rows]
        return "\n".join([*lines, f"{'total':<32} {self.total / 1e6:12.3f} MB"])


def estimate(net: "Network", engine: str, precision: str = "single") -> MemoryEstimate:
    """Estimate a build for "grid" or "exact"."""
    sizes: dict[str, int] = {}
    real = 8 if precision == "double" else 4
    grid = engine != "exact"
    slots = _slots(net) if grid else 0
    for p in net.populations.values():
        model = model_of(p.model)
        if grid:
            ports = {q.port for q in net.projections if q.post == p.name}
            sizes[p.name] = p.n * (8 * len(model.state) + 8 * len(model.ports) + 9)
            sizes[p.name] += real * p.n * len(ports) * slots
        else:
            sizes[p.name] = p.n * (_EXACT_NEURON + 16 * len(model.state))
    codes = code_type(net) if grid else None
    for name, q in zip(net.names, net.projections, strict=True):
        sizes[name] = _grid_bytes(net, q, codes, real) if grid else _exact_bytes(net, q)
    for name, s in net.sources.items():
        if not isinstance(s, Frames):
            sizes[name] = (12 if grid else 48) * int(np.size(s.channels))
    if not grid:
        for d in net.drives:
            if isinstance(d, Poisson):  # a window of a thousand milliseconds at once
                n = net.populations[d.target].n
                events = n * float(np.max(np.asarray(d.rate_hz), initial=0.0))
                sizes[d.name] = int(48 * events) + n * (_EXACT_SYNAPSE + _EXACT_SORTING)
    return MemoryEstimate(sizes)


def _slots(net: "Network") -> int:
    longest = 1.0
    for q in net.projections:
        if q.delay is not None and np.ndim(q.delay) == 0 and not q.random:
            longest = max(longest, float(q.delay) / net.dt)
    return 1 << int(np.ceil(np.log2(2 * longest + 1)))


def _synapses(net: "Network", q: Projection) -> int | None:
    """Number of synapses of a rule; None for a layout or hardware."""
    size = getattr(q.rule, "size", None)
    return int(size(net.n_of(q.pre), net.n_of(q.post))) if callable(size) else None


def _exact_bytes(net: "Network", q: Projection) -> int:
    n = _synapses(net, q)
    if n is None:
        n = int(np.size(getattr(q.rule, "weights", np.zeros(0))))
        n = n or net.n_of(q.pre) * net.n_of(q.post)
    several = isinstance(q.delay, Distribution) or np.ndim(q.delay) > 0
    groups = n if several else net.n_of(q.pre)  # rows of one source and delay
    return n * (_EXACT_SYNAPSE + _EXACT_SORTING) + 56 * min(groups, n)


def _grid_bytes(net: "Network", q: Projection, codes: Any, real: int) -> int:
    n_pre = net.n_of(q.pre)
    shape: Any = getattr(q.rule, "shape", None)
    if shape is not None:
        return 16 * int(shape[0]) * int(shape[1])
    n = _synapses(net, q)
    if n is None:
        n = int(np.size(getattr(q.rule, "weights", np.zeros(0))))
        if codes is None or not n:
            return int(q.rule.nbytes) * 2
    each = 2
    if varies(q):
        each += real if codes is None else np.dtype(codes).itemsize
    if q.plasticity is not None:
        each = 2 + real * len(rule_of(q.plasticity).fields)
    if q.delay is not None and (q.random or np.ndim(q.delay) > 0):
        each += 1
    return n * each + 12 * n_pre
