"""Parameters of the temporal memory.

Defaults are those of the sequence experiments of Cui, Ahmad & Hawkins (2016), from the
authors' run configurations (2048 columns of 32 cells, 41 columns active).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from neuro.core.growable import MAX_SYNAPSES, MAX_UNITS
from neuro.errors import ParameterError, did_you_mean

__all__ = ["TemporalMemoryParams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalMemoryParams:
    """What a temporal memory is.

    Parameters
    ----------
    columns : int
        Mini-columns.
    cells_per_column : int
        Cells of a column; 1 gives a first-order memory.
    activation_threshold : int
        Connected active synapses from which a segment is active.
    matching_threshold : int
        Active synapses, connected or not, from which a segment matches; at most
        `activation_threshold`.
    initial_permanence : float
        Permanence of a new synapse.
    connected_permanence : float
        Permanence from which a synapse is connected.
    permanence_increment, permanence_decrement : float
        Change of a reinforced segment's synapses, from active and from other cells.
    predicted_decrement : float
        Loss of the active synapses of a segment that matched in a column that did not
        become active.
    new_synapses : int
        A learning segment grows until it has so many active synapses.
    max_synapses : int
        Synapses per segment, at most 128.
    max_segments : int
        Segments per cell; the least recently active one makes room.
    levels : int
        Permanences are stored in units of ``1 / levels`` (8 bits); every permanence
        above must be a whole number of units.

    References
    ----------
    .. [1] Cui, Ahmad & Hawkins, Neural Computation 28 (2016) 2474.
    """

    columns: int = 2048
    cells_per_column: int = 32
    activation_threshold: int = 15
    matching_threshold: int = 15
    initial_permanence: float = 0.21
    connected_permanence: float = 0.5
    permanence_increment: float = 0.1
    permanence_decrement: float = 0.1
    predicted_decrement: float = 0.02
    new_synapses: int = 32
    max_synapses: int = 128
    max_segments: int = 128
    levels: int = 100

    def __post_init__(self) -> None:
        for name, low, high in (
            ("columns", 1, 65_000),
            ("cells_per_column", 1, 65_535),
            ("activation_threshold", 1, MAX_SYNAPSES),
            ("matching_threshold", 1, MAX_SYNAPSES),
            ("new_synapses", 1, MAX_SYNAPSES),
            ("max_synapses", 1, MAX_SYNAPSES),
            ("max_segments", 1, 65_535),
            ("levels", 1, 255),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise ParameterError(
                    f"TemporalMemory.{name}: expected an integer in {low}..{high}, "
                    f"got {value!r}"
                )
        if self.n_cells > MAX_UNITS:
            raise ParameterError(
                f"TemporalMemory: {self.n_cells} cells exceed {MAX_UNITS}; "
                "use fewer columns or cells per column"
            )
        if self.matching_threshold > self.activation_threshold:
            raise ParameterError(
                "TemporalMemory.matching_threshold: expected at most "
                f"activation_threshold = {self.activation_threshold}, got "
                f"{self.matching_threshold}"
            )
        for name in ("initial_permanence", "connected_permanence"):
            if self.units(name) < 1:
                raise ParameterError(f"TemporalMemory.{name}: expected > 0")
        for name in (
            "permanence_increment",
            "permanence_decrement",
            "predicted_decrement",
        ):
            self.units(name)

    @property
    def n_cells(self) -> int:
        """Cells of all columns."""
        return self.columns * self.cells_per_column

    def units(self, name: str) -> int:
        """Return a permanence parameter in units of ``1 / levels``.

        Raises
        ------
        ParameterError
            If it is outside 0..1 or not a whole number of units.
        """
        value = float(getattr(self, name))
        if not 0 <= value <= 1:
            raise ParameterError(
                f"TemporalMemory.{name}: expected a value in 0..1, got {value}"
            )
        scaled = value * self.levels
        if abs(scaled - round(scaled)) > 1e-6:
            fits = [n for n in range(1, 256) if self._fits(n)]
            advice = f"levels={fits[0]} fits" if fits else "round the permanences"
            raise ParameterError(
                f"TemporalMemory.{name}: {value} is not a multiple of "
                f"1/{self.levels} (levels={self.levels}); {advice}"
            )
        return round(scaled)

    def _fits(self, levels: int) -> bool:
        values = (
            self.initial_permanence,
            self.connected_permanence,
            self.permanence_increment,
            self.permanence_decrement,
            self.predicted_decrement,
        )
        return all(abs(v * levels - round(v * levels)) < 1e-6 for v in values)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "TemporalMemoryParams":
        """Rebuild from :meth:`to_dict`; unknown keys are refused."""
        known = {f.name for f in fields(cls)}
        for key in data:
            if key not in known:
                raise ParameterError(
                    f"TemporalMemoryParams: unknown key {key!r}"
                    f"{did_you_mean(key, known)}"
                )
        return cls(**data)
