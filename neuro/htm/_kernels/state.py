"""State and rules of the temporal memory, as its kernels see them."""

from typing import NamedTuple

import numpy as np

# entries of `info`
NOW, N_ACTIVE, N_WINNERS, N_MATCHING, STEP = 0, 1, 2, 3, 4
SYNOP, SYNOP_ZERO, PLASTIC, GROWN = 5, 6, 7, 8
SPIKE_IN, SPIKE_OUT, DESTROYED = 9, 10, 11
INFO_SIZE = 16


class Memory(NamedTuple):
    """State that one step hands to the next, and scratch space."""

    active: np.ndarray  # int32 (2, n_cells), row NOW in force
    winners: np.ndarray  # int32 (2, n_columns)
    bits: np.ndarray  # uint32 (n_cells / 32,): active cells
    dead: np.ndarray  # uint8 (n_cells,)
    flags: np.ndarray  # uint8 (n_columns,), all 0 between steps
    mark: np.ndarray  # uint16 (n_cells,), 1 + index among the winners; 0 between steps
    candidates: np.ndarray  # int64 (n_columns,), scratch
    taken: np.ndarray  # uint8 (n_columns,), all 0 between uses
    matching: np.ndarray  # uint32 (segments,)
    matched_counts: np.ndarray  # uint16 (segments,): all synapses | connected << 8
    masks: np.ndarray  # uint32 (segments, 4): which synapses are active
    keys: np.ndarray  # int64 (segments,), scratch
    order: np.ndarray  # int64 (segments,), scratch
    rng: np.ndarray  # uint64 (1,)
    info: np.ndarray  # int64 (INFO_SIZE,)


class Rules(NamedTuple):
    """Parameters, permanences in units."""

    cells_per_column: int
    activation_threshold: int
    matching_threshold: int
    initial: int
    increment: int
    decrement: int
    punishment: int
    connected: int
    levels: int
    new_synapses: int
    max_synapses: int
    max_segments: int
