"""Growth and reinforcement of segments, choice of the cell that learns."""

import numpy as np

from neuro.compiled import kernel
from neuro.core.growable._kernels import (
    LAST_ACTIVE,
    NEXT,
    NONE,
    OFFSET,
    SIZE,
    adapt,
    append_synapses,
    create_segment,
    destroy_segment,
    drop_weakest,
    ones,
    reserve_slots,
)
from neuro.htm._kernels.state import (
    DESTROYED,
    GROWN,
    N_WINNERS,
    NOW,
    PLASTIC,
    STEP,
)


@kernel(allocates=False)
def draw(state, n):  # type: ignore[no-untyped-def]
    """Return an integer in 0..n-1 (SplitMix64, Steele et al. 2014); advances `state`.

    The top 32 bits are scaled: bias below n / 2**32.
    """
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.int64(((z >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@kernel(allocates=False)
def candidates_for(store, memory, segment, masks):  # type: ignore[no-untyped-def]
    """List the previous winners that are no source of a segment; return their number.

    Winners were active, so only the segment's active synapses need a look.
    """
    info, mark, taken = memory.info, memory.mark, memory.taken
    winners, candidates = memory.winners[info[NOW]], memory.candidates
    offset = np.int64(store.segment_head[segment, OFFSET])
    size = np.int64(store.segment_head[segment, SIZE]) & 255
    for begin in range(0, size, 32):
        left = masks[begin >> 5]
        while left:
            low = left & np.uint32(-np.int64(left))
            left ^= low
            word = store.synapses[offset + begin + ones(low - np.uint32(1))]
            at = mark[word >> np.uint32(8)]
            if at:
                taken[at - 1] = 1
    n = 0
    for j in range(info[N_WINNERS]):
        candidates[n] = winners[j]
        n += 1 - np.int64(taken[j])
        taken[j] = 0
    return n


@kernel(allocates=False)
def grow(store, memory, rules, segment, n, n_candidates):  # type: ignore[no-untyped-def]
    """Add up to `n` synapses from the listed candidates to a segment."""
    candidates = memory.candidates
    n = min(n, n_candidates)
    if n <= 0:
        return
    size = np.int64(store.segment_head[segment, SIZE]) & 255
    if size + n > rules.max_synapses:
        drop_weakest(
            store,
            segment,
            size + n - rules.max_synapses,
            memory.mark,
            rules.connected,
        )
        size = np.int64(store.segment_head[segment, SIZE]) & 255
        n = min(n, rules.max_synapses - size)
        if n <= 0:
            return
    reserve_slots(store, segment, size + n)
    for k in range(n):
        j = k + draw(memory.rng, n_candidates - k)
        pre = candidates[j]
        candidates[j] = candidates[k]
        candidates[k] = pre
    connected = rules.initial >= rules.connected
    append_synapses(store, segment, candidates, n, rules.initial, connected)
    memory.info[GROWN] += n


@kernel(allocates=False)
def least_used(store, memory, first, m):  # type: ignore[no-untyped-def]
    """Return a living cell of the column with the fewest segments, -1 if all died."""
    segments = store.cell_segments[first : first + m]
    dead = memory.dead[first : first + m]
    fewest = np.int32(1 << 16)
    for i in range(m):
        fewest = min(fewest, np.int32(segments[i]) | np.int32(np.int32(dead[i]) << 16))
    if fewest >> 16:
        return -1
    ties = np.int32(0)
    for i in range(m):
        ties += np.int32(np.int32(segments[i]) == fewest) & np.int32(dead[i] == 0)
    pick = draw(memory.rng, ties) if ties > 1 else 0
    for i in range(m):
        if dead[i] == 0 and np.int32(segments[i]) == fewest:
            if pick == 0:
                return first + i
            pick -= 1
    return -1


@kernel(allocates=False)
def new_segment(store, memory, rules, cell):  # type: ignore[no-untyped-def]
    """Create a segment; the least recently active ones make room."""
    while np.int64(store.cell_segments[cell]) >= rules.max_segments:
        victim, oldest = -1, np.int64(NONE) + 1
        segment = np.int64(store.cell_first[cell])
        while segment != NONE:  # newest first, so <= prefers the older
            used = np.int64(store.segment_link[segment, LAST_ACTIVE])
            if used <= oldest:
                victim, oldest = segment, used
            segment = np.int64(store.segment_link[segment, NEXT])
        destroy_segment(store, victim, rules.connected)
        memory.info[DESTROYED] += 1
    segment = create_segment(store, cell, memory.info[STEP])
    winners = memory.winners[memory.info[NOW]]
    n = memory.info[N_WINNERS]
    for j in range(n):
        memory.candidates[j] = winners[j]
    grow(store, memory, rules, segment, rules.new_synapses, n)


@kernel(allocates=False)
def learn_on(store, memory, rules, segment, potential, masks):  # type: ignore[no-untyped-def]
    """Reinforce a segment and let it grow towards `new_synapses` active ones."""
    info = memory.info
    info[PLASTIC] += np.int64(store.segment_head[segment, SIZE]) & 255
    wanted = rules.new_synapses - potential
    n = 0
    if wanted > 0:  # reinforced synapses survive: the same before and after
        n = candidates_for(store, memory, segment, masks)
    if not adapt(
        store,
        segment,
        masks,
        rules.increment,
        rules.decrement,
        rules.connected,
        rules.levels,
    ):
        info[DESTROYED] += 1
    elif n > 0:
        grow(store, memory, rules, segment, wanted, n)


@kernel(allocates=False)
def punish(store, memory, rules, segment, masks):  # type: ignore[no-untyped-def]
    """Weaken the active synapses of a segment that predicted in vain."""
    size = np.int64(store.segment_head[segment, SIZE]) & 255
    for begin in range(0, size, 32):
        memory.info[PLASTIC] += ones(masks[begin >> 5])
    if not adapt(
        store, segment, masks, -rules.punishment, 0, rules.connected, rules.levels
    ):
        memory.info[DESTROYED] += 1
