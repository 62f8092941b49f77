"""Compiled plasticity rules."""

import math

from neuro.core._kernels.bits import exp_bounded


def pair_stdp(
    params, synapse, targets, pre, post, post_times, post_count, post_state, last, now,
    delay, decay, spike,
):  # fmt: skip
    """Pair rule: potentiate for post spikes since the last pre spike, then depress.

    params: rule (0 mu-power, 1 power law), pairing (0 all, 1 nearest, 2 restricted),
    rate, alpha, mu_plus, mu_minus, w_max, w0 ** (1 - mu).
    """
    power, pairing = params[0] > 0.0, params[1]
    rate, alpha, mu_plus, mu_minus = params[2], params[3], params[4], params[5]
    w_max, factor = params[6], params[7]
    lags, room = decay.shape[1], post_times.shape[1]
    turn = room - 1  # the driver's rings have a power of two of entries
    gain = rate * factor
    updates = 0
    for j in range(targets.size):
        target = targets[j]
        count = post_count[target]
        w = float(synapse[0, j])
        # the post spikes that the synapse sees up to now: entries first .. end - 1
        end = count
        while end > 0 and post_times[target, (end - 1) & turn] + delay > now:
            end -= 1
        first = end
        low = max(0, count - room)
        while first > low and post_times[target, (first - 1) & turn] + delay > last:
            first -= 1
        if last >= 0:
            stop = end
            if pairing == 2.0:
                stop = min(end, first + 1)
            for i in range(first, stop):
                lag = post_times[target, i & turn] + delay - last
                if lag < lags:
                    k = pre[0] * decay[0, lag]
                    if power and w > 0.0:
                        w += gain * exp_bounded(mu_plus * math.log(w)) * k
                    elif not power:
                        x = max(1.0 - w / w_max, 0.0)
                        w += rate * w_max * math.pow(x, mu_plus) * k
                        w = min(w, w_max)
                    updates += 1
        if spike != 0:
            at = end
            while at > low and post_times[target, (at - 1) & turn] + delay >= now:
                at -= 1
            paired = at > low and (pairing != 2.0 or at > first or last < 0)
            if paired:
                lag = now - (post_times[target, (at - 1) & turn] + delay)
                if lag < lags:
                    k = post[0, target, (at - 1) & turn] * decay[1, lag]
                    if power:
                        w -= rate * alpha * w * k
                    else:
                        x = max(w / w_max, 0.0)
                        w -= rate * alpha * w_max * math.pow(x, mu_minus) * k
                    w = max(w, 0.0)
                    updates += 1
        synapse[0, j] = w
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
        while first > low and post_times[target, (first - 1) & turn] + delay > last:
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
