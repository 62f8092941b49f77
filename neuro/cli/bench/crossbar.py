"""Exact array products against the direct solution and, where installed, peers.

Random conductances of 1-100 uS, 1 ohm per segment, one thread, CPU time of building the
array and computing all currents; best of the repeats (a peer's run of more than two
seconds counts as it is). Peers run when they can be imported in the same environment;
ratios are of times within this run. With ``--threads`` above 1 the batches are also
timed by the clock against one thread: only an idle machine answers that.
"""

import argparse
import functools
import importlib
import importlib.util
import logging
import math
import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import numpy as np

DESCRIPTION = (
    "Crossbar with wire resistance: ours, plain products, badcrossbar, CrossSim"
)
LOW, HIGH, OHM = 1e-6, 100e-6, 1.0
WINDOW_S = 5e-4  # shortest interval that is timed
SLOW_S = 2.0  # a peer that takes longer runs once


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add sizes and numbers of inputs."""
    parser.add_argument("--n", default="32,64,128,256", help="sizes, e.g. 64,512")
    parser.add_argument("--inputs", default="1,100", help="numbers of inputs")
    parser.add_argument("--tol", type=float, default=1e-9, help="on the residual")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--threads", type=int, default=1, help="above 1: also timed by the clock"
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


def _badcrossbar(g: Any, v: Any) -> Any:
    peer = importlib.import_module("badcrossbar")
    logging.getLogger("badcrossbar").setLevel(logging.CRITICAL)
    found = peer.compute(v.T, 1 / g, r_i=OHM, node_voltages=False, all_currents=False)
    return np.asarray(found.currents.output)


def _crosssim(g: Any, v: Any) -> Any:
    """Currents by CrossSim's iterative solver of the same circuit.

    Its relaxation is the largest that converges (searched beforehand, not timed); the
    threshold gives it the accuracy of ours. None where none converges.
    """
    array = importlib.import_module(
        "simulator.circuits.array.NonInterleaved_InputSource"
    ).NoninterleavedInputSourceArray
    simulator = importlib.import_module("simulator")
    importlib.import_module("simulator.backend").ComputeBackend(use_gpu=False)
    matrix = np.ascontiguousarray(g.T / HIGH)
    known = _RELAXATION.get(len(g))
    for gamma in (1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05):
        if known is not None and gamma != known:
            continue
        params = simulator.CrossSimParameters()
        params.xbar.device.Rmin = 1 / HIGH
        params.xbar.device.Rmax = 1 / LOW
        params.xbar.array.parasitics.enable = True
        params.xbar.array.parasitics.Rp_row = OHM
        params.xbar.array.parasitics.Rp_col = OHM
        params.simulation.Verr_th_mvm = 1e-10
        params.simulation.Niters_max_parasitics = 3000
        params.simulation.relaxation_gamma = gamma
        solver = array(params)
        try:
            with np.errstate(all="ignore"):
                out = np.stack([solver.solve_mvm(x, matrix) for x in v])
        except RuntimeError:
            continue
        if np.isfinite(out).all():
            _RELAXATION[len(g)] = gamma
            return out * HIGH
    return None


_RELAXATION: dict[int, float] = {}


def _crosssim_search(name: str, g: Any, v: Any) -> None:
    """Find the relaxation before anything is timed."""
    if name == "crosssim" and len(g) not in _RELAXATION:
        _crosssim(g, v[:1])


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
        call = functools.partial(_badcrossbar, g, v)
        _badcrossbar(*tiny)
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


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Time all sizes; return a flat record."""
    hw = importlib.import_module("hw.crossbar")
    peers = {
        name: call
        for name, module, call in (
            ("badcrossbar", "badcrossbar", _badcrossbar),
            ("crosssim", "simulator", _crosssim),
        )
        if importlib.util.find_spec(module) is not None
    }
    record: dict[str, Any] = {
        "tol": args.tol,
        "threads": args.threads,
        "peers": ",".join(peers) or "none installed",
    }
    sizes, inputs = _integers("n", args.n), _integers("inputs", args.inputs)
    for n in sizes:
        g = _problem(n, 1, args.seed)[0]
        reference = hw.Crossbar(g, OHM, OHM)
        for p in inputs:
            key = f"n{n}_p{p}"
            v = _problem(n, p, args.seed)[1]
            ours = functools.partial(_ours, hw, g, v, args.tol)
            seconds = _best(ours)
            record[f"ours_ms_{key}"] = round(1e3 * seconds, 4)
            if args.threads > 1 and p > 8:
                record |= _threads(ours, args.threads, key)
            # accuracy against the sparse direct solution of the same circuit
            few = slice(0, min(p, 4))
            exact = reference.mvm(v[few], method="direct")
            error = functools.partial(_error, exact)
            record[f"error_{key}"] = error(ours()[few])
            for name, peer in peers.items():
                _crosssim_search(name, g, v)
                start = time.process_time()
                other = peer(g, v)
                theirs = time.process_time() - start
                if other is None:
                    record[f"{name}_ratio_{key}"] = "did not converge"
                    continue
                if theirs < SLOW_S:
                    theirs = _best(functools.partial(peer, g, v), 0.3, 5)
                record[f"{name}_ms_{key}"] = round(1e3 * theirs, 3)
                record[f"{name}_ratio_{key}"] = round(theirs / seconds, 1)
                record[f"{name}_difference_{key}"] = error(other[few])
        del reference
        record |= _products(hw, n, args.seed)
        if not args.no_memory and n >= 128:
            ours_mib = _memory("ours", n, args.seed)
            record[f"ours_extra_mib_n{n}"] = round(ours_mib, 2)
            if "badcrossbar" in peers:
                theirs_mib = _memory("badcrossbar", n, args.seed)
                record[f"badcrossbar_extra_mib_n{n}"] = round(theirs_mib, 2)
                record[f"badcrossbar_memory_ratio_n{n}"] = round(
                    theirs_mib / ours_mib, 2
                )
    return record


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
