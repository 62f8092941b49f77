"""What an estimate says: rows of layers, totals with a range, and written forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from neuro.errors import ParameterError
from neuro.results import to_json

from ._rows import COLUMNS, Ann, LayerEnergy
from ._tables import csv_text, markdown, table
from .constants import Constant

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLUMNS", "SCHEMA", "Ann", "LayerEnergy", "Report"]

SCHEMA = "neuro.energy/1"


@dataclass(frozen=True)
class Report:
    """Energy of one inference under one model and one profile, joules.

    Attributes
    ----------
    layers : tuple of LayerEnergy
        Rows; each also splits its energy by column and component.
    total, low, high : float
        Sum, and its exact range over the ranges of all constants.
    ann : tuple of Ann
        Equivalent artificial networks.
    not_included : tuple of str
        What the price leaves out.
    inference : dict
        Spikes, spikes per synapse, bit budget, storage; per inference.
    """

    model: str
    profile: str
    profile_node: str
    profile_title: str
    n_samples: int
    layers: tuple[LayerEnergy, ...]
    total: float
    low: float
    high: float
    components: Mapping[str, tuple[float, float, float]]
    constants: Mapping[str, Constant]
    not_included: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    cite: tuple[str, ...] = ()
    ann: tuple[Ann, ...] = ()
    inference: Mapping[str, Any] = field(default_factory=dict)
    breakeven: tuple[Mapping[str, Any], ...] = ()
    activity: Mapping[str, Any] = field(default_factory=dict)
    quantiles: Mapping[str, Any] = field(default_factory=dict)
    lower_bound: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        out: dict[str, Any] = {"schema": SCHEMA}
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in ("layers", "ann"):
                value = [{g.name: getattr(v, g.name) for g in fields(v)} for v in value]
            elif f.name == "constants":
                value = {k: c.to_dict() for k, c in value.items()}
            out[f.name] = value
        plain: dict[str, Any] = _plain(out)
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Report":
        """Rebuild from :meth:`to_dict`.

        Raises
        ------
        ParameterError
            If the schema is another one or parts are missing.
        """
        if data.get("schema") != SCHEMA:
            raise ParameterError(
                f"report: expected schema {SCHEMA!r}, got {data.get('schema')!r}"
            )
        values: dict[str, Any] = {}
        try:
            for f in fields(cls):
                value = data[f.name]
                if f.name == "layers":
                    value = tuple(
                        LayerEnergy(
                            **{
                                **v,
                                "out_shape": tuple(v["out_shape"]),
                                "components": _triples(v["components"]),
                            }
                        )
                        for v in value
                    )
                elif f.name == "ann":
                    value = tuple(Ann(**v) for v in value)
                elif f.name == "constants":
                    value = {k: Constant(**c) for k, c in value.items()}
                elif f.name == "components":
                    value = _triples(value)
                elif isinstance(value, list):
                    value = tuple(value)
                values[f.name] = value
        except (KeyError, TypeError) as error:
            raise ParameterError(f"report: incomplete or damaged ({error})") from None
        return cls(**values)

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return JSON with full doubles."""
        return to_json(self.to_dict(), indent=indent)

    def to_csv(self) -> str:
        """Return one header row and one row per layer; joules and counts in full."""
        return csv_text([self])

    def to_markdown(self) -> str:
        """Return Markdown tables."""
        return markdown(self)

    def to_table(self, *, width: int | None = None) -> str:
        """Return a plain text table with SI prefixes and three digits.

        `width` is that of the screen: a wider table is cut in two blocks.
        """
        return table(self, width=width)

    def plot(self, ax: "Axes | None" = None) -> Any:
        """Draw the stacked bars per layer with the range of each."""
        from .plot import plot_breakdown

        return plot_breakdown(self, ax=ax)

    def __repr__(self) -> str:
        return (
            f"Report({self.model}, {self.profile}: {self.total:.3g} J per inference, "
            f"range {self.low:.3g}..{self.high:.3g})"
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _triples(data: Mapping[str, Any]) -> dict[str, tuple[float, float, float]]:
    return {k: (v[0], v[1], v[2]) for k, v in data.items()}
