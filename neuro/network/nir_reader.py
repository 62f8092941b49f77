r"""Read a NIR graph as a :class:`~neuro.network.Network`.

NIR describes continuous dynamics; the frameworks that write it step them in their own
ways. ``semantics`` says which is meant:

``"continuous"``
    The equations as written. A spike adds :math:`R/\tau` times its weight to v of a
    LIF, :math:`R` times it to v of an IF, :math:`w_\mathrm{in}/\tau_\mathrm{syn}` times
    it to the current of a CubaLIF; exact propagators between spikes.
``"euler"``
    Forward Euler with step ``dt``: a spike is the value 1 for one step,
    :math:`i \leftarrow i + \frac{dt}{\tau_\mathrm{syn}}(-i + w_\mathrm{in} s)`, then
    :math:`v \leftarrow v + \frac{dt}{\tau}(v_\mathrm{leak} - v + R i)`.
``"snntorch"``
    Euler with reset to 0; what ``snntorch.import_nir`` builds (its step is 1e-4 s and
    belongs to the graph). Its IF, a Leaky with beta 0.9, is not NIR's and is refused.
``"norse"``
    Euler with reset to 0, as ``norse.torch.from_nir`` builds it: ``r`` of LIF and IF is
    taken as 1, IF adds its input without dt, the synaptic current of a CubaLIF leaks to
    ``v_leak``.

Within a step, layers run in topological order; an edge on a cycle takes one step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError, optional_import
from neuro.network.description import Population, Projection
from neuro.network.network import Network
from neuro.network.nir_cells import NODES, Cell, row_of
from neuro.network.nir_graph import FoldedGraph, fold
from neuro.network.nir_nodes import kind_of
from neuro.network.recorders import Record
from neuro.network.registry import model_of
from neuro.network.rules import Pairs
from neuro.network.stimuli import Current, Events, Frames, SpikeList

__all__ = ["NirNetwork", "from_nir"]

Semantics = Literal["continuous", "euler", "snntorch", "norse"]
SEMANTICS = ("continuous", "euler", "snntorch", "norse")
Array = NDArray[Any]


@dataclass(frozen=True)
class NirNetwork:
    """A network read from NIR, and where its ends are.

    Attributes
    ----------
    network : Network
        Ready to build.
    inputs : dict of str to str
        Stimulus of each Input node.
    outputs : dict of str to str
        Population that each Output node shows.
    shapes : dict of str to tuple of int
        Shape of each population and stimulus, flattened in C order.
    """

    __references__: ClassVar[tuple[str, ...]] = ("pedersen2024",)

    network: Network
    inputs: dict[str, str]
    outputs: dict[str, str]
    shapes: dict[str, tuple[int, ...]]


def from_nir(
    graph: Any,
    *,
    dt: float = 1e-4,
    semantics: Semantics = "continuous",
    inputs: Mapping[str, Any] | None = None,
    values: Literal["binary", "real"] = "binary",
) -> NirNetwork:
    """Read a NIR graph.

    Parameters
    ----------
    graph : nir.NIRGraph, str or Path
        A graph, or a file written by ``nir.write``.
    dt : float
        Step of the grid, seconds; with ``"snntorch"`` it must be 1e-4, the step that
        framework writes into its graphs.
    semantics : {"continuous", "euler", "snntorch", "norse"}
        How the neurons are stepped; see the module's text.
    inputs : mapping of str to Frames, Events or SpikeList, optional
        Stimulus of each Input node, under its name; frames handed in at run time
        (``run_samples``) where not given.
    values : {"binary", "real"}
        Kind of the frames of inputs that are not given.

    Returns
    -------
    NirNetwork
        The network, with the names of its inputs and outputs. Populations have the
        names of their nodes, those of nested graphs joined by dots.

    Raises
    ------
    UnsupportedNodeError
        A node is not supported; the message has its name and kind.
    ShapeError
        Shapes do not fit or cannot be inferred.

    Notes
    -----
    Everything linear between neurons is folded into synapses (convolutions are unrolled
    into rows that share weights). A constant input (the bias of an Affine or Conv) acts
    from time 0. Real values that enter a CubaLIF in continuous semantics arrive at the
    end of their step, which is exact for the current and of first order in ``dt`` for
    the voltage.
    """
    if semantics not in SEMANTICS:
        raise ParameterError(
            f"from_nir.semantics: expected one of {', '.join(SEMANTICS)}, "
            f"got {semantics!r}"
        )
    if semantics == "snntorch" and abs(dt - 1e-4) > 1e-12:
        raise ParameterError(
            f"from_nir.dt: snnTorch writes its graphs for a step of 1e-4 s, got {dt}"
        )
    if isinstance(graph, str | Path):
        path = Path(graph)
        if not path.is_file():
            raise ParameterError(f"from_nir: no file {str(path)!r}")
        graph = optional_import("nir", "nir").read(path)
    folded = fold(graph)
    given = dict(inputs or {})
    objects: list[Any] = []
    names: dict[str, str] = {}
    cells: dict[str, Cell] = {}
    real: set[str] = set()
    for name, node in folded.nodes.items():
        n = int(np.prod(folded.shapes[name], dtype=np.int64))
        if kind_of(node) == "Input":
            stimulus = _stimulus(name, n, given.pop(name, None), values)
            objects.append(stimulus)
            names[name] = stimulus.name
            if getattr(stimulus, "values", "") == "real":
                real.add(name)
            continue
        cell = NODES[kind_of(node)](node, folded.bias.get(name), dt, semantics)
        cells[name] = cell
        objects.append(Population(name, n, cell.model, init=cell.init))
        if cell.drive is not None:
            objects.append(Current(name, cell.drive, port="input"))
        if model_of(cell.model).output is not None:
            real.add(name)
            objects.append(Record(name, variables=(str(model_of(cell.model).output),)))
    if given:
        known = [n for n in folded.nodes if kind_of(folded.nodes[n]) == "Input"]
        raise ParameterError(
            f"from_nir.inputs: no Input {next(iter(given))!r}; the graph has "
            f"{', '.join(known)}"
        )
    objects += _projections(folded, cells, names, real, dt, semantics, objects)
    return NirNetwork(
        Network(*objects, dt=dt, convention="nir"),
        names,
        dict(folded.outputs),
        dict(folded.shapes),
    )


def _stimulus(name: str, n: int, given: Any, values: Any) -> Any:
    if given is None:
        return Frames(name, n, values)
    if not isinstance(given, Frames | Events | SpikeList) or given.n != n:
        raise ParameterError(
            f"from_nir.inputs[{name!r}]: expected Frames, Events or SpikeList of {n} "
            f"channels, got {type(given).__name__} of {getattr(given, 'n', '?')}"
        )
    return given


def _projections(
    folded: FoldedGraph,
    cells: Mapping[str, Cell],
    names: Mapping[str, str],
    real: set[str],
    dt: float,
    semantics: str,
    objects: list[Any],
) -> list[Projection]:
    streams = {o.name for o in objects if isinstance(o, Events | SpikeList)}
    out = []
    for (pre, post), s in folded.synapses.items():
        cell = cells[post]
        port, gain = (
            (cell.real_port, cell.real_gain)
            if pre in real
            else (cell.spike_port, cell.spike_gain)
        )
        factor = np.broadcast_to(np.asarray(gain, np.float64), _n(folded, post))
        weight = s.weight * factor[s.post]
        delay = np.floor(s.delay / dt + 0.5) * dt
        least = dt if (pre, post) in folded.cyclic or names.get(pre) in streams else 0
        delay = np.maximum(delay, least)
        for late in (False, True):
            at = (delay > 0) == late
            if not at.any():
                continue
            d = delay[at]
            out.append(
                Projection(
                    names.get(pre, pre),
                    post,
                    Pairs(s.pre[at], s.post[at]),
                    weight=weight[at],
                    delay=row_of(d) if late else None,
                    port=port,
                )
            )
    return out


def _n(folded: FoldedGraph, name: str) -> int:
    return int(np.prod(folded.shapes[name], dtype=np.int64))
