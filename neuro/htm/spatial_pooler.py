"""Spatial pooler: any binary input to a fixed number of active columns.

Every column watches a random part of the input through synapses with permanences; the
columns with the largest overlap win (global inhibition, no boosting) and move their
synapses towards the input. Initial permanences and learning are those of NuPIC's
spatial pooler as it was used for the taxi experiment of Cui, Ahmad & Hawkins (2016);
its bumping of starved columns, without effect there, is left out.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro import sdr
from neuro.core.connectivity import Rows
from neuro.counts import LayerInfo, OpCounts
from neuro.errors import ParameterError
from neuro.htm._kernels import pooler as kernels
from neuro.random import stream
from neuro.results import write_arrays

__all__ = ["SpatialPooler"]

SCHEMA = "neuro.htm.pooler/1"


class SpatialPooler:
    """Columns that compete for the input.

    Parameters
    ----------
    n_inputs : int
        Bits of the input.
    columns : int
        Columns.
    active_columns : int
        Winners per record.
    potential_share : float
        Share of the input that a column may connect to, in (0, 1].
    connected_permanence : float
        Permanence from which a synapse is connected.
    permanence_increment, permanence_decrement : float
        Change of a winner's synapses on active and on inactive inputs.
    seed : int
        Seed of the initial synapses and of the fixed ranks that break ties.

    Examples
    --------
    >>> pooler = SpatialPooler(100, columns=64, active_columns=4, seed=1)
    >>> pooler.compute(range(10)).size
    4
    """

    __references__ = ("cui2016",)

    def __init__(
        self,
        n_inputs: int,
        *,
        columns: int = 2048,
        active_columns: int = 40,
        potential_share: float = 0.8,
        connected_permanence: float = 0.5,
        permanence_increment: float = 0.0001,
        permanence_decrement: float = 0.0005,
        seed: int = 1956,
    ) -> None:
        if n_inputs < 1 or not 1 <= active_columns <= columns:
            raise ParameterError(
                "SpatialPooler: expected n_inputs >= 1 and 1 <= active_columns <= "
                f"columns, got {n_inputs}, {active_columns}, {columns}"
            )
        if not 0 < potential_share <= 1 or not 0 < connected_permanence < 1:
            raise ParameterError(
                "SpatialPooler: potential_share must lie in (0, 1], "
                "connected_permanence in (0, 1)"
            )
        if permanence_increment < 0 or permanence_decrement < 0:
            raise ParameterError("SpatialPooler: increment and decrement must be >= 0")
        self.n_inputs, self.columns = int(n_inputs), int(columns)
        self.active_columns, self.seed = int(active_columns), int(seed)
        self.potential_share = float(potential_share)
        self.connected_permanence = float(connected_permanence)
        self.permanence_increment = float(permanence_increment)
        self.permanence_decrement = float(permanence_decrement)
        rng = stream(self.seed, "spatial pooler")
        n_potential = max(1, round(potential_share * n_inputs))
        order = rng.permuted(np.tile(np.arange(n_inputs), (columns, 1)), axis=1)
        self.potential = np.zeros((columns, n_inputs), np.uint8)
        np.put_along_axis(self.potential, order[:, :n_potential], 1, axis=1)
        edge = self.connected_permanence
        connected = rng.random((columns, n_inputs)) < 0.5
        value = rng.random((columns, n_inputs))
        permanence = np.where(connected, edge + (1 - edge) * value, edge * value)
        permanence[permanence < permanence_increment / 2] = 0.0
        self.permanence = permanence * self.potential
        self.rank = rng.permutation(columns).astype(np.int64)
        self._connect()
        self._visited = self._changed = self._records = 0

    def _connect(self) -> None:
        connected = (self.permanence >= self.connected_permanence).astype(np.uint8)
        self.synapses = Rows(connected)

    def compute(
        self, active: Iterable[int], *, learn: bool = True
    ) -> NDArray[np.int32]:
        """Return the winning columns of one record, sorted.

        Parameters
        ----------
        active : iterable of int
            Active input bits, distinct.
        learn : bool
            Whether the winners' synapses change.
        """
        winners: NDArray[np.int32] = self.run([active], learn=learn)[0]
        return winners

    def run(
        self, records: Sequence[Iterable[int]], *, learn: bool = True
    ) -> NDArray[np.int32]:
        """Pool a stream of records.

        Returns
        -------
        ndarray of int32, shape (n_records, active_columns)
            Winning columns, sorted.
        """
        parts = [sdr.as_sdr(r, self.n_inputs) for r in records]  # type: ignore[arg-type]
        ends = np.zeros(len(parts) + 1, np.int64)
        np.cumsum([p.size for p in parts], out=ends[1:])
        flat = np.concatenate(parts) if parts else np.zeros(0, np.int32)
        out = np.zeros((len(parts), self.active_columns), np.int32)
        rates = (
            self.permanence_increment,
            self.permanence_decrement,
            self.connected_permanence,
            self.permanence_increment / 2,
        )
        visited, changed = kernels.pool(
            self.synapses.rows,
            self.permanence,
            self.potential,
            self.rank,
            flat,
            ends,
            rates,
            learn,
            out,
        )
        self._visited += int(visited)
        self._changed += int(changed)
        self._records += len(parts)
        return out

    @property
    def counts(self) -> OpCounts:
        """Operations so far; the whole stream is one sample.

        Rows are read whole: a visited zero is a synapse that is not connected, so all
        visits are booked as ``synop`` of one bit.
        """
        out = OpCounts(1)
        out.layer(
            "pooler",
            LayerInfo(
                kind="segment",
                in_shape=(self.n_inputs,),
                out_shape=(self.columns,),
                weights=self.n_inputs * self.columns,
                neurons=self.columns,
                w_bits=1,
            ),
        )
        out.add("pooler", "synop", self._visited, w_bits=1)
        out.add("pooler", "ac", self._visited, w_bits=1)
        out.add("pooler", "plastic", self._changed, w_bits=64)
        out.add("pooler", "spike_out", self._records * self.active_columns, w_bits=1)
        return out

    def save(self, path: Path | str) -> None:
        """Write the whole state."""
        head = {
            "schema": SCHEMA,
            **{k: getattr(self, k) for k in _SETTINGS},
            "counters": [self._visited, self._changed, self._records],
        }
        write_arrays(
            path,
            {
                "head": np.array(json.dumps(head)),
                "permanence": self.permanence,
                "potential": self.potential,
                "rank": self.rank,
            },
        )

    @classmethod
    def load(cls, path: Path | str) -> "SpatialPooler":
        """Read :meth:`save`."""
        try:
            with np.load(path, allow_pickle=False) as file:
                head = json.loads(str(file["head"]))
                if head["schema"] != SCHEMA:
                    raise ValueError(f"schema {head['schema']!r}")
                settings: dict[str, Any] = {k: head[k] for k in _SETTINGS}
                out = cls(settings.pop("n_inputs"), **settings)
                out.permanence[:] = file["permanence"]
                out.potential[:] = file["potential"]
                out.rank[:] = file["rank"]
                out._visited, out._changed, out._records = head["counters"]
        except (OSError, KeyError, ValueError) as error:
            raise ParameterError(
                f"SpatialPooler.load: {path} is not a saved pooler ({error})"
            ) from error
        out._connect()
        return out

    def __repr__(self) -> str:
        return (
            f"SpatialPooler({self.n_inputs} -> {self.active_columns} of {self.columns})"
        )


_SETTINGS = (
    "n_inputs",
    "columns",
    "active_columns",
    "potential_share",
    "connected_permanence",
    "permanence_increment",
    "permanence_decrement",
    "seed",
)
