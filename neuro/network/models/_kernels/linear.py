"""Steps of the linear sub-threshold models: exact propagators."""

from neuro.compiled import kernel


# ---- delta synapses; rows p_m, drive, r_drive, theta, keep, v_after, hold ----
@kernel
def _lif_delta(pm, drive, rd, theta, keep, after, hold, v, left, x, current):
    held = left > 0.0
    u = v if held else pm * v + drive + rd * current + x
    fired = (u >= theta) & (not held)
    return (
        keep * u + after if fired else u,
        hold if fired else max(left - 1.0, 0.0),
        fired,
    )


def lif_delta_step(params, state, inputs, spiked, dt):
    """Advance V, add arrivals, test, reset."""
    p, v, ref, inp, cur = params, state[0], state[1], inputs[0], inputs[1]
    a, b, c, d, e, f, g = p[0], p[1], p[2], p[3], p[4], p[5], p[6]
    if p.shape[1] == 1:
        a0, b0, c0, d0, e0, f0, g0 = a[0], b[0], c[0], d[0], e[0], f[0], g[0]
        for i in range(spiked.size):
            v[i], ref[i], spiked[i] = _lif_delta(
                a0, b0, c0, d0, e0, f0, g0, v[i], ref[i], inp[i], cur[i]
            )
    else:
        for i in range(spiked.size):
            v[i], ref[i], spiked[i] = _lif_delta(
                a[i], b[i], c[i], d[i], e[i], f[i], g[i], v[i], ref[i], inp[i], cur[i]
            )


def lif_delta_brian2_step(params, state, inputs, spiked, dt):
    """Advance V, test, add arrivals unless refractory or firing, reset."""
    p, v, ref, inp, cur = params, state[0], state[1], inputs[0], inputs[1]
    one = p.shape[1] == 1
    for i in range(spiked.size):
        k = 0 if one else i
        held = ref[i] > 0.0
        u = v[i] if held else p[0, k] * v[i] + p[1, k] + p[2, k] * cur[i]
        fired = (u >= p[3, k]) & (not held)
        if not held and not fired:
            u += inp[i]
        v[i] = p[4, k] * u + p[5, k] if fired else u
        ref[i] = p[6, k] if fired else max(ref[i] - 1.0, 0.0)
        spiked[i] = fired


# ---- leaky integrator; rows p_m, drive, r_drive ----
@kernel(inline="always")
def _leaky(params, state, inputs, spiked, dt, stride):
    p, v = params, state[0]
    for i in range(spiked.size):
        k = i * stride
        v[i] = p[0, k] * v[i] + p[1, k] + p[2, k] * inputs[1, i] + inputs[0, i]
        spiked[i] = 0


def leaky_step(params, state, inputs, spiked, dt):
    """Advance V and add arrivals; never a spike."""
    if params.shape[1] == 1:
        _leaky(params, state, inputs, spiked, dt, 0)
    else:
        _leaky(params, state, inputs, spiked, dt, 1)


# ---- one exponential current; rows p_m, p_s, p_ms, drive, r_drive, theta, keep,
#      v_after, hold; state v, i_syn, refractory ----
@kernel
def _lif_exp(pm, ps, pms, dr, rd, th, keep, after, hold, v, syn, left, x, current):
    held = left > 0.0
    u = v if held else pm * v + pms * syn + dr + rd * current
    fired = (u >= th) & (not held)
    return (
        keep * u + after if fired else u,
        ps * syn + x,
        hold if fired else max(left - 1.0, 0.0),
        fired,
    )


def lif_exp_step(params, state, inputs, spiked, dt):
    """Advance V, decay the current, add arrivals to it, test, reset."""
    p, v, syn, ref = params, state[0], state[1], state[2]
    inp, cur = inputs[0], inputs[1]
    a, b, c, d, e, f, g, h, o = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8]
    if p.shape[1] == 1:
        a0, b0, c0, d0, e0, f0, g0, h0, o0 = (
            a[0], b[0], c[0], d[0], e[0], f[0], g[0], h[0], o[0],
        )  # fmt: skip
        for i in range(spiked.size):
            v[i], syn[i], ref[i], spiked[i] = _lif_exp(
                a0, b0, c0, d0, e0, f0, g0, h0, o0, v[i], syn[i], ref[i], inp[i], cur[i]
            )
    else:
        for i in range(spiked.size):
            v[i], syn[i], ref[i], spiked[i] = _lif_exp(
                a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i], o[i],
                v[i], syn[i], ref[i], inp[i], cur[i],
            )  # fmt: skip


# The order of Brian2 (test before the arrivals) gives the same numbers here: arrivals
# go to the current, which acts on V only in the next step.
lif_exp_brian2_step = lif_exp_step


# ---- two exponential currents; rows p_m, p_e, p_me, p_i, p_mi, drive, r_drive, theta,
#      keep, v_after, hold; state v, i_exc, i_inh, refractory ----
@kernel
def _lif_exp_ei(
    pm,
    pe,
    pme,
    pi,
    pmi,
    dr,
    rd,
    th,
    keep,
    after,
    hold,
    v,
    exc,
    inh,
    left,
    x,
    y,
    current,
):
    held = left > 0.0
    u = v if held else pm * v + (pme * exc + pmi * inh) + dr + rd * current
    fired = (u >= th) & (not held)
    return (
        keep * u + after if fired else u,
        pe * exc + x,
        pi * inh + y,
        hold if fired else max(left - 1.0, 0.0),
        fired,
    )


