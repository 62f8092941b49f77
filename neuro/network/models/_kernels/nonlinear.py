"""Steps of the conductance-based and the non-linear models."""

import math

from neuro.compiled import kernel
from neuro.core._kernels.bits import exp2_ratio, exp_bounded, fma

_LOG2E = 1.4426950408889634


# ---- rows g_leak, leak_drive, e_exc, e_inh, per_c, p_e, p_i, i_e, theta, keep,
#      v_after, hold; state v, g_exc, g_inh, refractory ----
@kernel
def _cond(
    gl, ld, ee, ei, k, pe, pi, ie, th, keep, after, hold, v, ge, gi, left, x, y, current
):
    held = left > 0.0
    total = gl + ge + gi
    drive = fma(ee, ge, fma(ei, gi, (ld + ie) + current))
    a, b = exp2_ratio(-(k * _LOG2E) * total)
    # v + (drive / total - v) (1 - a / b), over one denominator
    u = v if held else v + fma(-v, total, drive) * (b - a) / (total * b)
    fired = (u >= th) & (not held)
    return (
        fma(keep, u, after) if fired else u,
        fma(pe, ge, x),
        fma(pi, gi, y),
        hold if fired else max(left - 1.0, 0.0),
        fired,
    )


def lif_cond_step(params, state, inputs, spiked, dt):
    """Exponential Euler: conductances held over the step."""
    p, v, ge, gi, ref = params, state[0], state[1], state[2], state[3]
    x, y, cur = inputs[0], inputs[1], inputs[2]
    a, b, c, d, e, f = p[0], p[1], p[2], p[3], p[4], p[5]
    g, h, o, q, r, s = p[6], p[7], p[8], p[9], p[10], p[11]
    if p.shape[1] == 1:
        a0, b0, c0, d0, e0, f0 = a[0], b[0], c[0], d[0], e[0], f[0]
        g0, h0, o0, q0, r0, s0 = g[0], h[0], o[0], q[0], r[0], s[0]
        for i in range(spiked.size):
            v[i], ge[i], gi[i], ref[i], spiked[i] = _cond(
                a0, b0, c0, d0, e0, f0, g0, h0, o0, q0, r0, s0,
                v[i], ge[i], gi[i], ref[i], x[i], y[i], cur[i],
            )  # fmt: skip
    else:
        for i in range(spiked.size):
            v[i], ge[i], gi[i], ref[i], spiked[i] = _cond(
                a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i], o[i], q[i], r[i], s[i],
                v[i], ge[i], gi[i], ref[i], x[i], y[i], cur[i],
            )  # fmt: skip


@kernel
def _cond_slope(v, ge, gi, gl, ld, ee, ei, drive):
    return ld + ee * ge + ei * gi + drive - (gl + ge + gi) * v


def lif_cond_rk4_step(params, state, inputs, spiked, dt):
    """Runge-Kutta of order 4 with substeps; rows as above, then substeps, tau_e, tau_i.

    The row c_inv_dt is dt / C.
    """
    p = params
    one = p.shape[1] == 1
    for i in range(spiked.size):
        k = 0 if one else i
        gl, ld, ee, ei = p[0, k], p[1, k], p[2, k], p[3, k]
        m = int(p[12, k])
        h = p[4, k] / m
        fe, fi = math.exp(-0.5 * dt / m / p[13, k]), math.exp(-0.5 * dt / m / p[14, k])
        drive = p[7, k] + inputs[2, i]
        v, ge, gi = state[0, i], state[1, i], state[2, i]
        held = state[3, i] > 0.0
        u = v
        for _ in range(m):
            ge2, gi2 = ge * fe, gi * fi
            ge3, gi3 = ge2 * fe, gi2 * fi
            a = h * _cond_slope(u, ge, gi, gl, ld, ee, ei, drive)
            b = h * _cond_slope(u + 0.5 * a, ge2, gi2, gl, ld, ee, ei, drive)
            c = h * _cond_slope(u + 0.5 * b, ge2, gi2, gl, ld, ee, ei, drive)
            d = h * _cond_slope(u + c, ge3, gi3, gl, ld, ee, ei, drive)
            u += (a + 2.0 * b + 2.0 * c + d) / 6.0
            ge, gi = ge3, gi3
        u = v if held else u
        fired = (u >= p[8, k]) and not held
        state[1, i] = p[5, k] * state[1, i] + inputs[0, i]
        state[2, i] = p[6, k] * state[2, i] + inputs[1, i]
        state[0, i] = p[9, k] * u + p[10, k] if fired else u
        state[3, i] = p[11, k] if fired else max(state[3, i] - 1.0, 0.0)
        spiked[i] = fired


