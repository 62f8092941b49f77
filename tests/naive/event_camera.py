"""The pixel of the event camera, from event to event: slow and obvious."""

import itertools
import math

import numpy as np


def interpreted(kernel):
    """The Python function of a compiled kernel (itself where nothing is compiled)."""
    return getattr(kernel, "py_func", kernel)


def pixel_events(levels, dt, reset, start, on, off, refractory, noise, p_on):
    """Events [(t_us, p)] of one pixel; `noise` is a sorted list of (time, polarity)."""
    end = (len(levels) - 1) * dt
    knots = np.arange(len(levels)) * dt

    def level(t):
        return float(np.interp(t, knots, levels))

    def next_crossing(t, ref):
        """First time >= t at which the change reaches a threshold, and its sign."""
        points = [t, *(k for k in knots if k > t)]
        for a, b in itertools.pairwise(points):
            la, lb = level(a), level(b)
            if la - ref >= on:
                return a, True
            if ref - la >= off:
                return a, False
            if lb - ref >= on and lb > la:
                return a + (ref + on - la) / (lb - la) * (b - a), True
            if ref - lb >= off and lb < la:
                return a + (ref - off - la) / (lb - la) * (b - a), False
        return math.inf, True

    out, ref, last, t = [], start, -math.inf, 0.0
    noise = list(noise)
    while True:
        begin = max(t, last + refractory) if reset == "level" else t
        crossing, up = next_crossing(begin, ref) if begin < end else (math.inf, True)
        if noise and noise[0][0] <= crossing:
            when, p = noise.pop(0)
            if when - last >= refractory:
                out.append((math.floor(when), p))
                last = when
            t = when
            continue
        if crossing >= end:
            return out
        t = crossing
        if reset == "level":
            ref = level(crossing)
        else:
            ref += on if up else -off
            if crossing - last < refractory:
                continue
        last = crossing
        out.append((math.floor(crossing), p_on if up else 1 - p_on))
