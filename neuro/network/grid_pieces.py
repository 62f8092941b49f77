"""How a population is cut for the grid driver: blocks of targets, tiles of a step.

A piece is the part of one population in one block that one call of its step advances.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.core.arrays import aligned, padded
from neuro.network.checks import parameter_rows
from neuro.network.network import Network
from neuro.network.registry import model_of
from neuro.network.rows import Blocks

__all__ = ["Pieces", "cut_pieces"]


@dataclass(frozen=True, slots=True)
class Pieces:
    """All pieces, block by block, and the flat arrays they point into.

    Attributes
    ----------
    table : ndarray of int64, shape (n_pieces, 17)
        Block, population, step of the model with the columns of its parameters, size,
        row length of the state, state variables, ports, first state, first input, first
        flag, first parameter, parameters, first neuron, neurons of the population,
        first neuron within the population, first port, row length of the inputs.
    first_of : dict of int
        First piece of (block, population).
    block_pieces, state_at : ndarray of int64, shape (n_blocks + 1,)
        Where the pieces and the state of a block begin.
    port_column, port_driven : ndarray of int64
        Of each (piece, port): column in the ring, -1 if unwired; whether a drive acts.
    params, start : ndarray of float64
        Parameters and initial state.
    n_inputs, n_flags : int
        Entries of the inputs and of the spike flags.
    """

    table: NDArray[np.int64]
    first_of: dict[tuple[int, str], int]
    block_pieces: NDArray[np.int64]
    state_at: NDArray[np.int64]
    port_column: NDArray[np.int64]
    port_driven: NDArray[np.int64]
    params: NDArray[np.float64]
    start: NDArray[np.float64]
    n_inputs: int
    n_flags: int

    def state_place(self, blocks: Blocks, name: str, row: int, neuron: int) -> int:
        """Return the index of a neuron's state variable in the flat state."""
        at = self.first_of[neuron // blocks.share[name], name]
        while neuron >= self.table[at, 14] + self.table[at, 3]:
            at += 1
        piece = self.table[at]
        return int(piece[7] + row * piece[4] + neuron - piece[14])


def cut_pieces(
    net: Network,
    seed: int,
    blocks: Blocks,
    *,
    first: Mapping[str, int],
    model_index: Mapping[str, int],
    wired: set[tuple[str, str]],
    tile: int,
) -> Pieces:
    """Cut the populations into pieces.

    Parameters
    ----------
    net : Network
        The description.
    seed : int
        Seed of the initial state.
    blocks : Blocks
        The targets' blocks.
    first : mapping of str to int
        First neuron of each population.
    model_index : mapping of str to int
        The step of each population's model.
    wired : set of (str, str)
        Populations and ports that projections reach.
    tile : int
        Most neurons per piece; plastic targets are one piece per block.
    """
    pieces: list[list[Any]] = []
    first_of: dict[tuple[int, str], int] = {}
    ptr, params, start = [0], [], []
    limits = [0]
    column: list[Any] = []
    driven: list[int] = []
    n_state = n_inputs = n_flags = n_params = 0
    driven_ports = {(d.target, d.port) for d in net.drives}
    values = {
        name: parameter_rows(p, net.dt, net.convention)
        for name, p in net.populations.items()
    }
    initial = {name: net.initial(name, seed) for name in net.populations}
    one_piece = {q.post for q in net.projections if q.plasticity is not None}
    for b in range(blocks.n):
        for index, (name, p) in enumerate(net.populations.items()):
            model = model_of(p.model)
            low = min(b * blocks.share[name], p.n)
            high = min(low + blocks.share[name], p.n)
            # rules see the state of all targets: one piece
            most = max(high - low, 1) if name in one_piece else tile
            wide, shared = padded(min(most, max(high - low, 1))), values[name]
            at_shared = n_params
            if shared.shape[1] == 1:
                params.append(_padded_flat(shared))
                n_params += params[-1].size
            first_of[b, name] = len(pieces)
            for begin in range(low, max(high, low + 1), most):
                size = min(begin + most, high) - begin
                ld = padded(max(size, 1))
                own, at = shared, at_shared
                if shared.shape[1] > 1:
                    own, at = np.zeros((shared.shape[0], ld)), n_params
                    own[:, :size] = shared[:, begin : begin + size]
                    params.append(_padded_flat(own))
                    n_params += params[-1].size
                state = np.zeros((len(model.state), ld))
                state[:, :size] = initial[name][:, begin : begin + size]
                pieces.append(
                    [
                        b, index, model_index[name] | (own.shape[1] << 8), size, ld,
                        len(model.state), len(model.ports), n_state, n_inputs, n_flags,
                        at, own.shape[0], first[name] + begin, p.n, begin, len(column),
                        wide,
                    ]
                )  # fmt: skip
                for port in model.ports:
                    known = (name, port) in wired
                    place = blocks.column[name, port][b] if known else low - begin - 1
                    column.append(place + begin - low)
                    driven.append(int((name, port) in driven_ports))
                start.append(state.ravel())
                n_state += state.size
                n_flags += ld
            n_inputs += len(model.ports) * wide
        ptr.append(len(pieces))
        limits.append(n_state)
    flat = aligned(n_params, np.float64)
    flat[:] = np.concatenate([*params, np.zeros(0)])
    return Pieces(
        table=np.array(pieces, np.int64).reshape(-1, 17),
        first_of=first_of,
        block_pieces=np.array(ptr, np.int64),
        state_at=np.array(limits, np.int64),
        port_column=np.array(column, np.int64),
        port_driven=np.array(driven, np.int64),
        params=flat,
        start=np.concatenate([*start, np.zeros(0)]),
        n_inputs=n_inputs,
        n_flags=n_flags,
    )


def _padded_flat(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows one after another, then zeros to a multiple of 8."""
    flat = np.zeros(padded(rows.size))
    flat[: rows.size] = rows.ravel()
    return flat
