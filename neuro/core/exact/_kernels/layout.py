"""Arrays of the exact engine's kernels, and the numbers of their columns.

Times are float64 from the start of the present window, in the unit of the time
constants (ms for networks with units). Nothing here knows of populations or files.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# models; OWN: registered, advanced by functions that are handed in
IF_DELTA, LIF_DELTA, LIF_EXP, OWN = 0, 1, 2, 3
# columns of the class table
TAU_MEM, TAU_SYN, THETA, V_RESET, V_INF, GAIN, T_REF = 0, 1, 2, 3, 4, 5, 6
KAPPA, DELTA, RHO, SUBTRACT, KEEP, STRICT, NEAR = 7, 8, 9, 10, 11, 12, 13
RATE_M, RATE_S, COUPLING = 14, 15, 16  # -1/tau_m, -1/tau_s, tau_s/(tau_s - tau_m)
N_COLUMNS = 17
# entries of the book, int64
ARRIVAL, N_HEAP, N_EMIT, STAMP, FREE, BUCKET, PENDING, BASE = 0, 1, 2, 3, 4, 5, 6, 7
N_BOOK = 8
DONE, PAUSED = 0, 1
TOLERANCE = 1e-12  # of a crossing, in the unit of time (ms)


class Cells(NamedTuple):
    """State of all neurons; the heap holds at most one predicted crossing of each."""

    v: NDArray[np.float64]
    i_syn: NDArray[np.float64]  # delta models: input kept until refractoriness ends
    t_last: NDArray[np.float64]
    t_free: NDArray[np.float64]  # end of refractoriness
    kind: NDArray[np.int32]  # row of the class table
    stamp: NDArray[np.int64]
    cross: NDArray[np.float64]
    heap: NDArray[np.int32]
    place: NDArray[np.int32]
    touched: NDArray[np.int32]
    firing: NDArray[np.int32]
    own: NDArray[np.float64]  # (n, rows): state of registered models


class Classes(NamedTuple):
    """Parameters, one row per distinct parameter set."""

    model: NDArray[np.int32]
    par: NDArray[np.float64]
    fast: NDArray[np.uint8]  # lif_exp with well separated time constants
    own: NDArray[np.float64]  # (n_classes, n_params) of registered models
    solver: NDArray[np.int32]  # their place among the functions
    unit: NDArray[np.float64]  # (1,): seconds (or steps) of one unit of time


class Rows(NamedTuple):
    """Synapses grouped by (source, projection, delay), groups in that order."""

    target: NDArray[np.int32]
    weight: NDArray[np.float64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    delay: NDArray[np.float64]
    projection: NDArray[np.int32]
    zeros: NDArray[np.int32]  # zero weights of each group
    fast: NDArray[np.uint8]  # whether all targets of the group are `Classes.fast`
    into: NDArray[np.int32]  # state row of a registered model that a group adds to
    indptr: NDArray[np.int64]  # groups of each source: neurons, then channels


class Arrivals(NamedTuple):
    """Stimulus arrivals of the window, sorted by time: groups of the rows."""

    t: NDArray[np.float64]
    group: NDArray[np.int64]


class Queue(NamedTuple):
    """Spikes under way: cursors into the emitted list, or a calendar of buckets."""

    delay: NDArray[np.float64]  # of each first-in-first-out class
    group: NDArray[np.int64]  # (n_classes, n): group of a source, -1 if none
    cursor: NDArray[np.int64]
    head: NDArray[np.int64]  # of each bucket, -1 if empty; size 0: no calendar
    width: NDArray[np.float64]  # (1,)


class Counts(NamedTuple):
    """Exact integers."""

    delivered: NDArray[np.int64]  # synapses visited, per projection
    zeros: NDArray[np.int64]  # of them with weight 0
    updates: NDArray[np.int64]  # per class
    spikes: NDArray[np.int64]  # per neuron
