"""Steps of the models on a framework's clock: forward Euler, current first."""


def euler_step(params, state, inputs, spiked, dt):
    """Rows keep, gain, drive, theta, v_after; state v.

    ``v <- keep v + gain s + drive``; above theta: ``v <- v_after``.
    """
    p, v, s = params, state[0], inputs[0]
    one = p.shape[1] == 1
    for i in range(spiked.size):
        k = 0 if one else i
        u = p[0, k] * v[i] + p[1, k] * s[i] + p[2, k]
        fired = u > p[3, k]
        v[i] = p[4, k] if fired else u
        spiked[i] = fired


def euler_cuba_step(params, state, inputs, spiked, dt):
    """Rows keep_i, gain_i, drive_i, keep, gain, drive, theta, v_after; state v, i_syn.

    ``i <- keep_i i + gain_i s + drive_i``, then ``v <- keep v + gain i + drive`` with
    the new current; above theta: ``v <- v_after``.
    """
    p, v, syn, s = params, state[0], state[1], inputs[0]
    one = p.shape[1] == 1
    for i in range(spiked.size):
        k = 0 if one else i
        syn[i] = p[0, k] * syn[i] + p[1, k] * s[i] + p[2, k]
        u = p[3, k] * v[i] + p[4, k] * syn[i] + p[5, k]
        fired = u > p[6, k]
        v[i] = p[7, k] if fired else u
        spiked[i] = fired
