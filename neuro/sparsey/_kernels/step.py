"""One step of one mac, and the loop over macs and frames.

``run_macs`` advances the macs ``m_begin .. m_end`` through all frames. Macs touch only
their own rows of the state, and random numbers are a function of (key, step, mac,
module), so any division of the macs among threads gives the same result.

The functions that run in every step take single arrays: handing over a tuple of many
arrays costs two reference counts per array and call, as much as the step itself.
"""

import numpy as np

from neuro.compiled import kernel
from neuro.core.binary_rows import MAX_BYTE_ROWS, sum_byte_rows
from neuro.sparsey._kernels.arrays import SIGNAL_D, SIGNAL_H, SIGNAL_U
from neuro.sparsey._kernels.choice import (
    expansivity,
    hash32,
    pick,
    pick_by_count,
    psi_fixed,
    uniform,
)
from neuro.sparsey._kernels.learning import Law, Matrix, learn_rows, ratchet, refresh
from neuro.sparsey._kernels.support import back_off, combine, gather, normalised, signal


@kernel
def _active_pixels(source, size, pixels, rows, weight):
    """List the afferents that are on; return how many."""
    n = 0
    for i in range(size):
        if pixels[source[i]]:
            rows[n] = i
            weight[n] = 1.0
            n += 1
    return n


@kernel
def _counted_support(w, rows, n, partial, table, best_count):
    """Sum the rows; V is ``table[count]``. Return G and the set synapses visited."""
    k_total = partial.size // best_count.size
    sum_byte_rows(w, rows, 0, n, partial)
    g, visits = 0.0, 0
    for q in range(best_count.size):
        top = np.uint8(0)
        for i in range(q * k_total, (q + 1) * k_total):
            top = max(top, partial[i])
        best_count[q] = top
        g += table[top]
    for i in range(partial.size):
        visits += partial[i]
    return g / best_count.size, visits


@kernel
def _choose_by_count(partial, best_count, table, psi, hard, key, now, first, codes):
    """Choose a winner per module; `first` numbers the mac's first module."""
    k_total = partial.size // codes.size
    key0, key1 = key[0], key[1]
    for q in range(codes.size):
        draw = uniform(key0, key1, now, first + q)
        lowest = best_count[q]
        while lowest > 0 and table[lowest - 1] == table[best_count[q]]:
            lowest -= 1
        codes[q] = pick_by_count(partial, lowest, psi, hard, q, k_total, draw)


@kernel
def _first_meeting(rows, n, seen):
    """Return whether an input, by its hash, was never learnt before; note it."""
    place = n
    for a in range(n):
        place = hash32(place ^ np.int64(rows[a]))
    place %= seen.size
    new = seen[place] == 0
    seen[place] = 1
    return new


