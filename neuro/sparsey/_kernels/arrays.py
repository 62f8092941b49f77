"""What the kernels of a level read and change: constants, wiring, state, results."""

from typing import NamedTuple

import numpy as np

SIGNAL_U, SIGNAL_H, SIGNAL_D = 1, 2, 4
LOGISTIC, JAVA, GENERAL = 0, 1, 2


class Rule(NamedTuple):
    """Selection constants as scalars."""

    family: int
    a: float
    b: float
    c: float
    d: float
    saturate: float
    g_minus: float
    gamma: float
    chi: float
    table_g: np.ndarray
    table_eta: np.ndarray
    lambda_u0: float
    lambda_u: float
    lambda_h: float
    lambda_d: float
    lower_bound: int
    min_cutoff: float
    max_cutoff: float
    ratchet_step: float
    ratchet_max: float
    ratchet_floor: float


class Shape(NamedTuple):
    """Sizes and wiring of a level."""

    q: int
    k: int
    band: np.ndarray  # int64 (M, 2)
    band_units: int  # units per counted afferent, for the lower bound
    code_input: int
    q_below: int
    k_below: int
    u_source: np.ndarray  # int32 (M, slots)
    u_size: np.ndarray  # int32 (M,)
    h_source: np.ndarray
    h_size: np.ndarray
    d_source: np.ndarray
    d_size: np.ndarray
    q_above: int
    k_above: int
    n_synapses: np.ndarray  # int64 (M, 3)
    freeze: np.ndarray  # float64 (3,)
    persistence: int
    start_frame: int
    decay: int
    source_persistence: np.ndarray  # int64 (3,)
    zeta_threshold: float  # > 1: not tracked
    factor: np.ndarray  # float64 (K + 1,), F(zeta)
    backoff_mask: np.ndarray  # int64
    backoff_group: np.ndarray  # int64
    backoff_threshold: np.ndarray  # float64


class State(NamedTuple):
    """Everything that changes."""

    w_u: np.ndarray  # uint8 (M, rows, Q K)
    w_h: np.ndarray
    w_d: np.ndarray
    last_u: np.ndarray  # int32, same shapes; (1, 1, 1) without decay
    last_h: np.ndarray
    last_d: np.ndarray
    stiff_u: np.ndarray  # uint8
    stiff_h: np.ndarray
    stiff_d: np.ndarray
    n_set: np.ndarray  # int64 (M, 3)
    frozen: np.ndarray  # uint8 (M, 3)
    codes: np.ndarray  # int32 (M, Q), -1 = inactive
    previous: np.ndarray  # int32 (M, Q)
    zeta: np.ndarray  # int32 (M,)
    previous_zeta: np.ndarray
    age: np.ndarray  # int32 (M,), steps since selection
    position: np.ndarray  # int32 (M,), frame within the sequence
    familiarity: np.ndarray  # float64 (M,)
    inflection: np.ndarray  # float64 (M,)
    best_mean: np.ndarray  # float64 (M,)
    seen: np.ndarray  # uint8 (M, 4096), inputs learnt, by hash: for the monitor


class Given(NamedTuple):
    """What the frames bring."""

    pixels: np.ndarray  # uint8 (F, n)
    below: np.ndarray  # int32 (F, M below, Q below)
    below_factor: np.ndarray  # float64 (F, M below)
    above: np.ndarray  # int32 (F, M above, Q above), of the step before
    above_factor: np.ndarray  # float64 (F, M above)
    starts: np.ndarray  # uint8 (F,)
    mask: np.ndarray  # uint8 (F,)


class Output(NamedTuple):
    """What the frames leave."""

    codes: np.ndarray  # int16 (F, M, Q)
    familiarity: np.ndarray  # float32 (F, M)
    zeta: np.ndarray  # int16 (F, M)
    used: np.ndarray  # uint8 (F, M), signals used
    rows: np.ndarray  # int32 (F, M), rows summed
    visits: np.ndarray  # int64 (F, M), synapses set among them
    writes: np.ndarray  # int32 (F, M), weights written
    computed: np.ndarray  # uint8 (F, M), whether a code was selected
    novel: np.ndarray  # uint8 (F, M), learnt and never seen before by this mac
