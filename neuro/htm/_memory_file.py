"""Files of a temporal memory: its synapses, activity and generator, one NPZ."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neuro.core.growable import Growable
from neuro.errors import ParameterError
from neuro.htm._kernels import memory as kernels
from neuro.htm._kernels import state
from neuro.htm.parameters import TemporalMemoryParams
from neuro.results import write_arrays

if TYPE_CHECKING:
    from neuro.htm.temporal_memory import TemporalMemory

SCHEMA = "neuro.htm.memory/2"
_ARRAYS = ("dead", "bits", "rng", "info")


def save(model: "TemporalMemory", path: Path | str) -> None:
    """Write the whole state of a memory."""
    memory = model._memory
    n = memory.info[state.N_MATCHING]
    head = {
        "schema": SCHEMA,
        "params": model.params.to_dict(),
        "seed": model.seed,
        "anomaly_score": model.anomaly_score,
    }
    synapses = model.synapses.to_arrays()
    write_arrays(
        path,
        {
            "head": np.array(json.dumps(head)),
            **{f"synapses/{k}": v for k, v in synapses.items()},
            **{f"memory/{k}": getattr(memory, k) for k in _ARRAYS},
            "memory/active_cells": model.active_cells,
            "memory/winner_cells": model.winner_cells,
            "memory/matching": memory.matching[:n],
            "memory/matched_counts": memory.matched_counts[:n],
        },
    )


def load_into(model: "TemporalMemory", path: Path | str) -> None:
    """Initialise a memory from :func:`save`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {k: file[k] for k in file.files}
        head = json.loads(str(arrays["head"]))
        if head["schema"] != SCHEMA:
            raise ValueError(f"schema {head['schema']!r}")
        params = TemporalMemoryParams.from_dict(head["params"])
        model.__init__(params, seed=head["seed"])  # type: ignore[misc]
        model.synapses = Growable.from_arrays(
            {
                k.removeprefix("synapses/"): v
                for k, v in arrays.items()
                if k.startswith("synapses/")
            },
            levels=params.levels,
            threshold=params.units("connected_permanence"),
            match=params.matching_threshold,
        )
        model._grow_scratch()
        memory = model._memory
        for name in _ARRAYS:
            getattr(memory, name)[:] = arrays[f"memory/{name}"]
        now = memory.info[state.NOW]
        for target, name in (
            (memory.active[now], "active_cells"),
            (memory.winners[now], "winner_cells"),
            (memory.matching, "matching"),
            (memory.matched_counts, "matched_counts"),
        ):
            values = arrays[f"memory/{name}"]
            target[: values.size] = values
        kernels.remember(model.synapses.store, memory, model._rules.connected)
        model.anomaly_score = float(head["anomaly_score"])
    except (OSError, KeyError, ValueError) as error:
        raise ParameterError(
            f"TemporalMemory.load: {path} is not a saved temporal memory ({error})"
        ) from error
