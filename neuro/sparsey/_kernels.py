"""Compiled code selection and learning of one level: macs by frames.

``run_macs`` advances the macs ``m_begin .. m_end`` through all frames. Macs touch only
their own rows of the state, and random numbers are a function of (key, step, mac,
module), so any division of the macs among threads gives the same result.

Values of psi are held as integers in units of 2**-20: their sums are exact in any
order, and a draw compares integers.
"""

from typing import NamedTuple

import numpy as np

from neuro.compiled import kernel
from neuro.core.binary_rows import MAX_BYTE_ROWS, add_binary_rows, sum_byte_rows

SIGNAL_U, SIGNAL_H, SIGNAL_D = 1, 2, 4
LOGISTIC, JAVA, GENERAL = 0, 1, 2
W_MAX = 127  # of decaying weights; permanent ones are 0 or 1
# effective weight and age limits by stiffness, in steps
AGE_LIMITS = ((2000, 3000, 4000), (4000, 6000, 8000))
_PSI_ONE = 1048576.0
_MASK = 0xFFFFFFFF


class Rule(NamedTuple):
    """Selection constants as scalars."""

    family: int
    a: float
    b: float
    c: float
    d: float
    saturate: float
    g_minus: float
    gamma: float
    chi: float
    table_g: np.ndarray
    table_eta: np.ndarray
    lambda_u0: float
    lambda_u: float
    lambda_h: float
    lambda_d: float
    lower_bound: int
    min_cutoff: float
    max_cutoff: float
    ratchet_step: float
    ratchet_max: float
    ratchet_floor: float


class Shape(NamedTuple):
    """Sizes and wiring of a level."""

    q: int
    k: int
    band: np.ndarray  # int64 (M, 2)
    band_units: int  # units per counted afferent, for the lower bound
    code_input: int
    q_below: int
    k_below: int
    u_source: np.ndarray  # int32 (M, slots)
    u_size: np.ndarray  # int32 (M,)
    h_source: np.ndarray
    h_size: np.ndarray
    d_source: np.ndarray
    d_size: np.ndarray
    q_above: int
    k_above: int
    n_synapses: np.ndarray  # int64 (M, 3)
    freeze: np.ndarray  # float64 (3,)
    persistence: int
    start_frame: int
    decay: int
    source_persistence: np.ndarray  # int64 (3,)
    zeta_threshold: float  # > 1: not tracked
    factor: np.ndarray  # float64 (K + 1,), F(zeta)
    backoff_mask: np.ndarray  # int64
    backoff_group: np.ndarray  # int64
    backoff_threshold: np.ndarray  # float64


class State(NamedTuple):
    """Everything that changes."""

    w_u: np.ndarray  # uint8 (M, rows, Q K)
    w_h: np.ndarray
    w_d: np.ndarray
    last_u: np.ndarray  # int32, same shapes; (1, 1, 1) without decay
    last_h: np.ndarray
    last_d: np.ndarray
    stiff_u: np.ndarray  # uint8
    stiff_h: np.ndarray
    stiff_d: np.ndarray
    n_set: np.ndarray  # int64 (M, 3)
    frozen: np.ndarray  # uint8 (M, 3)
    codes: np.ndarray  # int32 (M, Q), -1 = inactive
    previous: np.ndarray  # int32 (M, Q)
    zeta: np.ndarray  # int32 (M,)
    previous_zeta: np.ndarray
    age: np.ndarray  # int32 (M,), steps since selection
    position: np.ndarray  # int32 (M,), frame within the sequence
    familiarity: np.ndarray  # float64 (M,)
    inflection: np.ndarray  # float64 (M,)
    best_mean: np.ndarray  # float64 (M,)
    seen: np.ndarray  # uint8 (M, 4096), inputs learnt, by hash: for the monitor


