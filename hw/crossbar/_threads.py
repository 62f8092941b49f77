"""Spread independent pieces of work over threads; results never depend on how many."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["spread"]

T = TypeVar("T")
LEAST = 200_000  # cells times inputs per thread; less is done before a thread starts


def spread(
    work: Callable[[Sequence[int]], T], pieces: Sequence[int], threads: int, size: int
) -> list[T]:
    """Call `work` with the pieces, shared out evenly; return what each call returned.

    Parameters
    ----------
    work : callable
        Takes a share of `pieces`; writes its results where they belong.
    pieces : sequence of int
        At least one.
    threads : int
        At most so many calls.
    size : int
        Cells times inputs of one piece: short work stays in one thread.
    """
    workers = max(1, min(threads, len(pieces), size * len(pieces) // LEAST))
    if workers == 1:
        return [work(pieces)]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, [pieces[k::workers] for k in range(workers)]))
