"""Build and run, first form: a plain step loop over the batch.

The order within a step is that of ``specs``: decay, arrivals, threshold, reset are in
the model's step; this loop only gathers what arrives. It is the slow, obvious form; the
compiled engine replaces the inside, not the interface.
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core.connectivity import Connectivity, Csr, Rows
from neuro.counts import LayerInfo, OpCounts
from neuro.network.checks import parameter_rows
from neuro.network.description import Projection
from neuro.network.expand import expand
from neuro.network.network import Network
from neuro.network.registry import model_of
from neuro.network.result import Result, Spikes
from neuro.network.weights import WeightSource
from neuro.random import stream

__all__ = ["Simulation", "build"]


def build(
    net: Network,
    *,
    engine: str,
    seed: int,
    threads: int,
    precision: str,
    memory_limit: int | None,
) -> "Simulation":
    """Build a network for an engine."""
    return Simulation(net, seed=seed)


class Simulation:
    """A built network."""

    def __init__(self, net: Network, *, seed: int) -> None:
        self.net, self.seed = net, seed
        self.engine = "grid"

    def run(self, duration: float) -> Result:
        """Run from the initial state without frames."""
        steps = round(duration / self.net.dt)
        none = {k: np.zeros((1, steps, s.n)) for k, s in self.net.sources.items()}
        return self.run_samples(none or {"": np.zeros((1, steps, 0))}, duration)

    def run_samples(
        self,
        inputs: Mapping[str, NDArray[Any]],
        duration: float,
        *,
        workers: int = 1,
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
        """
        start = time.perf_counter()
        net = self.net
        steps = round(duration / net.dt)
        n_samples = len(next(iter(inputs.values())))
        counts = OpCounts(n_samples)
        spike_counts = {
            p.name: np.zeros((n_samples, p.n), np.int64)
            for p in net.populations.values()
        }
        rasters: dict[str, list[NDArray[Any]]] = {p: [] for p in net.populations}
        links = [
            _Link(p, name, self, counts, steps)
            for name, p in zip(net.names, net.projections, strict=True)
        ]
        synops = np.zeros((len(links), n_samples), np.int64)
        for sample in range(n_samples):
            rng = stream(self.seed, "read noise", sample)
            state = {k: net.initial(k, self.seed) for k in net.populations}
            spiked = {p.name: np.zeros(p.n, np.uint8) for p in net.populations.values()}
            for step in range(steps):
                before = {k: np.flatnonzero(v) for k, v in spiked.items()}
                for pop in net.populations.values():
                    model = model_of(pop.model)
                    arrive = np.zeros((len(model.ports), pop.n))
                    for k, link in enumerate(links):
                        if link.projection.post != pop.name:
                            continue
                        pre = link.projection.pre
                        if pre in net.stimuli:
                            active = np.flatnonzero(inputs[pre][sample, step])
                        else:
                            active = before[pre]
                        port = arrive[model.ports.index(link.projection.port)]
                        synops[k, sample] += link.deliver(active, port, rng)
                    params = parameter_rows(pop, net.dt, net.convention)
                    model.step(
                        params, state[pop.name], arrive, spiked[pop.name], net.dt
                    )
                    fired = np.flatnonzero(spiked[pop.name])
                    spike_counts[pop.name][sample, fired] += 1
                    rasters[pop.name].append(
                        np.stack(
                            [
                                np.full(fired.size, step + 1),
                                fired,
                                np.full(fired.size, sample),
                            ]
                        )
                    )
        for k, link in enumerate(links):
            counts.add(link.name, "synop", synops[k])
            counts.add(link.name, "ac", synops[k])
            link.settle(counts)
        for pop in net.populations.values():
            counts.layer(
                pop.name, LayerInfo(kind="population", neurons=pop.n, steps=steps)
            )
            counts.add(
                pop.name, "neuron_update", np.full(n_samples, steps * pop.n, np.int64)
            )
            total = spike_counts[pop.name].sum(1)
            counts.add(pop.name, "spike_out", total)
            counts.add(pop.name, "reset", total)
        spikes = {}
        for name, parts in rasters.items():
            t, i, s = (
                np.concatenate(parts, axis=1) if parts else np.zeros((3, 0), np.int64)
            )
            spikes[name] = Spikes(t * net.dt, i.astype(np.int32), s.astype(np.int32))
        return Result(
            spikes=spikes,
            traces={},
            counts=counts,
            duration=float(duration),
            engine=self.engine,
            seed=self.seed,
            wall_s=time.perf_counter() - start,
            _spike_counts=spike_counts,
        )


class _Link:
    """One projection at run time."""

    def __init__(
        self,
        projection: Projection,
        name: str,
        simulation: Simulation,
        counts: OpCounts,
        steps: int,
    ) -> None:
        self.projection, self.counts = projection, counts
        self.name = name
        rule = projection.rule
        if not isinstance(rule, WeightSource | Connectivity):
            net = simulation.net
            n_pre, n_post = net.n_of(projection.pre), net.n_of(projection.post)
            s = expand(
                projection, n_pre, n_post, name=name, dt=net.dt, seed=simulation.seed
            )
            rule = Csr.from_pairs(s.pre, s.post, s.weight, n_pre=n_pre, n_post=n_post)
        self.source = rule if isinstance(rule, WeightSource) else None
        self.block = self.source.block(0.0) if self.source is not None else None
        self.connectivity: Connectivity = (
            Rows(self.block.w) if self.block is not None else rule
        )
        n = self.connectivity.n_pre * self.connectivity.n_post
        counts.layer(
            self.name,
            LayerInfo(
                in_shape=(self.connectivity.n_pre,),
                out_shape=(self.connectivity.n_post,),
                weights=n,
                synapses=n,
                steps=steps,
            ),
        )
        self.row_reads = np.zeros(self.connectivity.n_pre, np.int64)

    def deliver(
        self, active: NDArray[Any], port: NDArray[np.float64], rng: np.random.Generator
    ) -> int:
        """Add the active rows, read noise and converter included."""
        here = np.zeros_like(port)
        visited = self.connectivity.deliver(active.astype(np.int32), here)
        self.row_reads[active] += 1
        if self.block is not None:
            if self.block.variance is not None and active.size:
                sd = np.sqrt(self.block.variance[:, active].sum(1))
                here += sd * rng.standard_normal(here.size)
            if self.block.adc is not None:
                lo, hi, codes = self.block.adc
                step = (hi - lo) / (codes - 1)
                here = lo + step * np.rint((np.clip(here, lo, hi) - lo) / step)
        port += here
        return visited

    def settle(self, counts: OpCounts) -> None:
        """Hand measured physics to the ledger."""
        if self.source is not None:
            for quantity, value in self.source.settle(self.row_reads).items():
                counts.measure(self.name, quantity, value)
