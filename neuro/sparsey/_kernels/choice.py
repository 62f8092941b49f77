"""Random numbers, sigmoid and the winner of one competitive module.

Random numbers are a function of (key, step, mac, module), not of a state, so that any
division of the macs among threads and of the frames among calls draws the same ones.
Values of psi are held as integers in units of 2**-20: their sums are exact in any
order, and a draw compares integers.
"""

import numpy as np

from neuro.compiled import kernel
from neuro.sparsey._kernels.arrays import JAVA, LOGISTIC

_PSI_ONE = 1048576.0
_MASK = 0xFFFFFFFF


@kernel
def hash32(x):
    x = ((x ^ (x >> 17)) * 0xED5AD4BB) & _MASK
    x = ((x ^ (x >> 11)) * 0xAC4C1B51) & _MASK
    x = ((x ^ (x >> 15)) * 0x31848BAB) & _MASK
    return x ^ (x >> 14)


@kernel
def uniform(key0, key1, step, index):
    """Return the uniform number in (0, 1) of one step and unit: no state."""
    x = hash32((step & _MASK) ^ key0)
    x = hash32(((step >> 32) & _MASK) ^ x)
    x = hash32((x + key1 + index) & _MASK)
    x = hash32(x ^ key1)
    return (x + 0.5) / 4294967296.0


@kernel
def psi_fixed(v, eta, inflection, rule):
    """Return psi(V) in units of 2**-20."""
    if rule.family == LOGISTIC:
        x = (eta - 1.0) / (1.0 + np.exp(-rule.a * (v - inflection))) + 1.0
    elif rule.family == JAVA:
        if v >= rule.saturate:
            x = eta
        else:
            x = max(eta / (1.0 + np.exp(-rule.a * (v - inflection))), 1.0)
    else:
        inner = (rule.a * np.exp(-rule.b * (v - rule.c))) ** rule.d
        x = (eta - 1.0) / (1.0 + inner) + 1.0
    return np.int64(x * _PSI_ONE + 0.5)


@kernel
def expansivity(g, k, rule):
    """Return eta(G)."""
    n = rule.table_g.size
    if n > 0:
        if g <= rule.table_g[0]:
            return 1.0 + rule.table_eta[0]
        for i in range(1, n):
            if g <= rule.table_g[i]:
                span = rule.table_g[i] - rule.table_g[i - 1]
                part = (g - rule.table_g[i - 1]) / span
                rise = rule.table_eta[i] - rule.table_eta[i - 1]
                return 1.0 + rule.table_eta[i - 1] + part * rise
        return 1.0 + rule.table_eta[n - 1]
    if rule.g_minus >= 1.0:
        return 1.0
    x = max(0.0, g - rule.g_minus) / (1.0 - rule.g_minus)
    return 1.0 + x**rule.gamma * rule.chi * k


@kernel
def pick(v, hard, eta, inflection, rule, q, k, draw, best, psi):
    """Winner of one module: all units of largest V alike, or a draw from psi."""
    begin = q * k
    if hard:
        ties = 0
        for i in range(begin, begin + k):
            ties += v[i] == best
        left = min(int(draw * ties), ties - 1)
        for i in range(begin, begin + k):
            if v[i] == best:
                if left == 0:
                    return i - begin
                left -= 1
    total = np.int64(0)
    zero = psi_fixed(0.0, eta, inflection, rule)
    for i in range(k):
        x = v[begin + i]
        psi[i] = zero if x == 0.0 else psi_fixed(x, eta, inflection, rule)
        total += psi[i]
    target = np.int64(draw * total)
    for i in range(k):
        target -= psi[i]
        if target < 0:
            return i
    return k - 1


@kernel
def pick_by_count(counts, lowest, psi, hard, q, k, draw):
    """Do as ``pick`` where V is a function of a small count.

    All counts from `lowest` on give the largest V of the module.
    """
    units = counts[q * k : (q + 1) * k]
    if hard:
        ties = 0
        for i in range(k):
            ties += units[i] >= lowest
        left = min(int(draw * ties), ties - 1)
        for i in range(k):
            if units[i] >= lowest:
                if left == 0:
                    return i
                left -= 1
    total = np.int64(0)
    for i in range(k):
        total += psi[units[i]]
    target = np.int64(draw * total)
    for i in range(k):
        target -= psi[units[i]]
        if target < 0:
            return i
    return k - 1
