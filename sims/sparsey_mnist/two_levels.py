"""A second level on the codes of the first: read both, hide no loss."""

import numpy as np
from numpy.typing import NDArray

from neuro.sparsey import (
    Hierarchy,
    LabelField,
    LevelParameters,
    LevelSpec,
    Logistic,
    Selection,
    neighbours,
    square_fields,
)

from .._config import Config
from .._sparsey import overload

Bits = NDArray[np.uint8]
Labelled = tuple[Bits, NDArray[np.int64]]


def build(cfg: Config, shape: tuple[int, int], seed: int) -> Hierarchy:
    """Macs of 6 x 6 pixels, stride 2; above them macs that see 3 x 3 of those."""
    low = square_fields(shape, 6, stride=2)
    rows = len(np.unique(low.centres[:, 0]))
    columns = len(np.unique(low.centres[:, 1]))
    centres = low.centres.reshape(rows, columns, 2)[1:-1, 1:-1].reshape(-1, 2)
    first = LevelParameters(
        n_cms=5,
        n_units=cfg.n_units,
        band=(4, 12),
        freeze_u=cfg.freeze_first,
        selection=Selection(sigmoid=Logistic(slope=40.0, inflection=0.9)),
    )
    second = LevelParameters(
        n_cms=5,
        n_units=cfg.n_units,
        band=(2, 9),
        freeze_u=cfg.freeze_second,
        selection=Selection(
            sigmoid=Logistic(slope=60.0, inflection=cfg.inflection_second)
        ),
    )
    return Hierarchy(
        [
            LevelSpec(name="first", parameters=first, fields=low),
            LevelSpec(
                name="second",
                parameters=second,
                fields=neighbours(centres, low.centres, 2.9),
                source="first",
            ),
        ],
        seed=seed,
    )


def two_levels(
    cfg: Config, train: Labelled, test: Labelled, seed: int
) -> dict[str, float]:
    """Accuracy of label weights from the first, the second and both levels.

    The first level learns before the second starts (progressive critical periods).
    """
    (x, y), (tx, ty) = train, test
    model = build(cfg, x.shape[1:], seed)
    with overload():
        model.run(x, learn={"first": True})
        codes = model.run(x, learn={"second": True})
    asked = model.run(tx)
    out = {}
    for name, levels in (
        ("first", ["first"]),
        ("second", ["second"]),
        ("both", ["first", "second"]),
    ):
        field = LabelField(10, model.shapes(levels))
        field.learn([codes[v].codes for v in levels], y)
        for kind in ("binary", "loglik"):
            found = field.predict([asked[v].codes for v in levels], kind)  # type: ignore[arg-type]
            out[f"accuracy_{kind}_level_{name}"] = float((found == ty).mean())
    out["second_familiarity_test"] = float(asked["second"].mean_familiarity().mean())
    return out
