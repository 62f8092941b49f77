"""A built network: runs, batches, checkpoints.

Two drivers share the semantics of a step: the grid driver (windows, blocks, rings) for
large networks of spikes, and the layered driver (same-step edges, dense rows, hardware
weights, frames) for batches. Which one a network needs follows from the network alone.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro._version import __version__
from neuro.core.connectivity import Rows
from neuro.counts import LayerInfo, OpCounts
from neuro.errors import MemoryLimitError, ParameterError, did_you_mean
from neuro.network.expand import expand
from neuro.network.grid import GridEngine, plastic_updates
from neuro.network.layered import LayeredEngine, Outcome
from neuro.network.network import Network
from neuro.network.registry import model_of
from neuro.network.result import Result, Spikes, Trace
from neuro.network.stimuli import Frames
from neuro.network.weights import WeightSource
from neuro.results import write_arrays

__all__ = ["Simulation", "build"]

_CARRIED = ("state", "active", "active_values", "active_count", "stream_at")
log = logging.getLogger(__name__)
Progress = Callable[[float, float, float, float], None]


def build(
    net: Network,
    *,
    engine: str,
    seed: int,
    threads: int,
    precision: str,
    memory_limit: int | None,
    **options: Any,
) -> "Simulation":
    """Build a network for an engine; see :meth:`Network.build`."""
    from neuro.network.exact_support import choose_engine

    taken = choose_engine(net, engine)
    if precision not in ("single", "double"):
        raise ParameterError(
            f"Network.build: precision 'single' or 'double', got {precision!r}"
        )
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ParameterError(
            f"Network.build: threads must be an integer >= 1, got {threads!r}"
        )
    estimate = net.memory()
    limit = int(0.8 * _free_memory()) if memory_limit is None else memory_limit
    if estimate.total > limit:
        largest = max(estimate.objects, key=lambda k: estimate.objects[k])
        raise MemoryLimitError(
            f"Network: {estimate.total / 1e6:.1f} MB needed, limit "
            f"{limit / 1e6:.1f} MB; the largest item is {largest!r} with "
            f"{estimate.objects[largest] / 1e6:.1f} MB; shrink it or raise memory_limit"
        )
    if taken == "exact":
        from neuro.network.exact import ExactSimulation

        return ExactSimulation(net, seed=seed)
    simulation = Simulation(
        net, seed=seed, threads=threads, precision=precision, options=options
    )
    if not needs_layers(net):
        simulation._grid()
    return simulation


def _free_memory() -> int:
    try:
        with open("/proc/meminfo") as f:
            for line in f:
                if line.startswith("MemAvailable"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 8 << 30


def needs_layers(net: Network) -> bool:
    """Whether a network needs the layered driver for ``Simulation.run``."""
    if any(isinstance(s, Frames) for s in net.sources.values()):
        return True
    if any(model_of(p.model).output is not None for p in net.populations.values()):
        return True
    return any(
        q.delay is None or q.gain is not None or isinstance(q.rule, Rows | WeightSource)
        for q in net.projections
    )


class Simulation:
    """A built network.

    Made by :meth:`Network.build`.

    Attributes
    ----------
    net : Network
        The description.
    engine : str
        Engine that runs it.
    seed : int
        Seed of everything drawn.
    step : int
        Steps done so far by :meth:`run`.
    """

    def __init__(
        self,
        net: Network,
        *,
        seed: int,
        threads: int = 1,
        precision: str = "single",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.net, self.seed, self.threads = net, int(seed), threads
        self.precision, self.engine = precision, "grid"
        self._options = dict(options or {})
        self._layered: LayeredEngine | None = None
        self._batch: Any = None
        self._windows: GridEngine | None = None
        self.step = 0

    def __repr__(self) -> str:
        return f"Simulation({self.net!r}, engine={self.engine!r}, seed={self.seed})"

    def _steps(self, duration: float) -> int:
        if not (np.isfinite(duration) and duration >= 0):
            raise ParameterError(f"duration: expected >= 0, got {duration}")
        return round(duration / self.net.dt)

    def _layers(self) -> LayeredEngine:
        if self._layered is None:
            self._layered = LayeredEngine(self.net, self.seed)
        return self._layered

    # ---- batches ----
    def run_samples(
        self,
        inputs: Mapping[str, NDArray[Any]],
        duration: float,
        *,
        workers: int = 1,
        n_samples: int | None = None,
        progress: Progress | None = None,
    ) -> Result:
        """Run a batch; each sample starts from the initial state.

        Parameters
        ----------
        inputs : mapping of str to ndarray, shape (n_samples, n_steps, n)
            Frames per stimulus.
        duration : float
            Seconds (steps if dimensionless).
        workers : int
            Threads; results do not depend on it.
        n_samples : int, optional
            Number of samples of a network without frames (Poisson input differs
            between samples).
        progress : callable, optional
            Called with (fraction, biological time, speed, seconds to the end).
        """
        start = time.perf_counter()
        engine, steps = self._layers(), self._steps(duration)
        arrays = {k: np.asarray(v) for k, v in inputs.items() if k}
        found, binary, real = engine.check_frames(arrays, steps)
        total = found if found is not None else (n_samples or 1)
        if found is None:
            binary = np.zeros((total, 0, 0), np.uint8)
            real = np.zeros((total, 0, 0))
        counts = OpCounts(total)
        outcome = Outcome()
        n_trace = _place_probes(engine, 0, steps)
        size = engine.group_size()
        for first in range(0, total, size):
            part = slice(first, min(first + size, total))
            batch = engine.new_batch(
                part.stop - first, first, binary[part], real[part], n_trace, workers
            )
            self._advance(engine, batch, 0, steps, 0, workers, outcome, first, counts)
            outcome.spike_counts.append(batch.spike_counts)
            outcome.visited.append(batch.visited)
            outcome.traces.append(batch.traces)
            if progress is not None:
                done = part.stop / total
                wall = time.perf_counter() - start
                progress(
                    done,
                    part.stop * steps * self.net.dt,
                    part.stop * steps * self.net.dt / max(wall, 1e-9),
                    wall / done - wall,
                )
        return _result(
            self, engine, outcome, counts, total, 0, steps, duration, start, batch=True
        )

    def _advance(
        self,
        engine: LayeredEngine,
        batch: Any,
        first: int,
        last: int,
        base: int,
        workers: int,
        outcome: Outcome,
        offset: int,
        counts: OpCounts,
    ) -> None:
        """Advance a batch through all changes of weights and drives."""
        hardware = [i for i, _ in engine.sources]
        engine._load_blocks(first * self.net.dt, hardware)
        at = first
        while at < last:
            stop = engine.boundaries(at, last)
            if engine.readers:
                for sample in range(len(batch.state)):
                    for k in range(at, stop):
                        engine.read_columns(batch, sample, k, base)
                        engine.advance_one(batch, sample, k, base, outcome, offset)
            else:
                engine.advance(batch, at, stop, base, workers, outcome, offset)
            at = stop
            due = [
                i
                for i in hardware
                if at < last and engine._blocks[i].expires <= at * self.net.dt + 1e-12
            ]
            if due:
                reads = batch.row_reads.sum(0)
                batch.row_reads[:] = 0
                engine._settle(reads, due, counts.measure)
                batch.row_reads[0] = reads
                engine._load_blocks(at * self.net.dt, due)
        reads = batch.row_reads.sum(0)
        batch.row_reads[:] = 0
        engine._settle(reads, hardware, counts.measure)

    # ---- one run ----
    def run(
        self,
        duration: float,
        inputs: Mapping[str, NDArray[Any]] | None = None,
        *,
        progress: Progress | None = None,
    ) -> Result:
        """Go on from the present state.

        Parameters
        ----------
        duration : float
            Seconds (steps if dimensionless).
        inputs : mapping of str to ndarray, shape (n_steps, n), optional
            Frames per stimulus, from the present step on.
        progress : callable, optional
            Called with (fraction, biological time, speed, seconds to the end).
        """
        start = time.perf_counter()
        steps = self._steps(duration)
        if not needs_layers(self.net):
            return self._run_grid(steps, duration, start, progress)
        engine = self._layers()
        arrays = {k: np.asarray(v)[None] for k, v in (inputs or {}).items()}
        _, binary, real = engine.check_frames(arrays, steps)
        if not arrays:
            binary, real = np.zeros((1, 0, 0), np.uint8), np.zeros((1, 0, 0))
        first, last = self.step, self.step + steps
        n_trace = _place_probes(engine, first, last)
        batch = engine.new_batch(1, 0, binary, real, n_trace, 1)
        if self._batch is not None:
            batch = batch._replace(**{k: getattr(self._batch, k) for k in _CARRIED})
        counts, outcome = OpCounts(1), Outcome()
        self._advance(engine, batch, first, last, first, 1, outcome, 0, counts)
        self._batch, self.step = batch, last
        outcome.spike_counts.append(batch.spike_counts)
        outcome.visited.append(batch.visited)
        outcome.traces.append(batch.traces)
        return _result(
            self, engine, outcome, counts, 1, first, last, duration, start, batch=False
        )

    # ---- checkpoints ----
    def checkpoint(self, path: Path | str) -> None:
        """Write the state to one npz file, atomically.

        What follows from the description and the seed is not stored; random numbers
        are counter-based and need nothing but the step.
        """
        if needs_layers(self.net):
            engine: Any = self._layers()
            arrays: dict[str, Any] = {"step": np.int64(self.step)}
            if self._batch is not None:
                arrays |= {f"layered/{k}": getattr(self._batch, k) for k in _CARRIED}
        else:
            engine = self._grid()
            arrays = {"step": np.int64(self.step)}
            arrays |= {f"grid/{k}": v for k, v in engine.save().items()}
        arrays["head"] = np.array(
            json.dumps(
                {
                    "schema": "neuro.checkpoint/1",
                    "version": __version__,
                    "network": self.net.fingerprint(),
                    "convention": self.net.convention,
                    "seed": self.seed,
                    "precision": self.precision,
                }
            )
        )
        write_arrays(path, arrays)

    def restore(self, path: Path | str) -> None:
        """Take over the state of a checkpoint of the same network and seed.

        Raises
        ------
        ParameterError
            If the file belongs to another network, seed, precision or layout.
        """
        with np.load(path, allow_pickle=False) as stored:
            head = json.loads(str(stored["head"]))
            mine = {
                "network": self.net.fingerprint(),
                "seed": self.seed,
                "precision": self.precision,
            }
            for key, value in mine.items():
                if head[key] != value:
                    raise ParameterError(
                        f"Simulation.restore({str(path)!r}): the checkpoint has "
                        f"{key} {head[key]!r}, this simulation {value!r}; build the "
                        "same network with the same seed"
                    )
            parts = {k.partition("/")[2]: stored[k] for k in stored.files if "/" in k}
            self.step = int(stored["step"])
        if needs_layers(self.net):
            if parts:
                engine = self._layers()
                none8, none = np.zeros((1, 0, 0), np.uint8), np.zeros((1, 0, 0))
                batch = engine.new_batch(1, 0, none8, none, 0, 1)
                self._batch = batch._replace(**parts)
        else:
            self._grid().load(parts)

    def reset(self) -> None:
        """Go back to the initial state (plastic weights included)."""
        self.step, self._batch, self._windows = 0, None, None

    def weights(
        self, projection: str
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        """Return (pre, post, weight) of a projection in its present state.

        Plastic weights are those of the last pre spike of each source; static ones are
        drawn again from the description.
        """
        if projection not in self.net.names:
            raise ParameterError(
                f"Simulation.weights: no projection {projection!r}"
                f"{did_you_mean(projection, self.net.names)}"
            )
        k = self.net.names.index(projection)
        q = self.net.projections[k]
        if q.plasticity is not None:
            return self._grid().weights(k)
        s = expand(
            q,
            self.net.n_of(q.pre),
            self.net.n_of(q.post),
            name=projection,
            dt=self.net.dt,
            seed=self.seed,
        )
        return s.pre, s.post, s.weight

    def reward(self, projection: str, value: float) -> None:
        """Change the weights of a projection by `value` times their eligibility.

        Acts at the present time, between two runs.

        Parameters
        ----------
        projection : str
            Name of a projection with a rule that takes rewards, such as `RewardStdp`.
        value : float
            The reward; negative values punish.
        """
        if projection not in self.net.names:
            raise ParameterError(
                f"Simulation.reward: no projection {projection!r}"
                f"{did_you_mean(projection, self.net.names)}"
            )
        k = self.net.names.index(projection)
        rule = self.net.projections[k].plasticity
        if not getattr(rule, "rewarded", False):
            raise ParameterError(
                f"Simulation.reward: {projection!r} has {type(rule).__name__}, which "
                "takes no reward; RewardStdp does"
            )
        if not np.isfinite(value):
            raise ParameterError(f"Simulation.reward: expected a number, got {value}")
        self._grid().reward(k, float(value))

    def _grid(self) -> GridEngine:
        if self._windows is None:
            self._windows = GridEngine(
                self.net,
                self.seed,
                threads=self.threads,
                precision=self.precision,
                **self._options,
            )
        return self._windows

    def _run_grid(
        self, steps: int, duration: float, start: float, progress: Progress | None
    ) -> Result:
        engine = self._grid()
        before = engine.state.spike_counts.copy()
        plastic_before = plastic_updates(engine, engine.classes)
        first = self.step

        def report(share: float, wall: float) -> None:
            if progress is not None:
                done = share * steps * self.net.dt
                rest = wall / share - wall if share else float("inf")
                progress(share, done, done / max(wall, 1e-9), rest)

        try:
            raster_step, raster_source, flat = engine.run(first + steps, report)
        finally:  # an interrupt leaves the state of the last window's end
            self.step = engine.step
        if self.step < first + steps:  # the guard has stopped it
            steps = self.step - first
            duration = steps * self.net.dt
        spent = engine.state.spike_counts - before
        counts = OpCounts(1)
        net = self.net
        spike_counts = {
            name: spent[None, engine.first[name] : engine.first[name] + p.n]
            for name, p in net.populations.items()
        }
        events = dict(spike_counts)
        late = 0 if net.convention == "brian2" else 1
        for name, s in net.sources.items():
            at, n = engine.source_first[name], s.n
            own = (engine.stream_source >= at) & (engine.stream_source < at + n)
            low = first - late if first == 0 else first
            now = (engine.stream_step >= low) & (engine.stream_step < self.step)
            channel = engine.stream_source[own & now] - at
            events[name] = np.bincount(channel, minlength=n)[None].astype(np.int64)
        for k, q in enumerate(net.projections):
            name, spikes = net.names[k], events[q.pre][0]
            degree, zero = engine.table.out_degree[k], engine.table.zero_degree[k]
            n_synapses = int(degree.sum())
            counts.layer(
                name,
                LayerInfo(
                    in_shape=(net.n_of(q.pre),),
                    out_shape=(net.n_of(q.post),),
                    weights=n_synapses,
                    synapses=n_synapses,
                    steps=steps,
                ),
            )
            visits = int(spikes @ degree)
            zeros = int(spikes @ zero) if zero is not None else 0
            counts.add(name, "spike_in", int(spikes.sum()))
            counts.add(name, "synop", visits - zeros)
            if zeros:
                counts.add(name, "synop_zero", zeros)
            counts.add(name, "ac", visits)
        for k, n in plastic_updates(engine, engine.classes).items():
            counts.add(net.names[k], "plastic", n - plastic_before[k])
        book_populations(counts, net, spike_counts, 1, steps)
        outcome = Outcome()
        outcome.step.append(raster_step)
        outcome.unit.append(raster_source)
        outcome.sample.append(np.zeros(raster_source.size, np.int32))
        traces = {}
        at = 0
        for name, index, interval in engine.probe_names:
            n = self.step // interval - first // interval
            values = flat[at : at + n * index.size].reshape(n, index.size)
            at += values.size
            times = (first // interval + 1 + np.arange(n)) * (interval * float(net.dt))
            traces[name] = Trace(times.astype(np.float64), index, values)
        return Result(
            spikes=_sort_spikes(net, engine.first, outcome, first, batch=False),
            traces=traces,
            counts=counts,
            duration=float(duration),
            engine=self.engine,
            seed=self.seed,
            wall_s=time.perf_counter() - start,
            _spike_counts=spike_counts,
        )


def _place_probes(engine: LayeredEngine, first: int, last: int) -> int:
    """Give every recorded row its place in a sample's trace; return its length."""
    at = 0
    for row, (_, index, interval) in zip(engine.probe, engine.probe_names, strict=True):
        row[5], row[6] = at, first // interval + 1
        at += index.size * (last // interval - first // interval)
    return at


def _result(
    simulation: Simulation,
    engine: LayeredEngine,
    outcome: Outcome,
    counts: OpCounts,
    n_samples: int,
    first: int,
    last: int,
    duration: float,
    start: float,
    *,
    batch: bool,
) -> Result:
    net = simulation.net
    steps = last - first
    n_all = np.concatenate(
        [*outcome.spike_counts, np.zeros((0, engine.n_neurons), np.int64)]
    )
    spike_counts = {}
    for name, p in net.populations.items():
        at = engine.first[name]
        spike_counts[name] = n_all[:, at : at + p.n]
    spikes = _sort_spikes(net, engine.first, outcome, first, batch=batch)
    visited = np.concatenate(
        [*outcome.visited, np.zeros((0, len(engine.links), 4), np.int64)]
    )
    merged = np.zeros((len(net.projections), n_samples, 4), np.int64)
    for i, link in enumerate(engine.links):
        merged[link.projection] += visited[:, i]
    for k, q in enumerate(net.projections):
        n_pre, n_post = net.n_of(q.pre), net.n_of(q.post)
        name = net.names[k]
        size = getattr(q.rule, "size", None)
        n = (
            int(sum(x.length.sum() for x in engine.links if x.projection == k))
            if callable(size) or not isinstance(q.rule, Rows | WeightSource)
            else n_pre * n_post
        )
        counts.layer(
            name,
            LayerInfo(
                in_shape=(n_pre,),
                out_shape=(n_post,),
                weights=n,
                synapses=n,
                steps=steps,
                input_class="real" if merged[k, :, 3].any() else "binary",
                a_bits=32 if merged[k, :, 3].any() else 1,
            ),
        )
        events, synapses, zeros, macs = merged[k].T
        counts.add(name, "spike_in", events)
        counts.add(name, "synop", synapses - zeros)
        if zeros.any():
            counts.add(name, "synop_zero", zeros)
        if macs.any():
            counts.add(name, "mac", macs, a_bits=32)
        else:
            counts.add(name, "ac", synapses)
    book_populations(counts, net, spike_counts, n_samples, steps)
    traces = {}
    flat = np.concatenate(outcome.traces or [np.zeros((0, 0))]) if batch else None
    for row, (name, index, interval) in zip(
        engine.probe, engine.probe_names, strict=True
    ):
        n = last // interval - first // interval
        source = flat if flat is not None else outcome.traces[0]
        at = int(row[5])
        values = source[:, at : at + n * index.size].reshape(-1, n, index.size)
        times = (first // interval + 1 + np.arange(n)) * (interval * float(net.dt))
        traces[name] = Trace(
            times.astype(np.float64), index, values if batch else values[0]
        )
    return Result(
        spikes=spikes,
        traces=traces,
        counts=counts,
        duration=float(duration),
        engine=simulation.engine,
        seed=simulation.seed,
        wall_s=time.perf_counter() - start,
        _spike_counts=spike_counts,
    )


def book_populations(
    counts: OpCounts,
    net: Network,
    spike_counts: Mapping[str, NDArray[np.int64]],
    n_samples: int,
    steps: int,
) -> None:
    """Book updates, spikes and resets of every population."""
    for p in net.populations.values():
        counts.layer(p.name, LayerInfo(kind="population", neurons=p.n, steps=steps))
        counts.add(p.name, "neuron_update", np.full(n_samples, steps * p.n, np.int64))
        total = spike_counts[p.name].sum(1)
        counts.add(p.name, "spike_out", total)
        counts.add(p.name, "reset", total)


def _sort_spikes(
    net: Network,
    firsts: Mapping[str, int],
    outcome: Outcome,
    first: int,
    *,
    batch: bool,
) -> dict[str, Spikes]:
    unit = np.concatenate([*outcome.unit, np.zeros(0, np.int32)])
    step = np.concatenate([*outcome.step, np.zeros(0, np.int64)])
    sample = np.concatenate([*outcome.sample, np.zeros(0, np.int32)])
    late = 0 if net.convention == "brian2" else 1
    spikes = {}
    for name, p in net.populations.items():
        r = net.records.get(name)
        if r is not None and not r.spikes:
            continue
        own = (unit >= firsts[name]) & (unit < firsts[name] + p.n)
        s, u, b = step[own], unit[own] - np.int32(firsts[name]), sample[own]
        key = b.astype(np.int64) * (int(step.max(initial=0)) + 1) + s
        if np.any(np.diff(key) < 0):
            order = np.argsort(key, kind="stable")
            s, u, b = s[order], u[order], b[order]
        spikes[name] = Spikes((s + late) * net.dt, u, b if batch else None)
    return spikes
