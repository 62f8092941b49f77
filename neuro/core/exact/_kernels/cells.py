"""Neurons at events: advance, deliver a row, test, reset.

Of every model: the three with closed forms in the kernels, and registered ones, whose
functions are handed in as `solvers` (None: that code is not compiled). What runs per
synapse takes plain arrays: taking one out of a tuple counts a reference, which costs
more than the work of a synapse. Indices are unsigned: no wrap-around is compiled.
"""

from math import inf, nan

import numba as nb

from neuro.compiled import kernel
from neuro.core._kernels.bits import exp_bounded
from neuro.core.exact._kernels.heap import schedule
from neuro.core.exact._kernels.layout import (
    COUPLING,
    DELTA,
    GAIN,
    KAPPA,
    KEEP,
    LIF_EXP,
    N_HEAP,
    NEAR,
    OWN,
    RATE_M,
    RATE_S,
    RHO,
    STRICT,
    SUBTRACT,
    T_REF,
    TAU_MEM,
    THETA,
    V_INF,
    V_RESET,
)
from neuro.core.exact._kernels.membrane import (
    Membrane,
    crossing_exp,
    predict,
    state_at,
)


@kernel(inline="always")
def next_crossing(
    t, j, v, i_syn, t_free, own, kind, model, par, own_par, at, unit, solvers
):  # fmt: skip
    """Predicted crossing of neuron j, whose state is that at t.

    A registered model that answers with less than 0 or nan loses its state: the run
    stops there.
    """
    c = kind[j]
    if solvers is not None and model[c] == OWN:
        wait = solvers[1][at[c]](own_par[c], own[j])
        if not wait >= 0.0:
            own[j, 0] = nan
            wait = inf
        return t + wait / unit
    return predict(t, v[j], i_syn[j], t_free[j], model[c], par, c)


@kernel(inline="always")
def advance(
    t, j, v, i_syn, t_last, t_free, own, kind, model, par, own_par, at, unit, solvers
):
    """Advance neuron j to t, without an event in between."""
    c = kind[j]
    if solvers is not None and model[c] == OWN:
        dt = t - t_last[j]
        if dt > 0.0:
            solvers[0][at[c]](own_par[c], own[j], dt * unit)
    else:
        v[j], i_syn[j] = state_at(
            t, v[j], i_syn[j], t_last[j], t_free[j], model[c], par, c
        )
    t_last[j] = t


@kernel
def predict_all(cells, classes, book, solvers):
    """Predict every neuron from its own last time: at the start and after a change."""
    for j in range(cells.v.size):
        t = next_crossing(
            cells.t_last[j], j, cells.v, cells.i_syn, cells.t_free, cells.own,
            cells.kind, classes.model, classes.par, classes.own, classes.solver,
            classes.unit[0], solvers,
        )  # fmt: skip
        book[N_HEAP] = schedule(
            cells.cross, cells.heap, cells.place, j, t, book[N_HEAP]
        )


@kernel
def sample(t, indices, cells, classes, solvers, v, i_syn, own):
    """Write the state of `indices` at t; the state itself stays as it is."""
    for k in range(indices.size):
        j = indices[k]
        c = cells.kind[j]
        if solvers is not None and classes.model[c] == OWN:
            own[k] = cells.own[j]
            dt = t - cells.t_last[j]
            if dt > 0.0:
                solvers[0][classes.solver[c]](
                    classes.own[c], own[k], dt * classes.unit[0]
                )
            continue
        v[k], i_syn[k] = state_at(
            t, cells.v[j], cells.i_syn[j], cells.t_last[j], cells.t_free[j],
            classes.model[c], classes.par, c,
        )  # fmt: skip


@kernel(inline="always")
def deliver_fast(
    t, begin, end, target, weight, v, i_syn, t_last, t_free, kind, par, stamps, touched,
    n_touched, stamp, pm, ps,
):  # fmt: skip
    """Advance the targets of a row and add its weights: lif_exp, vectorised decays."""
    for s in range(end - begin):
        j = nb.uint64(target[begin + s])
        c, dt = nb.uint64(kind[j]), t - t_last[j]
        pm[s] = dt * par[c, nb.uint64(RATE_M)]
        ps[s] = dt * par[c, nb.uint64(RATE_S)]
    for s in range(end - begin):
        pm[s] = exp_bounded(pm[s])
    for s in range(end - begin):
        ps[s] = exp_bounded(ps[s])
    for s in range(end - begin):
        j = nb.uint64(target[begin + s])
        if stamps[j] != stamp:
            stamps[j] = stamp
            touched[nb.uint64(n_touched)] = j
            n_touched += 1
            if t > t_last[j]:
                c = nb.uint64(kind[j])
                if t_free[j] <= t_last[j]:
                    rest = par[c, nb.uint64(V_INF)]
                    pms = par[c, nb.uint64(COUPLING)] * (ps[s] - pm[s])
                    rise = par[c, nb.uint64(GAIN)] * pms * i_syn[j]
                    v[j] = rest + (v[j] - rest) * pm[s] + rise
                    i_syn[j] *= ps[s]
                else:
                    v[j], i_syn[j] = state_at(
                        t, v[j], i_syn[j], t_last[j], t_free[j], LIF_EXP, par, c
                    )
                t_last[j] = t
        i_syn[j] += weight[begin + s]
    return n_touched


