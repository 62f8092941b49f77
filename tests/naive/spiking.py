"""Neuron with dendritic plateau and structural plasticity, one object and event each."""

import math


class NaiveNeuron:
    """Forward in sub-steps of closed forms would hide errors: tiny Euler steps."""

    def __init__(self, model, dt, sub=400):
        self.m, self.dt, self.h, self.sub = model, dt, dt / sub, sub
        self.v = self.ix = self.ii = self.y = self.d = self.z = 0.0
        self.dap = self.refractory = 0

    def step(self, external, inhibition, dendrite):
        m, h = self.m, self.h
        r = m.tau_mem / m.c
        z_decay = math.exp(-self.dt / m.tau_z)
        self.z *= z_decay
        running, resting = self.dap > 0, self.refractory > 0
        for _ in range(self.sub):
            current = m.i_dap if running else self.d
            if not resting:
                self.v += h / m.tau_mem * (-self.v + r * (self.ix + self.ii + current))
            self.ix -= h * self.ix / m.tau_external
            self.ii -= h * self.ii / m.tau_inhibition
            if not running and not resting:
                self.d += h * (self.y - self.d / m.tau_dendrite)
                self.y -= h * self.y / m.tau_dendrite
        if resting:
            self.refractory -= 1
        elif running:
            self.dap -= 1
        else:
            self.y += dendrite * math.e / m.tau_dendrite
            if self.d > m.theta_dap:
                self.dap = round(m.t_dap / self.dt)
                self.z += 1
                self.d = self.y = 0.0
        self.ix += external
        self.ii += inhibition
        if self.v > m.v_threshold and self.refractory == 0:
            self.v = m.v_reset
            self.refractory = round(m.t_ref / self.dt)
            self.dap, self.d, self.y = 0, 0.0, 0.0
            return True
        return False


def naive_permanence(rule, initial, pre, post, delay, z_at, dt):
    """Permanence after all events of one synapse; times in whole steps.

    Pre spikes act at their time, post spikes at theirs plus the delay; a pre spike at
    the same step as an arriving post spike comes after it.
    """
    events = [(t + delay, 0, i) for i, t in enumerate(post)]
    events += [(t, 1, i) for i, t in enumerate(pre)]
    p, seen = initial, []
    for t, kind, i in sorted(events):
        if kind == 1:
            p = min(max(p - rule.rate_minus * rule.p_max, initial), rule.p_max)
            seen.append(t)
        elif seen:
            lag = (t - seen[-1]) * dt
            if rule.lag_min < lag < rule.lag_max:
                x = sum(math.exp(-(t - s) * dt / rule.tau_plus) for s in seen)
                p += rule.rate_plus * rule.p_max * x
                p += rule.rate_homeostasis * rule.p_max * (rule.z_target - z_at[i])
                p = min(max(p, initial), rule.p_max)
    return p
