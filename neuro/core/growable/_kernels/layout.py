"""Words, headers and arrays of the growable layout, described in the package above.

All words are uint32 and are widened to int64 when read, since Numba turns a sum of
uint64 and int64 into a float.
"""

from typing import NamedTuple

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic, overload

from neuro.compiled import kernel

NONE = 0xFFFFFFFF
FIRST_BLOCK = 32  # entries of the smallest block of a list, slots of a segment's
LIST_CLASSES = 26  # list blocks of 32 << k entries
SEGMENT_CLASSES = 4  # segment blocks of 32, 64, 96, 128 slots
TRIGGER = 6  # indexed synapses that must be active before a segment is looked at

# columns of `pre_head`: LENGTH is the length | (1 + class of the block) << 24;
# TOTAL and CONNECTED count synapses, in the list or not
OFFSET, LENGTH, TOTAL, CONNECTED = 0, 1, 2, 3
# columns of `segment_head`: OFFSET, then size | indexed << 8 | capacity << 16, cell,
# birth
SIZE, CELL, BIRTH = 1, 2, 3
# columns of `segment_link`
LAST_ACTIVE, NEXT, PREVIOUS = 0, 1, 2

# entries of `meta`
LIST_TOP, SYNAPSE_TOP, SEGMENT_TOP, SEGMENT_FREE = 0, 1, 2, 3
N_SEGMENTS, N_SYNAPSES, BIRTHS, MATCH = 4, 5, 6, 7
LIST_FREE = 8  # + class
SEGMENT_BLOCK_FREE = LIST_FREE + LIST_CLASSES  # + class
META_SIZE = SEGMENT_BLOCK_FREE + SEGMENT_CLASSES


class Store(NamedTuple):
    """Arrays of the layout."""

    pre_head: np.ndarray  # uint32 (n_pre, 4)
    lists: np.ndarray  # uint32 (list pool,)
    segment_head: np.ndarray  # uint32 (segments, 4)
    segment_link: np.ndarray  # uint32 (segments, 4)
    synapses: np.ndarray  # uint32 (synapse pool,)
    positions: np.ndarray  # uint32 (synapse pool,)
    cell_first: np.ndarray  # uint32 (n_cells,)
    cell_segments: np.ndarray  # uint16 (n_cells,)
    counts: np.ndarray  # uint8 (segments,)
    meta: np.ndarray  # int64 (META_SIZE,)


@intrinsic
def _prefetch(typingctx, array, index):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        array_type, index_type = signature.args
        held = context.make_array(array_type)(context, builder, args[0])
        position = context.cast(builder, args[1], index_type, types.intp)
        stride = context.get_constant(types.intp, array_type.dtype.bitwidth // 8)
        for _ in range(array_type.ndim - 1):
            stride = builder.extract_value(held.strides, 0)
        base = builder.ptrtoint(held.data, position.type)
        pointer = builder.inttoptr(
            builder.add(base, builder.mul(position, stride)), cgutils.voidptr_t
        )
        void = cgutils.ir.VoidType() if hasattr(cgutils, "ir") else None
        i32 = cgutils.int32_t
        function = cgutils.get_or_insert_function(
            builder.module,
            cgutils.ir.FunctionType(void, [cgutils.voidptr_t, i32, i32, i32]),
            "llvm.prefetch.p0",
        )
        builder.call(function, [pointer, i32(1), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.none(array, index), codegen


def prefetch(array, index):  # type: ignore[no-untyped-def]
    """Ask for the cache line of ``array[index]``; no effect on results."""


@overload(prefetch, inline="always")
def _prefetch_overload(array, index):  # type: ignore[no-untyped-def]
    def implementation(array, index):  # type: ignore[no-untyped-def]
        _prefetch(array, index)

    return implementation


@kernel(allocates=False)
def ones(word):  # type: ignore[no-untyped-def]
    """Return the number of set bits of a 32-bit word."""
    w = np.uint32(word)
    w -= (w >> np.uint32(1)) & np.uint32(0x55555555)
    w = (w & np.uint32(0x33333333)) + ((w >> np.uint32(2)) & np.uint32(0x33333333))
    w = (w + (w >> np.uint32(4))) & np.uint32(0x0F0F0F0F)
    return np.int64(np.uint32(w * np.uint32(0x01010101)) >> np.uint32(24))
