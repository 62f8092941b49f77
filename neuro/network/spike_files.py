"""Spikes and synapses to and from files: npz and SONATA (HDF5).

SONATA [1]_ stores spikes as ``/spikes/<population>/{timestamps, node_ids}`` with times
in milliseconds, and edges as ``/edges/<population>/{source_node_id, target_node_id,
...}`` with weights and delays (milliseconds) in the edge group ``0``. Node numbers
count from 0 in each population.

References
----------
.. [1] Dai et al., PLoS Comput. Biol. 16 (2020), e1007696.
   doi:10.1371/journal.pcbi.1007696
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from neuro.errors import DatasetError, ParameterError, did_you_mean
from neuro.network.checkpoint import read_saved
from neuro.network.expand import expand
from neuro.network.network import Network
from neuro.network.result import Result, Spikes
from neuro.results import write_arrays

__all__ = [
    "Edges",
    "load_spikes",
    "read_sonata_edges",
    "read_sonata_spikes",
    "save_spikes",
    "write_sonata_edges",
    "write_sonata_spikes",
]

_MAGIC, _VERSION = np.uint32(0x0A7A), np.array([0, 1], np.uint32)


class Edges(NamedTuple):
    """Synapses of one SONATA edge population.

    Attributes
    ----------
    source, target : str
        Names of the node populations.
    pre, post : ndarray of int32, shape (n_synapses,)
        Ends: the arguments of :class:`~neuro.network.Pairs`.
    weight : ndarray of float64
        Weights as stored.
    delay : ndarray of float64
        Delays, seconds.
    """

    source: str
    target: str
    pre: NDArray[np.int32]
    post: NDArray[np.int32]
    weight: NDArray[np.float64]
    delay: NDArray[np.float64]


def _spikes(given: Result | Mapping[str, Spikes]) -> Mapping[str, Spikes]:
    return given.spikes if isinstance(given, Result) else given


def save_spikes(path: str | Path, spikes: Result | Mapping[str, Spikes]) -> None:
    """Write spike trains to a compressed npz.

    Parameters
    ----------
    path : str or Path
        File to write.
    spikes : Result or mapping of str to Spikes
        Trains by population.
    """
    arrays: dict[str, Any] = {}
    for name, s in _spikes(spikes).items():
        arrays[f"{name}/times"] = s.times
        arrays[f"{name}/indices"] = s.indices
        if s.samples is not None:
            arrays[f"{name}/samples"] = s.samples
    write_arrays(path, arrays)


def load_spikes(path: str | Path) -> dict[str, Spikes]:
    """Read the spike trains of :func:`save_spikes` or ``Result.save``."""
    data = read_saved(path, "load_spikes")
    names = [k[: -len("/times")] for k in data if k.endswith("/times")]
    return {
        n: Spikes(data[f"{n}/times"], data[f"{n}/indices"], data.get(f"{n}/samples"))
        for n in names
    }


def write_sonata_spikes(
    path: str | Path, spikes: Result | Mapping[str, Spikes]
) -> None:
    """Write spike trains as a SONATA spike file.

    Parameters
    ----------
    path : str or Path
        File to write, customarily ``spikes.h5``.
    spikes : Result or mapping of str to Spikes
        Trains by population, times in seconds; one sample.
    """
    with h5py.File(path, "w") as file:
        file.attrs["magic"], file.attrs["version"] = _MAGIC, _VERSION
        for name, s in _spikes(spikes).items():
            if s.samples is not None and np.unique(s.samples).size > 1:
                raise ParameterError(
                    f"write_sonata_spikes: {name!r} holds several samples; write one "
                    "at a time"
                )
            group = file.create_group(f"spikes/{name}")
            kind = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, np.uint8)
            group.attrs.create("sorting", 2, dtype=kind)
            times = group.create_dataset("timestamps", data=np.asarray(s.times) * 1e3)
            times.attrs["units"] = "milliseconds"
            group.create_dataset("node_ids", data=np.asarray(s.indices, np.uint64))


def read_sonata_spikes(path: str | Path) -> dict[str, Spikes]:
    """Read a SONATA spike file; times become seconds, sorted.

    Raises
    ------
    DatasetError
        The file has no group ``spikes``.
    """
    out = {}
    with h5py.File(path, "r") as file:
        if "spikes" not in file:
            raise DatasetError(
                f"{str(path)!r}: no group 'spikes'; is it a SONATA spike file?"
            )
        groups = file["spikes"]
        if "timestamps" in groups:  # the older layout without populations
            groups = {"default": groups}
        for name, group in groups.items():
            unit = group["timestamps"].attrs.get("units", "milliseconds")
            unit = unit.decode() if isinstance(unit, bytes) else str(unit)
            scale = {"milliseconds": 1e-3, "ms": 1e-3, "seconds": 1.0, "s": 1.0}.get(
                unit
            )
            if scale is None:
                raise DatasetError(f"{str(path)!r}: unknown unit of time {unit!r}")
            times = np.asarray(group["timestamps"], np.float64) * scale
            nodes = np.asarray(group["node_ids"], np.int64).astype(np.int32)
            order = np.lexsort((nodes, times))
            out[str(name)] = Spikes(times[order], nodes[order])
    return out


def write_sonata_edges(path: str | Path, net: Network, *, seed: int = 0) -> None:
    """Write all projections of a network as SONATA edge populations.

    Parameters
    ----------
    path : str or Path
        File to write, customarily ``edges.h5``.
    net : Network
        The description.
    seed : int
        Seed of the build, for what is drawn.

    Notes
    -----
    Weights keep the unit of their port (SI); delays are stored in milliseconds as the
    format asks. Edges are ordered by target, with the index ``target_to_source``.
    """
    with h5py.File(path, "w") as file:
        file.attrs["magic"], file.attrs["version"] = _MAGIC, _VERSION
        for name, q in zip(net.names, net.projections, strict=True):
            n_pre, n_post = net.n_of(q.pre), net.n_of(q.post)
            s = expand(q, n_pre, n_post, name=name, dt=net.dt, seed=seed)
            order = np.lexsort((s.pre, s.post))
            label = name.replace(" -> ", "_to_").replace("/", "_").replace(" ", "_")
            group = file.create_group(f"edges/{label}")
            for key, node, values in (
                ("source_node_id", q.pre, s.pre),
                ("target_node_id", q.post, s.post),
            ):
                data = group.create_dataset(key, data=values[order].astype(np.uint64))
                data.attrs["node_population"] = node
            m = order.size
            group.create_dataset("edge_type_id", data=np.zeros(m, np.int64))
            group.create_dataset("edge_group_id", data=np.zeros(m, np.uint64))
            group.create_dataset("edge_group_index", data=np.arange(m, dtype=np.uint64))
            own = group.create_group("0")
            own.create_dataset("syn_weight", data=s.weight[order])
            own.create_dataset("delay", data=s.delay[order] * net.dt * 1e3)
            _index(group, s.post[order], n_post)


def _index(group: Any, post: NDArray[Any], n_post: int) -> None:
    """Ranges of edges of each target: one range each, as the edges are sorted."""
    limits = np.searchsorted(post, np.arange(n_post + 1)).astype(np.uint64)
    index = group.create_group("indices/target_to_source")
    nodes = np.arange(n_post, dtype=np.uint64)
    index.create_dataset("node_id_to_ranges", data=np.stack([nodes, nodes + 1], axis=1))
    ranges = np.stack([limits[:-1], limits[1:]], axis=1)
    index.create_dataset("range_to_edge_id", data=ranges)


def read_sonata_edges(path: str | Path, population: str | None = None) -> Edges:
    """Read one edge population.

    Parameters
    ----------
    path : str or Path
        SONATA edge file.
    population : str, optional
        Its name; may be left out where the file has one.

    Raises
    ------
    DatasetError
        The file has no edges.
    ParameterError
        The population is not in the file, or has to be named.
    """
    with h5py.File(path, "r") as file:
        if "edges" not in file:
            raise DatasetError(
                f"{str(path)!r}: no group 'edges'; is it a SONATA edge file?"
            )
        names = list(file["edges"])
        if population is None and len(names) == 1:
            population = names[0]
        if population not in names:
            raise ParameterError(
                f"read_sonata_edges: no population {population!r} in {str(path)!r}"
                f"{did_you_mean(str(population), names)}; it has {', '.join(names)}"
            )
        group = file["edges"][population]
        pre, post = (np.asarray(group[k]) for k in ("source_node_id", "target_node_id"))
        ends = [
            str(group[k].attrs["node_population"])
            for k in ("source_node_id", "target_node_id")
        ]
        own: Any = group.get("0", {})
        weight = (
            np.asarray(own["syn_weight"], np.float64)
            if "syn_weight" in own
            else np.ones(pre.size)
        )
        delay = (
            np.asarray(own["delay"], np.float64) * 1e-3
            if "delay" in own
            else np.zeros(pre.size)
        )
        if "edge_group_index" in group and weight.size:
            at = np.asarray(group["edge_group_index"])
            weight, delay = weight[at], delay[at]
    return Edges(
        ends[0], ends[1], pre.astype(np.int32), post.astype(np.int32), weight, delay
    )
