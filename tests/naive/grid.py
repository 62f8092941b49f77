"""Slow, obvious form of a step of the grid engine, for static networks.

One population of NumPy arrays per model, an explicit table of arrivals per step, loops
over spikes and synapses. Orders and conventions are those of ``neuro.network``.
"""

from collections import defaultdict

import numpy as np

from neuro.network.expand import expand
from neuro.network.stimuli import to_steps


def lif_exp(v, i, left, x, m, dt):
    p_m, p_s = np.exp(-dt / m.tau_mem), np.exp(-dt / m.tau_syn)
    p_ms = m.r / m.tau_mem * m.tau_syn * m.tau_mem / (m.tau_syn - m.tau_mem)
    p_ms *= p_s - p_m
    held = left > 0
    moved = p_m * v + p_ms * i + (1 - p_m) * (m.v_leak + m.r * m.i_e)
    v = np.where(held, v, moved)
    i = p_s * i + x
    fired = (v >= m.v_threshold) & ~held
    left = np.where(fired, round(m.t_ref / dt), np.maximum(left - 1, 0))
    return np.where(fired, m.v_reset, v), i, left, fired


def lif_delta(v, i, left, x, m, dt):
    p_m = np.exp(-dt / m.tau_mem)
    held = left > 0
    moved = p_m * v + (1 - p_m) * (m.v_leak + m.r * m.i_e) + x
    v = np.where(held, v, moved)
    fired = (v >= m.v_threshold) & ~held
    left = np.where(fired, round(m.t_ref / dt), np.maximum(left - 1, 0))
    return np.where(fired, m.v_reset, v), i, left, fired


STEPS = {"LifExp": lif_exp, "LifDelta": lif_delta}


def run(net, steps, seed=0):
    """Return {population: (steps, neurons)} and synaptic events per projection."""
    dt = net.dt
    synapses = []
    for name, q in zip(net.names, net.projections, strict=True):
        s = expand(q, net.n_of(q.pre), net.n_of(q.post), name=name, dt=dt, seed=seed)
        by_pre = defaultdict(list)
        for pre, post, w, d in zip(*s, strict=True):
            by_pre[int(pre)].append((int(post), float(w), int(d)))
        synapses.append(by_pre)
    arrivals = defaultdict(lambda: defaultdict(float))
    visits = np.zeros(len(net.projections), int)

    def emit(source, unit, at):
        for k, q in enumerate(net.projections):
            if q.pre == source:
                for post, w, d in synapses[k][unit]:
                    arrivals[q.post, at + d][post] += w
                    visits[k] += 1

    for name, s in net.sources.items():
        for step, channel in zip(*to_steps(s, dt), strict=True):
            if step - 1 < steps:
                emit(name, int(channel), int(step) - 1)
    state = {}
    for name, p in net.populations.items():
        rows = net.initial(name, seed)
        state[name] = [rows[0].copy(), np.zeros(p.n), np.zeros(p.n)]
    spikes = {name: ([], []) for name in net.populations}
    for n in range(steps):
        for name, p in net.populations.items():
            x = np.zeros(p.n)
            for post, w in arrivals.pop((name, n), {}).items():
                x[post] += w
            *state[name], fired = STEPS[type(p.model).__name__](
                *state[name], x, p.model, dt
            )
            for unit in np.flatnonzero(fired):
                spikes[name][0].append(n + 1)
                spikes[name][1].append(int(unit))
        for name in net.populations:
            t, u = spikes[name]
            for step, unit in zip(t[::-1], u[::-1], strict=True):
                if step != n + 1:
                    break
                emit(name, unit, n)
    return spikes, visits


def stdp_pair(pre, post, w, *, delay, dt, rule, pairing="all", axonal=False):
    """Weight after all spikes (integer steps) by summing over pairs of spikes."""
    if axonal:  # the pre spikes come late; at one time they come before a post spike
        pre, delay = [t + delay for t in pre], 0
    events = sorted(
        [(t + delay, axonal, 0, i) for i, t in enumerate(post)]
        + [(t, not axonal, 1, i) for i, t in enumerate(pre)]
    )
    for t, _, kind, i in events:
        if kind == 0:  # a post spike reaches the synapse: potentiation
            before = [x for x in pre if x < t + axonal]
            if pairing != "all":
                before = before[-1:]
            if pairing == "restricted" and before:
                between = [
                    p + delay for p in post[:i] if p + delay + axonal > before[0]
                ]
                before = [] if between else before
            k = sum(np.exp(-(t - x) * dt / rule.tau_plus) for x in before)
            if not before:
                continue
            if hasattr(rule, "w0"):
                w += rule.rate * rule.w0 ** (1 - rule.mu) * w**rule.mu * k
            else:
                x = max(1 - w / rule.w_max, 0.0)
                w = min(w + rule.rate * rule.w_max * x**rule.mu_plus * k, rule.w_max)
        else:
            before = [p + delay for p in post if p + delay < t]
            if pairing != "all":
                before = before[-1:]
            if pairing == "restricted" and i > 0:
                before = [x for x in before if x + axonal > pre[i - 1]]
            if not before:
                continue
            k = sum(np.exp(-(t - x) * dt / rule.tau_minus) for x in before)
            if hasattr(rule, "w0"):
                w -= rule.rate * rule.alpha * w * k
            else:
                x = w / rule.w_max
                w -= rule.rate * rule.alpha * rule.w_max * x**rule.mu_minus * k
            w = max(w, 0.0)
    return w
