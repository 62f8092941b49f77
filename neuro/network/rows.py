"""Row classes: how the synapses of a network are laid out for the grid driver.

Synapses of one source object that share weight and delay form one class; every block
holds its own rows of every class. Two passes over the regenerated synapses (count, then
fill) build the rows without an edge list.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core._kernels import rows as kernels
from neuro.core._kernels.grid_layout import GROUPED, PLASTIC, SHARED, WEIGHTED
from neuro.core.connectivity import Connectivity
from neuro.errors import ParameterError
from neuro.network.checks import MAX_DELAY_STEPS
from neuro.network.expand import Synapses, chunks, delay_steps
from neuro.network.network import Network
from neuro.network.registry import rule_of
from neuro.network.rules import Rule
from neuro.network.weight_steps import code_type, largest_code

__all__ = ["Blocks", "RowClass", "RowTable", "build_rows", "classify"]

_INT16_MAX, _INT32_MAX = 32_767, 2_147_483_647


@dataclass(slots=True)
class RowClass:
    """Synapses of one source object that are delivered in the same way."""

    kind: int
    source: str
    delay: int
    weight: float
    projections: list[int] = field(default_factory=list)
    fields: int = 1
    twice: bool = False  # the weight is kept in field 1 too
    axonal: bool = False
    split: bool = False  # holds the synapses of its delay only
    shortest: int = 0
    longest: int = 0
    step: float = 0.0  # all weights are multiples of it, stored as integers
    most: int = 0  # steps of the largest weight

    def note_delays(self, delay: NDArray[np.int32]) -> None:
        """Widen the range of delays by those of a piece of synapses."""
        if delay.size:
            low, high = int(delay.min()), int(delay.max())
            self.longest = max(self.longest, high)
            self.shortest = min(self.shortest, low) if self.shortest else low


@dataclass(frozen=True, slots=True)
class Blocks:
    """Which columns the targets of a population have in each block.

    Attributes
    ----------
    n : int
        Number of blocks.
    share : dict of int
        Targets of a population per block (the last may have fewer).
    column : dict of ndarray of int64, shape (n_blocks,)
        First column of (population, port) in every block.
    width : ndarray of int64, shape (n_blocks,)
        Columns per ring slot; the last eight are padding, the first of them the dummy.
    """

    n: int
    share: dict[str, int]
    column: dict[tuple[str, str], NDArray[np.int64]]
    width: NDArray[np.int64]


@dataclass(slots=True)
class RowTable:
    """The rows of all classes in all blocks, and what was learnt while counting."""

    row_at: NDArray[np.int64]
    weight_shift: NDArray[np.int64]
    group_at: NDArray[np.int64]
    indptr: NDArray[np.int64]
    targets: NDArray[np.uint16]
    weights: NDArray[Any]
    plastic_weights: NDArray[Any]
    group_ptr: NDArray[np.int64]
    group_delay: NDArray[np.uint16]
    group_count: NDArray[np.uint16]
    out_degree: list[NDArray[np.int64]]  # per projection and source
    zero_degree: list[NDArray[np.int64] | None]


def _one_value(values: Any) -> float | None:
    """Return the value of a homogeneous weight, None if it varies."""
    if values is None:
        return 1.0
    if np.ndim(values) == 0 and not hasattr(values, "draw"):
        return float(values)
    return None


def classify(net: Network, seed: int) -> list[RowClass]:
    """Sort the projections into row classes, source by source.

    A plastic projection has one class for each of its delays.
    """
    classes: list[RowClass] = []
    coded = code_type(net) is not None
    for source in [*net.populations, *net.sources]:
        known: dict[tuple[Any, ...], RowClass] = {}
        for k, q in enumerate(net.projections):
            if q.pre != source:
                continue
            if q.delay is None:
                raise ParameterError(f"Projection {net.names[k]!r}: needs a delay")
            weight = _one_value(q.weight)
            if isinstance(q.rule, Connectivity) and not isinstance(q.rule, Rule):
                own = np.asarray(getattr(q.rule, "weights", np.zeros(0)))
                same = own.size > 0 and (own == own[0]).all()
                weight = weight * float(own[0]) if same and weight is not None else None
            delay, key = 0, (GROUPED,)  # type: tuple[int, tuple[Any, ...]]
            if np.ndim(q.delay) == 0 and not hasattr(q.delay, "draw"):
                steps, _ = delay_steps(float(q.delay), net.dt, net.names[k])
                delay = int(steps)
                key = (WEIGHTED, delay)
                if weight is not None:
                    key = (SHARED, delay, weight)
            if q.plasticity is not None:
                rule = rule_of(q.plasticity)
                axonal = getattr(q.plasticity, "delay_on", "dendrite") == "axon"
                twice = rule.fields[0] == "delivered"
                classes += [
                    RowClass(
                        PLASTIC, source, d, 0.0, [k], len(rule.fields), twice, axonal,
                        not delay,
                    )
                    for d in ([delay] if delay else _delays(net, k, seed))
                ]  # fmt: skip
                continue
            step = float(q.weight_step or 0.0) if coded and key[0] != SHARED else 0.0
            if (*key, step) not in known:
                made = RowClass(key[0], source, delay, weight or 0.0, step=step)
                known[*key, step] = made
                classes.append(made)
            found = known[*key, step]
            found.projections.append(k)
            if step:
                found.most = max(found.most, largest_code(q))
    return classes


def _pieces(net: Network, k: int, seed: int, **want: bool) -> Any:
    q = net.projections[k]
    return chunks(
        q,
        net.n_of(q.pre),
        net.n_of(q.post),
        name=net.names[k],
        dt=net.dt,
        seed=seed,
        limit=MAX_DELAY_STEPS,
        **want,
    )


def _delays(net: Network, k: int, seed: int) -> list[int]:
    """Return the different delays of a projection's synapses, in steps."""
    found = [np.unique(s.delay) for s in _pieces(net, k, seed, weights=False)]
    return [int(d) for d in np.unique(np.concatenate([*found, np.zeros(0, np.int32)]))]