def lif_exp_ei_step(params, state, inputs, spiked, dt):
    """Advance V, decay both currents, add arrivals, test, reset."""
    p, v, exc, inh, ref = params, state[0], state[1], state[2], state[3]
    x, y, cur = inputs[0], inputs[1], inputs[2]
    a, b, c, d, e, f = p[0], p[1], p[2], p[3], p[4], p[5]
    g, h, o, q, r = p[6], p[7], p[8], p[9], p[10]
    if p.shape[1] == 1:
        a0, b0, c0, d0, e0, f0 = a[0], b[0], c[0], d[0], e[0], f[0]
        g0, h0, o0, q0, r0 = g[0], h[0], o[0], q[0], r[0]
        for i in range(spiked.size):
            v[i], exc[i], inh[i], ref[i], spiked[i] = _lif_exp_ei(
                a0, b0, c0, d0, e0, f0, g0, h0, o0, q0, r0,
                v[i], exc[i], inh[i], ref[i], x[i], y[i], cur[i],
            )  # fmt: skip
    else:
        for i in range(spiked.size):
            v[i], exc[i], inh[i], ref[i], spiked[i] = _lif_exp_ei(
                a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i], o[i], q[i], r[i],
                v[i], exc[i], inh[i], ref[i], x[i], y[i], cur[i],
            )  # fmt: skip


# ---- alpha current; rows p_m, p_s, p_ms, p_mx, step, jump, drive, r_drive, theta,
#      keep, v_after, hold; state v, i_syn, slope, refractory ----
@kernel(inline="always")
def _lif_alpha(params, state, inputs, spiked, dt, stride):
    p, v, syn, slope, ref = params, state[0], state[1], state[2], state[3]
    inp, cur = inputs[0], inputs[1]
    for i in range(spiked.size):
        k = i * stride
        held = ref[i] > 0.0
        u = (
            p[0, k] * v[i]
            + p[2, k] * syn[i]
            + p[3, k] * slope[i]
            + p[6, k]
            + p[7, k] * cur[i]
        )
        u = v[i] if held else u
        syn[i] = p[1, k] * (syn[i] + p[4, k] * slope[i])
        slope[i] = p[1, k] * slope[i] + p[5, k] * inp[i]
        fired = (u >= p[8, k]) & (not held)
        v[i] = p[9, k] * u + p[10, k] if fired else u
        ref[i] = p[11, k] if fired else max(ref[i] - 1.0, 0.0)
        spiked[i] = fired


def lif_alpha_step(params, state, inputs, spiked, dt):
    """Advance V, the current and its slope, add arrivals to the slope, test, reset."""
    if params.shape[1] == 1:
        _lif_alpha(params, state, inputs, spiked, dt, 0)
    else:
        _lif_alpha(params, state, inputs, spiked, dt, 1)


# ---- current-based leaky integrator; rows p_m, p_s, p_ms, drive, r_drive ----
@kernel(inline="always")
def _leaky_exp(params, state, inputs, spiked, dt, stride):
    p, v, syn = params, state[0], state[1]
    for i in range(spiked.size):
        k = i * stride
        v[i] = p[0, k] * v[i] + p[2, k] * syn[i] + p[3, k] + p[4, k] * inputs[1, i]
        syn[i] = p[1, k] * syn[i] + inputs[0, i]
        spiked[i] = 0


def leaky_exp_step(params, state, inputs, spiked, dt):
    """Advance V and the current; never a spike."""
    if params.shape[1] == 1:
        _leaky_exp(params, state, inputs, spiked, dt, 0)
    else:
        _leaky_exp(params, state, inputs, spiked, dt, 1)


# ---- adaptive LIF; rows p_m, p_s, p_ms, p_ma, p_a, b, raise, drive, r_drive, theta,
#      keep, v_after, hold; state v, i_syn, adaptation, refractory ----
@kernel(inline="always")
def _alif(params, state, inputs, spiked, dt, stride):
    p, v, syn, ad, ref = params, state[0], state[1], state[2], state[3]
    inp, cur = inputs[0], inputs[1]
    for i in range(spiked.size):
        k = i * stride
        held = ref[i] > 0.0
        u = p[0, k] * v[i] + p[2, k] * syn[i] + p[3, k] * ad[i] + p[7, k]
        u = v[i] if held else u + p[8, k] * cur[i]
        syn[i] = p[1, k] * syn[i] + inp[i]
        ad[i] = p[4, k] * ad[i]
        spiked[i] = (u >= p[9, k] + p[6, k] * ad[i]) & (not held)
        v[i] = u
        ref[i] = max(ref[i] - 1.0, 0.0)
    for i in range(spiked.size):  # apart: the flag would keep one loop from vectorising
        k = i * stride
        fired = spiked[i] != 0
        u = v[i]
        v[i] = p[10, k] * u + p[11, k] if fired else u
        ref[i] = p[12, k] if fired else ref[i]
        ad[i] = ad[i] + p[5, k] if fired else ad[i]


def alif_step(params, state, inputs, spiked, dt):
    """As lif_exp; the adaptation decays, moves the threshold or drains V."""
    if params.shape[1] == 1:
        _alif(params, state, inputs, spiked, dt, 0)
    else:
        _alif(params, state, inputs, spiked, dt, 1)


# ---- stateless nodes ----
def relay_step(params, state, inputs, spiked, dt):
    """Keep what arrives as a real value for this step."""
    for i in range(spiked.size):
        state[0, i] = inputs[0, i]
        spiked[i] = 0


def parrot_step(params, state, inputs, spiked, dt):
    """Fire when the arrivals of the step reach the threshold (row theta)."""
    p = params
    one = p.shape[1] == 1
    for i in range(spiked.size):
        k = 0 if one else i
        state[0, i] = inputs[0, i]
        spiked[i] = inputs[0, i] >= p[0, k]
