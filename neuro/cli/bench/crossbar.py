"""Exact array products against the direct solution and, where installed, peers.

Random conductances of 1-100 uS, 1 ohm per segment, one thread, CPU time of building the
array and computing all currents. Peers run when they can be imported in the same
environment; a ratio is of times within one round, and the record has the median of the
rounds and their range (a peer that takes long runs in one round only). Every result is
also printed on the standard error stream as soon as it is known, and what a peer cannot
do within ``--peer-seconds`` or the free memory is left out with the reason. With
``--threads`` above 1 the batches are also timed by the clock against one thread: only
an idle machine answers that.
"""

import argparse
import functools
import importlib
import math
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .._crossbar_peers import BadCrossbar, Peer, available_mib, installed

DESCRIPTION = (
    "Crossbar with wire resistance: ours, plain products, badcrossbar, CrossSim"
)
LOW, HIGH, OHM = 1e-6, 100e-6, 1.0
WINDOW_S = 5e-4  # shortest interval that is timed
SLOW_S = 2.0  # a peer that takes longer is timed by one call per round


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add sizes and numbers of inputs."""
    parser.add_argument("--n", default="32,64,128,256", help="sizes, e.g. 64,512")
    parser.add_argument("--inputs", default="1,100", help="numbers of inputs")
    parser.add_argument(
        "--tol",
        type=float,
        default=5e-10,
        help="on the residual; errors stay below twice it",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--threads", type=int, default=1, help="above 1: also timed by the clock"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of ratios to peers")
    parser.add_argument(
        "--peer-seconds",
        type=float,
        default=120.0,
        help="most CPU time of a peer's solution; more is skipped or shortened",
    )
    parser.add_argument(
        "--no-memory", action="store_true", help="skip the memory measurement"
    )


def _integers(name: str, text: str) -> list[int]:
    from neuro.errors import ParameterError

    try:
        out = [int(x) for x in text.split(",")]
    except ValueError:
        out = []
    if not out or min(out) < 1:
        raise ParameterError(
            f"--{name}: expected integers >= 1 as in 32,64, got {text!r}"
        )
    return out


def _best(
    call: Callable[[], Any],
    budget_s: float = 1.0,
    most: int = 200,
    clock: Callable[[], float] = time.process_time,
) -> float:
    """Least seconds per call after one warm-up; short calls are timed by the dozen."""
    call()
    start = clock()
    call()
    repeats = max(1, min(1000, int(WINDOW_S / max(clock() - start, 1e-7))))
    best, spent, count = math.inf, 0.0, 0
    while count < 3 or (spent < budget_s and count < most):
        start = clock()
        for _ in range(repeats):
            call()
        took = clock() - start
        best, spent, count = min(best, took / repeats), spent + took, count + 1
        if took > budget_s:
            break
    return best


def _problem(n: int, inputs: int, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng([seed, n])
    return rng.uniform(LOW, HIGH, (n, n)), rng.random((inputs, n))


def _error(exact: Any, found: Any) -> float:
    return float(np.abs(found - exact).max() / np.abs(exact).max())


def _threads(ours: Callable[..., Any], threads: int, key: str) -> dict[str, Any]:
    """Time by the clock with one thread and with many; the currents must agree."""
    same = np.array_equal(ours(), ours(threads=threads))
    one = _best(ours, 0.5, 20, time.perf_counter)
    many = _best(functools.partial(ours, threads=threads), 0.5, 20, time.perf_counter)
    return {
        f"threads_same_{key}": same,
        f"threads_speedup_{key}": round(one / many, 2),
    }


def _ours(hw: Any, g: Any, v: Any, tol: float, threads: int = 1) -> Any:
    return hw.Crossbar(g, OHM, OHM, tol=tol, threads=threads).mvm(v)


def _resident(key: str) -> int:
    """Read VmRSS or VmHWM of this process, KiB."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(key):
                return int(line.split()[1])
    return 0


def _grow(kind: str, n: int, seed: int, pipe: Any) -> None:
    """Report how far the resident size rises during one call (KiB, Linux)."""
    import ctypes

    hw = importlib.import_module("hw.crossbar")
    tiny, (g, v) = _problem(8, 3, seed), _problem(n, 3, seed)
    if kind == "ours":
        call = functools.partial(_ours, hw, g, v, 1e-9)
        _ours(hw, *tiny, 1e-9)
    else:
        call = functools.partial(BadCrossbar(OHM).solve, g, v)
        BadCrossbar(OHM).solve(*tiny)
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w", encoding="ascii") as reset:
        reset.write("5")  # the peak starts again from the present size
    before = _resident("VmRSS")
    call()
    pipe.send(max(_resident("VmHWM") - before, 1))


def _memory(kind: str, n: int, seed: int) -> float:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_grow, args=(kind, n, seed, there))
    child.start()
    # our end of the child's pipe must go, or a child that fails is waited for in vain
    there.close()
    try:
        size = float(here.recv()) / 1024
    except EOFError:
        size = math.nan
    child.join()
    return size


class _Record(dict[str, Any]):
    """A flat record; what enters it is said at once on the standard error stream."""

    def __init__(self) -> None:
        super().__init__()
        self._start = time.perf_counter()

    def say(self, text: str) -> None:
        """Print a line of progress."""
        passed = time.perf_counter() - self._start
        print(f"[{passed:6.1f} s] {text}", file=sys.stderr, flush=True)

    def add(self, **values: Any) -> None:
        """Enter results."""
        self.update(values)
        self.say("  ".join(f"{k} {v}" for k, v in values.items()))