@kernel(inline="always")
def deliver(
    t, begin, end, into, target, weight, v, i_syn, t_last, t_free, own, kind, model,
    par, own_par, at, unit, solvers, stamps, touched, n_touched, stamp,
):  # fmt: skip
    """The same for any model."""
    for s in range(begin, end):
        j = target[s]
        c = kind[j]
        if stamps[j] != stamp:
            stamps[j] = stamp
            touched[n_touched] = j
            n_touched += 1
            if t > t_last[j]:
                advance(
                    t, j, v, i_syn, t_last, t_free, own, kind, model, par, own_par, at,
                    unit, solvers,
                )  # fmt: skip
        if solvers is not None and model[c] == OWN:
            own[j, into] += weight[s]
        elif model[c] == LIF_EXP:
            i_syn[j] += weight[s]
        elif t >= t_free[j]:
            v[j] += weight[s]
        elif par[c, KEEP] != 0.0:
            i_syn[j] += weight[s]
    return n_touched


@kernel(inline="always")
def test(
    t, touched, n_touched, v, i_syn, t_free, own, kind, model, par, own_par, at,
    unit, solvers, updates, firing, cross, heap, place, n_heap,
):  # fmt: skip
    """Find which touched neurons fire now, and predict the others."""
    n_firing = 0
    for m in range(n_touched):
        j = nb.uint64(touched[m])
        c = nb.uint64(kind[j])
        updates[c] += 1
        if model[c] == LIF_EXP and t >= t_free[j]:
            rest = par[c, nb.uint64(V_INF)]
            theta = par[c, nb.uint64(THETA)] - rest
            u, g = v[j] - rest, par[c, nb.uint64(GAIN)] * i_syn[j]
            if theta >= 0.0 and u < theta:
                # most arrivals cannot lift the membrane to threshold: the bounds of
                # crossing_exp, without the call
                reach = max(u, 0.0) + g * par[c, nb.uint64(KAPPA)]
                if reach < theta or g <= theta:
                    if place[j] >= 0:
                        n_heap = schedule(cross, heap, place, j, inf, n_heap)
                    continue
            m_c = Membrane(
                par[c, nb.uint64(TAU_MEM)], par[c, nb.uint64(RATE_M)],
                par[c, nb.uint64(RATE_S)], par[c, nb.uint64(COUPLING)],
                par[c, nb.uint64(KAPPA)], par[c, nb.uint64(RHO)],
                par[c, nb.uint64(DELTA)], par[c, nb.uint64(NEAR)],
            )  # fmt: skip
            t_next = t + crossing_exp(u, g, theta, m_c)
            if t_next != inf or place[j] >= 0:
                n_heap = schedule(cross, heap, place, j, t_next, n_heap)
            continue
        if (
            model[c] != OWN
            and model[c] != LIF_EXP
            and t >= t_free[j]
            and (
                v[j] > par[c, THETA]
                or (v[j] == par[c, THETA] and par[c, STRICT] == 0.0)
            )
        ):
            firing[n_firing] = j
            n_firing += 1
            continue
        t_next = next_crossing(
            t, j, v, i_syn, t_free, own, kind, model, par, own_par, at, unit, solvers
        )
        if t_next != inf or place[j] >= 0:
            n_heap = schedule(cross, heap, place, j, t_next, n_heap)
    return n_firing, n_heap


@kernel(inline="always")
def reset(t, j, v, t_free, own, kind, model, par, own_par, at, solvers):
    """Reset neuron j at its spike and start refractoriness."""
    c = kind[j]
    if solvers is not None and model[c] == OWN:
        solvers[2][at[c]](own_par[c], own[j])
    else:
        if par[c, SUBTRACT] != 0.0:
            v[j] -= par[c, THETA]
        else:
            v[j] = par[c, V_RESET]
        t_free[j] = t + par[c, T_REF]
