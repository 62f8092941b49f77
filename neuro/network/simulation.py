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
from neuro.counts import OpCounts
from neuro.errors import ParameterError, did_you_mean
from neuro.network.booking import Tally, grid_result, layered_result, place_probes
from neuro.network.checkpoint import read_saved
from neuro.network.expand import expand
from neuro.network.grid import GridEngine
from neuro.network.layered import LayeredEngine, Outcome
from neuro.network.network import Network
from neuro.network.registry import model_of
from neuro.network.result import Result
from neuro.network.stimuli import Frames
from neuro.network.weights import WeightSource
from neuro.results import write_arrays

__all__ = ["Simulation", "checked_duration", "needs_layers"]

_CARRIED = ("state", "active", "active_values", "active_count", "stream_at")
log = logging.getLogger(__name__)
Progress = Callable[[float, float, float, float], None]


def checked_duration(duration: float) -> float:
    """Return a duration as a float >= 0."""
    try:
        value = float(duration)
    except (TypeError, ValueError):
        value = float("nan")
    if not (np.isfinite(value) and value >= 0):
        raise ParameterError(f"duration: expected a number >= 0, got {duration!r}")
    return value


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
        return (
            f"Simulation({self.net!r}, engine={self.engine!r}, seed={self.seed}, "
            f"t={self.time:g})"
        )

    @property
    def time(self) -> float:
        """Present time, seconds (steps if dimensionless)."""
        return float(self.step * self.net.dt)

    def _steps(self, duration: float) -> int:
        return round(checked_duration(duration) / self.net.dt)

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
        n_trace = place_probes(engine, 0, steps)
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
        return layered_result(
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
            if inputs:
                raise ParameterError(
                    f"run: no Frames stimulus {next(iter(inputs))!r} in this network"
                )
            return self._run_grid(steps, duration, start, progress)
        engine = self._layers()
        arrays = {k: np.asarray(v)[None] for k, v in (inputs or {}).items()}
        _, binary, real = engine.check_frames(arrays, steps)
        if not arrays:
            binary, real = np.zeros((1, 0, 0), np.uint8), np.zeros((1, 0, 0))
        first, last = self.step, self.step + steps
        n_trace = place_probes(engine, first, last)
        batch = engine.new_batch(1, 0, binary, real, n_trace, 1)
        if self._batch is not None:
            batch = batch._replace(**{k: getattr(self._batch, k) for k in _CARRIED})
        counts, outcome = OpCounts(1), Outcome()
        self._advance(engine, batch, first, last, first, 1, outcome, 0, counts)
        self._batch, self.step = batch, last
        outcome.spike_counts.append(batch.spike_counts)
        outcome.visited.append(batch.visited)
        outcome.traces.append(batch.traces)
        return layered_result(
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
        who = f"Simulation.restore({str(path)!r})"
        stored = read_saved(path, "Simulation.restore")
        head = json.loads(str(stored.pop("head", "{}")))
        if head.get("schema") != "neuro.checkpoint/1":
            raise ParameterError(f"{who}: not a checkpoint of the grid engine")
        mine = {
            "network": self.net.fingerprint(),
            "seed": self.seed,
            "precision": self.precision,
        }
        for key, value in mine.items():
            if head[key] != value:
                raise ParameterError(
                    f"{who}: the checkpoint has {key} {head[key]!r}, this simulation "
                    f"{value!r}; build the same network with the same seed"
                )
        parts = {k.partition("/")[2]: v for k, v in stored.items() if "/" in k}
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
        before = Tally(engine)
        first = self.step

        def report(share: float, wall: float) -> None:
            if progress is not None:
                done = share * steps * self.net.dt
                rest = wall / share - wall if share else float("inf")
                progress(share, done, done / max(wall, 1e-9), rest)

        try:
            raster = engine.run(first + steps, report)
        finally:  # an interrupt leaves the state of the last window's end
            self.step = engine.step
        if self.step < first + steps:  # the guard has stopped it
            duration = (self.step - first) * self.net.dt
        return grid_result(
            self, engine, before, raster, first=first, duration=duration, start=start
        )