def _groups(classes: list[RowClass]) -> list[list[int]]:
    """Return the classes whose synapses are drawn together: those of one projection."""
    groups: dict[tuple[int, int], list[int]] = {}
    for c, row_class in enumerate(classes):
        key = (1, row_class.projections[0]) if row_class.split else (0, c)
        groups.setdefault(key, []).append(c)
    return list(groups.values())


def _share(s: Synapses, row_class: RowClass) -> Synapses:
    """Return those synapses of a piece that belong to a class."""
    if not row_class.split:
        return s
    own = s.delay == row_class.delay
    weight = s.weight[own] if s.weight.size else s.weight
    return Synapses(s.pre[own], s.post[own], weight, s.delay[own])


def integer_unit(classes: list[RowClass]) -> float:
    """Return the unit of which all weights are small multiples, 0 if there is none."""
    if not classes or any(c.kind != SHARED and not c.step for c in classes):
        return 0.0
    values = np.array([c.step or c.weight for c in classes])
    if not values.any():
        return 1.0
    unit = float(np.abs(values[values != 0]).min())
    ratio = values / unit
    whole = np.abs(ratio - np.rint(ratio)) <= 1e-9 * np.abs(ratio)
    return unit if whole.all() and np.abs(ratio).max() <= 1000 else 0.0


def _ring_units(row_class: RowClass, unit: float) -> int:
    """Return the largest weight of a class in units of an integer ring."""
    if row_class.step:
        return row_class.most * round(row_class.step / unit)
    return abs(round(row_class.weight / unit))


