"""The learning law: Hebb in one trial, freezing, decay with permanence."""

from typing import NamedTuple

import numpy as np

from neuro.compiled import kernel

W_MAX = 127  # of decaying weights; permanent ones are 0 or 1
# effective weight and age limits by stiffness, in steps
AGE_LIMITS = ((2000, 3000, 4000), (4000, 6000, 8000))


class Matrix(NamedTuple):
    """Weights of one mac and signal; ages and stiffness only with decay."""

    w: np.ndarray  # uint8 (rows, Q K)
    last: np.ndarray  # int32, step of the last event
    stiff: np.ndarray  # uint8


class Law(NamedTuple):
    """Learning constants of one matrix: scalars."""

    kind: int  # U, H, D = 0, 1, 2
    k: int
    decay: int
    gap: int  # a second event closer than this, in steps, is the same event
    limit: float  # set weights above which the matrix freezes


@kernel
def _effective(stiffness, age):
    if stiffness >= 2:
        return W_MAX
    a, b, c = AGE_LIMITS[0] if stiffness == 0 else AGE_LIMITS[1]
    if age < a:
        return W_MAX
    if age < b:
        return 120
    return 50 if age < c else 0


@kernel
def refresh(matrix, rows, n, now):
    """Let the weights of the listed rows age; return how many fell to zero."""
    w, last, stiff = matrix
    lost = 0
    for a in range(n):
        r = rows[a]
        for i in range(w.shape[1]):
            if w[r, i] > 0:
                w[r, i] = _effective(stiff[r, i], now - last[r, i])
                if w[r, i] == 0:
                    stiff[r, i] = 0
                    lost += 1
    return lost


@kernel
def _freeze(matrix, law, now):
    """Make living transient weights permanent."""
    w, last, stiff = matrix
    if not law.decay:
        return
    for r in range(w.shape[0]):
        for i in range(w.shape[1]):
            if w[r, i] > 0:
                w[r, i] = _effective(stiff[r, i], now - last[r, i])
            if w[r, i] > 0:
                stiff[r, i] = 2
                w[r, i] = W_MAX


@kernel
def learn_rows(matrix, law, rows, n, own_rows, codes, n_set, frozen, now):
    """Set the weights from the listed rows to the winners; return the writes.

    Parameters
    ----------
    matrix : Matrix
        Changed in place.
    law : Law
        Its constants.
    rows : ndarray of int32
        Active afferents; the first `n` count.
    own_rows : int
        Rows below this are the mac's own units: none learns from its own module.
    codes : ndarray of int32, shape (Q,)
        Winners.
    n_set, frozen : ndarray, shape (3,)
        Set weights and whether learning has stopped, by signal; changed in place.
    now : int
        Step.
    """
    if frozen[law.kind] or n == 0:
        return 0
    w, last, stiff = matrix
    writes, new = 0, 0
    top = W_MAX if law.decay else 1
    for a in range(n):
        r = rows[a]
        own_cm = r // law.k if r < own_rows else -1
        for q in range(codes.size):
            if q == own_cm:
                continue
            i = q * law.k + codes[q]
            new += w[r, i] == 0
            writes += 1
            if law.decay:
                age = now - last[r, i]
                if w[r, i] == 0:
                    stiff[r, i] = 0
                elif (
                    stiff[r, i] < 2
                    and age >= law.gap
                    and age < AGE_LIMITS[stiff[r, i]][0]
                ):
                    stiff[r, i] += 1
                last[r, i] = now
            w[r, i] = top
    n_set[law.kind] += new
    if n_set[law.kind] > law.limit:
        frozen[law.kind] = 1
        _freeze(matrix, law, now)
    return writes


@kernel
def ratchet(m, mean_v, rule, inflection, best_mean):
    """Move the inflection later each time the mean V of a mac reaches a new maximum."""
    if mean_v > rule.ratchet_floor and mean_v > best_mean[m]:
        best_mean[m] = mean_v
        if inflection[m] < rule.ratchet_max:
            inflection[m] = min(rule.ratchet_max, inflection[m] + rule.ratchet_step)
