"""Run a network description on the exact engine: no step, spikes at any time.

The models that have closed solutions between events run here: ``IfDelta``,
``LifDelta``, ``LifExp`` (and ``LifExpEI`` with equal time constants), and registered
ones that bring their own (``register_neuron(..., exact=...)``). Inputs are
streams (``Events``, ``SpikeList``), Poisson processes and constant currents. Delays are
taken as given, not rounded; the network's ``dt`` is only the default interval of
recorded state.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuro.core.exact import WINDOW, ExactCore, StateError
from neuro.counts import LayerInfo, OpCounts
from neuro.errors import ParameterError, ShapeError, UnsupportedNodeError
from neuro.network.booking import warn_of_runaway
from neuro.network.checkpoint import read_saved
from neuro.network.exact_inputs import (
    cell_group,
    poisson_group,
    poisson_source,
    stream_source,
    synapse_group,
)
from neuro.network.exact_support import unsupported
from neuro.network.network import Network
from neuro.network.registry import model_of
from neuro.network.result import Result, Spikes, Trace
from neuro.network.simulation import Progress, Simulation, checked_duration
from neuro.network.stimuli import Events, Poisson, SpikeList
from neuro.results import write_arrays

__all__ = ["ExactSimulation"]

Array = NDArray[Any]


class ExactSimulation(Simulation):
    """A network built for the exact engine.

    Parameters
    ----------
    net : Network
        The description.
    seed : int
        Seed of everything drawn.
    """

    __references__: ClassVar[tuple[str, ...]] = ("brette2007exact", "hanuschkin2010")

    def __init__(self, net: Network, *, seed: int = 0) -> None:
        reason = unsupported(net)
        if reason is not None:
            raise UnsupportedNodeError(f"engine='exact': {reason}")
        self.net, self.seed, self.engine = net, int(seed), "exact"
        self._scale = 1.0 if net.dimensionless else 1e3  # time units (ms) per unit
        self._first = dict(
            zip(
                net.populations,
                np.cumsum([0, *(p.n for p in net.populations.values())]).tolist(),
                strict=False,
            )
        )
        poisson = [d for d in net.drives if isinstance(d, Poisson)]
        self._n_projections = len(net.projections)
        scale, first = self._scale, self._first
        synapses = [
            synapse_group(net, name, q, self.seed, scale, first)
            for name, q in zip(net.names, net.projections, strict=True)
        ] + [poisson_group(net, k, d, first) for k, d in enumerate(poisson)]
        self._poisson = poisson
        self._core = ExactCore(
            [cell_group(net, p, self.seed, scale) for p in net.populations.values()],
            synapses,
            [
                *(stream_source(s, scale) for s in net.sources.values()),
                *(poisson_source(net, d, self.seed, scale) for d in poisson),
            ],
            unit=1.0 / self._scale,
        )
        # kept for the ledger; the core holds the synapses
        self._sizes = [int(np.asarray(s.pre).size) for s in synapses]
        self._booked = self._tallies()
        self.counts = OpCounts(1)

    # -- run -----------------------------------------------------------------------
    @property
    def time(self) -> float:
        """Present time, seconds (steps if dimensionless)."""
        return self._core.time / self._scale

    def reset(self) -> None:
        """Return to the initial state at time 0; the counters start again."""
        self._core.reset()
        self._booked = self._tallies()
        self.counts = OpCounts(1)

    def run(
        self,
        duration: float,
        inputs: Mapping[str, Any] | None = None,
        *,
        progress: Progress | None = None,
    ) -> Result:
        """Run from the present state and continue it; interruptible.

        Parameters
        ----------
        duration : float
            Seconds (steps if dimensionless).
        inputs : None
            Frames belong to the grid engine; streams are part of the network.
        progress : callable, optional
            Called with (fraction, biological time, speed, seconds to the end) about
            five times per second.

        Returns
        -------
        Result
            Spikes up to and including the end of the run, state, counters of the run.
        """
        duration = checked_duration(duration)
        if inputs:
            raise ParameterError(
                f"run: the exact engine takes no frames, got {', '.join(inputs)}; use "
                "Events or SpikeList"
            )
        began, start = time.perf_counter(), self.time
        pause = None
        if progress is not None and duration > 0:
            tell = progress

            def pause(now: float) -> None:
                done = max(now / self._scale - start, 1e-12)
                wall = time.perf_counter() - began
                share = done / duration
                tell(share, start + done, done / wall, wall / share - wall)

        spikes, traces = self._simulate(duration, pause)
        return self._result(duration, began, spikes, traces, self._book())

    def _simulate(
        self, duration: float, pause: Callable[[float], None] | None
    ) -> tuple[dict[str, Spikes], dict[str, Trace]]:
        net, ns = self.net, round(duration * self._scale * 1e6)
        recorded = {k: r for k, r in net.records.items() if r.variables}
        start_ns = self._core.window * round(WINDOW * 1e6) + self._core.offset_ns
        stops = {ns}
        every: dict[str, int] = {}
        for name, r in recorded.items():
            step = net.dt if r.interval is None else r.interval
            every[name] = max(1, round(step * self._scale * 1e6))
            first = -(-(start_ns + 1) // every[name]) * every[name]
            stops |= set(range(first - start_ns, ns + 1, every[name]))
        rows: dict[str, list[Array]] = {}
        at: dict[str, list[float]] = {}
        times, indices = [np.zeros(0)], [np.zeros(0, np.int32)]
        done = 0
        for stop in sorted(stops):
            t, i = self._run_core(stop - done, pause)
            times.append(t)
            indices.append(i)
            done = stop
            for name, r in recorded.items():
                if (start_ns + stop) % every[name]:
                    continue
                index = np.arange(net.n_of(name)) if r.indices is None else r.indices
                state = self._state(name, index)
                for variable in r.variables:
                    key = f"{name}.{variable}"
                    rows.setdefault(key, []).append(state[variable])
                    at.setdefault(key, []).append((start_ns + stop) / 1e6 / self._scale)
        traces = {}
        for name, r in recorded.items():
            index = np.arange(net.n_of(name)) if r.indices is None else r.indices
            for variable in r.variables:
                key = f"{name}.{variable}"
                traces[key] = Trace(
                    np.array(at.get(key, [])),
                    index.astype(np.int32),
                    np.array(rows.get(key, [])).reshape(len(at.get(key, [])), -1)
                    if index.size and key in rows
                    else np.zeros((len(at.get(key, [])), index.size)),
                )
        return self._split(np.concatenate(times), np.concatenate(indices)), traces

    def _run_core(
        self, ns: int, pause: Callable[[float], None] | None
    ) -> tuple[Array, Array]:
        try:
            return self._core.run(ns, pause)
        except StateError as error:
            name, first = next(
                (n, f)
                for n, f in reversed(self._first.items())
                if f <= error.neuron and self.net.populations[n].n
            )
            raise ParameterError(
                f"Population {name!r}: state of neuron {error.neuron - first} is not "
                f"finite, last event at {error.time / self._scale:g}; check its "
                "parameters and weights"
            ) from None

    def _state(self, name: str, index: Array) -> dict[str, Array]:
        """State rows of neurons of a population at the present time."""
        v, i_syn, own = self._core.sample(index + self._first[name])
        model = model_of(self.net.populations[name].model)
        if model.exact is not None:
            return {row: own[:, k] for k, row in enumerate(model.state)}
        return {row: v if row == "v" else i_syn for row in model.state}

    def _split(self, times: Array, indices: Array) -> dict[str, Spikes]:
        out = {}
        for name, pop in self.net.populations.items():
            first = self._first[name]
            mine = (indices >= first) & (indices < first + pop.n)
            record = self.net.records.get(name)
            if record is not None and not record.spikes:
                mine = np.zeros_like(mine)
            out[name] = Spikes(
                times[mine] / self._scale, (indices[mine] - first).astype(np.int32)
            )
        return out

    def run_samples(
        self,
        inputs: Mapping[str, Any],
        duration: float,
        *,
        workers: int = 1,
        n_samples: int | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Run a batch; each sample starts from the initial state.

        Parameters
        ----------
        inputs : mapping of str to sequence of (times, channels)
            Per stimulus one pair per sample: times in integer microseconds (Events) or
            seconds (SpikeList), sorted, and channels.
        duration : float
            Seconds (steps if dimensionless).
        workers : int
            Accepted for the grid engine's sake; samples run one after another.
        n_samples : int, optional
            Must agree with the inputs if given.
        progress : callable, optional
            See :meth:`run`; called after each sample.

        Returns
        -------
        Result
            Spikes and counters with a sample index.
        """
        unknown = set(inputs) - set(self.net.sources)
        if unknown or not inputs:
            raise ParameterError(
                f"run_samples: no stimulus {sorted(unknown)}; the network has "
                f"{', '.join(self.net.sources) or 'none'}"
            )
        sizes = {k: len(v) for k, v in inputs.items()}
        if len({*sizes.values(), *([] if n_samples is None else [n_samples])}) != 1:
            raise ShapeError(f"run_samples: equal numbers of samples, got {sizes}")
        total = next(iter(sizes.values()))
        began = time.perf_counter()
        results, counts = [], []
        given = self._core.sources
        try:
            for k in range(total):
                sources = list(given)
                for name, samples in inputs.items():
                    old = self.net.sources[name]
                    if isinstance(old, Events):
                        new: Any = Events(name, old.n, *samples[k])
                    else:
                        new = SpikeList(name, old.n, *samples[k])
                    sources[list(self.net.sources).index(name)] = stream_source(
                        new, self._scale
                    )
                self._core.sources = tuple(sources)
                self.reset()
                results.append(self._simulate(duration, None)[0])
                counts.append(self._book())
                if progress is not None:
                    wall = time.perf_counter() - began
                    done = (k + 1) * duration
                    progress(
                        (k + 1) / total, done, done / wall, wall * (total / (k + 1) - 1)
                    )
        finally:
            self._core.sources = given
            self.reset()
        merged = {}
        for name in self.net.populations:
            parts = [r[name] for r in results]
            merged[name] = Spikes(
                np.concatenate([p.times for p in parts]),
                np.concatenate([p.indices for p in parts]),
                np.repeat(
                    np.arange(len(parts), dtype=np.int32), [p.times.size for p in parts]
                ),
            )
        per_neuron = {
            name: np.stack([c[1][name] for c in counts])
            for name in self.net.populations
        }
        ledger = OpCounts.concatenate([c[0] for c in counts])
        return self._result(duration, began, merged, {}, (ledger, per_neuron))

    # -- counters ------------------------------------------------------------------
    def _tallies(self) -> tuple[Array, Array, Array, Array]:
        core = self._core
        return (
            core.synops.copy(),
            core.zero_synops.copy(),
            core.updates(len(self.net.populations)),
            core.spike_counts.copy(),
        )

    def _book(self) -> tuple[OpCounts, dict[str, Array]]:
        """Book what was done since the last call."""
        now = self._tallies()
        synops, zeros, updates, spikes = (
            a - b for a, b in zip(now, self._booked, strict=True)
        )
        self._booked = now
        counts, per_neuron = OpCounts(1), {}
        net = self.net
        names = [*net.names, *(d.name for d in self._poisson)]
        for k, (name, size) in enumerate(zip(names, self._sizes, strict=True)):
            post = (
                net.projections[k].post
                if k < self._n_projections
                else self._poisson[k - self._n_projections].target
            )
            n_pre = (
                net.n_of(net.projections[k].pre)
                if k < self._n_projections
                else net.n_of(post)
            )
            counts.layer(
                name,
                LayerInfo(
                    in_shape=(n_pre,),
                    out_shape=(net.n_of(post),),
                    weights=size,
                    synapses=size,
                ),
            )
            counts.add(name, "synop", int(synops[k] - zeros[k]))
            counts.add(name, "synop_zero", int(zeros[k]))
            counts.add(name, "ac", int(synops[k] - zeros[k]))
        for k, (name, pop) in enumerate(net.populations.items()):
            mine = spikes[self._first[name] : self._first[name] + pop.n]
            per_neuron[name] = mine
            counts.layer(name, LayerInfo(kind="population", neurons=pop.n))
            counts.add(name, "neuron_update", int(updates[k]))
            counts.add(name, "spike_out", int(mine.sum()))
            counts.add(name, "reset", int(mine.sum()))
        self.counts = self.counts + counts
        return counts, per_neuron

    def _result(
        self,
        duration: float,
        began: float,
        spikes: dict[str, Spikes],
        traces: dict[str, Trace],
        booked: tuple[OpCounts, dict[str, Array]],
    ) -> Result:
        counts, per_neuron = booked
        warn_of_runaway(self.net, per_neuron, duration, level=4)
        return Result(
            spikes=spikes,
            traces=traces,
            counts=counts,
            duration=float(duration),
            engine=self.engine,
            seed=self.seed,
            wall_s=time.perf_counter() - began,
            _spike_counts={k: np.atleast_2d(v) for k, v in per_neuron.items()},
        )

    # -- checkpoint ----------------------------------------------------------------
    def checkpoint(self, path: str | Path) -> None:
        """Write the whole state; :meth:`restore` continues bit for bit."""
        state = self._core.to_arrays()
        state["counts"] = np.array(json.dumps(self.counts.to_dict()))
        state["fingerprint"] = np.array(self.net.fingerprint())
        state["seed"] = np.array(self.seed, np.int64)
        for k, a in enumerate(self._booked):
            state[f"booked_{k}"] = a
        write_arrays(Path(path), state)

    def restore(self, path: str | Path) -> None:
        """Continue from a checkpoint of an equal network and seed."""
        state = read_saved(path, "restore")
        if "fingerprint" not in state:
            raise ParameterError(
                f"restore: {str(path)!r} is not a checkpoint of the exact engine"
            )
        if str(state["fingerprint"]) != self.net.fingerprint() or (
            int(state["seed"]) != self.seed
        ):
            raise ParameterError(
                f"restore: {str(path)!r} is a checkpoint of another network or seed"
            )
        self._core.from_arrays(state)
        self._booked = tuple(state[f"booked_{k}"] for k in range(4))  # type: ignore[assignment]
        self.counts = OpCounts.from_dict(json.loads(str(state["counts"])))

    def __repr__(self) -> str:
        return f"ExactSimulation({self.net!r}, t = {self.time:g})"
