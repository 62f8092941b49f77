"""The grid engine: windows, target blocks and rings for large networks of spikes.

The Python side of :mod:`neuro.core._kernels.grid`. What follows from the network is in
:mod:`neuro.network.grid_plan`, what changes in :mod:`neuro.network.grid_state`; here
the compiled driver is called for about a fifth of a second at a time.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from neuro.core._kernels import grid_layout as k
from neuro.core._kernels.grid import run_grid
from neuro.core._kernels.grid_plastic import settle_rows, settle_silent
from neuro.core.interrupts import uninterrupted
from neuro.errors import ParameterError
from neuro.network import grid_state
from neuro.network.drives import drive_tables
from neuro.network.engine import compile_driver
from neuro.network.grid_plan import GridPlan, drive_fields
from neuro.network.network import Network
from neuro.network.recorders import RecordWeights
from neuro.network.registry import model_of

__all__ = ["GridEngine"]

log = logging.getLogger(__name__)

_SLICE_S = 0.2  # wall time after which the driver returns
_TILE_NEURONS = 1024  # per call of a step: its rows stay in the first-level cache


class GridEngine:
    """Layout and state of the grid driver.

    Parameters
    ----------
    net : Network
        The description; every projection has a delay.
    seed : int
        Seed of everything drawn.
    threads : int
        Threads asked for; fewer run where a window has too little work.
    precision : {"single", "double"}
        Of weights and accumulators.
    blocks, window, tile : int, optional
        Override the number of target blocks, the steps per window and the neurons per
        call of a step (for tests: the results do not depend on them).
    runaway : {"warn", "stop", "ignore"}
        "warn" looks at the end of a run: a population above half of the rate that
        its refractory time allows. "stop" ends the run once the network's mean rate has
        been that high for 0.1 s; what was recorded is kept. Networks without units are
        not watched.
    """

    def __init__(
        self,
        net: Network,
        seed: int,
        *,
        threads: int = 1,
        precision: str = "single",
        blocks: int | None = None,
        window: int | None = None,
        tile: int = _TILE_NEURONS,
        runaway: str = "warn",
    ) -> None:
        if runaway not in ("warn", "stop", "ignore"):
            raise ParameterError(
                f"runaway: 'warn', 'stop' or 'ignore', got {runaway!r}"
            )
        self.runaway = "ignore" if net.dimensionless else runaway
        self.net, self.seed, self.precision = net, seed, precision
        self.plan = GridPlan(
            net,
            seed,
            threads=threads,
            precision=precision,
            blocks=blocks,
            window=window,
            tile=tile,
            guard=self.runaway == "stop",
        )
        self.threads, self.window = self.plan.threads, self.plan.window
        self.layout = self.plan.layout()
        self.history = np.full(
            max(len(self.plan.classes), 1), grid_state.FIRST_HISTORY, np.int64
        )
        self.state = grid_state.allocate_state(self.plan, self.layout)
        self._place_histories()
        self.probes = grid_state.Probes(self.plan)
        self.step = 0
        self.span = 8 * self.window  # steps that took as long as a slice lately
        self._driver()  # compile or load now: a part of building

    # ---- running ----
    def run(
        self, last: int, progress: Callable[[float, float], None] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Advance to step `last`; return the raster (steps, sources) and the traces."""
        first = self.step
        probe, n_samples = self.probes.place(first, last)
        self.layout = self.layout._replace(probe=probe)
        traces = np.zeros(n_samples)
        self.state = self.state._replace(traces=traces)
        steps: list[NDArray[np.int64]] = []
        sources: list[NDArray[np.int32]] = []
        room = max(1 << 18, 2 * self.plan.n_neurons * self.window)
        keep = bool(self.layout.scalars[5])
        self.state = self.state._replace(
            raster_step=np.zeros(room if keep else 1, np.int64),
            raster_source=np.zeros(room if keep else 1, np.int32),
        )
        driver = self._driver()
        span = self.span
        until = -1
        begun = time.perf_counter()
        self.weight_traces: dict[str, list[tuple[int, NDArray[np.float64]]]] = {}
        if first == 0:
            self._record_weights()
        while self.step < last:
            if until <= self.step:
                drives = drive_tables(self.net, self.plan.order, self.step, self.seed)
                self.layout = self.layout._replace(**drive_fields(drives))
                until = last if drives.until < 0 else min(last, drives.until)
            stop = min(
                until, self.step + span, self._next_sweep(), self._next_weights(last)
            )
            start, before = time.perf_counter(), self.step
            with uninterrupted():
                status = self._drive(driver, stop)
                self.step = int(self.state.cursor[2])
                written = int(self.state.cursor[0])
                if written:
                    steps.append(self.state.raster_step[:written].copy())
                    sources.append(self.state.raster_source[:written].copy())
                    self.state.cursor[0] = 0
                if status == k.NOT_FINITE:
                    self._not_finite()
                if self.step == self._next_sweep(before):
                    self._settle_silent()
                if status == k.DUE_FULL:
                    self.state = grid_state.grow_due(self.state)
                elif status == k.HISTORY_FULL:
                    self.history *= 2
                    self._place_histories()
                if self.step > before:
                    self._record_weights()
            if status == k.RUNAWAY:
                self._say_runaway()
                break
            wall = max(time.perf_counter() - start, 1e-6)
            done = max(self.step - before, 1)
            span = max(self.window, int(min(done * _SLICE_S / wall, 4 * span)))
            span = self.span = -(-span // self.window) * self.window
            if progress is not None:
                progress(
                    (self.step - first) / max(last - first, 1),
                    time.perf_counter() - begun,
                )
        return (
            np.concatenate([*steps, np.zeros(0, np.int64)]),
            np.concatenate([*sources, np.zeros(0, np.int32)]),
            traces,
        )

    def _weight_steps(self, record: RecordWeights) -> NDArray[np.int64]:
        steps = np.floor(record.times / self.net.dt + 0.5)
        return np.asarray(steps, np.int64)

    def _next_weights(self, last: int) -> int:
        """Return the next step at which weights are recorded, `last` if none is."""
        steps = [self._weight_steps(r) for r in self.net.weight_records]
        later = [int(s[s > self.step].min(initial=last)) for s in steps]
        return min([last, *later])

    def _record_weights(self) -> None:
        for r in self.net.weight_records:
            if self.step in self._weight_steps(r):
                values = self.weights(self.net.names.index(r.projection))[2]
                rows = self.weight_traces.setdefault(f"{r.projection}.weight", [])
                rows.append((self.step, values))

    def _driver(self) -> Any:
        return compile_driver(
            run_grid, types.int64, self.plan.models, self.plan.rules, self.layout,
            self.state, 0, 1, 0, 0, 0.0, allocates=False,
        )  # fmt: skip

    def _drive(self, driver: Any, stop: int) -> int:
        self.state.team[:] = 0
        arguments = (self.plan.models, self.plan.rules, self.layout, self.state)
        if self.threads == 1:
            return int(driver(*arguments, 0, 1, self.step, stop, self.net.dt))
        results: list[int] = [0] * self.threads

        def work(thread: int) -> None:
            results[thread] = driver(
                *arguments, thread, self.threads, self.step, stop, self.net.dt
            )

        team = [
            threading.Thread(target=work, args=(t,)) for t in range(1, self.threads)
        ]
        for t in team:
            t.start()
        work(0)
        for t in team:
            t.join()
        return int(results[0])

    def _say_runaway(self) -> None:
        limit = self.layout.unit[1] / max(self.plan.n_neurons, 1) / self.net.dt
        log.warning(
            "runaway activity: above %.0f Hz on average for 0.1 s; stopped at t = %g "
            "s, what was recorded is kept",
            limit,
            self.step * self.net.dt,
        )

    def _not_finite(self) -> None:
        for p in self.plan.pieces.table:
            rows = self.state.state[p[7] : p[7] + p[5] * p[4]].reshape(p[5], p[4])
            bad = np.argwhere(~np.isfinite(rows[:, : p[3]]))
            if bad.size:
                row, i = bad[0]
                name = self.plan.order[p[1]]
                variable = model_of(self.net.populations[name].model).state[row]
                raise ParameterError(
                    f"Population {name!r}: state {variable!r} of neuron {i + p[14]} is "
                    f"not finite ({rows[row, i]}) at step {self.step}, since at most "
                    f"{max(k.CHECK_STEPS, self.window)} steps; check its "
                    "parameters and weights, or use a shorter step"
                )

    def _next_sweep(self, step: int | None = None) -> int:
        """First step after the present (or given) one at which silent rows settle."""
        if self.plan.rules is None:
            return 1 << 62
        every = max(int(self.layout.decay_shape[:, 2].max()), 1)
        return ((self.step if step is None else step) // every + 1) * every

    def _settle_silent(self) -> None:
        arguments = (self.plan.models, self.plan.rules, self.layout, self.state)
        settle = compile_driver(settle_silent, types.void, *arguments, 0)
        settle(*arguments, self.step)

    def _place_histories(self) -> None:
        self.state = grid_state.place_histories(
            self.plan, self.layout.plastic, self.state, self.history
        )

    # ---- weights, checkpoint ----
    def weights(
        self, index: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        """Return (pre, post, weight) of a plastic projection, by source."""
        pre, post, weight = [], [], []
        for i, c in enumerate(self.plan.classes):
            if c.kind != k.PLASTIC or c.projections[0] != index:
                continue
            q = self.net.projections[index]
            for b in range(self.plan.blocks.n):
                at = int(self.plan.table.row_at[b, i])
                n_pre = self.net.n_of(q.pre)
                limits = self.plan.table.indptr[at : at + n_pre + 1]
                shift = int(self.plan.table.weight_shift[b, i])
                low = b * self.plan.blocks.share[q.post]
                for s in range(n_pre):
                    begin, end = int(limits[s]), int(limits[s + 1])
                    if begin == end:
                        continue
                    w = shift + begin * c.fields
                    pre.append(np.full(end - begin, s, np.int32))
                    post.append(
                        self.plan.table.targets[begin:end].astype(np.int32)
                        + np.int32(low)
                    )
                    weight.append(
                        self.state.plastic_weights[w : w + end - begin].astype(float)
                    )
        empty = np.zeros(0, np.int32)
        sources = np.concatenate([*pre, empty])
        order = np.argsort(sources, kind="stable")
        return (
            sources[order],
            np.concatenate([*post, empty])[order],
            np.concatenate([*weight, np.zeros(0)])[order],
        )

    def reward(self, index: int, value: float) -> None:
        """Change the weights of a rewarded projection by `value` times eligibility."""
        settle = compile_driver(
            settle_rows, types.int64, self.plan.rules, self.layout, self.state, 0, 0, 0
        )
        for i, c in enumerate(self.plan.classes):
            if c.kind != k.PLASTIC or c.projections[0] != index:
                continue
            at = int(self.layout.rule_params_at[i])
            self.layout.rule_params[at] = value
            for b in range(self.plan.blocks.n):
                settle(self.plan.rules, self.layout, self.state, b, i, self.step)
            self.layout.rule_params[at] = 0.0

    def save(self) -> dict[str, NDArray[Any]]:
        """Return all that a restored simulation needs."""
        arrays = grid_state.saved_state(self.state)
        arrays["history"] = self.history
        arrays["position"] = np.array(
            [
                self.step, self.state.cursor[1], self.plan.blocks.n,
                grid_state.LAYOUT_VERSION,
            ],
            np.int64,
        )  # fmt: skip
        return arrays

    def load(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over what :meth:`save` returned."""
        step, event = grid_state.check_position(arrays["position"], self.plan.blocks.n)
        if not np.array_equal(arrays["history"], self.history):
            self.history = arrays["history"].copy()
            self._place_histories()
        self.state = grid_state.restore_state(self.state, arrays)
        self.step = step
        self.state.cursor[1] = event
