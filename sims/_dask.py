"""Jobs on Dask: processes of this machine, or any cluster by its address.

What travels is a function of this package, by name, with plain values.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from neuro.errors import NeuroError, ParameterError, optional_import

__all__ = ["default_workers", "on_dask"]

TIMEOUT_S = 10
_ONE_THREAD = {
    "OMP_NUM_THREADS": 1,
    "OPENBLAS_NUM_THREADS": 1,
    "MKL_NUM_THREADS": 1,
    "NUMBA_NUM_THREADS": 1,
}
log = logging.getLogger(__name__)


def on_dask(
    function: Callable[..., Any],
    jobs: Sequence[Mapping[str, Any]],
    *,
    workers: int,
    scheduler: str = "",
) -> Iterator[tuple[int, Any]]:
    """Call a function once per job; yield the job's number and the result as they come.

    Parameters
    ----------
    function : callable
        Of a module that the workers can import.
    jobs : sequence of mappings
        Keyword arguments, plain values.
    workers : int
        Processes of one thread each, where no scheduler is given.
    scheduler : str
        Address of a running scheduler; empty: processes of this machine.

    Yields
    ------
    tuple
        Number of the job, and its result, or the exception of a broken worker.

    Raises
    ------
    MissingExtraError
        If dask.distributed is not installed.
    ParameterError
        If the scheduler is not reached.
    """
    dask = optional_import("dask", "sweep")
    distributed = optional_import("distributed", "sweep")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    # a worker's variables are set in this process first, and left there
    with (
        _environment_kept(),
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": 0,
                "distributed.nanny.pre-spawn-environ": _ONE_THREAD,
            }
        ),
    ):
        if scheduler:
            client = _reach(distributed, scheduler)
            cluster = None
            if not client.scheduler_info(n_workers=-1)["workers"]:
                log.warning("%s has no workers yet: waiting for one", scheduler)
        else:
            try:
                cluster = distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address="127.0.0.1:0",  # any free port: sweeps share
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                )
            except (OSError, TimeoutError, RuntimeError) as error:
                raise NeuroError(
                    f"the worker processes did not start ({_line(error)}); "
                    "--workers 1 runs in this process"
                ) from None
            client = distributed.Client(cluster, timeout=TIMEOUT_S)
    try:
        futures = {
            client.submit(function, **job, pure=False): k for k, job in enumerate(jobs)
        }
        try:
            for future in distributed.as_completed(futures):
                error = future.exception()
                yield futures[future], future.result() if error is None else error
                future.release()
        finally:
            client.cancel(list(futures), force=True)
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


@contextmanager
def _environment_kept() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


def _reach(distributed: Any, scheduler: str) -> Any:
    try:
        return distributed.Client(scheduler, timeout=TIMEOUT_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise ParameterError(
            f"--scheduler {scheduler}: not reached ({_line(error)}); "
            "expected the address that 'dask scheduler' prints, for "
            "example tcp://10.0.0.1:8786, or none for the processes of this machine"
        ) from None


def _line(error: BaseException) -> str:
    """Return the kind of an error and the first line of its message."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def default_workers() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
