"""Slow, obvious twin of the exact engine: scan every neuron up to the next arrival."""

import heapq
import itertools
from math import exp, inf

import numpy as np


class Neuron:
    """One neuron with its own parameters, advanced by the textbook formulas."""

    def __init__(
        self,
        model,
        *,
        tau_mem=20.0,
        tau_syn=5.0,
        v_threshold=1.0,
        v_reset=0.0,
        v_inf=0.0,
        r=1.0,
        t_ref=0.0,
        v=0.0,
        i_syn=0.0,
        subtract=False,
        keep=False,
        strict=False,
    ):
        self.__dict__.update(locals())
        self.free = -inf
        self.t = 0.0
        self.kept = 0.0

    def value(self, t):
        """Voltage at t, no event in between."""
        start = max(self.t, min(self.free, t))
        current = self.i_syn * exp(-(start - self.t) / self.tau_syn)
        s = t - start
        v = self.v + (self.kept if t >= self.free else 0.0)
        if t < self.free:
            return self.v
        if self.model == "if_delta":
            return v + self.v_inf * s
        out = self.v_inf + (v - self.v_inf) * exp(-s / self.tau_mem)
        if self.model == "lif_exp":
            out += (
                self.r
                * current
                * self.tau_syn
                / (self.tau_syn - self.tau_mem)
                * (exp(-s / self.tau_syn) - exp(-s / self.tau_mem))
            )
        return out

    def advance(self, t):
        v = self.value(t)
        if t >= self.free:
            self.kept = 0.0
        self.i_syn *= exp(-(t - self.t) / self.tau_syn)
        self.v, self.t = v, t

    def above(self, v):
        return v > self.v_threshold if self.strict else v >= self.v_threshold

    def crossing(self, end):
        """First time in (t, end] at which the voltage reaches threshold."""
        start = max(self.t, self.free)
        if start > end:
            return inf
        grid = np.linspace(start, end, 65)
        for a, b in itertools.pairwise(grid):
            if self.value(a) >= self.v_threshold and a == start:
                return a
            if self.value(b) >= self.v_threshold:
                for _ in range(80):
                    mid = 0.5 * (a + b)
                    if self.value(mid) >= self.v_threshold:
                        b = mid
                    else:
                        a = mid
                return b
        return inf

    def fire(self, t):
        self.v = self.v - self.v_threshold if self.subtract else self.v_reset
        self.free = t + self.t_ref

    def arrive(self, w):
        if self.model == "lif_exp":
            self.i_syn += w
        elif self.t >= self.free:
            self.v += w
        elif self.keep:
            self.kept += w


def simulate(neurons, synapses, arrivals, t_end):
    """Run; synapses: (pre, post, weight, delay); arrivals: (t, post, weight)."""
    queue = [(t, post, w) for t, post, w in arrivals]
    heapq.heapify(queue)
    out = []

    def fire(j, t):
        neurons[j].fire(t)
        out.append((t, j))
        for pre, post, w, d in synapses:
            if pre == j:
                heapq.heappush(queue, (t + d, post, w))

    while True:
        t = min(queue[0][0] if queue else inf, t_end)
        times = [n.crossing(t) for n in neurons]
        first = min(times)
        if first <= t:
            j = times.index(first)
            for n in neurons:
                n.advance(first)
            neurons[j].v = max(neurons[j].v, neurons[j].v_threshold)
            fire(j, first)
            continue
        for n in neurons:
            n.advance(t)
        if not queue or queue[0][0] > t_end:
            return out
        hit = set()
        while queue and queue[0][0] == t:
            _, post, w = heapq.heappop(queue)
            neurons[post].arrive(w)
            hit.add(post)
        for j in sorted(hit):
            n = neurons[j]
            if n.model != "lif_exp" and t >= n.free and n.above(n.v):
                fire(j, t)