class Given(NamedTuple):
    """What the frames bring."""

    pixels: np.ndarray  # uint8 (F, n)
    below: np.ndarray  # int32 (F, M below, Q below)
    below_factor: np.ndarray  # float64 (F, M below)
    above: np.ndarray  # int32 (F, M above, Q above), of the step before
    above_factor: np.ndarray  # float64 (F, M above)
    starts: np.ndarray  # uint8 (F,)
    mask: np.ndarray  # uint8 (F,)


class Output(NamedTuple):
    """What the frames leave."""

    codes: np.ndarray  # int16 (F, M, Q)
    familiarity: np.ndarray  # float32 (F, M)
    zeta: np.ndarray  # int16 (F, M)
    used: np.ndarray  # uint8 (F, M), signals used
    rows: np.ndarray  # int32 (F, M), rows summed
    visits: np.ndarray  # int64 (F, M), synapses set among them
    writes: np.ndarray  # int32 (F, M), weights written
    computed: np.ndarray  # uint8 (F, M), whether a code was selected
    novel: np.ndarray  # uint8 (F, M), learnt and never seen before by this mac


@kernel
def _hash32(x):
    x = ((x ^ (x >> 17)) * 0xED5AD4BB) & _MASK
    x = ((x ^ (x >> 11)) * 0xAC4C1B51) & _MASK
    x = ((x ^ (x >> 15)) * 0x31848BAB) & _MASK
    return x ^ (x >> 14)


@kernel
def uniform(key0, key1, step, index):
    """Return the uniform number in (0, 1) of one step and unit: no state."""
    x = _hash32((step & _MASK) ^ key0)
    x = _hash32(((step >> 32) & _MASK) ^ x)
    x = _hash32((x + key1 + index) & _MASK)
    x = _hash32(x ^ key1)
    return (x + 0.5) / 4294967296.0


@kernel
def psi_fixed(v, eta, inflection, rule):
    """Return psi(V) in units of 2**-20."""
    if rule.family == LOGISTIC:
        x = (eta - 1.0) / (1.0 + np.exp(-rule.a * (v - inflection))) + 1.0
    elif rule.family == JAVA:
        if v >= rule.saturate:
            x = eta
        else:
            x = max(eta / (1.0 + np.exp(-rule.a * (v - inflection))), 1.0)
    else:
        inner = (rule.a * np.exp(-rule.b * (v - rule.c))) ** rule.d
        x = (eta - 1.0) / (1.0 + inner) + 1.0
    return np.int64(x * _PSI_ONE + 0.5)


@kernel
def expansivity(g, k, rule):
    """Return eta(G)."""
    n = rule.table_g.size
    if n > 0:
        if g <= rule.table_g[0]:
            return 1.0 + rule.table_eta[0]
        for i in range(1, n):
            if g <= rule.table_g[i]:
                span = rule.table_g[i] - rule.table_g[i - 1]
                part = (g - rule.table_g[i - 1]) / span
                rise = rule.table_eta[i] - rule.table_eta[i - 1]
                return 1.0 + rule.table_eta[i - 1] + part * rise
        return 1.0 + rule.table_eta[n - 1]
    if rule.g_minus >= 1.0:
        return 1.0
    x = max(0.0, g - rule.g_minus) / (1.0 - rule.g_minus)
    return 1.0 + x**rule.gamma * rule.chi * k


@kernel
def _cut(x, exponent, rule):
    x = min(1.0, x)
    if x < rule.min_cutoff:
        x = rule.min_cutoff
    elif x > rule.max_cutoff:
        x = 1.0
    return x if exponent == 1.0 else x**exponent


@kernel
def _effective(stiffness, age):
    if stiffness >= 2:
        return W_MAX
    a, b, c = AGE_LIMITS[0] if stiffness == 0 else AGE_LIMITS[1]
    if age < a:
        return W_MAX
    if age < b:
        return 120
    return 50 if age < c else 0


