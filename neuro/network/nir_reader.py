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

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError, UnsupportedNodeError, optional_import
from neuro.network.description import Population, Projection
from neuro.network.models import (
    CubaLi,
    IfDelta,
    Li,
    LifDelta,
    LifExp,
    Relay,
    ThresholdUnit,
)
from neuro.network.models.discrete import (
    EulerCubaLi,
    EulerCubaLif,
    EulerLi,
    EulerLif,
)
from neuro.network.network import Network
from neuro.network.nir_graph import FoldedGraph, fold
from neuro.network.nir_nodes import kind_of
from neuro.network.recorders import Record
from neuro.network.registry import model_of
from neuro.network.rules import Pairs
from neuro.network.stimuli import Current, Events, Frames, SpikeList

__all__ = ["NirNetwork", "from_nir"]

log = logging.getLogger(__name__)
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


class _Cell(NamedTuple):
    """A population to be, and how inputs enter it."""

    model: Any
    init: dict[str, Any] | None = None
    spike_port: str = "input"
    spike_gain: Any = 1.0  # factor on the weight of a spike, per neuron
    real_port: str = "input"
    real_gain: Any = 1.0
    drive: Any = None  # constant into the port "input" that the model cannot hold


_Maker = Callable[[Any, Array | None, float, str], _Cell]
_NODES: dict[str, _Maker] = {}


def _node(name: str) -> Callable[[_Maker], _Maker]:
    def register(make: _Maker) -> _Maker:
        _NODES[name] = make
        return make

    return register


def _row(value: Any) -> Any:
    """Flat float64; a number where all entries are equal."""
    flat = np.asarray(value, np.float64).ravel()
    return float(flat[0]) if flat.size and (flat == flat[0]).all() else flat


def _reset(node: Any, semantics: str) -> Any:
    if semantics not in ("snntorch", "norse"):
        return _row(node.v_reset)
    if np.any(np.asarray(node.v_reset)):
        log.warning("NIR: semantics %r resets to 0, not to v_reset", semantics)
    return 0.0


def _resistance(node: Any, semantics: str) -> Any:
    r = _row(node.r)
    if semantics == "norse" and np.any(np.asarray(r) != 1):
        log.warning("NIR: semantics 'norse' takes r as 1, the graph has %s", r)
        return 1.0
    return r


def _no_leak(node: Any, semantics: str) -> None:
    if semantics == "snntorch" and np.any(np.asarray(node.v_leak)):
        raise ParameterError(
            "NIR: snnTorch has no v_leak, the graph has one; use semantics='euler'"
        )


@_node("LIF")
def _lif(node: Any, bias: Array | None, dt: float, semantics: str) -> _Cell:
    tau, leak, b = _row(node.tau), _row(node.v_leak), _bias(bias)
    theta = _row(node.v_threshold)
    if semantics == "continuous":
        r = _row(node.r)
        model = LifDelta(
            tau_mem=tau,
            r=r,
            v_leak=leak,
            v_threshold=theta,
            v_reset=_row(node.v_reset),
            i_e=b,
        )
        return _Cell(model, spike_gain=r / tau, real_port="current")
    _no_leak(node, semantics)
    r = _resistance(node, semantics)
    gain = dt / tau * r
    return _Cell(
        EulerLif(
            keep=1 - dt / tau,
            gain=gain,
            drive=dt / tau * leak + gain * b,
            v_threshold=theta,
            v_reset=_reset(node, semantics),
        ),
        {"v": leak},
    )


@_node("IF")
def _if(node: Any, bias: Array | None, dt: float, semantics: str) -> _Cell:
    theta, b = _row(node.v_threshold), _bias(bias)
    if semantics == "continuous":
        r = _row(node.r)
        model = IfDelta(r=r, v_threshold=theta, v_reset=_row(node.v_reset), i_e=b)
        return _Cell(model, spike_gain=r, real_port="current")
    if semantics == "snntorch":
        raise UnsupportedNodeError(
            "NIR: snnTorch reads an IF as a leaky neuron of beta 0.9, which is not an "
            "IF; use semantics='euler'"
        )
    gain = 1.0 if semantics == "norse" else dt * _row(node.r)
    _resistance(node, semantics)
    return _Cell(
        EulerLif(
            keep=1.0,
            gain=gain,
            drive=gain * b,
            v_threshold=theta,
            v_reset=_reset(node, semantics),
        )
    )


