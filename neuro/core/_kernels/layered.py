"""The step driver: batches of samples, same-step edges, dense rows, noisy reads.

Nodes are sources (frames, streams) and populations in topological order. Each node
keeps the list of its active units for the last `depth` steps; a link of delay d reads
the list of d steps ago, so same-step edges and delays are one mechanism. All sums are
float64, in the order link, source, row.
"""

from typing import Any, NamedTuple

import numpy as np

from neuro.compiled import kernel
from neuro.core._kernels.drives import add_drive, add_noise

BINARY, REAL, STREAM, POPULATION = range(4)  # kinds of node
DENSE, SPARSE = range(2)  # kinds of link


class Layout(NamedTuple):
    """Static arrays of a built network; one row per node, population, link, drive."""

    node: Any  # int64 (n_nodes, 5): kind, n, depth, list offset, count offset
    values_at: Any  # int64 (n_nodes,): offset of real values, -1 for spikes
    source: Any  # int64 (n_nodes, 2): column or stream range of a source
    stream_step: Any  # int64 (n_events,)
    stream_channel: Any  # int32 (n_events,)
    pop: Any  # int64 (n_pops, 13): see the build
    pop_links: Any  # int64 (n_pops + 1,)
    pop_drives: Any  # int64 (n_pops + 1,)
    link: Any  # int64 (n_links, 9): see the build
    adc: Any  # float64 (n_links, 3): lo, step, codes - 1; step 0: none
    rows: Any  # float64: dense rows
    variances: Any  # float64: dense rows of variances
    indptr: Any  # int64
    indices: Any  # int32
    weights: Any  # float64
    row_length: Any  # int64 per source of each link
    row_zero: Any  # int64: stored zero weights per row
    gains: Any  # float64
    noise_stream: Any  # uint64 (n_links,)
    drive: Any  # int64 (n_drives, 7): kind, port, levels range, values range, repeats
    drive_weight: Any  # float64 (n_drives,)
    drive_stream: Any  # uint64 (n_drives,)
    levels: Any  # uint32
    values: Any  # float64
    params: Any  # float64
    probe: Any  # int64 (n_probes, 7): pop, row, interval, index range, offset, first
    probe_index: Any  # int32


class Batch(NamedTuple):
    """Arrays of a batch; first axis: sample."""

    binary: Any  # uint8 (samples, steps, columns)
    real: Any  # float64 (samples, steps, columns)
    extra: Any  # float64 (samples, n_inputs): added once, for step-by-step runs
    state: Any  # float64 (samples, n_state)
    active: Any  # int32 (samples, n_list)
    active_values: Any  # float64 (samples, n_values)
    active_count: Any  # int64 (samples, n_count)
    stream_at: Any  # int64 (samples, n_nodes)
    spike_counts: Any  # int64 (samples, n_neurons)
    visited: Any  # int64 (samples, n_links, 4): events, synapses, zero, macs
    row_reads: Any  # int64 (workers, n_rows)
    traces: Any  # float64 (samples, n_trace)
    sample_key: Any  # uint64 (samples,)


class Scratch(NamedTuple):
    """Arrays of one worker."""

    inputs: Any  # float64 flat
    flags: Any  # uint8 flat
    here: Any  # float64 (widest,)
    variance: Any  # float64 (widest,)
    counts: Any  # uint8 (widest,)
    bits: Any  # uint32 (TILE,)
    raster_step: Any  # int64
    raster_unit: Any  # int32, global neuron
    raster_sample: Any  # int32
    cursor: Any  # int64 (4,): sample, step, spikes written, worker


@kernel
def _fill_source(layout, batch, sample, k, base, node, slot_at, count_at):
    """List the active units of a source at step k (frames count from base)."""
    kind, n = layout.node[node, 0], layout.node[node, 1]
    column = layout.source[node, 0]
    m = 0
    if kind == BINARY:
        row = batch.binary[sample, k - base]
        for j in range(n):
            if row[column + j] != 0:
                batch.active[sample, slot_at + m] = j
                m += 1
    elif kind == REAL:
        row = batch.real[sample, k - base]
        at = layout.values_at[node] + (slot_at - layout.node[node, 3])
        for j in range(n):
            x = row[column + j]
            if x != 0.0:
                batch.active[sample, slot_at + m] = j
                batch.active_values[sample, at + m] = x
                m += 1
    else:
        at, end = batch.stream_at[sample, node], layout.source[node, 1]
        while at < end and layout.stream_step[at] <= k:
            if layout.stream_step[at] == k:
                batch.active[sample, slot_at + m] = layout.stream_channel[at]
                m += 1
            at += 1
        batch.stream_at[sample, node] = at
    batch.active_count[sample, count_at] = m


