"""Synapses that come and go: presynaptic unit -> (segment, slot), and back.

The layout of sequence memories. A unit (cell) owns segments, a segment owns synapses
with a permanence in whole units; a synapse is connected when its permanence reaches a
threshold. Every word is uint32:

* synapse of a segment: presynaptic unit (24 bits), permanence in units (8), in blocks
  of 32 to 128 slots, oldest first; a parallel array holds the position in the list.
* entry in the list of a presynaptic unit: segment (24 bits), slot in the segment (8),
  the latter a hint, since deleting closes gaps: the synapse is there or a little below.
* headers of 16 bytes: offset, length and block, all and connected synapses of a unit;
  offset, size, owner and birth of a segment.

Only segments with `match` active synapses are of interest (15 in the published
parameters). So a segment of n synapses has only ``n - match + 6`` of them in the lists:
with `match` active ones at least 6 of these are active. Counting walks a quarter fewer
entries; the few segments that show 6 are verified in their own words, exactly (the
prefix filter of set-similarity joins: Chaudhuri, Ganti & Kaushik, ICDE 2006).

Insertion and deletion are O(1) in the lists; deletion closes the gap inside a segment.
Freed blocks and ids are used again, so memory follows what exists. The widths bound the
layout to 16,777,215 units and segments and to 128 synapses per segment.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.core.arrays import aligned
from neuro.core.growable import _kernels as kernels
from neuro.errors import MemoryLimitError, ParameterError

__all__ = ["MAX_SYNAPSES", "MAX_UNITS", "Growable"]

MAX_UNITS = 2**24 - 1
MAX_SYNAPSES = 128
_MAX_WORDS = 2**32 - 1


class Growable:
    """Growable synapses between units and the segments they own.

    Parameters
    ----------
    n_pre : int
        Presynaptic units; also the owners of segments. At most 16,777,215.
    levels : int
        Largest permanence, in units; at most 255.
    threshold : int
        Permanence from which a synapse is connected.
    match : int
        Active synapses from which a segment is of interest. With 1 every synapse is in
        the list of its unit; with more, so many per segment are left out that a segment
        of interest still shows with six.

    Attributes
    ----------
    store : NamedTuple of arrays
        What kernels work on; replaced when arrays grow.

    Examples
    --------
    >>> synapses = Growable(10, levels=100, threshold=50)
    >>> segment = synapses.add_segment(7, [1, 2, 3], [60, 20, 60])
    >>> counts = np.zeros(synapses.n_post, np.int64)
    >>> synapses.deliver(np.array([1, 2], np.int32), counts), int(counts[segment])
    (2, 1)
    """

    def __init__(
        self, n_pre: int, *, levels: int = 100, threshold: int = 50, match: int = 1
    ) -> None:
        if not 1 <= n_pre <= MAX_UNITS:
            raise ParameterError(
                f"Growable: n_pre must lie in 1..{MAX_UNITS}, got {n_pre}"
            )
        if not 1 <= threshold <= levels <= 255:
            raise ParameterError(
                "Growable: expected 1 <= threshold <= levels <= 255, got "
                f"threshold={threshold}, levels={levels}"
            )
        if not 1 <= match <= MAX_SYNAPSES:
            raise ParameterError(
                f"Growable: match must lie in 1..{MAX_SYNAPSES}, got {match}"
            )
        self.n_pre, self.levels, self.threshold = int(n_pre), int(levels), threshold
        meta = np.zeros(kernels.META_SIZE, np.int64)
        meta[kernels.SEGMENT_FREE] = -1
        meta[kernels.LIST_FREE :] = -1
        meta[kernels.MATCH] = match
        self.store = kernels.Store(
            pre_head=aligned(4 * n_pre, np.uint32).reshape(n_pre, 4),
            lists=np.zeros(0, np.uint32),
            segment_head=np.empty((0, 4), np.uint32),
            segment_link=np.empty((0, 4), np.uint32),
            synapses=np.empty(0, np.uint32),
            positions=np.empty(0, np.uint32),
            cell_first=np.full(n_pre, kernels.NONE, np.uint32),
            cell_segments=np.zeros(n_pre, np.uint16),
            counts=np.empty(0, np.uint8),
            meta=meta,
        )

    @property
    def n_post(self) -> int:
        """Segment ids in use so far, free ones included."""
        return int(self.store.meta[kernels.SEGMENT_TOP])

    @property
    def n_segments(self) -> int:
        """Segments that exist."""
        return int(self.store.meta[kernels.N_SEGMENTS])

    @property
    def n_synapses(self) -> int:
        """Synapses that exist."""
        return int(self.store.meta[kernels.N_SYNAPSES])

    @property
    def nbytes(self) -> int:
        """Bytes of the words in use, free blocks included."""
        meta = self.store.meta
        return int(
            4 * meta[kernels.LIST_TOP]
            + 8 * meta[kernels.SYNAPSE_TOP]
            + 33 * meta[kernels.SEGMENT_TOP]
            + 22 * self.n_pre
        )

    def ensure(self, *, segments: int, synapse_words: int, list_words: int) -> None:
        """Make room for so many further ids and words; arrays at least double.

        Raises
        ------
        MemoryLimitError
            If the 24-bit segment ids or 32-bit offsets are exhausted.
        """
        store, meta = self.store, self.store.meta
        top = int(meta[kernels.SEGMENT_TOP])
        self.store = store._replace(
            lists=_grown(store.lists, int(meta[kernels.LIST_TOP]), list_words),
            synapses=_grown(
                store.synapses, int(meta[kernels.SYNAPSE_TOP]), synapse_words
            ),
            positions=_grown(
                store.positions, int(meta[kernels.SYNAPSE_TOP]), synapse_words
            ),
            segment_head=_grown(store.segment_head, top, segments, MAX_UNITS),
            segment_link=_grown(store.segment_link, top, segments, MAX_UNITS),
            counts=_grown(store.counts, top, segments, MAX_UNITS),
        )

    def add_segment(
        self, unit: int, pre: ArrayLike, permanences: ArrayLike, *, step: int = 0
    ) -> int:
        """Create a segment of `unit` with the given synapses; return its id.

        Parameters
        ----------
        unit : int
            Owner.
        pre : array_like of int, shape (n,)
            Distinct presynaptic units, at most 128.
        permanences : array_like of int, shape (n,)
            Units, 1..levels.
        step : int
            Time stamp of the segment's last activity.
        """
        cells = np.asarray(pre, np.int64)
        values = np.broadcast_to(np.asarray(permanences, np.int64), cells.shape)
        if not 0 <= unit < self.n_pre or (
            cells.size and (cells.min() < 0 or cells.max() >= self.n_pre)
        ):
            raise ParameterError(
                f"Growable.add_segment: units must lie in 0..{self.n_pre - 1}"
            )
        if np.unique(cells).size != cells.size or cells.size > MAX_SYNAPSES:
            raise ParameterError(
                f"Growable.add_segment: expected at most {MAX_SYNAPSES} distinct "
                f"presynaptic units, got {cells.size}, {np.unique(cells).size} distinct"
            )
        if values.size and (values.min() < 1 or values.max() > self.levels):
            raise ParameterError(
                f"Growable.add_segment: permanences must lie in 1..{self.levels}"
            )
        lengths = self.store.pre_head[cells, kernels.LENGTH].astype(np.int64) & 0xFFFFFF
        self.ensure(
            segments=1,
            synapse_words=MAX_SYNAPSES,
            list_words=int((4 * (lengths + 1) + 64).sum()),
        )
        segment = int(kernels.create_segment(self.store, unit, step))
        kernels.reserve_slots(self.store, segment, max(cells.size, 1))
        for k, value in enumerate(values.tolist()):
            kernels.append_synapses(
                self.store, segment, cells[k:], 1, value, int(value >= self.threshold)
            )
        return segment

    def remove_segment(self, segment: int) -> None:
        """Destroy a segment with its synapses."""
        self._owner(segment)
        kernels.destroy_segment(self.store, segment, self.threshold)

    def synapses_of(self, segment: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return presynaptic units and permanences (units), oldest first."""
        self._owner(segment)
        offset, size = (int(v) for v in self.store.segment_head[segment, :2])
        words = self.store.synapses[offset : offset + (size & 255)]
        return (words >> 8).astype(np.int32), (words & 255).astype(np.int32)

    def segments_of(self, unit: int) -> list[int]:
        """Return the segments of a unit, oldest first."""
        found = []
        segment = int(self.store.cell_first[unit])
        while segment != kernels.NONE:
            found.append(segment)
            segment = int(self.store.segment_link[segment, kernels.NEXT])
        return found[::-1]

    def owners(self) -> NDArray[np.int64]:
        """Return the owner of every segment id, -1 for a free id."""
        cells = self.store.segment_head[: self.n_post, kernels.CELL].astype(np.int64)
        cells[cells == kernels.NONE] = -1
        return cells

    def _owner(self, segment: int) -> int:
        if 0 <= segment < self.n_post:
            owner = int(self.store.segment_head[segment, kernels.CELL])
            if owner != kernels.NONE:
                return owner
        raise ParameterError(f"Growable: no segment {segment}")

    def deliver(self, active: NDArray[np.int32], out: NDArray[Any]) -> int:
        """Add 1 per connected synapse of the active units; return synapses visited."""
        active = np.ascontiguousarray(active, np.int32)
        if active.size and (active.min() < 0 or active.max() >= self.n_pre):
            raise ParameterError(
                f"deliver: active units must lie in 0..{self.n_pre - 1}, "
                f"got {int(active.min())}..{int(active.max())}"
            )
        if self.store.meta[kernels.MATCH] > 1:
            raise ParameterError(
                "deliver: made with match > 1, not all are in the lists"
            )
        return int(kernels.deliver(self.store, active, self.threshold, out))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the words in use, for :meth:`from_arrays`."""
        meta = self.store.meta
        tops = {
            "lists": int(meta[kernels.LIST_TOP]),
            "synapses": int(meta[kernels.SYNAPSE_TOP]),
            "positions": int(meta[kernels.SYNAPSE_TOP]),
            "segment_head": self.n_post,
            "segment_link": self.n_post,
            "counts": self.n_post,
        }
        arrays = {
            name: array[: tops.get(name, len(array))].copy()
            for name, array in self.store._asdict().items()
        }
        _blank_unused(arrays)
        return arrays

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        *,
        levels: int,
        threshold: int,
        match: int = 1,
    ) -> "Growable":
        """Rebuild from :meth:`to_arrays`; checked before use.

        Raises
        ------
        ParameterError
            If arrays are missing or inconsistent.
        """
        try:
            n_pre = len(arrays["pre_head"])
            out = cls(n_pre, levels=levels, threshold=threshold, match=match)
            fresh = out.store._asdict()
            out.store = kernels.Store(
                **{
                    name: np.ascontiguousarray(arrays[name], fresh[name].dtype).copy()
                    for name in kernels.Store._fields
                }
            )
        except KeyError as error:
            raise ParameterError(
                f"Growable.from_arrays: array {error.args[0]!r} is missing"
            ) from None
        held = int(out.store.meta[kernels.MATCH])
        if held != match:
            raise ParameterError(
                f"Growable.from_arrays: made with match={held}, not {match}"
            )
        out.check()
        _blank_unused(out.store._asdict())
        return out

    def check(self) -> None:
        """Verify every invariant of the layout.

        Raises
        ------
        ParameterError
            Naming the first violation: a permanence outside 1..levels, a duplicate
            presynaptic unit, forward and reverse indices that disagree, wrong counts.
        """
        store, owners = self.store, self.owners()
        ids = np.flatnonzero(owners >= 0)
        offset = store.segment_head[ids, kernels.OFFSET].astype(np.int64)
        packed = store.segment_head[ids, kernels.SIZE].astype(np.int64)
        size = packed & 255
        self._refuse("a segment overflows its block", ids[size > packed >> 16])
        segment = np.repeat(ids, size)
        slot = np.arange(segment.size) - np.repeat(np.cumsum(size) - size, size)
        at = np.repeat(offset, size) + slot
        words = store.synapses[at].astype(np.int64)
        pre, permanence = words >> 8, words & 255
        bad = (permanence < 1) | (permanence > self.levels)
        self._refuse("a permanence is out of range", segment[bad])
        self._refuse("a presynaptic unit is out of range", segment[pre >= self.n_pre])
        key = np.sort(segment << 24 | pre)
        twice = key[1:] == key[:-1]
        self._refuse("a presynaptic unit occurs twice", key[1:][twice] >> 24)
        position = store.positions[at].astype(np.int64)
        listed = position != kernels.NONE
        lengths = store.pre_head[:, kernels.LENGTH].astype(np.int64) & 0xFFFFFF
        bad = listed & (position >= lengths[pre])
        self._refuse("a position is out of range", segment[bad])
        offset = store.pre_head[pre[listed], kernels.OFFSET].astype(np.int64)
        entry = store.lists[offset + position[listed]].astype(np.int64)
        bad = (entry >> 8 != segment[listed]) | (entry & 255 < slot[listed])
        self._refuse("forward and reverse indices disagree", segment[listed][bad])
        indexed = np.bincount(segment[listed], minlength=self.n_post)[ids]
        match = int(store.meta[kernels.MATCH])
        least = size - match + min(kernels.TRIGGER, match)
        bad = (indexed != packed >> 8 & 255) | (indexed < np.minimum(size, least))
        self._refuse("too few synapses are in the lists", ids[bad])
        on = permanence >= self.threshold
        n = self.n_pre
        for name, found, held in (
            ("list lengths", np.bincount(pre[listed], minlength=n), lengths),
            ("synapses", np.bincount(pre, minlength=n), store.pre_head[:, 2]),
            ("connected ones", np.bincount(pre[on], minlength=n), store.pre_head[:, 3]),
        ):
            if not np.array_equal(found, held):
                raise ParameterError(f"Growable: wrong numbers of {name}")
        owned = np.bincount(owners[ids], minlength=n)
        if (
            not np.array_equal(owned, store.cell_segments)
            or segment.size != self.n_synapses
            or ids.size != self.n_segments
        ):
            raise ParameterError("Growable: wrong numbers of segments or synapses")

    @staticmethod
    def _refuse(what: str, segments: NDArray[np.int64]) -> None:
        if segments.size:
            raise ParameterError(f"Growable: {what} in segment {segments[0]}")

    def __repr__(self) -> str:
        return (
            f"Growable({self.n_pre} units, {self.n_segments} segments, "
            f"{self.n_synapses} synapses)"
        )


def _grown(
    array: NDArray[Any], used: int, more: int, limit: int = _MAX_WORDS
) -> NDArray[Any]:
    """Return `array` with room for `more` rows behind `used`; at least doubled."""
    if used + more <= len(array):
        return array
    if used + more > limit:
        raise MemoryLimitError(
            f"Growable: {used + more} rows exceed the layout's limit of {limit}; "
            "use fewer units or limit segments per unit"
        )
    rows = min(max(used + more, 2 * len(array), 1024), limit)
    shape = (rows, *array.shape[1:])
    out = aligned(math.prod(shape), array.dtype).reshape(shape)
    out[:used] = array[:used]
    return out


def _blank_unused(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Set the slots beyond the sizes of segments to 0: kernels read whole blocks."""
    head = arrays["segment_head"][: int(arrays["meta"][kernels.SEGMENT_TOP])]
    offset, packed = head[:, 0].astype(np.int64), head[:, 1].astype(np.int64)
    size = packed & 255
    unused = (packed >> 16) - size
    slot = np.arange(unused.sum()) - np.repeat(np.cumsum(unused) - unused, unused)
    at = np.repeat(offset + size, unused) + slot
    arrays["synapses"][at] = arrays["positions"][at] = 0