def build_rows(
    net: Network,
    classes: list[RowClass],
    blocks: Blocks,
    *,
    seed: int,
    precision: str,
) -> tuple[RowTable, float, Any]:
    """Count and fill all rows; return them, the ring's unit and its dtype."""
    n_blocks, n_classes = blocks.n, len(classes)
    row_at = np.zeros((n_blocks, max(n_classes, 1)), np.int64)
    n_rows = 0
    for b in range(n_blocks):
        for c, row_class in enumerate(classes):
            row_at[b, c] = n_rows
            n_rows += net.n_of(row_class.source) + 1
    counts = np.zeros(n_rows, np.int64)
    unit = integer_unit(classes) if precision == "single" else 0.0
    out_degree = [np.zeros(net.n_of(q.pre), np.int64) for q in net.projections]
    in_sum = {
        name: np.zeros(p.n if unit else 0, np.int64)
        for name, p in net.populations.items()
    }
    columns = dict(blocks.column)
    groups = _groups(classes)
    for members in groups:
        split = classes[members[0]].split
        for k in classes[members[0]].projections:
            q = net.projections[k]
            for piece in _pieces(net, k, seed, weights=False, delays=split):
                for c in members:
                    s = _share(piece, classes[c])
                    at = np.ascontiguousarray(row_at[:, c])
                    step = _ring_units(classes[c], unit) if unit else 0
                    kernels.count_rows(s.pre, s.post, blocks.share[q.post], at, counts)
                    kernels.count_degrees(
                        s.pre, s.post, out_degree[k], in_sum[q.post], step
                    )
    ring: Any = np.float64 if precision == "double" else np.float32
    if unit:
        most = max([int(x.max(initial=0)) for x in in_sum.values()], default=0)
        repeated = any(c.source in net.sources for c in classes)
        ring = np.int16 if most <= _INT16_MAX and not repeated else np.int32
        if most > _INT32_MAX // (16 if repeated else 1):  # bursts of a stream
            unit, ring = 0.0, np.float32
    table = _allocate(net, classes, blocks, row_at, counts, out_degree, precision)
    cursor = table.indptr.copy()
    delays, delay_shift = _delay_room(table, classes, n_blocks, net)
    for members in groups:
        kind, split = classes[members[0]].kind, classes[members[0]].split
        for k in classes[members[0]].projections:
            q = net.projections[k]
            share, column = blocks.share[q.post], columns[q.post, q.port]
            want = {"weights": kind != SHARED, "delays": split or kind == GROUPED}
            zeros = np.zeros(net.n_of(q.pre), np.int64)
            for piece in _pieces(net, k, seed, **want):
                for c in members:
                    s, row_class = _share(piece, classes[c]), classes[c]
                    at = np.ascontiguousarray(row_at[:, c])
                    if kind == SHARED:
                        kernels.fill_targets(
                            s.pre, s.post, share, at, column, cursor, table.targets
                        )
                        continue
                    _fill(
                        table, s, row_class, share, at, column,
                        np.ascontiguousarray(table.weight_shift[:, c]),
                        delay_shift[:, c], cursor, counts, delays,
                    )  # fmt: skip
                    if kind == GROUPED:
                        row_class.note_delays(s.delay)
                none = piece.weight == 0
                if none.any():
                    zeros += np.bincount(piece.pre[none], minlength=zeros.size)
            if kind == SHARED and classes[members[0]].weight == 0:
                zeros = out_degree[k]
            table.zero_degree[k] = zeros if zeros.any() else None
    _group_rows(table, classes, blocks, delays, delay_shift, net)
    return table, unit, ring


def _fill(
    table: RowTable,
    s: Synapses,
    row_class: RowClass,
    share: int,
    at: NDArray[np.int64],
    column: NDArray[np.int64],
    shift: NDArray[np.int64],
    delay_shift: NDArray[np.int64],
    cursor: NDArray[np.int64],
    counts: NDArray[np.int64],
    delays: NDArray[np.uint16],
) -> None:
    if row_class.kind == PLASTIC:
        kernels.fill_plastic(
            s.pre, s.post, s.weight, share, at, table.indptr, counts,
            row_class.fields, row_class.twice, shift, cursor, table.targets,
            table.plastic_weights,
        )  # fmt: skip
    else:
        weight = np.rint(s.weight / row_class.step) if row_class.step else s.weight
        kernels.fill_weighted(
            s.pre, s.post, weight, s.delay, share, at, column, shift,
            np.ascontiguousarray(delay_shift), cursor, table.targets, table.weights,
            delays,
        )  # fmt: skip