@kernel
def _deliver(layout, batch, scratch, sample, k, link, n, port):
    """Sum the rows of the active units, read noise and converter included."""
    node = layout.link[link, 0]
    delay, dense, at = layout.link[link, 1], layout.link[link, 2], layout.link[link, 3]
    var_at, gain_at = layout.link[link, 4], layout.link[link, 5]
    rows_at, pre_at = layout.link[link, 6], layout.link[link, 7]
    here, variance = scratch.here[:n], scratch.variance[:n]
    here[:] = 0.0
    noisy = var_at >= 0
    if noisy:
        variance[:] = 0.0
    events = synapses = zeros = macs = 0
    when = k - delay
    if when >= 0:
        n_pre, depth = layout.node[node, 1], layout.node[node, 2]
        slot = when % depth
        list_at = layout.node[node, 3] + slot * n_pre
        if layout.node[node, 0] == STREAM:
            list_at = layout.node[node, 3] + slot * layout.source[node, 0]
        events = batch.active_count[sample, layout.node[node, 4] + slot]
        real = layout.values_at[node] >= 0
        values_at = layout.values_at[node] + slot * n_pre
        for e in range(events):
            pre = batch.active[sample, list_at + e]
            x = batch.active_values[sample, values_at + e] if real else 1.0
            synapses += layout.row_length[rows_at + pre]
            zeros += layout.row_zero[rows_at + pre]
            batch.row_reads[scratch.cursor[3], rows_at + pre] += 1
            if dense == DENSE:
                row = layout.rows[at + pre * n : at + (pre + 1) * n]
                if real:
                    for j in range(n):
                        here[j] += x * row[j]
                else:
                    for j in range(n):
                        here[j] += row[j]
                if noisy:
                    own = layout.variances[var_at + pre * n : var_at + (pre + 1) * n]
                    for j in range(n):
                        variance[j] += x * x * own[j]
            else:
                begin, end = (
                    layout.indptr[pre_at + pre],
                    layout.indptr[pre_at + pre + 1],
                )
                for s in range(at + begin, at + end):
                    here[layout.indices[s]] += x * layout.weights[s]
        if real:
            macs = synapses
    if noisy:
        stream = layout.noise_stream[link] ^ batch.sample_key[sample]
        add_noise(variance, stream, k, here)
    step = layout.adc[link, 1]
    if step > 0.0:
        low, top = layout.adc[link, 0], layout.adc[link, 2]
        high = low + step * top
        for j in range(n):
            x = min(max(here[j], low), high)
            here[j] = low + step * np.rint((x - low) / step)
    factor = layout.gains[gain_at + k] if gain_at >= 0 else 1.0
    if gain_at >= 0:
        for j in range(n):
            here[j] *= factor
    for j in range(n):
        port[j] += here[j]
    batch.visited[sample, link, 0] += events
    batch.visited[sample, link, 1] += synapses
    batch.visited[sample, link, 2] += zeros
    batch.visited[sample, link, 3] += macs


