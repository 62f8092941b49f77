"""The network: a checked description, its memory estimate, and the way to a run."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError, did_you_mean
from neuro.network._brief import brief
from neuro.network.checks import check_network, initial_state
from neuro.network.description import Population, Projection
from neuro.network.memory import MemoryEstimate, estimate
from neuro.network.recorders import Record, RecordWeights
from neuro.network.stimuli import Current, Events, Frames, Poisson, Sine, SpikeList

if TYPE_CHECKING:
    from neuro.network.result import Result
    from neuro.network.simulation import Simulation

__all__ = ["MemoryEstimate", "Network"]

Convention = Literal["nest", "nir", "brian2"]
Source = Frames | Events | SpikeList
Drive = Poisson | Current | Sine
Part = Population | Projection | Source | Drive | Record | RecordWeights


class Network:
    """A description: populations, projections, stimuli, recorders.

    Parameters
    ----------
    *objects : Population, Projection, stimulus, Record or RecordWeights
        The parts, in any order; the order of populations and projections is kept.
    dt : float
        Step, seconds (1 if dimensionless).
    convention : {"nest", "nir", "brian2"}
        Order within a step and kind of threshold test: "nest" (V >= threshold), "nir"
        (same order, strict), "brian2" (strict test before the arrivals, spikes stamped
        at the beginning of their step).
    dimensionless : bool
        Time in steps, no units: liquids and NIR graphs.

    Attributes
    ----------
    populations, sources : dict
        By name; sources are stimuli with channels.
    drives : list
        Stimuli that act on a port directly.
    projections : list of Projection
        In the given order; ``names[k]`` is the name of projection k.
    records : dict of Record
        By population.
    weight_records : list of RecordWeights
        In the given order.
    """

    def __init__(
        self,
        *objects: Part,
        dt: float,
        convention: Convention = "nest",
        dimensionless: bool = False,
    ) -> None:
        try:
            self.dt, self.convention = float(dt), convention
        except (TypeError, ValueError):
            raise ParameterError(f"Network.dt: expected a number, got {dt!r}") from None
        self.dimensionless = dimensionless
        self.populations: dict[str, Population] = {}
        self.sources: dict[str, Source] = {}
        self.records: dict[str, Record] = {}
        self.weight_records: list[RecordWeights] = []
        self.drives: list[Drive] = []
        self.projections: list[Projection] = []
        for o in objects:
            if isinstance(o, Population | Frames | Events | SpikeList) and (
                o.name in self.populations or o.name in self.sources
            ):
                raise ParameterError(f"Network: the name {o.name!r} is used twice")
            if isinstance(o, Population):
                self.populations[o.name] = o
            elif isinstance(o, Frames | Events | SpikeList):
                self.sources[o.name] = o
            elif isinstance(o, Projection):
                self.projections.append(o)
            elif isinstance(o, Poisson | Current | Sine):
                self.drives.append(o)
            elif isinstance(o, RecordWeights):
                self.weight_records.append(o)
            elif isinstance(o, Record):
                if o.population in self.records:
                    raise ParameterError(
                        f"Network: two Records of population {o.population!r}; name "
                        "all variables in one"
                    )
                self.records[o.population] = o
            else:
                raise ParameterError(
                    f"Network: cannot hold a {type(o).__name__}; accepted: Population, "
                    "Projection, Frames, Events, SpikeList, Poisson, Current, Sine, "
                    "Record, RecordWeights"
                )
        self.names = _projection_names(self.projections)
        check_network(self)
        for r in self.weight_records:
            plastic = [
                name
                for name, q in zip(self.names, self.projections, strict=True)
                if q.plasticity is not None
            ]
            if r.projection not in plastic:
                raise ParameterError(
                    f"RecordWeights({r.projection!r}): no plastic projection of this "
                    f"name{did_you_mean(r.projection, plastic)}"
                )

    @property
    def stimuli(self) -> dict[str, Source]:
        """The sources by name."""
        return self.sources

    def n_of(self, name: str) -> int:
        """Return the size of a population or source."""
        if name in self.populations:
            return self.populations[name].n
        if name in self.sources:
            return self.sources[name].n
        raise ParameterError(
            f"Network: no object {name!r}"
            f"{did_you_mean(name, [*self.populations, *self.sources])}"
        )

    def initial(self, name: str, seed: int) -> NDArray[np.float64]:
        """Return the initial state of a population, float64, (n_state, n)."""
        return initial_state(self.populations[name], seed)

    def __repr__(self) -> str:
        n = sum(p.n for p in self.populations.values())
        return (
            f"Network({len(self.populations)} populations, {n} neurons, "
            f"{len(self.projections)} projections, "
            f"{len(self.sources) + len(self.drives)} stimuli, dt={self.dt:g})"
        )

    def __str__(self) -> str:
        parts: list[Any] = [
            *self.populations.values(),
            *self.sources.values(),
            *self.drives,
            *self.projections,
            *self.records.values(),
        ]
        return "\n  ".join([repr(self), *(brief(p) for p in parts)])

    def memory(
        self,
        engine: str = "auto",
        precision: Literal["single", "double"] = "single",
    ) -> MemoryEstimate:
        """Estimate the bytes a build needs, per object, before allocation.

        Parameters
        ----------
        engine : {"auto", "grid", "exact"}
            As in :meth:`build`.
        precision : {"single", "double"}
            As in :meth:`build`.
        """
        from neuro.network.exact_support import choose_engine

        return estimate(self, choose_engine(self, engine), precision)

    def build(
        self,
        *,
        engine: str = "auto",
        seed: int = 0,
        threads: int = 1,
        precision: Literal["single", "double"] = "single",
        memory_limit: int | None = None,
        **options: Any,
    ) -> "Simulation":
        """Check, lay out and allocate.

        Parameters
        ----------
        engine : {"auto", "grid", "exact"}
            "grid": fixed step, event-driven delivery; "exact": no step; "auto" chooses
            by the measured crossover and says so in the log.
        seed : int
            Seed of everything drawn: connectivity, initial state, Poisson input.
        threads : int
            Threads of a run; the results do not depend on it.
        precision : {"single", "double"}
            Weights and accumulators; the state is double in both.
        memory_limit : int, optional
            Bytes; 80 % of the free memory by default.
        **options
            Of the engine; grid: ``runaway`` ("warn", "stop" or "ignore"), what to do
            about rates above half of what the refractory times allow.

        Raises
        ------
        MemoryLimitError
            If the estimate exceeds the limit; nothing was allocated.
        """
        from neuro.network.build import build

        return build(
            self,
            engine=engine,
            seed=seed,
            threads=threads,
            precision=precision,
            memory_limit=memory_limit,
            **options,
        )

    def run(self, duration: float, **options: Any) -> "Result":
        """Build once and run; the options are those of :meth:`build`."""
        return self.build(**options).run(duration)

    def fingerprint(self) -> str:
        """Return a hash of the whole description (checkpoints are tied to it)."""
        digest = hashlib.sha256()
        head = [self.dt, self.convention, self.dimensionless]
        digest.update(json.dumps(head).encode())
        parts: list[Any] = [
            *self.populations.values(),
            *self.sources.values(),
            *self.drives,
            *self.projections,
        ]
        for part in parts:
            _feed(digest, part)
        return digest.hexdigest()


def _projection_names(projections: list[Projection]) -> list[str]:
    """Name projections "pre -> post"; several of a pair get port and number."""
    names: list[str] = []
    pairs = [(p.pre, p.post) for p in projections]
    for k, p in enumerate(projections):
        name = f"{p.pre} -> {p.post}"
        if pairs.count(pairs[k]) > 1 and pairs.index(pairs[k]) != k:
            name = f"{name} ({p.port})"
            while name in names:
                name += "'"
        names.append(name)
    return names


def _feed(digest: Any, value: Any) -> None:
    """Feed a description into a hash: names, numbers, the bytes of arrays."""
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif is_dataclass(value) and not isinstance(value, type):
        digest.update(type(value).__name__.encode())
        for f in fields(value):
            digest.update(f.name.encode())
            _feed(digest, getattr(value, f.name))
    elif isinstance(value, Mapping):
        for k, v in value.items():
            digest.update(str(k).encode())
            _feed(digest, v)
    elif isinstance(value, list | tuple):
        for v in value:
            _feed(digest, v)
    elif hasattr(value, "nbytes") and hasattr(value, "n_pre"):
        for name in ("rows", "indptr", "indices", "weights"):
            if isinstance(getattr(value, name, None), np.ndarray):
                _feed(digest, getattr(value, name))
    elif isinstance(value, str | int | float | bool | None.__class__ | np.generic):
        digest.update(repr(value).encode())
    else:
        digest.update(type(value).__name__.encode())
