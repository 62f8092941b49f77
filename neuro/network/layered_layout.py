"""Layout of the step driver: nodes, links, rows and recorders as plain tables.

The static part of :mod:`neuro.network.layered`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core._kernels import layered as k
from neuro.core.arrays import aligned, padded
from neuro.core.connectivity import Connectivity, Rows
from neuro.errors import ParameterError
from neuro.network.checks import parameter_rows, topological_order
from neuro.network.drives import DriveTable, drive_tables, stream_key
from neuro.network.engine import model_tuple
from neuro.network.expand import expand
from neuro.network.network import Network
from neuro.network.registry import model_of
from neuro.network.rules import Rule
from neuro.network.stimuli import Frames, to_steps
from neuro.network.weights import ColumnReader, WeightSource

__all__ = ["LayeredLayout"]


class _Link:
    """One kernel link: a projection, or the part of it that has one delay."""

    def __init__(self, projection: int, dense: bool, delay: int) -> None:
        self.projection, self.dense, self.delay = projection, dense, delay
        self.rows: NDArray[np.float64] = np.zeros(0)
        self.variance: NDArray[np.float64] | None = None
        self.adc: tuple[float, float, int] | None = None
        self.indptr = np.zeros(0, np.int64)
        self.indices = np.zeros(0, np.int32)
        self.weights = np.zeros(0)
        self.length = np.zeros(0, np.int64)
        self.zero = np.zeros(0, np.int64)


class LayeredLayout:
    """Tables of a network for the step driver.

    Parameters
    ----------
    net : Network
        The description.
    seed : int
        Seed of everything drawn.
    """

    def __init__(self, net: Network, seed: int) -> None:
        self.net, self.seed = net, seed
        for name, q in zip(net.names, net.projections, strict=True):
            if q.plasticity is not None:
                raise ParameterError(
                    f"Projection {name!r}: plasticity needs Simulation.run; batches, "
                    "same-step edges, dense rows and frames run with fixed weights"
                )
        self.order = topological_order(net)
        self.models, self.model_index = model_tuple(net)
        self.readers: list[tuple[int, ColumnReader]] = []
        self.sources: list[tuple[int, WeightSource]] = []
        self.links: list[_Link] = []
        for index in range(len(net.projections)):
            self._add_links(index)
        self._lay_out()

    def _add_links(self, index: int) -> None:
        net, q, name = self.net, self.net.projections[index], self.net.names[index]
        n_pre, n_post = net.n_of(q.pre), net.n_of(q.post)
        rule = q.rule
        hardware = isinstance(rule, WeightSource)
        whole = isinstance(rule, Rows) or hardware
        scalar = q.delay is None or (np.ndim(q.delay) == 0 and not q.random)
        if whole and scalar and np.ndim(q.weight if q.weight is not None else 1.0) == 0:
            delay = 0 if q.delay is None else round(float(q.delay) / net.dt)
            link = _Link(index, True, delay)
            factor = 1.0 if q.weight is None else float(q.weight)
            if isinstance(rule, ColumnReader):
                self.readers.append((index, rule))
                link.dense = False
                link.indptr = np.zeros(n_pre + 1, np.int64)
            elif hardware:
                self.sources.append((len(self.links), rule))
                if factor != 1.0:
                    raise ParameterError(
                        f"Projection {name!r}.weight: hardware weights take no factor; "
                        "scale the source"
                    )
            else:
                link.rows = (rule.rows.astype(np.float64) * factor).ravel()
            link.length = np.full(n_pre, n_post, np.int64)
            link.zero = np.zeros(n_pre, np.int64)
            if link.rows.size or n_post == 0:
                link.zero = n_post - np.count_nonzero(
                    link.rows.reshape(n_pre, n_post), axis=1
                )
            self.links.append(link)
            return
        if hardware:
            raise ParameterError(
                f"Projection {name!r}: hardware weights need one delay (or None)"
            )
        if not isinstance(rule, Rule | Connectivity):
            raise TypeError(type(rule).__name__)
        s = expand(q, n_pre, n_post, name=name, dt=net.dt, seed=self.seed)
        for delay in np.unique(s.delay) if s.delay.size else np.zeros(1, np.int32):
            link = _Link(index, False, int(delay))
            keep = s.delay == delay
            pre = s.pre[keep].astype(np.int64)
            rows = np.argsort(pre, kind="stable")
            link.indices = s.post[keep][rows]
            link.weights = s.weight[keep][rows]
            link.length = np.bincount(pre, minlength=n_pre).astype(np.int64)
            link.indptr = np.concatenate([[0], np.cumsum(link.length)]).astype(np.int64)
            empty = link.weights == 0
            link.zero = np.bincount(pre[rows][empty], minlength=n_pre).astype(np.int64)
            self.links.append(link)

    def _lay_out(self) -> None:
        net = self.net
        names = [*net.sources, *self.order]
        self.node_of = {name: i for i, name in enumerate(names)}
        shift = 0 if net.convention == "brian2" else 1
        depth = dict.fromkeys(names, 1)
        streams: dict[str, tuple[NDArray[np.int64], NDArray[np.int32]]] = {}
        for name, s in net.sources.items():
            if not isinstance(s, Frames):
                streams[name] = to_steps(s, net.dt)
        for link in self.links:
            q = net.projections[link.projection]
            if q.pre in streams:
                # an event at step s is due at s + delay: the advance before it
                link.delay -= shift
            depth[q.pre] = max(depth[q.pre], link.delay + 1)
        node = np.zeros((len(names), 5), np.int64)
        values_at = np.full(len(names), -1, np.int64)
        source = np.zeros((max(len(names), 1), 2), np.int64)
        n_list = n_count = n_values = 0
        columns = {k.BINARY: 0, k.REAL: 0}
        stream_step, stream_channel, n_events = [], [], 0
        self.frame_columns: dict[str, tuple[int, int]] = {}
        self.stream_start: dict[int, int] = {}
        for i, name in enumerate(names):
            n, width = net.n_of(name), net.n_of(name)
            kind, real = k.POPULATION, False
            if name in streams:
                kind = k.STREAM
                steps, channels = streams[name]
                counts = np.unique(steps, return_counts=True)[1]
                width = int(counts.max()) if counts.size else 1
                source[i] = width, n_events + steps.size
                self.stream_start[i] = n_events
                stream_step.append(steps)
                stream_channel.append(channels)
                n_events += steps.size
            elif name in net.sources:
                frame = net.sources[name]
                real = isinstance(frame, Frames) and frame.values == "real"
                kind = k.REAL if real else k.BINARY
                source[i, 0] = columns[kind]
                self.frame_columns[name] = (kind, columns[kind])
                columns[kind] += n
            else:
                real = model_of(net.populations[name].model).output is not None
            node[i] = kind, n, depth[name], n_list, n_count
            if real:
                values_at[i] = n_values
                n_values += n * depth[name]
            n_list += width * depth[name]
            n_count += depth[name]
        self.columns = (columns[k.BINARY], columns[k.REAL])
        self.sizes = (n_list, n_values, n_count)
        self._lay_out_populations()
        self._lay_out_links()
        self._lay_out_probes()
        empty_i, empty_f = np.zeros(0, np.int64), np.zeros(0)
        self.layout = k.Layout(
            node=node,
            values_at=values_at,
            source=source,
            stream_step=np.concatenate([*stream_step, empty_i]),
            stream_channel=np.concatenate([*stream_channel, np.zeros(0, np.int32)]),
            pop=self.pop,
            pop_links=self.pop_links,
            link=self.link_table,
            adc=self.adc,
            rows=self.rows,
            variances=self.variances,
            indptr=np.concatenate([*(x.indptr for x in self.links), empty_i]),
            indices=np.concatenate(
                [*(x.indices for x in self.links), np.zeros(0, np.int32)]
            ),
            weights=np.concatenate([*(x.weights for x in self.links), empty_f]),
            row_length=self.row_length,
            row_zero=self.row_zero,
            gains=self.gains,
            noise_stream=self.noise_stream,
            params=self.params,
            probe=self.probe,
            probe_index=self.probe_index,
            **self._drive_fields(drive_tables(net, self.order, 0, self.seed)),
        )

    @staticmethod
    def _drive_fields(table: DriveTable) -> dict[str, Any]:
        return {
            "pop_drives": table.pop_drives,
            "drive": table.drive,
            "drive_weight": table.weight,
            "drive_stream": table.stream,
            "levels": table.levels,
            "values": table.values,
        }

    def _lay_out_populations(self) -> None:
        net = self.net
        first = {}
        total = 0
        for name, p in net.populations.items():
            first[name] = total
            total += p.n
        self.first, self.n_neurons = first, total
        rows, params, start = [], [], []
        n_state = n_inputs = n_flags = n_params = 0
        for name in self.order:
            p = net.populations[name]
            model = model_of(p.model)
            ld = padded(max(p.n, 1))
            values = parameter_rows(p, net.dt, net.convention)
            wide = np.zeros((values.shape[0], padded(values.shape[1])))
            if values.shape[1] == 1:
                wide = values
            else:
                wide[:, : values.shape[1]] = values
            output = -1 if model.output is None else model.state.index(model.output)
            rows.append(
                [
                    p.n, self.model_index[name], ld, len(model.state),
                    len(model.ports), n_state, n_inputs, n_flags, n_params,
                    wide.shape[0], wide.shape[1], first[name], output,
                ]
            )  # fmt: skip
            state = np.zeros((len(model.state), ld))
            state[:, : p.n] = net.initial(name, self.seed)
            start.append(state.ravel())
            params.append(wide.ravel())
            n_state += state.size
            n_inputs += len(model.ports) * ld
            n_flags += ld
            n_params += wide.size
        self.pop = np.array(rows, np.int64).reshape(-1, 13)
        self.params = aligned(n_params, np.float64)
        self.params[:] = np.concatenate([*params, np.zeros(0)])
        self.start = np.concatenate([*start, np.zeros(0)])
        self.n_inputs, self.n_flags = n_inputs, n_flags
        self.widest = max([padded(p.n) for p in net.populations.values()], default=8)

    def _lay_out_links(self) -> None:
        net = self.net
        in_order: list[int] = []
        ptr = [0]
        for name in self.order:
            in_order += [
                i
                for i, x in enumerate(self.links)
                if net.projections[x.projection].post == name
            ]
            ptr.append(len(in_order))
        old = self.links
        self.links = [old[i] for i in in_order]
        self.sources = [(in_order.index(i), s) for i, s in self.sources]
        self.pop_links = np.array(ptr, np.int64)
        table, lengths, zeros, gains = [], [], [], []
        n_rows = n_sparse = n_var = n_pre_all = n_ptr = n_gain = 0
        hardware = {i for i, _ in self.sources}
        for i, x in enumerate(self.links):
            q = net.projections[x.projection]
            n_pre, n_post = net.n_of(q.pre), net.n_of(q.post)
            port = model_of(net.populations[q.post].model).ports.index(q.port)
            gain_at = -1
            if q.gain is not None:
                gain_at = n_gain
                gains.append(np.asarray(q.gain, np.float64))
                n_gain += gains[-1].size
            table.append(
                [
                    self.node_of[q.pre], x.delay, k.DENSE if x.dense else k.SPARSE,
                    n_rows if x.dense else n_sparse,
                    n_var if i in hardware else -1, gain_at, n_pre_all, n_ptr, port,
                ]
            )  # fmt: skip
            if x.dense:
                n_rows += n_pre * n_post
            else:
                n_sparse += x.weights.size
                n_ptr += x.indptr.size
            if i in hardware:
                n_var += n_pre * n_post
            n_pre_all += n_pre
            lengths.append(x.length)
            zeros.append(x.zero)
        none = np.zeros(0, np.int64)
        self.link_table = np.array(table, np.int64).reshape(-1, 9)
        self.row_length = np.concatenate([*lengths, none])
        self.row_zero = np.concatenate([*zeros, none]).astype(np.int64)
        self.gains = np.concatenate([*gains, np.zeros(0)])
        self.rows = aligned(n_rows, np.float64)
        for i, x in enumerate(self.links):
            if x.dense and x.rows.size:
                at = self.link_table[i, 3]
                self.rows[at : at + x.rows.size] = x.rows
                x.rows = np.zeros(0)
        self.variances = np.zeros(n_var)
        self.adc = np.zeros((len(self.links), 3))
        self.noise_stream = np.array(
            [
                stream_key(self.seed, net.names[x.projection], "read noise")
                for x in self.links
            ],
            np.uint64,
        )

    def _lay_out_probes(self) -> None:
        rows: list[list[int]] = []
        index: list[NDArray[np.int32]] = []
        n = 0
        self.probe_names: list[tuple[str, NDArray[np.int32], int]] = []
        for i, name in enumerate(self.order):
            r = self.net.records.get(name)
            if r is None:
                continue
            state = model_of(self.net.populations[name].model).state
            chosen = (
                np.arange(self.net.populations[name].n, dtype=np.int32)
                if r.indices is None
                else r.indices
            )
            interval = (
                1
                if r.interval is None
                else max(1, round(float(r.interval) / self.net.dt))
            )
            for v in r.variables:
                end = n + chosen.size
                rows.append([i, state.index(v), interval, n, end, 0, 0])
                index.append(chosen)
                n += chosen.size
                self.probe_names.append((f"{name}.{v}", chosen, interval))
        self.probe = np.array(rows, np.int64).reshape(-1, 7)
        self.probe_index = np.concatenate([*index, np.zeros(0, np.int32)])
