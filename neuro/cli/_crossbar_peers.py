"""Other simulators of a crossbar with wires, for ``neuro bench crossbar``.

Each peer gets its best case: badcrossbar without node voltages and branch currents,
CrossSim at the relaxation with the fewest iterations (searched beforehand; neither
this nor its parameter object is timed) and inputs one by one, which is as fast as its
batches or faster from 32 lines up.
"""

import functools
import importlib
import importlib.util
import logging
import math
import time
from typing import Any, Protocol

import numpy as np

__all__ = ["BadCrossbar", "CrossSim", "Peer", "available_mib", "installed"]

ACCURACY = 1e-9  # CrossSim: voltage error at which its iteration stops, of full scale
MOST_ITERATIONS = 3000


class Peer(Protocol):
    """What the benchmark asks of a peer."""

    name: str

    def prepare(self, g: Any, v: Any) -> str:
        """Search settings; return why it cannot run, or an empty string."""

    def expected(self, n: int, inputs: int) -> tuple[float, float]:
        """CPU seconds and MiB that a solution will take, roughly."""

    def solve(self, g: Any, v: Any) -> Any:
        """Currents (inputs, n) for cells (n, n) and voltages (inputs, n)."""


class BadCrossbar:
    """Sparse LU of all nodes, once per call; all inputs share it.

    Parameters
    ----------
    ohm : float
        Of every segment.
    """

    name = "badcrossbar"
    module = "badcrossbar"

    def __init__(self, ohm: float) -> None:
        self.ohm = ohm

    def prepare(self, g: Any, v: Any) -> str:
        """Nothing to search."""
        return ""

    def expected(self, n: int, inputs: int) -> tuple[float, float]:
        """Scale version 1.1.0 at 512 x 512: 6 s and 1.2 GiB, 80 ms and 10 MiB each."""
        size = n / 512
        seconds = 6.0 * size**3 + 0.08 * inputs * size**2.5
        return seconds, 1200 * size**2.3 + 10 * inputs * size**2

    def solve(self, g: Any, v: Any) -> Any:
        """Output currents alone."""
        peer = importlib.import_module(self.module)
        logging.getLogger(self.module).setLevel(logging.CRITICAL)
        found = peer.compute(
            v.T, 1 / g, r_i=self.ohm, node_voltages=False, all_currents=False
        )
        return np.asarray(found.currents.output)


class CrossSim:
    """CrossSim's iteration of voltage drops on the same circuit.

    Parameters
    ----------
    ohm : float
        Of every segment.
    low, high : float
        Range of the cells, siemens.
    """

    name = "crosssim"
    module = "simulator"

    def __init__(self, ohm: float, low: float, high: float) -> None:
        self.ohm, self.low, self.high = ohm, low, high
        self.relaxation: dict[int, float] = {}
        self.iterations: dict[int, int] = {}
        self._each: dict[int, float] = {}
        self._kinds: dict[int, Any] = {}

    def _maker(self, gamma: float, most: int) -> Any:
        """Maker of their array with this circuit's parameters."""
        kind = importlib.import_module(
            "simulator.circuits.array.NonInterleaved_InputSource"
        ).NoninterleavedInputSourceArray
        simulator = importlib.import_module("simulator")
        importlib.import_module("simulator.backend").ComputeBackend(use_gpu=False)
        params = simulator.CrossSimParameters()
        params.xbar.device.Rmin = 1 / self.high
        params.xbar.device.Rmax = 1 / self.low
        params.xbar.array.parasitics.enable = True
        params.xbar.array.parasitics.Rp_row = self.ohm
        params.xbar.array.parasitics.Rp_col = self.ohm
        params.simulation.Verr_th_mvm = ACCURACY
        params.simulation.Niters_max_parasitics = most
        params.simulation.relaxation_gamma = gamma
        return functools.partial(kind, params)

    def _count(self, g: Any, v: Any, gamma: float, most: int) -> int:
        """Iterations at a relaxation, `most` + 1 if more are needed."""
        array = self._maker(gamma, most)()
        counted = [0]
        currents = array._cell_currents

        def count(*args: Any) -> Any:
            counted[0] += 1
            return currents(*args)

        array._cell_currents = count
        try:
            with np.errstate(all="ignore"):
                array.solve_mvm(v, np.ascontiguousarray(g.T / self.high))
        except RuntimeError:
            return most + 1
        return counted[0]

    def prepare(self, g: Any, v: Any) -> str:
        """Find the relaxation with the fewest iterations, from below."""
        n = len(g)
        if n in self.relaxation:
            return ""
        gamma = min(1.0, 0.5 / (1 + self.ohm * n * n * float(g.mean())))
        best, most, step = 0.0, MOST_ITERATIONS, 1.3
        for _ in range(60):
            count = self._count(g, v[0], gamma, most)
            if count <= most:
                best, most = gamma, count
                if gamma == 1.0:
                    break
                gamma = min(1.0, gamma * step)
            elif best and step > 1.1:  # back to the best, on with smaller steps
                step **= 0.5
                gamma = best * step
            else:
                break
        if not best:
            return f"did not converge in {MOST_ITERATIONS} iterations"
        # inputs differ a little; a margin of 3 % keeps the slowest from diverging
        self.relaxation[n], self.iterations[n] = 0.97 * best, most
        self._kinds[n] = self._maker(self.relaxation[n], MOST_ITERATIONS)
        start = time.process_time()
        self.solve(g, v[:1])
        self._each[n] = time.process_time() - start
        return ""

    def expected(self, n: int, inputs: int) -> tuple[float, float]:
        """Time of one input, measured; about eight fields of the array's size."""
        return self._each[n] * inputs, 8 * 8 * n * n / 2**20

    def solve(self, g: Any, v: Any) -> Any:
        """Currents, one input after the other."""
        matrix = np.ascontiguousarray(g.T / self.high)
        array = self._kinds[len(g)]()
        with np.errstate(all="ignore"):
            return np.stack([array.solve_mvm(x, matrix) for x in v]) * self.high


def installed(ohm: float, low: float, high: float) -> list[Peer]:
    """Peers that can be imported in this environment."""
    peers: list[Any] = [BadCrossbar(ohm), CrossSim(ohm, low, high)]
    return [p for p in peers if importlib.util.find_spec(p.module) is not None]


def available_mib() -> float:
    """Memory that the system can still give (Linux), MiB; infinite if unknown."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return math.inf
