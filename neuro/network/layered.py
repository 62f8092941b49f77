"""Batches and layered networks: same-step edges, dense rows, hardware weights.

The Python side of :mod:`neuro.core._kernels.layered`: lays a network out once, runs any
number of samples, each from the initial state, in one compiled loop that returns now
and then for progress and interrupts.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from neuro.core._kernels import layered as k
from neuro.core._kernels.drives import TILE
from neuro.core.arrays import aligned
from neuro.core.interrupts import uninterrupted
from neuro.errors import ParameterError, ShapeError
from neuro.network.drives import drive_tables, stream_key
from neuro.network.engine import compile_driver
from neuro.network.layered_layout import LayeredLayout
from neuro.network.network import Network
from neuro.network.registry import model_of
from neuro.network.weights import WeightBlock

__all__ = ["LayeredEngine", "Outcome"]

_GROUP_BYTES = 64 << 20  # state of the samples that are in memory at once
_FIRST_RASTER = 1 << 16


class Outcome:
    """Raw arrays of a batch; the simulation makes a Result of them."""

    def __init__(self) -> None:
        self.step: list[NDArray[np.int64]] = []
        self.unit: list[NDArray[np.int32]] = []
        self.sample: list[NDArray[np.int32]] = []
        self.spike_counts: list[NDArray[np.int64]] = []
        self.visited: list[NDArray[np.int64]] = []
        self.traces: list[NDArray[np.float64]] = []


class LayeredEngine(LayeredLayout):
    """State and runs of the step driver.

    Parameters
    ----------
    net : Network
        The description.
    seed : int
        Seed of everything drawn.
    """

    def __init__(self, net: Network, seed: int) -> None:
        super().__init__(net, seed)
        self._blocks: dict[int, WeightBlock] = {}

    # ---- hardware blocks ----
    def _load_blocks(self, t: float, links: list[int]) -> None:
        """Ask the given hardware links for their weights at time t."""
        for i, source in self.sources:
            if i not in links:
                continue
            block = source.block(t)
            n_post, n_pre = source.shape
            if block.w.shape != (n_post, n_pre):
                raise ShapeError(
                    f"Projection {self.net.names[self.links[i].projection]!r}: block "
                    f"of shape {block.w.shape}, expected ({n_post}, {n_pre})"
                )
            at = self.link_table[i, 3]
            rows = np.ascontiguousarray(block.w.T, np.float64)
            self.rows[at : at + rows.size] = rows.ravel()
            zero_at = self.link_table[i, 6]
            self.row_zero[zero_at : zero_at + n_pre] = n_post - np.count_nonzero(
                rows, axis=1
            )
            self.layout.link[i, 4] = -1
            if block.variance is not None:
                var_at = sum(s.shape[0] * s.shape[1] for j, s in self.sources if j < i)
                own = np.ascontiguousarray(block.variance.T, np.float64)
                self.variances[var_at : var_at + own.size] = own.ravel()
                self.layout.link[i, 4] = var_at
            self.adc[i] = 0
            if block.adc is not None:
                low, high, codes = block.adc
                self.adc[i] = low, (high - low) / (codes - 1), codes - 1
            self._blocks[i] = block

    def _settle(
        self, reads: NDArray[np.int64], links: list[int], book: Callable[..., None]
    ) -> None:
        for i, source in self.sources:
            if i in links:
                at, n_pre = self.link_table[i, 6], source.shape[1]
                name = self.net.names[self.links[i].projection]
                for quantity, value in source.settle(reads[at : at + n_pre]).items():
                    book(name, quantity, value)
                reads[at : at + n_pre] = 0
        for index, reader in self.readers:
            for i, x in enumerate(self.links):
                if x.projection == index:
                    at, n_pre = self.link_table[i, 6], reader.shape[1]
                    name = self.net.names[index]
                    own = reader.settle(reads[at : at + n_pre])
                    for quantity, value in own.items():
                        book(name, quantity, value)
                    reads[at : at + n_pre] = 0

    # ---- running ----
    def new_batch(
        self,
        n: int,
        first: int,
        binary: NDArray[np.uint8],
        real: NDArray[np.float64],
        n_trace: int,
        workers: int,
    ) -> k.Batch:
        """Allocate a batch of n samples in the initial state."""
        n_list, n_values, n_count = self.sizes
        at = np.zeros((n, max(len(self.node_of), 1)), np.int64)
        for i, start in self.stream_start.items():
            at[:, i] = start
        return k.Batch(
            binary=binary,
            real=real,
            extra=np.zeros((n, self.n_inputs if self.readers else 0)),
            state=np.tile(self.start, (n, 1)),
            active=np.zeros((n, n_list), np.int32),
            active_values=np.zeros((n, n_values)),
            active_count=np.zeros((n, n_count), np.int64),
            stream_at=at,
            spike_counts=np.zeros((n, self.n_neurons), np.int64),
            visited=np.zeros((n, len(self.links), 4), np.int64),
            row_reads=np.zeros((workers, self.row_length.size), np.int64),
            traces=np.zeros((n, n_trace)),
            sample_key=np.array(
                [np.uint64(0) if s == 0 else stream_key(s, "sample")
                 for s in range(first, first + n)],
                np.uint64,
            ),
        )  # fmt: skip

    def group_size(self) -> int:
        """Return how many samples are held at once."""
        n_list, n_values, n_count = self.sizes
        each = 8 * (self.start.size + n_values + n_count) + 4 * n_list
        return max(1, _GROUP_BYTES // max(each, 1))

    def check_frames(
        self, inputs: Mapping[str, NDArray[Any]], steps: int
    ) -> tuple[int | None, NDArray[np.uint8], NDArray[np.float64]]:
        """Check and pack the frames; return (n_samples, binary, real)."""
        n_samples: int | None = None
        for name in inputs:
            if name not in self.frame_columns:
                raise ParameterError(
                    f"inputs: no Frames stimulus {name!r}; there are "
                    f"{', '.join(self.frame_columns) or 'none'}"
                )
        for name in self.frame_columns:
            if name not in inputs:
                raise ParameterError(f"inputs: frames of {name!r} are missing")
            given, n = inputs[name], self.net.n_of(name)
            if given.ndim != 3 or given.shape[2] != n or given.shape[1] < steps:
                raise ShapeError(
                    f"inputs[{name!r}]: expected (n_samples, >= {steps}, {n}), got "
                    f"{given.shape}"
                )
            if n_samples not in (None, len(given)):
                raise ShapeError("inputs: all stimuli need the same number of samples")
            n_samples = len(given)
            if given.dtype.kind == "f" and not np.isfinite(given).all():
                raise ParameterError(f"inputs[{name!r}]: a value is not finite")
        if n_samples is None:
            return None, np.zeros((0, steps, 0), np.uint8), np.zeros((0, steps, 0))
        packed: list[Any] = []
        for kind, width, dtype in (
            (k.BINARY, self.columns[0], np.uint8),
            (k.REAL, self.columns[1], np.float64),
        ):
            own = [n for n, (c, _) in self.frame_columns.items() if c == kind]
            plain = len(own) == 1 and inputs[own[0]].dtype in (np.uint8, np.bool_)
            if plain and kind == k.BINARY:
                packed.append(np.ascontiguousarray(inputs[own[0]]).view(np.uint8))
                continue
            array = np.zeros((n_samples, steps if own else 0, width), dtype)
            for name in own:
                at = self.frame_columns[name][1]
                part = inputs[name][:, :steps]
                array[:, :, at : at + part.shape[2]] = (
                    part != 0 if kind == k.BINARY else part
                )
            packed.append(array)
        return n_samples, packed[0], packed[1]

    def boundaries(self, first: int, last: int) -> int:
        """Refresh what is in force at step `first`; return until when it holds."""
        table = drive_tables(self.net, self.order, first, self.seed)
        self.layout = self.layout._replace(**self._drive_fields(table))
        stop = last if table.until < 0 else min(last, table.until)
        for i, _ in self.sources:
            expires = self._blocks[i].expires / self.net.dt
            if np.isfinite(expires):
                stop = min(stop, max(first + 1, int(np.ceil(expires - 1e-9))))
        return stop

    def advance(
        self,
        batch: k.Batch,
        first: int,
        last: int,
        base: int,
        workers: int,
        outcome: Outcome,
        offset: int,
    ) -> None:
        """Run all samples of a batch from step `first` to `last`."""
        n = len(batch.state)
        workers = max(1, min(workers, n))
        edges = np.linspace(0, n, workers + 1).astype(int)
        scratch = [self._scratch(w, edges[w], first) for w in range(workers)]
        run = compile_driver(
            k.run_layered, types.boolean, self.models, self.layout, batch, scratch[0],
            0, 0, 0, 0, 0.0,
        )  # fmt: skip
        errors: list[BaseException] = []

        def work(w: int) -> None:
            try:
                done = False
                while not done:
                    with uninterrupted():
                        done = run(
                            self.models, self.layout, batch, scratch[w],
                            int(edges[w + 1]), first, last, base, self.net.dt,
                        )  # fmt: skip
                        self._collect(scratch[w], outcome, offset, lock)
                    if not done:
                        scratch[w] = self._grown(scratch[w])
            except BaseException as error:
                errors.append(error)

        lock = threading.Lock()
        if workers == 1:
            work(0)
        else:
            team = [threading.Thread(target=work, args=(w,)) for w in range(workers)]
            for t in team:
                t.start()
            for t in team:
                t.join()
        if errors:
            raise errors[0]

    def advance_one(
        self,
        batch: k.Batch,
        sample: int,
        step: int,
        base: int,
        outcome: Outcome,
        offset: int,
    ) -> None:
        """Run one step of one sample (column readers)."""
        scratch = self._scratch(0, sample, step)
        run = compile_driver(
            k.run_layered, types.boolean, self.models, self.layout, batch, scratch,
            0, 0, 0, 0, 0.0,
        )  # fmt: skip
        run(
            self.models, self.layout, batch, scratch, sample + 1, step, step + 1, base,
            self.net.dt,
        )  # fmt: skip
        self._collect(scratch, outcome, offset, threading.Lock())

    def _scratch(self, worker: int, sample: int, step: int) -> k.Scratch:
        room = max(_FIRST_RASTER, 2 * self.n_neurons)
        return k.Scratch(
            inputs=aligned(self.n_inputs, np.float64),
            flags=aligned(self.n_flags, np.uint8),
            here=aligned(self.widest, np.float64),
            variance=aligned(self.widest, np.float64),
            counts=aligned(self.widest, np.uint8),
            bits=aligned(TILE, np.uint32),
            raster_step=np.zeros(room, np.int64),
            raster_unit=np.zeros(room, np.int32),
            raster_sample=np.zeros(room, np.int32),
            cursor=np.array([sample, step, 0, worker], np.int64),
        )

    @staticmethod
    def _grown(s: k.Scratch) -> k.Scratch:
        room = min(2 * s.raster_step.size, max(1 << 22, s.raster_step.size))
        return s._replace(
            raster_step=np.zeros(room, np.int64),
            raster_unit=np.zeros(room, np.int32),
            raster_sample=np.zeros(room, np.int32),
        )

    @staticmethod
    def _collect(
        s: k.Scratch, outcome: Outcome, offset: int, lock: threading.Lock
    ) -> None:
        m = int(s.cursor[2])
        with lock:
            outcome.step.append(s.raster_step[:m].copy())
            outcome.unit.append(s.raster_unit[:m].copy())
            outcome.sample.append(s.raster_sample[:m] + np.int32(offset))
        s.cursor[2] = 0

    def read_columns(self, batch: k.Batch, sample: int, step: int, base: int) -> None:
        """Call the column readers for one step and put their sums into `extra`."""
        batch.extra[sample] = 0
        t = step * self.net.dt
        for index, reader in self.readers:
            q = self.net.projections[index]
            link = next(x for x in self.links if x.projection == index)
            node = self.node_of[q.pre]
            when = step - link.delay
            if q.pre in self.frame_columns and link.delay == 0:
                kind, column = self.frame_columns[q.pre]
                frames = batch.binary if kind == k.BINARY else batch.real
                row = frames[
                    sample, step - base, column : column + self.net.n_of(q.pre)
                ]
                active = np.flatnonzero(row).astype(np.int32)
            elif when < 0:
                active = np.zeros(0, np.int32)
            elif link.delay == 0:
                raise ParameterError(
                    f"Projection {self.net.names[index]!r}: a column reader behind a "
                    "population needs a delay of at least one step"
                )
            else:
                _, n, depth, list_at, count_at = self.layout.node[node]
                slot = when % depth
                m = batch.active_count[sample, count_at + slot]
                active = batch.active[
                    sample, list_at + slot * n : list_at + slot * n + m
                ].copy()
            p = self.order.index(q.post)
            ports = model_of(self.net.populations[q.post].model).ports
            at = self.pop[p, 6] + ports.index(q.port) * self.pop[p, 2]
            batch.extra[sample, at : at + reader.shape[0]] += reader.read(active, t)