@kernel
def _refresh(w, last, stiff, rows, n, now):
    """Let the weights of the listed rows age; return how many fell to zero."""
    lost = 0
    for a in range(n):
        r = rows[a]
        for i in range(w.shape[1]):
            if w[r, i] > 0:
                w[r, i] = _effective(stiff[r, i], now - last[r, i])
                if w[r, i] == 0:
                    stiff[r, i] = 0
                    lost += 1
    return lost


@kernel
def _signal(w, rows, weight, n, norm, exponent, decay, rule, counts, partial, x):
    """Normalised signal of every unit into `x`; return the set synapses visited."""
    qk = x.size
    plain = not decay
    for a in range(n):
        plain = plain and weight[a] == 1.0
    visits = 0
    for i in range(qk):
        counts[i] = 0
    if plain:
        add_binary_rows(w, rows, n, partial, counts)
        for i in range(qk):
            visits += counts[i]
            x[i] = _cut(counts[i] / norm, exponent, rule)
        return visits
    for i in range(qk):
        x[i] = 0.0
    scale = norm * (W_MAX if decay else 1)
    for a in range(n):
        row = w[rows[a]]
        for i in range(qk):
            x[i] += weight[a] * row[i]
            visits += row[i] > 0
    for i in range(qk):
        x[i] = _cut(x[i] / scale, exponent, rule)
    return visits


@kernel
def _write(m, kind, w, last, stiff, rows, n, own_rows, own_k, shape, state, now):
    """Set the weights from the listed rows to the winners; return the writes."""
    if state.frozen[m, kind] or n == 0:
        return 0
    q_total, k_total = shape.q, shape.k
    writes = 0
    new = 0
    top = W_MAX if shape.decay else 1
    for a in range(n):
        r = rows[a]
        own_cm = r // own_k if r < own_rows else -1
        for q in range(q_total):
            if q == own_cm:
                continue
            i = q * k_total + state.codes[m, q]
            new += w[r, i] == 0
            writes += 1
            if shape.decay:
                age = now - last[r, i]
                if w[r, i] == 0:
                    stiff[r, i] = 0
                elif (
                    stiff[r, i] < 2
                    and age >= shape.source_persistence[kind]
                    and age < AGE_LIMITS[stiff[r, i]][0]
                ):
                    stiff[r, i] += 1
                last[r, i] = now
            w[r, i] = top
    state.n_set[m, kind] += new
    if state.n_set[m, kind] > shape.freeze[kind] * shape.n_synapses[m, kind]:
        state.frozen[m, kind] = 1
        if shape.decay:
            for r in range(w.shape[0]):
                for i in range(w.shape[1]):
                    if w[r, i] > 0:
                        w[r, i] = _effective(stiff[r, i], now - last[r, i])
                    if w[r, i] > 0:
                        stiff[r, i] = 2
                        w[r, i] = W_MAX
    return writes


@kernel
def _gather(sources, n, codes, f, factors, k, rows, weight):
    """List the rows of the active units of the source macs; return rows, macs."""
    n_rows, active = 0, 0
    q_source = codes.shape[2]
    for s in range(n):
        j = sources[s]
        if codes[f, j, 0] < 0:
            continue
        active += 1
        if factors[f, j] <= 0.0:
            continue
        for q in range(q_source):
            rows[n_rows] = (s * q_source + q) * k + codes[f, j, q]
            weight[n_rows] = factors[f, j]
            n_rows += 1
    return n_rows, active


@kernel
def _pick(v, hard, eta, inflection, rule, q, k, draw, best, psi):
    """Winner of one module: all units of largest V alike, or a draw from psi."""
    begin = q * k
    if hard:
        ties = 0
        for i in range(begin, begin + k):
            ties += v[i] == best
        left = min(int(draw * ties), ties - 1)
        for i in range(begin, begin + k):
            if v[i] == best:
                if left == 0:
                    return i - begin
                left -= 1
    total = np.int64(0)
    zero = psi_fixed(0.0, eta, inflection, rule)
    for i in range(k):
        x = v[begin + i]
        psi[i] = zero if x == 0.0 else psi_fixed(x, eta, inflection, rule)
        total += psi[i]
    target = np.int64(draw * total)
    for i in range(k):
        target -= psi[i]
        if target < 0:
            return i
    return k - 1


