"""Ledgers and networks that are already there: npz files, network descriptions."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from neuro.counts.activity import normalise
from neuro.counts.booking import count_layers
from neuro.counts.layers import LayerSpec
from neuro.counts.ledger import OpCounts
from neuro.counts.netspec import NetSpec
from neuro.counts.npz import read_npz
from neuro.errors import DatasetError, ShapeError

__all__ = [
    "count_npz",
    "holds_ledger",
    "load_ledger",
    "save_ledger",
    "spec_of_network",
]


def spec_of_network(net: Any) -> NetSpec:
    """Layers of a network description: projections and populations."""
    layers = []
    sizes = {k: int(p.n) for k, p in {**net.stimuli, **net.populations}.items()}
    for p in net.projections:
        n_pre, n_post = sizes[p.pre], sizes[p.post]
        rule = p.rule
        if hasattr(rule, "indptr"):
            fan = np.diff(np.asarray(rule.indptr)).astype(np.int64)
        elif hasattr(rule, "rows") or hasattr(rule, "shape"):
            fan = np.full(n_pre, n_post, np.int64)
        else:
            one = np.zeros(n_post)
            fan = np.array(
                [rule.deliver(np.array([i], np.int32), one) for i in range(n_pre)],
                np.int64,
            )
        layers.append(
            LayerSpec(
                name=f"{p.pre} -> {p.post}",
                kind="projection",
                in_shape=(n_pre,),
                out_shape=(n_post,),
                fan=fan,
                sources=(p.pre,),
            )
        )
    for name, pop in net.populations.items():
        layers.append(
            LayerSpec(
                name=name,
                kind="neuron",
                in_shape=(pop.n,),
                out_shape=(pop.n,),
                neuron="lif",
                sources=tuple(
                    la.name for la in layers if la.name.endswith(f"-> {name}")
                ),
            )
        )
    layers += [
        LayerSpec(name=name, kind="flatten", in_shape=(s.n,), out_shape=(s.n,))
        for name, s in net.stimuli.items()
    ]
    return NetSpec(name="network", layers=tuple(layers), input_shape=())


def save_ledger(path: Path | str, counts: OpCounts) -> None:
    """Write a ledger as npz (its JSON form as text; no pickle)."""
    from neuro.results import write_arrays

    write_arrays(path, {"ledger": np.array(json.dumps(counts.to_dict()))})


def holds_ledger(path: Path | str) -> bool:
    """Tell a saved ledger from other npz files.

    Raises
    ------
    DatasetError
        If the file cannot be read.
    """
    return "ledger" in _read(Path(path))


def load_ledger(path: Path | str) -> OpCounts:
    """Read what :func:`save_ledger` wrote.

    Raises
    ------
    DatasetError
        If the file holds no ledger.
    """
    path = Path(path)
    arrays = _read(path)
    if "ledger" not in arrays:
        raise DatasetError(
            f"{path.name}: holds no ledger but {', '.join(arrays) or 'nothing'}"
        )
    try:
        return OpCounts.from_dict(json.loads(str(arrays["ledger"])))
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path.name}: its ledger is damaged ({error})") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_npz(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path.name}: not a readable npz ({error})") from None


def count_npz(
    path: Path,
    *,
    time_axis: int = 0,
    steps: int | None = None,
    **rules: Any,
) -> OpCounts:
    """Count rasters (``spikes/NAME``) with matrices ``weights/PRE -> POST``.

    A saved ledger is returned as it is.
    """
    if holds_ledger(path):
        return load_ledger(path)
    arrays = _read(path)
    weights = {k[8:]: v for k, v in arrays.items() if k.startswith("weights/")}
    spikes = {k[7:]: v for k, v in arrays.items() if k.startswith("spikes/")}
    if not weights or not spikes:
        raise DatasetError(
            f"{path.name}: expected 'ledger', or rasters 'spikes/NAME' and matrices "
            f"'weights/PRE -> POST'; it holds {', '.join(arrays) or 'nothing'}"
        )
    layers, targets = [], {}
    for name, w in weights.items():
        pre, _, post = name.partition(" -> ")
        if w.ndim != 2 or not post:
            raise ShapeError(
                f"{path.name}: weights/{name}: expected 'PRE -> POST' and w[post, pre]"
            )
        targets[post] = w.shape[0]
        layers.append(
            LayerSpec(
                name=name,
                kind="projection",
                in_shape=(w.shape[1],),
                out_shape=(w.shape[0],),
                weight=w,
                w_bits=8 * w.dtype.itemsize,
                sources=(pre,),
            )
        )
    for name in sorted({*targets, *spikes}):
        size = targets.get(name) or int(np.prod(spikes[name].shape[2:]))
        layers.append(
            LayerSpec(
                name=name,
                kind="neuron" if name in targets else "flatten",
                in_shape=(size,),
                out_shape=(size,),
                neuron="lif" if name in targets else "",
                sources=tuple(n for n in weights if n.endswith(f" -> {name}")),
            )
        )
    spec = NetSpec(name=path.stem, layers=tuple(layers), input_shape=())
    known = [la.name for la in layers]
    signals = normalise(spikes, known, steps=steps, time_axis=time_axis)
    return count_layers(spec, signals, steps=steps, **rules)
