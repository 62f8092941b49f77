"""Closed forms of the membrane between events, and its first crossing.

What is called per event takes a :class:`Membrane` of numbers, not a row of the table:
handing an array on counts references, which costs more than an exponential.
"""

from math import exp, expm1, inf, log, log1p, sqrt
from typing import NamedTuple

from neuro.compiled import kernel
from neuro.core.exact._kernels.layout import (
    COUPLING,
    DELTA,
    GAIN,
    KAPPA,
    LIF_DELTA,
    LIF_EXP,
    NEAR,
    RATE_M,
    RATE_S,
    RHO,
    STRICT,
    TAU_MEM,
    THETA,
    TOLERANCE,
    V_INF,
)


class Membrane(NamedTuple):
    """Constants of lif_exp; see the columns of the class table."""

    tau_mem: float
    rate_m: float
    rate_s: float
    coupling: float
    kappa: float
    rho: float
    delta: float
    near: float


@kernel(inline="always")
def membrane_of(par, c):
    """Return the constants of class c."""
    return Membrane(
        par[c, TAU_MEM],
        par[c, RATE_M],
        par[c, RATE_S],
        par[c, COUPLING],
        par[c, KAPPA],
        par[c, RHO],
        par[c, DELTA],
        par[c, NEAR],
    )


@kernel
def rise(dt, m):
    """Return (P_m, P_s, P_ms): decays over dt and the response to R I = 1."""
    pm = exp(dt * m.rate_m)
    if m.near != 0.0:
        x = dt * m.delta
        phi = 1.0 - 0.5 * x + x * x / 6.0 if abs(x) < 1e-05 else -expm1(-x) / x
        return pm, pm * exp(-x), pm * (dt / m.tau_mem) * phi
    ps = exp(dt * m.rate_s)
    return pm, ps, m.coupling * (ps - pm)


@kernel
def state_at(t, v, i_syn, t_last, t_free, model, par, c):
    """Return (v, i_syn) at t >= t_last, without an event in between."""
    dt = t - t_last
    if dt <= 0.0:
        return v, i_syn
    if model == LIF_EXP:
        if t_free >= t:
            return v, i_syn * exp(dt * par[c, RATE_S])
        if t_free > t_last:
            i_syn = i_syn * exp((t_free - t_last) * par[c, RATE_S])
            dt = t - t_free
        pm, ps, pms = rise(dt, membrane_of(par, c))
        v = par[c, V_INF] + (v - par[c, V_INF]) * pm + par[c, GAIN] * pms * i_syn
        return v, i_syn * ps
    if t_free >= t:
        if t_free == t:  # what was kept acts at the end of refractoriness
            return v + i_syn, 0.0
        return v, i_syn
    if t_free > t_last:
        v, i_syn, dt = v + i_syn, 0.0, t - t_free
    if model == LIF_DELTA:
        return par[c, V_INF] + (v - par[c, V_INF]) * exp(dt * par[c, RATE_M]), i_syn
    return v + par[c, V_INF] * dt, i_syn  # IF_DELTA: V_INF is the slope


@kernel
def _membrane(s, u, g, m):
    """Return u(s) of the membrane above its asymptote, du/ds and d2u/ds2.

    g = R I at s = 0.
    """
    pm, ps, pms = rise(s, m)
    value, now = u * pm + pms * g, g * ps
    slope = (value - now) * m.rate_m
    return value, slope, (slope - now * m.rate_s) * m.rate_m


@kernel
def _root(s, lo, hi, u, g, th, m):
    """First s in lo..hi with u(s) = th, u(lo) < th <= u(hi), u rising on lo..hi.

    Newton from the given start; where the membrane is concave it stays in the bracket
    after one step, the bisection covers the convex start after an inhibitory input. The
    last step is taken when the next one, by the second derivative, is below tolerance.
    """
    for _ in range(200):
        value, slope, bend = _membrane(s, u, g, m)
        gap = th - value
        if gap <= 0.0:
            hi = s
        else:
            lo = s
        step = gap / slope if slope > 0.0 else inf
        new = s + step
        if not (lo <= new <= hi):
            new = 0.5 * (lo + hi)
        elif step * step * abs(bend) <= TOLERANCE * slope:
            return new
        if abs(new - s) <= TOLERANCE + 2.3e-16 * abs(new) or new == s:
            return new
        s = new
    return s


@kernel
def crossing_exp(u, g, th, m):
    """First s >= 0 at which the membrane reaches th, inf if never.

    Where the slope vanishes the membrane equals R I: the height of the peak follows
    from its time without the membrane itself.

    Parameters
    ----------
    u, g, th : float
        Membrane and threshold above the asymptote V_INF, and R I at s = 0.
    m : Membrane
        Constants of the neuron.
    """
    if u >= th:
        return 0.0
    rho = m.rho
    if th >= 0.0:  # asymptote not above threshold: only a rise by current can cross
        if g <= th or g <= u:
            return inf
        base = u if u > 0.0 else 0.0
        if base + g * m.kappa < th:
            return inf
        x = (u - g) / (g * (1.0 + rho))  # ratio at the peak is 1 + x rho
        y = x * rho
        if y <= -1.0:
            return inf
        ratio = x if abs(y) < 1e-12 else log1p(y) / rho
        top = g * exp((1.0 + rho) * ratio)
        if top < th:
            return inf
        peak = -ratio * m.tau_mem
        start = peak * (1.0 - sqrt((top - th) / (top - u)))  # of a parabola
        return _root(start, 0.0, peak, u, g, th, m)
    lo = 0.0
    if g < u:  # falls first: start at the minimum
        y = (u - g) * rho / (g * (1.0 + rho))
        if y > -1.0:
            x = (u - g) / (g * (1.0 + rho))
            ratio = x if abs(y) < 1e-12 else log1p(y) / rho
            lo = max(0.0, -ratio * m.tau_mem)
    hi = lo + m.tau_mem
    while _membrane(hi, u, g, m)[0] < th:
        hi += hi - lo
        if hi > 1e15:
            return inf
    return _root(lo, lo, hi, u, g, th, m)


@kernel(inline="always")
def predict(t, v, i_syn, t_free, model, par, c):
    """Time of the next crossing if no event comes, inf if there is none."""
    start = t
    if t_free > t:
        start = t_free
        if model == LIF_EXP:
            i_syn = i_syn * exp((t_free - t) * par[c, RATE_S])
        else:
            v += i_syn
    th = par[c, THETA]
    if model == LIF_EXP:
        return start + crossing_exp(
            v - par[c, V_INF],
            par[c, GAIN] * i_syn,
            th - par[c, V_INF],
            membrane_of(par, c),
        )
    if (v >= th and par[c, STRICT] == 0.0) or v > th:
        return start
    if model == LIF_DELTA:
        if par[c, V_INF] <= th:
            return inf
        return start + par[c, TAU_MEM] * log((par[c, V_INF] - v) / (par[c, V_INF] - th))
    if par[c, V_INF] <= 0.0:
        return inf
    return start + (th - v) / par[c, V_INF]
