"""Step of the neuron with dendritic action potentials, and its plasticity."""

Z_HISTORY = 8  # trace values kept of the last somatic spikes
Z_ROW = 9  # first state row of that history


def dendritic_lif_step(params, state, inputs, spiked, dt):
    """Advance neurons by one step; rows as named by ``DendriticLif``."""
    p = params[:, 0]
    p_m, p_x, p_mx, p_i, p_mi = p[0], p[1], p[2], p[3], p[4]
    p_d, p_my, p_md, kick, drive = p[5], p[6], p[7], p[8], p[9]
    theta, theta_dap, keep, p_z = p[10], p[11], p[12], p[13]
    hold, hold_dap = p[14], p[15]
    v, i_x, i_inh, y, i_d = state[0], state[1], state[2], state[3], state[4]
    dap, refractory, z, spikes = state[5], state[6], state[7], state[8]
    external, inhibition, dendrite = inputs[0], inputs[1], inputs[2]
    for j in range(spiked.size):
        spiked[j] = 0
        z[j] *= p_z
        if refractory[j] > 0.0:
            refractory[j] -= 1.0
        elif dap[j] > 0.0:
            v[j] = p_m * v[j] + p_mx * i_x[j] + p_mi * i_inh[j] + drive
            dap[j] -= 1.0
        else:
            v[j] = (
                p_m * v[j]
                + p_mx * i_x[j]
                + p_mi * i_inh[j]
                + p_my * y[j]
                + p_md * i_d[j]
            )
            i_d[j] = p_d * (i_d[j] + dt * y[j])
            y[j] = p_d * y[j] + kick * dendrite[j]
            if i_d[j] > theta_dap:
                dap[j] = hold_dap
                z[j] += 1.0
                i_d[j] = 0.0
                y[j] = 0.0
        i_x[j] = p_x * i_x[j] + external[j]
        i_inh[j] = p_i * i_inh[j] + inhibition[j]
        if v[j] > theta and refractory[j] == 0.0:
            spiked[j] = 1
            v[j] = keep
            refractory[j] = hold
            dap[j] = 0.0
            i_d[j] = 0.0
            y[j] = 0.0
            state[Z_ROW + int(spikes[j]) % Z_HISTORY, j] = z[j]
            spikes[j] += 1.0


def structural_on_pre(
    params, synapse, targets, pre, post, post_times, post_count, post_state, last, now,
    delay, decay, spike,
):  # fmt: skip
    """Grow permanences for post spikes since the last pre spike, then let them decay.

    params: gain, loss, homeostasis, largest permanence, threshold, mature weight,
    shortest and longest lag (steps, excluded), wanted trace. Synapse rows: delivered
    weight, permanence, smallest permanence (its initial value).
    """
    gain, loss, homeostasis, most = params[0], params[1], params[2], params[3]
    threshold, mature = params[4], params[5]
    shortest, longest, wanted = params[6], params[7], params[8]
    room, lags = post_times.shape[1], decay.shape[1]
    updates = 0
    for j in range(targets.size):
        target = targets[j]
        permanence = float(synapse[1, j])
        if last < 0 and synapse[2, j] == 0.0:  # the first call, not one after silence
            synapse[2, j] = synapse[1, j]
        least = float(synapse[2, j])
        if last >= 0:
            count = post_count[target]
            low = max(0, count - room)
            end = count
            while end > low and post_times[target, (end - 1) % room] + delay > now:
                end -= 1
            first = end
            while first > low and post_times[target, (first - 1) % room] + delay > last:
                first -= 1
            for i in range(first, end):
                lag = post_times[target, i % room] + delay - last
                if shortest < lag < longest and lag < lags:
                    z = post_state[Z_ROW + i % Z_HISTORY, target]
                    permanence += gain * pre[0] * decay[0, lag]
                    permanence += homeostasis * (wanted - z)
                    permanence = min(max(permanence, least), most)
                    updates += 1
        if spike != 0:
            permanence = min(max(permanence - loss, least), most)
            updates += 1
        synapse[1, j] = permanence
        if spike != 0:
            synapse[0, j] = mature if permanence > threshold else 0.0
    return updates