def run_layered(
    models, layout, batch, scratch, last_sample, first_step, last_step, base, dt
):
    """Run samples from the cursor to last_sample, steps first_step to last_step.

    Frame 0 of the batch belongs to step `base`.

    Returns True when all is done, False when the raster is full; the cursor says where.
    """
    n_nodes, n_pops = layout.node.shape[0], layout.pop.shape[0]
    n_sources = n_nodes - n_pops
    cursor = scratch.cursor
    room = scratch.raster_step.size
    n_all = batch.spike_counts.shape[1]
    while cursor[0] < last_sample:
        sample = cursor[0]
        for k in range(cursor[1], last_step):
            if room - cursor[2] < n_all:
                cursor[1] = k
                return False
            for node in range(n_sources):
                depth = layout.node[node, 2]
                width = layout.node[node, 1]
                if layout.node[node, 0] == STREAM:
                    width = layout.source[node, 0]
                _fill_source(
                    layout,
                    batch,
                    sample,
                    k,
                    base,
                    node,
                    layout.node[node, 3] + (k % depth) * width,
                    layout.node[node, 4] + k % depth,
                )
            for p in range(n_pops):
                node = n_sources + p
                n, model, ld = layout.pop[p, 0], layout.pop[p, 1], layout.pop[p, 2]
                n_state, n_ports = layout.pop[p, 3], layout.pop[p, 4]
                state_at, inputs_at = layout.pop[p, 5], layout.pop[p, 6]
                flags_at, params_at = layout.pop[p, 7], layout.pop[p, 8]
                n_params, params_ld = layout.pop[p, 9], layout.pop[p, 10]
                neuron_at, output = layout.pop[p, 11], layout.pop[p, 12]
                inputs = scratch.inputs[inputs_at : inputs_at + n_ports * ld]
                inputs[:] = 0.0
                inputs = inputs.reshape((n_ports, ld))
                for link in range(layout.pop_links[p], layout.pop_links[p + 1]):
                    port = layout.link[link, 8]
                    _deliver(layout, batch, scratch, sample, k, link, n, inputs[port])
                for d in range(layout.pop_drives[p], layout.pop_drives[p + 1]):
                    stream = layout.drive_stream[d] ^ batch.sample_key[sample]
                    add_drive(
                        layout.drive[d, 0],
                        layout.drive_weight[d],
                        layout.drive[d, 6],
                        stream,
                        layout.levels[layout.drive[d, 2] : layout.drive[d, 3]],
                        layout.values[layout.drive[d, 4] : layout.drive[d, 5]],
                        n,
                        0,
                        k,
                        scratch.bits,
                        scratch.counts[:n],
                        inputs[layout.drive[d, 1]],
                    )
                if batch.extra.shape[1] > 0:
                    extra = batch.extra[sample, inputs_at : inputs_at + n_ports * ld]
                    extra = extra.reshape((n_ports, ld))
                    for q in range(n_ports):
                        for j in range(n):
                            inputs[q, j] += extra[q, j]
                state = batch.state[sample, state_at : state_at + n_state * ld]
                state = state.reshape((n_state, ld))
                params = layout.params[params_at : params_at + n_params * params_ld]
                params = params.reshape((n_params, params_ld))
                flags = scratch.flags[flags_at : flags_at + n]
                models[model](params, state, inputs, flags, dt)
                depth = layout.node[node, 2]
                slot_at = layout.node[node, 3] + (k % depth) * n
                m = 0
                if output >= 0:
                    values_at = layout.values_at[node] + (k % depth) * n
                    for j in range(n):
                        if state[output, j] != 0.0:
                            batch.active[sample, slot_at + m] = j
                            batch.active_values[sample, values_at + m] = state[
                                output, j
                            ]
                            m += 1
                else:
                    for j in range(n):
                        if flags[j] != 0:
                            batch.active[sample, slot_at + m] = j
                            batch.spike_counts[sample, neuron_at + j] += 1
                            scratch.raster_step[cursor[2]] = k
                            scratch.raster_unit[cursor[2]] = neuron_at + j
                            scratch.raster_sample[cursor[2]] = sample
                            cursor[2] += 1
                            m += 1
                batch.active_count[sample, layout.node[node, 4] + k % depth] = m
            for q in range(layout.probe.shape[0]):
                interval = layout.probe[q, 2]
                if (k + 1) % interval == 0:
                    p, row = layout.probe[q, 0], layout.probe[q, 1]
                    begin, end = layout.probe[q, 3], layout.probe[q, 4]
                    at = layout.pop[p, 5] + row * layout.pop[p, 2]
                    to = layout.probe[q, 5] + (end - begin) * (
                        (k + 1) // interval - layout.probe[q, 6]
                    )
                    for j in range(begin, end):
                        batch.traces[sample, to + j - begin] = batch.state[
                            sample, at + layout.probe_index[j]
                        ]
        cursor[0] += 1
        cursor[1] = first_step
    return True
