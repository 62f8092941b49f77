"""How many cells a model needs and whether a macro holds them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neuro.errors import ParameterError

from .. import _checks

__all__ = ["CapacityReport", "capacity_report"]

MACRO_40NM_CELLS = 262_144  # 256 Kb, Lin et al., arXiv:2307.00771, abstract


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """Cells per part and in all, beside the macro's.

    Attributes
    ----------
    parts : mapping of str to int
        Cells of each matrix.
    macro_cells : int
        Cells of one macro.
    """

    parts: Mapping[str, int]
    macro_cells: int

    @property
    def cells(self) -> int:
        """Cells needed."""
        return sum(self.parts.values())

    @property
    def utilisation(self) -> float:
        """Needed over available; above 1 the model does not fit."""
        return self.cells / self.macro_cells

    @property
    def fits(self) -> bool:
        """Whether one macro holds the model."""
        return self.cells <= self.macro_cells

    def __str__(self) -> str:
        parts = ", ".join(f"{k} {v}" for k, v in self.parts.items())
        verdict = "fits" if self.fits else "does not fit"
        return (
            f"{self.cells} cells ({parts}): {verdict} in {self.macro_cells} "
            f"({self.utilisation:.3g} times)"
        )


def _shapes(model: Any) -> dict[str, tuple[int, int]]:
    if isinstance(model, Mapping):
        return {str(k): _shape(v) for k, v in model.items()}
    projections = getattr(model, "projections", None)
    if projections is not None:
        return {f"{p.pre} -> {p.post}": _shape(p.rule) for p in projections}
    if isinstance(model, Iterable):
        return {f"matrix {k}": _shape(v) for k, v in enumerate(model)}
    raise ParameterError(
        "capacity_report: expected a network, a mapping or a list of matrices or "
        f"shapes, got {type(model).__name__}"
    )


def _shape(part: Any) -> tuple[int, int]:
    if hasattr(part, "n_post") and hasattr(part, "n_pre"):
        return (int(part.n_post), int(part.n_pre))
    shape = tuple(getattr(part, "shape", part))
    if len(shape) != 2:
        raise ParameterError(f"capacity_report: expected two dimensions, got {shape}")
    return (int(shape[0]), int(shape[1]))


def capacity_report(
    model: Any,
    macro_cells: int = MACRO_40NM_CELLS,
    cells_per_weight: int = 2,
) -> CapacityReport:
    """Count the cells of all matrices of a model.

    Parameters
    ----------
    model : Network, mapping or sequence
        A network (its projections), or matrices, weight sources or ``(post, pre)``
        shapes.
    macro_cells : int
        Cells of one macro.
    cells_per_weight : int
        2 for a differential pair.

    Examples
    --------
    >>> capacity_report({"in": (200, 256), "rec": (200, 200)}).cells
    182400
    """
    macro = _checks.integer("macro_cells", macro_cells, 1, 2**62)
    per = _checks.integer("cells_per_weight", cells_per_weight, 1, 1024)
    parts = {k: per * a * b for k, (a, b) in _shapes(model).items()}
    return CapacityReport(parts, macro)
