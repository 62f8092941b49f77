"""Files of a forecaster: a folder with settings, pooler, memory and the rest."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuro.errors import ParameterError
from neuro.htm.forecast import ROW, Forecast, row_arrays
from neuro.htm.parameters import TemporalMemoryParams
from neuro.htm.spatial_pooler import SpatialPooler
from neuro.htm.temporal_memory import TemporalMemory
from neuro.results import atomic_write, write_arrays

if TYPE_CHECKING:
    from neuro.htm.forecaster import HTMForecaster

SCHEMA = "neuro.htm.forecaster/1"
_SETTINGS = (
    "field", "time", "horizons", "n_buckets", "minimum", "maximum", "point", "level",
    "missing", "active_columns", "pooler_records", "pooler_passes", "alpha", "seed",
)  # fmt: skip


def save(model: "HTMForecaster", folder: Path) -> None:
    """Write a prepared forecaster."""
    folder.mkdir(parents=True, exist_ok=True)
    model.memory.save(folder / "memory.npz")
    model.pooler.save(folder / "pooler.npz")  # type: ignore[union-attr]
    step, last = model._step, model._last_time
    head = {
        "schema": SCHEMA,
        "settings": {k: getattr(model, k) for k in _SETTINGS},
        "memory": model.memory_params.to_dict(),
        "range": [model.value_encoder.minimum, model.value_encoder.maximum],
        "step_us": None if step is None else int(step / np.timedelta64(1, "us")),
        "last_time": None if last is None else str(last),
        "counters": [model.gaps, model.clipped, model.records],
        "classifier_visited": model.classifier.visited,
        "likelihood_seen": model.likelihood.seen,
    }
    text = json.dumps(head, indent=2).encode()
    atomic_write(folder / "forecaster.json", lambda f: f.write(text))
    last_row = {} if model._last is None else row_arrays(model._last)
    write_arrays(
        folder / "state.npz",
        model.classifier.to_arrays()
        | {"scores": model.likelihood.scores}
        | {f"last/{k}": v for k, v in last_row.items()},
    )


def load_into(model: "HTMForecaster", folder: Path) -> None:
    """Initialise a forecaster from :func:`save`."""
    try:
        head = json.loads((folder / "forecaster.json").read_text("utf-8"))
        if head["schema"] != SCHEMA:
            raise ValueError(f"schema {head['schema']!r}")
        memory = TemporalMemoryParams.from_dict(head["memory"])
        model.__init__(**head["settings"], memory=memory)  # type: ignore[misc]
        if head["step_us"] is not None:
            model._step = np.timedelta64(head["step_us"], "us")
        if head["last_time"] is not None:
            model._last_time = np.datetime64(head["last_time"], "us")
        model._setup(*head["range"])
        model.gaps, model.clipped, model.records = head["counters"]
        model.pooler = SpatialPooler.load(folder / "pooler.npz")
        model.memory = TemporalMemory.load(folder / "memory.npz")
        with np.load(folder / "state.npz", allow_pickle=False) as file:
            arrays = {k: file[k] for k in file.files}
        model.classifier.set_arrays(arrays)
        model.classifier.visited = int(head["classifier_visited"])
        model.likelihood.scores = arrays["scores"]
        model.likelihood.seen = int(head["likelihood_seen"])
        if "last/values" in arrays:
            row = {k: arrays[f"last/{k}"] for k in ROW}
            model._last = Forecast(
                horizons=model.horizons, level=model.level, edges=model.edges, **row
            )
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ParameterError(
            f"HTMForecaster.load: {folder} is not a saved forecaster ({error})"
        ) from error