@kernel
def _pick_by_count(counts, lowest, psi, hard, q, k, draw):
    """Do as ``_pick`` where V is a function of a small count.

    All counts from `lowest` on give the largest V of the module.
    """
    units = counts[q * k : (q + 1) * k]
    if hard:
        ties = 0
        for i in range(k):
            ties += units[i] >= lowest
        left = min(int(draw * ties), ties - 1)
        for i in range(k):
            if units[i] >= lowest:
                if left == 0:
                    return i
                left -= 1
    total = np.int64(0)
    for i in range(k):
        total += psi[units[i]]
    target = np.int64(draw * total)
    for i in range(k):
        target -= psi[units[i]]
        if target < 0:
            return i
    return k - 1


@kernel
def _combine(mask, u, h, d, v, best):
    """V as the product of the signals in `mask`; return G."""
    q, k = best.size, v.size // best.size
    g = 0.0
    for c in range(q):
        top = -1.0
        for i in range(c * k, (c + 1) * k):
            x = 1.0
            if mask & SIGNAL_U:
                x *= u[i]
            if mask & SIGNAL_H:
                x *= h[i]
            if mask & SIGNAL_D:
                x *= d[i]
            v[i] = x
            top = max(top, x)
        best[c] = top
        g += top
    return g / q


@kernel
def _back_off(have, shape, u, h, d, v, best):
    """Signals of the first version whose G clears its threshold."""
    chosen, chosen_g, group, fallback = 0, -1.0, -1, 0
    for b in range(shape.backoff_mask.size):
        mask = shape.backoff_mask[b]
        if (mask & have) != mask:
            continue
        if chosen and shape.backoff_group[b] != group:
            break
        if not fallback:
            fallback = mask
        g = _combine(mask, u, h, d, v, best)
        if g >= shape.backoff_threshold[b] and g > chosen_g:
            chosen, chosen_g, group = mask, g, shape.backoff_group[b]
    if chosen:
        return chosen
    return fallback if fallback else have


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
    q_total, k_total = shape.q, shape.k
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
    key0, key1 = key[0], key[1]
    track = shape.zeta_threshold <= 1.0
    for m in range(m_begin, m_end):
        own_h = -1
        for s in range(shape.h_size[m]):
            if shape.h_source[m, s] == m:
                own_h = s
        for f in range(given.starts.size):
            out.rows[f, m] = 0
            out.visits[f, m] = 0
            out.writes[f, m] = 0
            out.computed[f, m] = 0
            out.novel[f, m] = 0
            out.used[f, m] = 0
            mask = given.mask[f]
            if given.starts[f]:
                for q in range(q_total):
                    state.codes[m, q] = -1
                    if own_history:
                        state.previous[m, q] = -1
                state.age[m] = 0
                state.zeta[m] = 1
                state.position[m] = 0
                if own_history:
                    state.previous_zeta[m] = 1
            elif own_history:
                for q in range(q_total):
                    state.previous[m, q] = state.codes[m, q]
                state.previous_zeta[m] = state.zeta[m]
            position = state.position[m]
            state.position[m] += 1

            # afferents
            n_u, n_gate = 0, 0
            if mask & SIGNAL_U:
                if shape.code_input:
                    n_u, n_gate = _gather(
                        shape.u_source[m],
                        shape.u_size[m],
                        given.below,
                        f,
                        given.below_factor,
                        shape.k_below,
                        rows_u,
                        weight_u,
                    )
                else:
                    for s in range(shape.u_size[m]):
                        if given.pixels[f, shape.u_source[m, s]]:
                            rows_u[n_u] = s
                            weight_u[n_u] = 1.0
                            n_u += 1
                    n_gate = n_u
            in_band = n_u > 0 and shape.band[m, 0] <= n_gate <= shape.band[m, 1]
            persists = 0 < state.age[m] < shape.persistence and state.codes[m, 0] >= 0

            if persists:
                state.age[m] += 1
                if learn and in_band:
                    out.writes[f, m] = _write(
                        m, 0, state.w_u[m], state.last_u[m % state.last_u.shape[0]],
                        state.stiff_u[m % state.stiff_u.shape[0]], rows_u, n_u, 0, 1,
                        shape, state, step0 + f,
                    )  # fmt: skip
                for q in range(q_total):
                    out.codes[f, m, q] = state.codes[m, q]
                out.familiarity[f, m] = state.familiarity[m]
                out.zeta[f, m] = state.zeta[m]
                continue

            n_h, n_d = 0, 0
            norm_h = 0
            if (mask & SIGNAL_H) and shape.h_size[m] > 0:
                for s in range(shape.h_size[m]):
                    j = shape.h_source[m, s]
                    own_factor[0, j] = shape.factor[state.previous_zeta[j]]
                n_h, _active = _gather(
                    shape.h_source[m],
                    shape.h_size[m],
                    state.previous.reshape((1, *state.previous.shape)),
                    0,
                    own_factor,
                    k_total,
                    rows_h,
                    weight_h,
                )
                norm_h = n_h
                if own_h >= 0 and state.previous[m, 0] >= 0 and own_factor[0, m] > 0.0:
                    norm_h -= 1  # no unit hears its own module
            if (mask & SIGNAL_D) and shape.d_size[m] > 0:
                n_d, _active = _gather(
                    shape.d_source[m],
                    shape.d_size[m],
                    given.above,
                    f,
                    given.above_factor,
                    shape.k_above,
                    rows_d,
                    weight_d,
                )

            active = in_band
            if not (mask & SIGNAL_U):
                active = norm_h > 0 or n_d > 0
            if not active or position < shape.start_frame:
                for q in range(q_total):
                    state.codes[m, q] = -1
                    out.codes[f, m, q] = -1
                state.age[m] = 0
                state.zeta[m] = 1
                state.familiarity[m] = 0.0
                out.familiarity[f, m] = 0.0
                out.zeta[f, m] = 0
                continue

            # support
            now = step0 + f
            if shape.decay:
                state.n_set[m, 0] -= _refresh(
                    state.w_u[m], state.last_u[m], state.stiff_u[m], rows_u, n_u, now
                )
                if n_h:
                    state.n_set[m, 1] -= _refresh(
                        state.w_h[m], state.last_h[m], state.stiff_h[m], rows_h, n_h,
                        now,
                    )  # fmt: skip
                if n_d:
                    state.n_set[m, 2] -= _refresh(
                        state.w_d[m], state.last_d[m], state.stiff_d[m], rows_d, n_d,
                        now,
                    )  # fmt: skip
            have = 0
            if n_u:
                have |= SIGNAL_U
            if norm_h > 0:
                have |= SIGNAL_H
            if n_d:
                have |= SIGNAL_D
            norm_u = n_u
            if rule.lower_bound:
                norm_u = max(1, min(n_u, shape.band[m, 0] * shape.band_units))
            inflection = state.inflection[m]
            hard = not soft or state.frozen[m, 0] == 1
            visits = 0
            mean_v = 0.0
            used = have
            zeta_sum = 0
            if (
                have == SIGNAL_U
                and not shape.code_input
                and not shape.decay
                and n_u <= MAX_BYTE_ROWS
            ):
                # V depends on a count of at most n_u: tables, no exponentials per unit
                sum_byte_rows(state.w_u[m], rows_u, 0, n_u, partial)
                for c in range(n_u + 1):
                    table[c] = _cut(c / norm_u, rule.lambda_u0, rule)
                g = 0.0
                for q in range(q_total):
                    top = np.uint8(0)
                    for i in range(q * k_total, (q + 1) * k_total):
                        top = max(top, partial[i])
                    best_count[q] = top
                    g += table[top]
                g /= q_total
                for i in range(qk):
                    visits += partial[i]
                if learn and rule.ratchet_step > 0.0:
                    for i in range(qk):
                        mean_v += table[partial[i]]
                if not hard:
                    eta = expansivity(g, k_total, rule)
                    for c in range(n_u + 1):
                        psi[c] = psi_fixed(table[c], eta, inflection, rule)
                for q in range(q_total):
                    draw = uniform(key0, key1, now, m * q_total + q)
                    lowest = best_count[q]
                    while lowest > 0 and table[lowest - 1] == table[best_count[q]]:
                        lowest -= 1
                    state.codes[m, q] = _pick_by_count(
                        partial, lowest, psi, hard, q, k_total, draw
                    )
                if track:
                    for i in range(qk):
                        zeta_sum += table[partial[i]] >= shape.zeta_threshold
            else:
                exponent = rule.lambda_u0 if have == SIGNAL_U else rule.lambda_u
                if n_u:
                    visits += _signal(
                        state.w_u[m], rows_u, weight_u, n_u, norm_u, exponent,
                        shape.decay, rule, counts, partial, u,
                    )  # fmt: skip
                if norm_h > 0:
                    visits += _signal(
                        state.w_h[m], rows_h, weight_h, n_h, norm_h, rule.lambda_h,
                        shape.decay, rule, counts, partial, h,
                    )  # fmt: skip
                if n_d:
                    visits += _signal(
                        state.w_d[m], rows_d, weight_d, n_d, n_d, rule.lambda_d,
                        shape.decay, rule, counts, partial, d,
                    )  # fmt: skip
                if shape.backoff_mask.size and not learn:
                    used = _back_off(have, shape, u, h, d, v, best)
                g = _combine(used, u, h, d, v, best)
                eta = expansivity(g, k_total, rule)
                for q in range(q_total):
                    draw = uniform(key0, key1, now, m * q_total + q)
                    state.codes[m, q] = _pick(
                        v,
                        hard,
                        eta,
                        inflection,
                        rule,
                        q,
                        k_total,
                        draw,
                        best[q],
                        psi_unit,
                    )
                if learn and rule.ratchet_step > 0.0:
                    for i in range(qk):
                        mean_v += v[i]
                if track:
                    for i in range(qk):
                        zeta_sum += v[i] >= shape.zeta_threshold
            zeta = 1
            if track:
                zeta = min(max(1, int(zeta_sum / q_total + 0.5)), k_total)
            state.zeta[m] = zeta
            state.age[m] = 1
            state.familiarity[m] = g
            mean_v /= qk
            if (
                learn
                and rule.ratchet_step > 0.0
                and mean_v > rule.ratchet_floor
                and mean_v > state.best_mean[m]
            ):
                state.best_mean[m] = mean_v
                if inflection < rule.ratchet_max:
                    state.inflection[m] = min(
                        rule.ratchet_max, inflection + rule.ratchet_step
                    )
            # learning
            writes = 0
            if learn:
                place = n_u
                for a in range(n_u):
                    place = _hash32(place ^ np.int64(rows_u[a]))
                place %= state.seen.shape[1]
                if state.seen[m, place] == 0 and state.frozen[m, 0] == 0:
                    out.novel[f, m] = 1
                state.seen[m, place] = 1
                writes += _write(
                    m, 0, state.w_u[m], state.last_u[m % state.last_u.shape[0]],
                    state.stiff_u[m % state.stiff_u.shape[0]], rows_u, n_u, 0, 1,
                    shape, state, now,
                )  # fmt: skip
                if n_h:
                    own_rows = 0
                    if own_h == 0:
                        own_rows = q_total * k_total
                    writes += _write(
                        m, 1, state.w_h[m], state.last_h[m % state.last_h.shape[0]],
                        state.stiff_h[m % state.stiff_h.shape[0]], rows_h, n_h,
                        own_rows, k_total, shape, state, now,
                    )  # fmt: skip
                if n_d:
                    writes += _write(
                        m, 2, state.w_d[m], state.last_d[m % state.last_d.shape[0]],
                        state.stiff_d[m % state.stiff_d.shape[0]], rows_d, n_d, 0, 1,
                        shape, state, now,
                    )  # fmt: skip
            for q in range(q_total):
                out.codes[f, m, q] = state.codes[m, q]
            out.familiarity[f, m] = g
            out.zeta[f, m] = zeta
            out.used[f, m] = used
            out.rows[f, m] = n_u + n_h + n_d
            out.visits[f, m] = visits
            out.writes[f, m] = writes
            out.computed[f, m] = 1