def _compare(
    record: _Record, peer: Peer, ours: Callable[[], Any], exact: Any, g: Any, v: Any
) -> None:
    """Time a peer against ours in rounds; both in turn, so that load meets both."""
    n, name, key = len(g), peer.name, f"n{len(g)}_p{len(v)}"
    rounds, limit = record["rounds"], record["peer_seconds"]
    reason = peer.prepare(g, v)
    if not reason:
        seconds, mib = peer.expected(n, len(v))
        free = 0.8 * available_mib()
        if mib > free:
            reason = f"needs about {mib:.0f} MiB, {free:.0f} are free"
        elif seconds > limit and name != "crosssim":
            reason = f"needs about {seconds:.0f} s, --peer-seconds is {limit:g}"
    if reason:
        record.add(**{f"{name}_skipped_{key}": reason})
        return
    taken = v
    if seconds > limit:  # an input after the other: fewer of them tell as much
        taken = v[: max(1, int(len(v) * limit / seconds))]
        record.add(**{f"{name}_inputs_{key}": len(taken)})
    once = seconds > limit / max(rounds, 1)
    ratios, best = [], math.inf
    for _ in range(1 if once else rounds):
        mine = _best(ours, 0.5)
        start = time.process_time()
        other = peer.solve(g, taken)
        theirs = time.process_time() - start
        if theirs < SLOW_S:
            theirs = _best(functools.partial(peer.solve, g, taken), 0.3, 5)
        theirs *= len(v) / len(taken)
        ratios.append(theirs / mine)
        best = min(best, theirs)
    few = min(len(exact), len(taken))
    record.add(
        **{
            f"{name}_ms_{key}": round(1e3 * best, 3),
            f"{name}_ratio_{key}": round(statistics.median(ratios), 1),
            f"{name}_ratio_range_{key}": f"{min(ratios):.1f}..{max(ratios):.1f}",
            f"{name}_difference_{key}": _error(exact[:few], other[:few]),
        }
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Time all sizes; return a flat record."""
    hw = importlib.import_module("hw.crossbar")
    sizes, inputs = _integers("n", args.n), _integers("inputs", args.inputs)
    rounds = _integers("rounds", str(args.rounds))[0]
    peers = installed(OHM, LOW, HIGH)
    record = _Record()
    record.update(
        tol=args.tol,
        threads=args.threads,
        rounds=rounds,
        peer_seconds=args.peer_seconds,
        peers=",".join(p.name for p in peers) or "none installed",
    )
    for n in sizes:
        g = _problem(n, 1, args.seed)[0]
        most = _problem(n, max(inputs), args.seed)[1]
        # accuracy against the sparse direct solution of the same circuit
        exact = hw.Crossbar(g, OHM, OHM).mvm(most[:4], method="direct")
        for p in inputs:
            key, v = f"n{n}_p{p}", most[:p]
            ours = functools.partial(_ours, hw, g, v, args.tol)
            seconds = _best(ours)
            record.add(
                **{
                    f"ours_ms_{key}": round(1e3 * seconds, 4),
                    f"error_{key}": _error(exact[:p], ours()[:4]),
                }
            )
            if args.threads > 1 and p > 8:
                record.add(**_threads(ours, args.threads, key))
            for peer in peers:
                _compare(record, peer, ours, exact[:p], g, v)
        record.add(**_products(hw, n, args.seed))
        if not args.no_memory and n >= 64:
            record.add(**_memories(n, args.seed, [p.name for p in peers]))
    return dict(record)


def _memories(n: int, seed: int, peers: list[str]) -> dict[str, Any]:
    """Growth of the resident size during one call with three inputs."""
    ours = _memory("ours", n, seed)
    found = {f"ours_extra_mib_n{n}": round(ours, 2)}
    if "badcrossbar" in peers:
        theirs = _memory("badcrossbar", n, seed)
        found[f"badcrossbar_extra_mib_n{n}"] = round(theirs, 2)
        found[f"badcrossbar_memory_ratio_n{n}"] = round(theirs / ours, 2)
    return found


def _products(hw: Any, n: int, seed: int) -> dict[str, Any]:
    """Cached effective conductance and output-referred noise against plain products."""
    g, v = _problem(n, 256, seed)
    xbar = hw.Crossbar(g, OHM, OHM)
    effective = _best(lambda: hw.Crossbar(g, OHM, OHM).effective_conductance(), 0.3, 5)
    g_eff = np.ascontiguousarray(xbar.effective_conductance())
    # alternate, so that the machine's other load meets both
    plain = cached = noisy = math.inf
    rng = np.random.default_rng(seed)
    variance = ((0.02 * g_eff) ** 2).astype(np.float32)
    for _ in range(20):
        plain = min(plain, _best(lambda: v @ g_eff, 0.01, 5))
        cached = min(cached, _best(lambda: xbar.mvm(v), 0.01, 5))
        noisy = min(
            noisy,
            _best(lambda: hw.noisy_product(v, g_eff, variance, rng), 0.01, 5),
        )
    return {
        f"effective_ms_n{n}": round(1e3 * effective, 3),
        f"plain_ms_n{n}": round(1e3 * plain, 4),
        f"cached_over_plain_n{n}": round(cached / plain, 3),
        f"noisy_over_plain_n{n}": round(noisy / plain, 3),
    }
