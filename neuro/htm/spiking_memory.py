"""Sequences in a network of spiking neurons: groups, stimuli, read-out.

One group of excitatory neurons and one inhibitory neuron per symbol, random plastic
synapses between all excitatory neurons, one external spike per element. Sizes, weights
and times are those of Bouhadjar et al. (2022).
"""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError, did_you_mean
from neuro.htm.spiking import DendriticLif, StructuralStdp, psc_amplitude
from neuro.network import Network, Population, Projection, Record, Simulation, SpikeList
from neuro.network.distributions import Uniform
from neuro.network.models.lif_exp import LifExp
from neuro.network.rules import FixedIndegree, Pairs
from neuro.random import stream

__all__ = ["Episode", "SpikingMemory", "SpikingTask", "spiking_task"]

ELEMENT = 40e-3  # s between elements
GAP = 100e-3  # s between the last element of a sequence and the next first one
BEGIN = 30e-3  # s, first stimulus of an episode
READ_AFTER = 8e-3  # s after the last-but-one element
READ_STEP = 2e-3  # s between samples of the dendritic state
KICK_BEFORE = 20e-3  # s, dendritic kick before the first element
KICK = 1.4  # its size in dendritic thresholds


@dataclass(frozen=True, slots=True)
class SpikingTask:
    r"""Sequences of symbols and the learning rates published for them.

    Attributes
    ----------
    name : str
        Name of the set.
    sequences : tuple of str
        One letter per element, all of equal length.
    rates : tuple of float
        :math:`\lambda_+, \lambda_-, \lambda_h`.
    sparse_start : bool
        Whether a fixed few neurons of a sequence's first group get a dendritic kick
        before it, so that the first element fires sparsely too.
    """

    name: str
    sequences: tuple[str, ...]
    rates: tuple[float, float, float]
    sparse_start: bool = False

    @property
    def symbols(self) -> str:
        """Symbols in alphabetical order; their position is the group."""
        return "".join(sorted(set("".join(self.sequences))))

    @property
    def length(self) -> int:
        """Elements of a sequence."""
        return len(self.sequences[0])

    @property
    def episode(self) -> float:
        """Duration of an episode, every sequence once, seconds."""
        return len(self.sequences) * ((self.length - 1) * ELEMENT + GAP)

    def onset(self, sequence: int, element: int) -> float:
        """Return the time of an element in its episode, seconds."""
        return (
            BEGIN + sequence * ((self.length - 1) * ELEMENT + GAP) + (element * ELEMENT)
        )


_TASKS = {
    "I": SpikingTask("I", ("ADBE", "FDBC"), (0.08, 0.0015, 0.014)),
    "II": SpikingTask(
        "II",
        ("ENDIJ", "LNDIK", "GJMCN", "FJMCI", "BCKHI", "ACKHF"),
        (0.28, 0.0063, 0.024),
    ),
    "III": SpikingTask(
        "III",
        ("ENDIJ", "LNDIK", "GJMEN", "FJMEI", "BCKBI", "ACKBF"),
        (0.39, 0.005785, 0.034),
        sparse_start=True,
    ),
}


def spiking_task(name: str) -> SpikingTask:
    """Return a published set: ``"I"``, ``"II"`` or ``"III"``."""
    if name not in _TASKS:
        raise ParameterError(
            f"spiking_task: unknown set {name!r}{did_you_mean(name, _TASKS)}; "
            f"accepted: {', '.join(_TASKS)}"
        )
    return _TASKS[name]


class Episode(NamedTuple):
    """What one episode showed.

    Attributes
    ----------
    errors, false_positives, false_negatives : ndarray of float64, shape (n_sequences,)
        Of the prediction of each sequence's last element.
    spikes : ndarray of int64, shape (n_sequences, length)
        Spikes of the element's group after each element.
    plateaus : ndarray of int64, shape (n_sequences, n_groups)
        Neurons in a dendritic action potential at the read-out.
    """

    errors: NDArray[np.float64]
    false_positives: NDArray[np.float64]
    false_negatives: NDArray[np.float64]
    spikes: NDArray[np.int64]
    plateaus: NDArray[np.int64]