@kernel
def run_macs(
    m_begin, m_end, step0, key, learn, soft, own_history, shape, rule, state, given, out
):
    """Advance macs through frames.

    Parameters
    ----------
    m_begin, m_end : int
        Macs.
    step0 : int
        Step of the first frame since the level was made.
    key : ndarray of int64, shape (2,)
        32-bit halves of the random key.
    learn, soft : bool
        Whether weights change; whether winners are drawn rather than the largest V.
    own_history : bool
        Whether the kernel keeps ``previous`` itself: each mac sees only its own past.
    shape, rule, state, given, out : NamedTuple
        See the classes.
    """
    q_total, k_total, decay = shape.q, shape.k, shape.decay
    qk = q_total * k_total
    n_u_max = shape.u_source.shape[1] * (shape.q_below if shape.code_input else 1)
    n_h_max = shape.h_source.shape[1] * q_total
    n_d_max = shape.d_source.shape[1] * shape.q_above
    rows_u, weight_u = np.empty(n_u_max, np.int32), np.empty(n_u_max)
    rows_h, weight_h = np.empty(n_h_max, np.int32), np.empty(n_h_max)
    rows_d, weight_d = np.empty(n_d_max, np.int32), np.empty(n_d_max)
    counts, partial = np.empty(qk, np.int32), np.empty(qk, np.uint8)
    u, h, d, v = np.empty(qk), np.empty(qk), np.empty(qk), np.empty(qk)
    best, best_count = np.empty(q_total), np.empty(q_total, np.int32)
    table, psi = np.empty(n_u_max + 1), np.empty(n_u_max + 1, np.int64)
    psi_unit = np.empty(k_total, np.int64)
    own_factor = np.empty((1, state.zeta.size))
    gap = shape.source_persistence
    tracks_zeta = shape.zeta_threshold <= 1.0
    tracks_v = learn and rule.ratchet_step > 0.0
    for m in range(m_begin, m_end):
        own_h = -1
        for s in range(shape.h_size[m]):
            if shape.h_source[m, s] == m:
                own_h = s
        codes, previous = state.codes[m], state.previous[m]
        n_set, frozen, seen = state.n_set[m], state.frozen[m], state.seen[m]
        at = m if decay else 0
        matrix_u = Matrix(state.w_u[m], state.last_u[at], state.stiff_u[at])
        matrix_h = Matrix(state.w_h[m], state.last_h[at], state.stiff_h[at])
        matrix_d = Matrix(state.w_d[m], state.last_d[at], state.stiff_d[at])
        limit = shape.freeze * shape.n_synapses[m]
        law_u = Law(0, k_total, decay, gap[0], limit[0])
        law_h = Law(1, k_total, decay, gap[1], limit[1])
        law_d = Law(2, k_total, decay, gap[2], limit[2])
        for f in range(given.starts.size):
            now = step0 + f
            mask = given.mask[f]
            n_u, n_gate, n_h, norm_h, n_d, have, used = 0, 0, 0, 0, 0, 0, 0
            visits, writes, computed, novel, zeta = 0, 0, 0, False, 0

            # the present becomes the past
            if given.starts[f]:
                for q in range(q_total):
                    codes[q] = -1
                state.age[m] = 0
                state.zeta[m] = 1
                state.position[m] = 0
            if own_history:
                for q in range(q_total):
                    previous[q] = codes[q]
                state.previous_zeta[m] = state.zeta[m]
            position = state.position[m]
            state.position[m] += 1

            # U, and whether it lies in the activation band
            if mask & SIGNAL_U:
                if shape.code_input:
                    n_u, n_gate = gather(
                        shape.u_source[m], shape.u_size[m], given.below, f,
                        given.below_factor, shape.k_below, rows_u, weight_u,
                    )  # fmt: skip
                else:
                    n_u = _active_pixels(
                        shape.u_source[m], shape.u_size[m], given.pixels[f], rows_u,
                        weight_u,
                    )  # fmt: skip
                    n_gate = n_u
            in_band = n_u > 0 and shape.band[m, 0] <= n_gate <= shape.band[m, 1]

            persists = 0 < state.age[m] < shape.persistence and codes[0] >= 0
            active = in_band
            if not persists:
                if (mask & SIGNAL_H) and shape.h_size[m] > 0:
                    for s in range(shape.h_size[m]):
                        j = shape.h_source[m, s]
                        own_factor[0, j] = shape.factor[state.previous_zeta[j]]
                    n_h, _active = gather(
                        shape.h_source[m], shape.h_size[m],
                        state.previous.reshape((1, *state.previous.shape)), 0,
                        own_factor, k_total, rows_h, weight_h,
                    )  # fmt: skip
                    norm_h = n_h
                    if own_h >= 0 and previous[0] >= 0 and own_factor[0, m] > 0.0:
                        norm_h -= 1  # no unit hears its own module
                if (mask & SIGNAL_D) and shape.d_size[m] > 0:
                    n_d, _active = gather(
                        shape.d_source[m], shape.d_size[m], given.above, f,
                        given.above_factor, shape.k_above, rows_d, weight_d,
                    )  # fmt: skip
                if not (mask & SIGNAL_U):
                    active = norm_h > 0 or n_d > 0
                active = active and position >= shape.start_frame

            if persists:
                state.age[m] += 1
                zeta = state.zeta[m]
                if learn and in_band:
                    writes = learn_rows(
                        matrix_u, law_u, rows_u, n_u, 0, codes, n_set, frozen, now
                    )
                n_u = 0  # nothing was summed
            elif not active:
                for q in range(q_total):
                    codes[q] = -1
                state.age[m] = 0
                state.zeta[m] = 1
                state.familiarity[m] = 0.0
                n_u, n_h, n_d = 0, 0, 0
            else:
                # support: signals, V and G
                if decay:
                    n_set[0] -= refresh(matrix_u, rows_u, n_u, now)
                    if n_h:
                        n_set[1] -= refresh(matrix_h, rows_h, n_h, now)
                    if n_d:
                        n_set[2] -= refresh(matrix_d, rows_d, n_d, now)
                if n_u:
                    have |= SIGNAL_U
                if norm_h > 0:
                    have |= SIGNAL_H
                if n_d:
                    have |= SIGNAL_D
                used = have
                norm_u = n_u
                if rule.lower_bound:
                    norm_u = max(1, min(n_u, shape.band[m, 0] * shape.band_units))
                inflection = state.inflection[m]
                hard = not soft or frozen[0] == 1
                total_v, competing = 0.0, 0
                if (
                    have == SIGNAL_U
                    and not shape.code_input
                    and not decay
                    and n_u <= MAX_BYTE_ROWS
                ):
                    # V depends on a small count: tables, no exponentials per unit
                    for c in range(n_u + 1):
                        table[c] = normalised(c / norm_u, rule.lambda_u0, rule)
                    g, visits = _counted_support(
                        matrix_u.w, rows_u, n_u, partial, table, best_count
                    )
                    if not hard:
                        eta = expansivity(g, k_total, rule)
                        for c in range(n_u + 1):
                            psi[c] = psi_fixed(table[c], eta, inflection, rule)
                    _choose_by_count(
                        partial, best_count, table, psi, hard, key, now, m * q_total,
                        codes,
                    )  # fmt: skip
                    if tracks_v:
                        for i in range(qk):
                            total_v += table[partial[i]]
                    if tracks_zeta:
                        for i in range(qk):
                            competing += table[partial[i]] >= shape.zeta_threshold
                else:
                    if n_u:
                        exponent = rule.lambda_u0 if have == SIGNAL_U else rule.lambda_u
                        visits += signal(
                            matrix_u.w, rows_u, weight_u, n_u, norm_u, exponent, decay,
                            rule, counts, partial, u,
                        )  # fmt: skip
                    if norm_h > 0:
                        visits += signal(
                            matrix_h.w, rows_h, weight_h, n_h, norm_h, rule.lambda_h,
                            decay, rule, counts, partial, h,
                        )  # fmt: skip
                    if n_d:
                        visits += signal(
                            matrix_d.w, rows_d, weight_d, n_d, n_d, rule.lambda_d,
                            decay, rule, counts, partial, d,
                        )  # fmt: skip
                    if shape.backoff_mask.size and not learn:
                        used = back_off(have, shape, u, h, d, v, best)
                    g = combine(used, u, h, d, v, best)
                    eta = expansivity(g, k_total, rule)
                    for q in range(q_total):
                        draw = uniform(key[0], key[1], now, m * q_total + q)
                        codes[q] = pick(
                            v, hard, eta, inflection, rule, q, k_total, draw, best[q],
                            psi_unit,
                        )  # fmt: skip
                    if tracks_v:
                        for i in range(qk):
                            total_v += v[i]
                    if tracks_zeta:
                        for i in range(qk):
                            competing += v[i] >= shape.zeta_threshold
                computed, zeta = 1, 1
                if tracks_zeta:
                    zeta = min(max(1, int(competing / q_total + 0.5)), k_total)
                state.zeta[m] = zeta
                state.age[m] = 1
                state.familiarity[m] = g

                if learn:
                    if tracks_v:
                        ratchet(
                            m, total_v / qk, rule, state.inflection, state.best_mean
                        )
                    novel = _first_meeting(rows_u, n_u, seen) and not frozen[0]
                    writes = learn_rows(
                        matrix_u, law_u, rows_u, n_u, 0, codes, n_set, frozen, now
                    )
                    if n_h:
                        own_rows = qk if own_h == 0 else 0
                        writes += learn_rows(
                            matrix_h, law_h, rows_h, n_h, own_rows, codes, n_set,
                            frozen, now,
                        )  # fmt: skip
                    if n_d:
                        writes += learn_rows(
                            matrix_d, law_d, rows_d, n_d, 0, codes, n_set, frozen, now
                        )

            for q in range(q_total):
                out.codes[f, m, q] = codes[q]
            out.familiarity[f, m] = state.familiarity[m]
            out.zeta[f, m] = zeta
            out.used[f, m] = used
            out.rows[f, m] = n_u + n_h + n_d
            out.visits[f, m] = visits
            out.writes[f, m] = writes
            out.computed[f, m] = computed
            out.novel[f, m] = novel
