"""Compiled plasticity rules."""

import math

import numpy as np

from neuro.compiled import kernel
from neuro.core._kernels.bits import exp_bounded, log_positive, prefetch

_AHEAD = 24  # synapses between the prefetch of a history and its use


@kernel(inline="always")  # a call left in a loop keeps it from vectorising
def _power(x, mu):
    """Return x**mu for x >= 0, with 0**0 = 1."""
    y = exp_bounded(mu * log_positive(max(x, 1e-300)))
    y = y if x > 0.0 else 0.0
    return 1.0 if mu == 0.0 else (x if mu == 1.0 else y)


@kernel
def _potentiate(w, k, power, gain, mu, w_max):
    """Add to all weights at once: no branches, so that the loops vectorise."""
    if power:
        for i in range(w.size):
            w[i] += gain * _power(w[i], mu) * k[i]
    else:
        for i in range(w.size):
            grown = (
                w[i] + gain * w_max * _power(max(1.0 - w[i] / w_max, 0.0), mu) * k[i]
            )
            w[i] = min(grown, w_max)


@kernel
def _depress(w, k, power, gain, mu, w_max):
    if power:
        for i in range(w.size):
            w[i] = max(w[i] - gain * w[i] * k[i], 0.0)
    else:
        for i in range(w.size):
            less = gain * w_max * _power(max(w[i] / w_max, 0.0), mu) * k[i]
            w[i] = max(w[i] - less, 0.0)


@kernel
def _find_pairs(
    targets, post, post_times, post_count, last, now, delay, fall, restricted, ends,
    many, k,
):  # fmt: skip
    """For every synapse: its visible post spikes since `last`, and K_post at `now`.

    Entries ``ends - many .. ends - 1`` of a target's ring lie in (last, now]; `k` is 0
    where nothing is to be depressed. Returns how many are.
    """
    lags, room = fall.size, post_times.shape[1]
    turn = room - 1  # the driver's rings have a power of two of entries
    since = last - (delay == 0)  # axonal: a post spike at `last` came after it
    paired = 0
    for j in range(targets.size):
        if j + _AHEAD < targets.size:
            later = np.int64(targets[j + _AHEAD])
            place = later * room + ((post_count[later] - 1) & turn)
            prefetch(post, place)
            prefetch(post_times, place)
            prefetch(post_times, later * room + ((post_count[later] - 4) & turn))
        target = targets[j]
        count = post_count[target]
        low = max(0, count - room)
        end = count
        while end > low and post_times[target, (end - 1) & turn] + delay > now:
            end -= 1
        seen = end - low
        m = 0
        for i in range(1, 5):  # the number is random: counted without a branch
            t = post_times[target, (end - i) & turn] + delay
            m += (t > since) & (i <= seen)
        if m == 4:
            while m < seen and post_times[target, (end - m - 1) & turn] + delay > since:
                m += 1
        ends[j], many[j] = end, m
        at = end - ((seen > 0) & (post_times[target, (end - 1) & turn] + delay == now))
        lag = now - (post_times[target, (at - 1) & turn] + delay)
        one = (at > low) & (lag < lags)
        one &= (not restricted) | (at > end - m) | (last < 0)
        lag = min(max(lag, 0), lags - 1)
        k[j] = post[0, target, (at - 1) & turn] * fall[lag] if one else 0.0
        paired += one
    return paired


def pair_stdp(
    params, synapse, targets, pre, post, post_times, post_count, post_state, last, now,
    delay, decay, spike,
):  # fmt: skip
    """Pair rule: potentiate for post spikes since the last pre spike, then depress.

    params: rule (0 mu-power, 1 power law), pairing (0 all, 1 nearest, 2 restricted),
    rate, alpha, mu_plus, mu_minus, w_max, w0 ** (1 - mu). All synapses of the row are
    taken together: first their oldest post spike, then the next ...
    """
    power, restricted = params[0] > 0.0, params[1] == 2.0
    rate, alpha, mu_plus, mu_minus = params[2], params[3], params[4], params[5]
    w_max, factor = params[6], params[7]
    n, lags, turn = targets.size, decay.shape[1], post_times.shape[1] - 1
    w, k = np.empty(n), np.empty(n)
    ends, many = np.empty(n, np.int64), np.empty(n, np.int64)
    paired = _find_pairs(
        targets, post, post_times, post_count, last, now, delay, decay[1], restricted,
        ends, many, k,
    )  # fmt: skip
    for j in range(n):
        w[j] = synapse[0, j]
    updates = 0
    if last >= 0:
        chosen, some, kept = np.arange(n), np.empty(n), np.empty(n)
        left, rank = n, 0
        while left > 0:
            m = 0
            for i in range(left):  # those with a post spike of this rank
                j = chosen[i]
                chosen[m] = j
                m += many[j] > rank
            for i in range(m):
                j = chosen[i]
                at = (ends[j] - many[j] + rank) & turn
                lag = post_times[targets[j], at] + delay - last
                kept[i] = pre[0] * decay[0, min(lag, lags - 1)] if lag < lags else 0.0
                updates += lag < lags
                some[i] = w[j]
            _potentiate(some[:m], kept[:m], power, rate * factor, mu_plus, w_max)
            for i in range(m):
                w[chosen[i]] = some[i]
            left, rank = m, rank + 1
            if restricted:
                break
    if spike != 0:
        _depress(w, k, power, rate * alpha, mu_minus, w_max)
        updates += paired
    for j in range(n):
        synapse[0, j] = w[j]
    return updates