# ---- rows c, g_leak, v_leak, delta, v_t, v_peak, v_reset, a, b, tau_w, half_s, p_s,
#      i_e, hold; state v, w, i_syn, refractory ----
@kernel(inline="always")
def _adex_v(v, w, i, c, gl, el, delta, vt, peak):
    grow = gl * delta * exp_bounded(max((min(v, peak) - vt) / delta, -600.0))
    return (-gl * (v - el) + grow - w + i) / c


@kernel(inline="always")
def _adex(params, state, inputs, spiked, dt, stride):
    p = params
    for i in range(spiked.size):
        k = i * stride
        c, gl, el, delta, vt, peak = (
            p[0, k],
            p[1, k],
            p[2, k],
            p[3, k],
            p[4, k],
            p[5, k],
        )
        a, tw = p[7, k], p[9, k]
        v, w, s = state[0, i], state[1, i], state[2, i]
        held = state[3, i] > 0.0
        drive = p[12, k] + inputs[1, i]
        i1, i2 = s + drive, s * p[10, k] + drive
        i4 = s * p[11, k] + drive
        k1 = _adex_v(v, w, i1, c, gl, el, delta, vt, peak)
        l1 = (a * (v - el) - w) / tw
        v2, w2 = min(v + 0.5 * dt * k1, peak), w + 0.5 * dt * l1
        k2 = _adex_v(v2, w2, i2, c, gl, el, delta, vt, peak)
        l2 = (a * (v2 - el) - w2) / tw
        v3, w3 = min(v + 0.5 * dt * k2, peak), w + 0.5 * dt * l2
        k3 = _adex_v(v3, w3, i2, c, gl, el, delta, vt, peak)
        l3 = (a * (v3 - el) - w3) / tw
        v4, w4 = min(v + dt * k3, peak), w + dt * l3
        k4 = _adex_v(v4, w4, i4, c, gl, el, delta, vt, peak)
        l4 = (a * (v4 - el) - w4) / tw
        u = v + dt * (k1 + 2.0 * k2 + 2.0 * k3 + k4) / 6.0
        x = w + dt * (l1 + 2.0 * l2 + 2.0 * l3 + l4) / 6.0
        if held:
            u = v
            x = w + (a * (v - el) - w) * (1.0 - exp_bounded(-dt / tw))
        state[2, i] = p[11, k] * s + inputs[0, i]
        fired = u >= peak and not held
        state[0, i] = p[6, k] if fired else u
        state[1, i] = x + p[8, k] if fired else x
        state[3, i] = p[13, k] if fired else max(state[3, i] - 1.0, 0.0)
        spiked[i] = fired


def adex_step(params, state, inputs, spiked, dt):
    """Runge-Kutta of order 4; V is clipped at v_peak in every stage."""
    if params.shape[1] == 1:
        _adex(params, state, inputs, spiked, dt, 0)
    else:
        _adex(params, state, inputs, spiked, dt, 1)


# ---- rows a, b, c, d, v_peak, i_e, euler, dt_ms; state v (mV), u ----
@kernel(inline="always")
def _izhikevich(params, state, inputs, spiked, dt, stride):
    p = params
    for i in range(spiked.size):
        k = i * stride
        v, u, h = state[0, i], state[1, i], p[7, k]
        drive = inputs[0, i] + inputs[1, i] + p[5, k]
        if p[6, k] > 0.0:
            dv = 0.04 * v * v + 5.0 * v + 140.0 - u + drive
            u += h * p[0, k] * (p[1, k] * v - u)
            v += h * dv
        else:
            v += 0.5 * h * (0.04 * v * v + 5.0 * v + 140.0 - u + drive)
            v += 0.5 * h * (0.04 * v * v + 5.0 * v + 140.0 - u + drive)
            u += h * p[0, k] * (p[1, k] * v - u)
        fired = v >= p[4, k]
        state[0, i] = p[2, k] if fired else v
        state[1, i] = u + p[3, k] if fired else u
        spiked[i] = fired


def izhikevich_step(params, state, inputs, spiked, dt):
    """Two half-steps of v and one of u (the scheme of 2003), or Euler."""
    if params.shape[1] == 1:
        _izhikevich(params, state, inputs, spiked, dt, 0)
    else:
        _izhikevich(params, state, inputs, spiked, dt, 1)
