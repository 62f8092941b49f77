"""What the grid driver works on: static arrays, arrays that change, codes."""

from typing import Any, NamedTuple

SHARED, WEIGHTED, GROUPED, PLASTIC = range(4)  # kinds of row class
# why the driver returned
DONE, RASTER_FULL, DUE_FULL, HISTORY_FULL, NOT_FINITE, RUNAWAY = range(6)
CHECK_STEPS = 64  # the state is checked at the first window's end after so many
NEVER = 1 << 62


class Layout(NamedTuple):
    """Static arrays; see ``neuro.network.grid_plan`` for how they are made."""

    piece: Any  # int64 (n_pieces, 17): of one population, block and tile
    block_pieces: Any  # int64 (n_blocks + 1,)
    state_at: Any  # int64 (n_blocks + 1,): where a block's state begins
    port_column: Any  # int64: column of each (piece, port) in its block, -1 if unwired
    port_driven: Any  # int64: whether a drive acts on the (piece, port)
    pop_drives: Any  # int64 (n_pops + 1,)
    drive: Any  # int64 (n_drives, 7)
    drive_weight: Any  # float64
    drive_stream: Any  # uint64
    levels: Any  # uint32
    values: Any  # float64
    params: Any  # float64
    source_group: Any  # int32 (n_sources,)
    group: Any  # int64 (n_groups, 3): first source, first class, end of classes
    row_class: (
        Any  # int64 (n_classes, 6): kind, delay, first source, rule, fields, axonal
    )
    class_weight: Any  # ring's dtype (n_classes,): of all synapses, or of one step
    class_step: Any  # float64 (n_classes,): weight of one step of coded weights
    row_at: Any  # int64 (n_blocks, n_classes): place of the class in indptr
    weight_shift: Any  # int64 (n_blocks, n_classes): weight index - target index
    group_at: Any  # int64 (n_blocks, n_classes): place of the class in group_ptr
    indptr: Any  # int64, targets; multiples of 4 (not for plastic, grouped rows)
    targets: Any  # uint16
    words: Any  # uint64: the same memory, four targets each
    weights: Any  # float32 or float64; int8 or int16: multiples of class_step
    group_ptr: Any  # int64
    group_delay: Any  # uint16
    group_count: Any  # uint16
    ring_at: Any  # int64 (n_blocks + 1,)
    ring_width: Any  # int64 (n_blocks,)
    stream_step: Any  # int64 (n_events,): emission step
    stream_source: Any  # int32 (n_events,)
    plastic: Any  # int64 (n_blocks, n_classes, 12): see the build
    rule_params: Any  # float64
    rule_params_at: Any  # int64 (n_classes + 1,)
    decay: Any  # float64 flat tables
    decay_shape: Any  # int64 (n_classes, 3): offset, traces, lags
    trace_nearest: Any  # uint8 (n_classes, 2): pre, post pairing is nearest
    probe: (
        Any  # int64 (n_probes, 6): block, interval, state index, offset, first, width
    )
    scalars: (
        Any  # int64: slot mask, window, neurons, grouped, plastic, keep, most, guard
    )
    unit: Any  # float64 (2,): value of one ring unit, spikes per step that are too many


class State(NamedTuple):
    """Arrays that change."""

    state: Any  # float64
    inputs: Any  # float64
    flags: Any  # uint8
    flag_words: Any  # uint64, the same memory
    counts: Any  # uint8 (n_threads, more than widest)
    bits: Any  # uint32 (n_threads, more than TILE)
    ring: Any  # int16, int32, float32 or float64
    spikes: Any  # int32 (2, n_blocks, room): sources of a window's spikes
    spike_ptr: Any  # int64 (2, n_blocks, window + 1)
    merged: Any  # int32 (n_threads, room)
    merged_step: Any  # int64 (n_threads, room)
    heads: Any  # int64 (n_threads, more than n_blocks): where the merge is
    spike_counts: Any  # int64 (n_neurons,)
    # int64 (n_blocks, room, 8): due step, group, last group, synapse, emission step,
    # class; of a row with axonal delay: due step, -1 - class, source, begin, end;
    # one line of the cache per waiting spike
    due: Any
    due_range: Any  # int64 (n_blocks, 2): head, tail
    raster_step: Any  # int64
    raster_source: Any  # int32
    # int64 (8,): spikes in raster, event of the stream, step reached; steps and spikes
    # since the rate was last looked at
    cursor: Any
    traces: Any  # float64
    plastic_weights: Any  # float32 or float64: (fields, row) of each plastic row
    pre_trace: Any  # float64
    pre_last: Any  # int64
    post_trace: Any  # float64
    post_time: Any  # int64
    post_count: Any  # int64
    horizon: Any  # int64 (n_blocks, n_classes)
    updates: Any  # int64 (n_blocks, n_classes)
    team: Any  # int64 (64,): barrier counters, flag of a full history