@_node("LI")
def _li(node: Any, bias: Array | None, dt: float, semantics: str) -> _Cell:
    tau, leak, r = _row(node.tau), _row(node.v_leak), _row(node.r)
    b = _bias(bias)
    if semantics == "continuous":
        model = Li(tau_mem=tau, r=r, v_leak=leak + r * b)
        return _Cell(model, {"v": leak}, spike_gain=r / tau, real_port="current")
    _no_leak(node, semantics)
    gain = dt / tau * r
    return _Cell(
        EulerLi(keep=1 - dt / tau, gain=gain, drive=dt / tau * leak + gain * b, v0=leak)
    )


@_node("I")
def _integrator(node: Any, bias: Array | None, dt: float, semantics: str) -> _Cell:
    r = _row(node.r)
    drive = dt * r * _bias(bias)
    if semantics == "continuous":  # exact: the integral of a constant is linear
        model = EulerLi(keep=1.0, gain=1.0, drive=drive)
        return _Cell(model, spike_gain=r, real_gain=dt * r)
    return _Cell(EulerLi(keep=1.0, gain=dt * r, drive=drive))


@_node("CubaLIF")
def _cuba_lif(node: Any, bias: Array | None, dt: float, semantics: str) -> _Cell:
    tau, tau_s, leak = _row(node.tau_mem), _row(node.tau_syn), _row(node.v_leak)
    r, w_in, b = _row(node.r), _row(node.w_in), _bias(bias)
    theta = _row(node.v_threshold)
    if semantics == "continuous":
        model = LifExp(
            tau_mem=tau,
            tau_syn=tau_s,
            r=r,
            v_leak=leak,
            v_threshold=theta,
            v_reset=_row(node.v_reset),
            i_e=w_in * b,
        )
        return _Cell(
            model,
            _settling(w_in * b),
            spike_gain=w_in / tau_s,
            real_gain=-np.expm1(-dt / tau_s) * w_in,
        )
    return _Cell(
        EulerCubaLif(
            **_euler_cuba(node, b, dt, semantics),
            v_threshold=theta,
            v_reset=_reset(node, semantics),
        ),
        {"v": leak},
    )


@_node("CubaLI")
def _cuba_li(node: Any, bias: Array | None, dt: float, semantics: str) -> _Cell:
    tau, tau_s, leak = _row(node.tau_mem), _row(node.tau_syn), _row(node.v_leak)
    r, w_in, b = _row(node.r), _row(node.w_in), _bias(bias)
    if semantics == "continuous":
        model = CubaLi(tau_mem=tau, tau_syn=tau_s, r=r, v_leak=leak + r * w_in * b)
        return _Cell(
            model,
            {"v": leak, **(_settling(w_in * b) or {})},
            spike_gain=w_in / tau_s,
            real_gain=-np.expm1(-dt / tau_s) * w_in,
        )
    return _Cell(EulerCubaLi(**_euler_cuba(node, b, dt, semantics), v0=leak))


def _euler_cuba(node: Any, b: Any, dt: float, semantics: str) -> dict[str, Any]:
    _no_leak(node, semantics)
    tau, tau_s, leak = _row(node.tau_mem), _row(node.tau_syn), _row(node.v_leak)
    gain_i = dt / tau_s * _row(node.w_in)
    drive_i = gain_i * b
    if semantics == "norse":  # the synapse is a leaky integrator with the same leak
        drive_i = drive_i + dt / tau_s * leak
    return {
        "keep_i": 1 - dt / tau_s,
        "gain_i": gain_i,
        "drive_i": drive_i,
        "keep": 1 - dt / tau,
        "gain": dt / tau * _row(node.r),
        "drive": dt / tau * leak,
    }


def _settling(constant: Any) -> dict[str, Any] | None:
    """A constant input that sets in at 0: the current approaches it with tau_syn."""
    return {"i_syn": -np.asarray(constant)} if np.any(constant) else None


@_node("Threshold")
def _threshold(node: Any, bias: Array | None, dt: float, semantics: str) -> _Cell:
    return _Cell(ThresholdUnit(v_threshold=_row(node.threshold) - _bias(bias)))


@_node("Output")
def _output(node: Any, bias: Array | None, dt: float, semantics: str) -> _Cell:
    return _Cell(Relay(), drive=bias)


def _bias(bias: Array | None) -> Any:
    return 0.0 if bias is None else _row(bias)


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
    cells: dict[str, _Cell] = {}
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
        cell = _NODES[kind_of(node)](node, folded.bias.get(name), dt, semantics)
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
    cells: Mapping[str, _Cell],
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
                    delay=_row(d) if late else None,
                    port=port,
                )
            )
    return out


def _n(folded: FoldedGraph, name: str) -> int:
    return int(np.prod(folded.shapes[name], dtype=np.int64))
