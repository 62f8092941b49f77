"""From a description to a simulation: choice of the engine, limit of memory."""

from inspect import signature
from typing import Any

import numpy as np

from neuro.errors import MemoryLimitError, ParameterError, did_you_mean
from neuro.network.exact_support import choose_engine
from neuro.network.grid import GridEngine
from neuro.network.network import Network
from neuro.network.simulation import Simulation, needs_layers

__all__ = ["build"]

_GIVEN = ("net", "seed", "threads", "precision")


def build(
    net: Network,
    *,
    engine: str,
    seed: int,
    threads: int,
    precision: str,
    memory_limit: int | None,
    **options: Any,
) -> Simulation:
    """Build a network for an engine; see :meth:`Network.build`."""
    taken = choose_engine(net, engine)
    if precision not in ("single", "double"):
        raise ParameterError(
            f"Network.build: precision 'single' or 'double', got {precision!r}"
        )
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ParameterError(
            f"Network.build: threads must be an integer >= 1, got {threads!r}"
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError(
            f"Network.build: seed must be an integer >= 0, got {seed!r}"
        )
    known = [k for k in signature(GridEngine).parameters if k not in _GIVEN]
    known = known if taken == "grid" else []
    for name in options:
        if name not in known:
            accepted = ("engine", "seed", "threads", "precision", "memory_limit")
            raise ParameterError(
                f"Network.build: no option {name!r} for engine {taken!r}"
                f"{did_you_mean(name, [*accepted, *known])}; accepted: "
                f"{', '.join([*accepted, *known])}"
            )
    wide: Any = precision
    estimate = net.memory(taken, wide)
    limit = int(0.8 * _free_memory()) if memory_limit is None else memory_limit
    if estimate.total > limit:
        largest = max(estimate.objects, key=lambda k: estimate.objects[k])
        raise MemoryLimitError(
            f"Network: {estimate.total / 1e6:.1f} MB needed, limit "
            f"{limit / 1e6:.1f} MB; the largest item is {largest!r} with "
            f"{estimate.objects[largest] / 1e6:.1f} MB; shrink it or raise memory_limit"
        )
    if taken == "exact":
        from neuro.network.exact import ExactSimulation

        return ExactSimulation(net, seed=seed)
    simulation = Simulation(
        net, seed=seed, threads=threads, precision=precision, options=options
    )
    if not needs_layers(net):
        simulation._grid()
    return simulation


def _free_memory() -> int:
    try:
        with open("/proc/meminfo") as f:
            for line in f:
                if line.startswith("MemAvailable"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 8 << 30