def _allocate(
    net: Network,
    classes: list[RowClass],
    blocks: Blocks,
    row_at: NDArray[np.int64],
    counts: NDArray[np.int64],
    out_degree: list[NDArray[np.int64]],
    precision: str,
) -> RowTable:
    n_blocks, n_classes = blocks.n, len(classes)
    indptr = np.zeros(max(counts.size, 1), np.int64)
    shift = np.zeros((n_blocks, max(n_classes, 1)), np.int64)
    n_targets = n_weights = n_plastic = 0
    regions = []
    for b in range(n_blocks):
        for c, row_class in enumerate(classes):
            padded = row_class.kind in (SHARED, WEIGHTED)
            n_targets = -(-n_targets // 4) * 4
            start = n_targets
            n_targets = kernels.row_limits(
                counts, row_at[b, c], net.n_of(row_class.source), start,
                4 if padded else 1, indptr,
            )  # fmt: skip
            regions.append((start, n_targets, int(blocks.width[b]) - 8))
            if row_class.kind in (WEIGHTED, GROUPED):
                shift[b, c] = n_weights - start
                n_weights += n_targets - start
            elif row_class.kind == PLASTIC:
                shift[b, c] = n_plastic - start * row_class.fields
                n_plastic += (n_targets - start) * row_class.fields
    targets = np.empty(-(-n_targets // 4) * 4 + 4, np.uint16)
    for start, stop, dummy in regions:
        targets[start:stop] = dummy
    plain: Any = np.float64 if precision == "double" else np.float32
    dtype = code_type(net) if any(c.step for c in classes) else plain
    return RowTable(
        row_at=row_at,
        weight_shift=shift,
        group_at=np.zeros((n_blocks, max(n_classes, 1)), np.int64),
        indptr=indptr,
        targets=targets,
        weights=np.zeros(n_weights, dtype),
        plastic_weights=np.zeros(n_plastic, plain),
        group_ptr=np.zeros(1, np.int64),
        group_delay=np.zeros(0, np.uint16),
        group_count=np.zeros(0, np.uint16),
        out_degree=out_degree,
        zero_degree=[None] * len(net.projections),
    )


def _delay_room(
    table: RowTable, classes: list[RowClass], n_blocks: int, net: Network
) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    shift = np.zeros((n_blocks, max(len(classes), 1)), np.int64)
    n = 0
    for b in range(n_blocks):
        for c, row_class in enumerate(classes):
            if row_class.kind == GROUPED:
                first = table.row_at[b, c]
                start = int(table.indptr[first])
                stop = int(table.indptr[first + net.n_of(row_class.source)])
                shift[b, c] = n - start
                n += stop - start
    return np.zeros(n, np.uint16), shift


def _group_rows(
    table: RowTable,
    classes: list[RowClass],
    blocks: Blocks,
    delays: NDArray[np.uint16],
    delay_shift: NDArray[np.int64],
    net: Network,
) -> None:
    """Sort grouped rows by delay and write their group tables."""
    sizes, places = [], []
    n = 0
    for b in range(blocks.n):
        for c, row_class in enumerate(classes):
            if row_class.kind != GROUPED:
                continue
            n_pre = net.n_of(row_class.source)
            groups = np.zeros(n_pre, np.int64)
            kernels.sort_by_delay(
                table.indptr, int(table.row_at[b, c]), n_pre,
                int(table.weight_shift[b, c]), int(delay_shift[b, c]),
                row_class.longest, table.targets, table.weights, delays, groups,
            )  # fmt: skip
            table.group_at[b, c] = n
            n += n_pre + 1
            sizes.append(groups)
            places.append((b, c, n_pre))
    if not sizes:
        return
    group_ptr = np.zeros(n, np.int64)
    total = 0
    for (b, c, n_pre), groups in zip(places, sizes, strict=True):
        at = table.group_at[b, c]
        group_ptr[at] = total
        np.cumsum(groups, out=group_ptr[at + 1 : at + n_pre + 1])
        group_ptr[at + 1 : at + n_pre + 1] += total
        total = int(group_ptr[at + n_pre])
    table.group_ptr = group_ptr
    table.group_delay = np.zeros(total, np.uint16)
    table.group_count = np.zeros(total, np.uint16)
    for b, c, n_pre in places:
        kernels.write_groups(
            table.indptr, int(table.row_at[b, c]), n_pre, int(delay_shift[b, c]),
            delays, int(table.group_at[b, c]), group_ptr, table.group_delay,
            table.group_count,
        )  # fmt: skip