@dataclass
class SpikingMemory:
    """A network that learns the sequences of a task.

    Parameters
    ----------
    task : SpikingTask
        Sequences and rates.
    episodes : int
        Episodes for which stimuli are prepared.
    seed : int
        Seed of connectivity and initial permanences.
    group : int
        Excitatory neurons per symbol.
    groups : int
        Groups; 14 as published (6 suffice for set I).
    share : float
        Share of all excitatory neurons that a neuron gets synapses from.
    coincident : int
        Spikes (rho) that fire the inhibitory neuron.
    dt : float
        Step, seconds.
    """

    task: SpikingTask
    episodes: int = 85
    seed: int = 1
    group: int = 150
    groups: int = 0
    share: float = 0.2
    coincident: int = 20
    dt: float = 1e-4
    simulation: Simulation = field(init=False, repr=False)
    done: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.groups = self.groups or len(self.task.symbols)
        if self.groups < len(self.task.symbols):
            raise ParameterError(
                f"SpikingMemory.groups: {len(self.task.symbols)} symbols need as many "
                f"groups, got {self.groups}"
            )
        self.neuron = DendriticLif(tau_z=self.task.episode)
        plus, minus, homeostasis = self.task.rates
        self.plasticity = StructuralStdp(
            rate_plus=plus, rate_minus=minus, rate_homeostasis=homeostasis
        )
        kicks = self._kicks() if self.task.sparse_start else None
        net = self._network(self._stimuli(), kicks=kicks)
        self.simulation = net.build(engine="grid", seed=self.seed)

    # ------------------------------------------------------------------ parts
    def _stimuli(self) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        times, channels = [], []
        for e in range(self.episodes):
            for s, sequence in enumerate(self.task.sequences):
                for k, symbol in enumerate(sequence):
                    times.append(e * self.task.episode + self.task.onset(s, k))
                    channels.append(self.task.symbols.index(symbol))
        return np.array(times), np.array(channels, np.int32)

    def _kicks(self) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """Return one kick before each sequence, on the channel of its first symbol."""
        times, channels = [], []
        for e in range(self.episodes):
            for s, sequence in enumerate(self.task.sequences):
                onset = e * self.task.episode + self.task.onset(s, 0)
                times.append(onset - KICK_BEFORE)
                channels.append(self.task.symbols.index(sequence[0]))
        return np.array(times), np.array(channels, np.int32)

    def _sparse_start(
        self, kicks: tuple[NDArray[np.float64], NDArray[np.int32]]
    ) -> list[Any]:
        """Return the stimulus that makes first elements fire sparsely."""
        rng = stream(self.seed, "sparse start")
        few = self.coincident + 1
        chosen = [
            g * self.group + rng.permutation(self.group)[:few]
            for g in range(self.groups)
        ]
        channel = np.repeat(np.arange(self.groups), few).astype(np.int32)
        cells = np.concatenate(chosen).astype(np.int32)
        return [
            SpikeList("K", self.groups, *kicks),
            Projection(
                "K", "E", Pairs(channel, cells),
                weight=KICK * self.neuron.theta_dap, delay=self.dt, port="dendrite",
            ),
        ]  # fmt: skip

    def _network(
        self,
        stimuli: tuple[NDArray[np.float64], NDArray[np.int32]],
        *,
        kicks: tuple[NDArray[np.float64], NDArray[np.int32]] | None = None,
        synapses: Any = None,
        neuron: DendriticLif | None = None,
        inhibition: int | None = None,
    ) -> Network:
        """Return the network; with `synapses` (pre, post, weight) a static one."""
        model, n = neuron or self.neuron, self.groups * self.group
        group = np.arange(n, dtype=np.int32) // self.group
        cell = np.arange(n, dtype=np.int32)
        c = model.c
        fire = psc_amplitude(
            1.1 * 20e-3, tau_mem=model.tau_mem, tau_syn=model.tau_external, c=c
        )
        silence = psc_amplitude(
            -40e-3, tau_mem=model.tau_mem, tau_syn=model.tau_inhibition, c=c
        )
        excite = psc_amplitude(
            1.2 * 15e-3 / (inhibition or self.coincident),
            tau_mem=5e-3,
            tau_syn=0.5e-3,
            c=c,
        )
        if synapses is None:
            recurrent = Projection(
                "E",
                "E",
                FixedIndegree(round(self.share * n), autapses=False, multapses=False),
                weight=Uniform(0.0, 8.0),
                delay=2e-3,
                port="dendrite",
                plasticity=self.plasticity,
            )
        else:
            pre, post, weight = synapses
            recurrent = Projection(
                "E", "E", Pairs(pre, post), weight=weight, delay=2e-3, port="dendrite"
            )
        gate = LifExp(
            tau_mem=5e-3, tau_syn=0.5e-3, r=5e-3 / c, v_threshold=15e-3, t_ref=2e-3
        )
        return Network(
            Population("E", n, model),
            Population("I", self.groups, gate),
            SpikeList("X", self.groups, *stimuli),
            recurrent,
            Projection(
                "X", "E", Pairs(group, cell), weight=fire, delay=self.dt,
                port="external",
            ),
            Projection("E", "I", Pairs(cell, group), weight=excite, delay=self.dt),
            Projection(
                "I", "E", Pairs(group, cell), weight=silence, delay=self.dt,
                port="inhibition",
            ),
            Record("E", variables=("dap",), interval=READ_STEP),
            *(self._sparse_start(kicks) if kicks is not None else []),
            dt=self.dt,
        )  # fmt: skip

    # ------------------------------------------------------------------ running
    def run_episode(self) -> Episode:
        """Present every sequence once and read the predictions."""
        if self.done >= self.episodes:
            raise ParameterError(
                f"SpikingMemory: all {self.episodes} episodes are done; make it with "
                "more"
            )
        task, begin = self.task, self.done * self.task.episode
        result = self.simulation.run(task.episode)
        self.done += 1
        self.result = result
        trace, spikes = result.traces["E.dap"], result.spikes["E"]
        n_sequences, n_groups = len(task.sequences), self.groups
        plateaus = np.zeros((n_sequences, n_groups), np.int64)
        counts = np.zeros((n_sequences, task.length), np.int64)
        out = np.zeros((3, n_sequences))
        for s, sequence in enumerate(task.sequences):
            at = begin + task.onset(s, task.length - 2) + READ_AFTER
            row = int(np.argmin(np.abs(trace.times - at)))
            on = trace.values[row].reshape(n_groups, self.group) > 0
            plateaus[s] = on.sum(1)
            predicted = plateaus[s] >= self.coincident / 2
            target = np.zeros(n_groups, np.bool_)
            target[task.symbols.index(sequence[-1])] = True
            out[0, s] = np.sqrt((predicted != target).sum())
            out[1, s] = (predicted & ~target).sum()
            out[2, s] = (target & ~predicted).sum()
            for k, symbol in enumerate(sequence):
                onset = begin + task.onset(s, k)
                now = (spikes.times >= onset) & (spikes.times < onset + ELEMENT / 2)
                own = spikes.indices[now] // self.group == task.symbols.index(symbol)
                counts[s, k] = own.sum()
        return Episode(out[0], out[1], out[2], counts, plateaus)

    def synapses(
        self,
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        """Return (pre, post, delivered weight) of the plastic synapses."""
        name = self.simulation.net.names[0]
        return self.simulation.weights(name)

    def replay(
        self, *, v_threshold: float = 5e-3, theta_dap: float = 41.3e-12
    ) -> dict[str, list[tuple[str, float]]]:
        """Present first elements only, with lowered thresholds; return what follows.

        Parameters
        ----------
        v_threshold, theta_dap : float
            Somatic threshold (volts) and dendritic one (amperes) under which a dAP
            alone fires the soma.

        Returns
        -------
        dict of str to list of (str, float)
            For each sequence the symbols whose groups fired, in order, with the median
            time of the first spikes of each after the cue, seconds. A last element that
            begins another sequence goes on with that one.
        """
        neuron = replace(self.neuron, v_threshold=v_threshold, theta_dap=theta_dap)
        pre, post, weight = self.synapses()
        mature = weight > 0.5 * self.plasticity.weight
        mature &= weight < 2 * self.plasticity.weight  # others were never delivered
        interval = 2 * ELEMENT * self.task.length
        onsets: NDArray[np.float64] = np.asarray(
            BEGIN + interval * np.arange(len(self.task.sequences)), np.float64
        )
        cues = [self.task.symbols.index(s[0]) for s in self.task.sequences]
        net = self._network(
            (onsets, np.array(cues, np.int32)),
            kicks=(
                (np.asarray(onsets - KICK_BEFORE), np.array(cues, np.int32))
                if self.task.sparse_start
                else None
            ),
            synapses=(pre[mature], post[mature], weight[mature]),
            neuron=neuron,
            inhibition=self.group,
        )
        result = net.build(engine="grid", seed=self.seed).run(
            round((onsets[-1] + interval) / self.dt) * self.dt
        )
        spikes = result.spikes["E"]
        found = {}
        for sequence, onset in zip(self.task.sequences, onsets, strict=True):
            now = (spikes.times >= onset) & (spikes.times < onset + interval)
            groups = spikes.indices[now] // self.group
            times = spikes.times[now] - onset
            fired = []
            for g in np.unique(groups):
                mine = times[groups == g]
                few = self.coincident // 2
                if mine.size >= few and g < len(self.task.symbols):
                    first = float(np.median(np.sort(mine)[:few]))
                    fired.append((self.task.symbols[g], first))
            found[sequence] = sorted(fired, key=lambda x: x[1])
        return found
