"""Weights and checkpoints on disk, without pickle.

Weights are a compressed npz of arrays by parameter name. A checkpoint is a folder of
two files, ``state.npz`` (all tensors by path) and ``state.json`` (all plain values),
joined by one number: the json names the npz, so an interrupted write leaves the older
pair.
"""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neuro.errors import DatasetError, ShapeError
from neuro.results import write_arrays, write_json

__all__ = ["load_weights", "read_state", "save_weights", "write_state"]


def save_weights(path: Path | str, model: Any, **arrays: Any) -> None:
    """Write the state of a module as npz; `arrays` are stored beside it.

    Parameters
    ----------
    path : path
        ``.npz`` file, written atomically.
    model : torch.nn.Module or mapping of str to Tensor
        The weights.
    **arrays : array_like
        Further arrays, under ``extra/NAME``.
    """
    state = model if isinstance(model, Mapping) else model.state_dict()
    held = {k: v.detach().cpu().numpy() for k, v in state.items()}
    write_arrays(path, {**held, **{f"extra/{k}": v for k, v in arrays.items()}})


def load_weights(path: Path | str, model: Any = None) -> dict[str, Any]:
    """Read weights; put them into `model` if one is given.

    Parameters
    ----------
    path : path
        Written by :func:`save_weights`.
    model : torch.nn.Module, optional
        Changed in place.

    Returns
    -------
    dict of str to Tensor
        The weights, without the extra arrays.

    Raises
    ------
    DatasetError
        If the file is missing or no npz.
    ShapeError
        If names or shapes do not fit the model.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            state = {
                k: torch.from_numpy(np.array(stored[k]))
                for k in stored.files
                if not k.startswith("extra/")
            }
    except (OSError, ValueError) as error:
        raise DatasetError(f"load_weights: cannot read {path}: {error}") from None
    if model is not None:
        try:
            model.load_state_dict(state)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise ShapeError(f"load_weights: {path} does not fit: {reason}") from None
    return state


def _split(value: Any, path: str, tensors: dict[str, Any]) -> Any:
    """Replace every tensor in nested plain containers by its path."""
    if isinstance(value, torch.Tensor):
        tensors[path] = value.detach().cpu().numpy()
        return {"__tensor__": path}
    if isinstance(value, Mapping):
        items = [[k, _split(v, f"{path}/{k}", tensors)] for k, v in value.items()]
        return {"__items__": items}
    if isinstance(value, (list, tuple)):
        kept = [_split(v, f"{path}/{i}", tensors) for i, v in enumerate(value)]
        return {"__tuple__": kept} if isinstance(value, tuple) else kept
    return value


def _join(value: Any, tensors: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_join(v, tensors) for v in value]
    if isinstance(value, dict):
        if "__tensor__" in value:
            return torch.from_numpy(np.array(tensors[value["__tensor__"]]))
        if "__tuple__" in value:
            return tuple(_join(v, tensors) for v in value["__tuple__"])
        return {k: _join(v, tensors) for k, v in value["__items__"]}
    return value


def write_state(folder: Path, state: Mapping[str, Any], *, number: int) -> None:
    """Write a checkpoint of nested dicts, lists, numbers, strings and tensors.

    Parameters
    ----------
    folder : Path
        Made if missing; an older checkpoint in it is replaced.
    state : mapping
        What to keep.
    number : int
        Training steps done, part of the file's name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Any] = {}
    plain = _split(state, "state", tensors)
    name = f"state-{number}.npz"
    write_arrays(folder / name, tensors)
    write_json(folder / "state.json", {"arrays": name, "state": plain})
    for old in folder.glob("state-*.npz"):
        if old.name != name:
            with contextlib.suppress(OSError):
                old.unlink()


def read_state(folder: Path) -> dict[str, Any] | None:
    """Read a checkpoint back; None if there is none.

    Parameters
    ----------
    folder : Path
        Given to :func:`write_state`.
    """
    path = folder / "state.json"
    if not path.is_file():
        return None
    try:
        head = json.loads(path.read_text("utf-8"))
        with np.load(folder / head["arrays"], allow_pickle=False) as stored:
            state: dict[str, Any] = _join(head["state"], dict(stored))
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(
            f"checkpoint {folder} cannot be read ({error}); delete it to start again"
        ) from None
    return state