def triplet_stdp(
    params, synapse, targets, pre, post, post_times, post_count, post_state, last, now,
    delay, decay, spike,
):  # fmt: skip
    """Triplet rule; traces r1, r2 (pre) and o1, o2 (post), all to all.

    params: a2_plus, a3_plus, a2_minus, a3_minus, w_max. The slow trace of the side that
    fires is read before its own update.
    """
    a2p, a3p, a2m, a3m, w_max = params[0], params[1], params[2], params[3], params[4]
    lags, room = decay.shape[1], post_times.shape[1]
    turn = room - 1  # the driver's rings have a power of two of entries
    since = last - (delay == 0)
    updates = 0
    for j in range(targets.size):
        target = targets[j]
        count = post_count[target]
        low = max(0, count - room)
        w = float(synapse[0, j])
        end = count
        while end > 0 and post_times[target, (end - 1) & turn] + delay > now:
            end -= 1
        first = end
        while first > low and post_times[target, (first - 1) & turn] + delay > since:
            first -= 1
        if last >= 0:
            for i in range(first, end):
                lag = post_times[target, i & turn] + delay - last
                if lag < lags:
                    slow = post[1, target, i & turn] - 1.0
                    w += pre[0] * decay[0, lag] * (a2p + a3p * slow)
                    w = min(w, w_max)
                    updates += 1
        if spike != 0:
            at = end
            while at > low and post_times[target, (at - 1) & turn] + delay >= now:
                at -= 1
            if at > low:
                lag = now - (post_times[target, (at - 1) & turn] + delay)
                if lag < lags:
                    slow = 0.0
                    if last >= 0 and now - last < lags:
                        slow = pre[1] * decay[1, now - last]
                    fast = post[0, target, (at - 1) & turn] * decay[2, lag]
                    w -= fast * (a2m + a3m * slow)
                    w = max(w, 0.0)
                    updates += 1
        synapse[0, j] = w
    return updates


def reward_stdp(
    params, synapse, targets, pre, post, post_times, post_count, post_state, last, now,
    delay, decay, spike,
):  # fmt: skip
    """Pairs change an eligibility, a reward changes the weight by it.

    params: reward (0 at a pre spike), a_plus, a_minus, w_max. Fields: weight,
    eligibility at `last`; the second pre trace stands for its decay.
    """
    reward, a_plus, a_minus, w_max = params[0], params[1], params[2], params[3]
    n, lags, turn = targets.size, decay.shape[1], post_times.shape[1] - 1
    k = np.empty(n)
    ends, many = np.empty(n, np.int64), np.empty(n, np.int64)
    updates = _find_pairs(
        targets, post, post_times, post_count, last, now, delay, decay[2], False, ends,
        many, k,
    )  # fmt: skip
    updates = updates if spike != 0 else n
    fade = decay[1, now - last] if last >= 0 and now - last < lags else 0.0
    for j in range(n):
        e = synapse[1, j] * fade
        if last >= 0:
            for i in range(ends[j] - many[j], ends[j]):
                t = post_times[targets[j], i & turn] + delay
                if t - last < lags:
                    grown = a_plus * pre[0] * decay[0, t - last]
                    e += grown * decay[1, min(now - t, lags - 1)]
                    updates += 1
        if spike != 0:
            e -= a_minus * k[j]
        else:
            synapse[0, j] = min(max(synapse[0, j] + reward * e, 0.0), w_max)
        synapse[1, j] = e
    return updates


def short_term(
    params, synapse, targets, pre, post, post_times, post_count, post_state, last, now,
    delay, decay, spike,
):  # fmt: skip
    """Short-term plasticity: recover x, update u, release u x, then x -= u x.

    params: u, tau_rec, tau_facil, dt. Fields: delivered, weight, u, x.
    """
    if spike == 0:
        return 0
    u0, tau_rec, tau_facil, dt = params[0], params[1], params[2], params[3]
    elapsed = (now - last) * dt
    for j in range(targets.size):
        if last < 0:
            u, x = u0, 1.0
        else:
            u, x = float(synapse[2, j]), float(synapse[3, j])
            x = 1.0 + (x - 1.0) * math.exp(-elapsed / tau_rec)
            if tau_facil > 0.0:
                u = u * math.exp(-elapsed / tau_facil)
                u = u + u0 * (1.0 - u)
            else:
                u = u0
        synapse[0, j] = synapse[1, j] * u * x
        synapse[2, j] = u
        synapse[3, j] = x - u * x
    return targets.size