@kernel
def label_sums(codes, offsets, k_total, table, out):
    """Add the rows of the active units of every item: class evidence.

    Parameters
    ----------
    codes : ndarray of int16, shape (n, M, Q)
        -1 where a mac was silent.
    offsets : int
        Row of the first unit.
    k_total : int
        Units per module.
    table : ndarray of float32, shape (n_rows, n_classes)
        Evidence of each unit.
    out : ndarray of float64, shape (n, n_classes)
        Sums, changed in place.
    """
    n, n_macs, q_total = codes.shape
    for i in range(n):
        for m in range(n_macs):
            if codes[i, m, 0] < 0:
                continue
            for q in range(q_total):
                row = offsets + (m * q_total + q) * k_total + codes[i, m, q]
                for c in range(out.shape[1]):
                    out[i, c] += table[row, c]


@kernel
def label_counts(codes, labels, offset, k_total, counts):
    """Count, for every unit, the items of each class in which it was on."""
    n, n_macs, q_total = codes.shape
    for i in range(n):
        for m in range(n_macs):
            if codes[i, m, 0] < 0:
                continue
            for q in range(q_total):
                row = offset + (m * q_total + q) * k_total + codes[i, m, q]
                counts[row, labels[i]] += 1


@kernel
def thin(images):
    """Thin framed binary images in place, Zhang and Suen 1984."""
    n, height, width = images.shape
    remove = np.empty((height * width, 2), np.int64)
    for i in range(n):
        image = images[i]
        changed = True
        while changed:
            changed = False
            for half in range(2):
                found = 0
                for y in range(1, height - 1):
                    for x in range(1, width - 1):
                        if image[y, x] == 0:
                            continue
                        p2, p3 = image[y - 1, x], image[y - 1, x + 1]
                        p4, p5 = image[y, x + 1], image[y + 1, x + 1]
                        p6, p7 = image[y + 1, x], image[y + 1, x - 1]
                        p8, p9 = image[y, x - 1], image[y - 1, x - 1]
                        b = p2 + p3 + p4 + p5 + p6 + p7 + p8 + p9
                        if b < 2 or b > 6:
                            continue
                        a = int(p2 == 0 and p3 == 1)
                        a += int(p3 == 0 and p4 == 1)
                        a += int(p4 == 0 and p5 == 1)
                        a += int(p5 == 0 and p6 == 1)
                        a += int(p6 == 0 and p7 == 1)
                        a += int(p7 == 0 and p8 == 1)
                        a += int(p8 == 0 and p9 == 1)
                        a += int(p9 == 0 and p2 == 1)
                        if a != 1:
                            continue
                        if half == 0:
                            keep = p2 * p4 * p6 != 0 or p4 * p6 * p8 != 0
                        else:
                            keep = p2 * p4 * p8 != 0 or p2 * p6 * p8 != 0
                        if keep:
                            continue
                        remove[found, 0], remove[found, 1] = y, x
                        found += 1
                for r in range(found):
                    image[remove[r, 0], remove[r, 1]] = 0
                changed = changed or found > 0
