"""One decorator for every compiled function, with a cache that processes can share.

Numba numbers the files of its cache by counting: two processes that start with an empty
cache and compile one function for different types can leave an index that names the
other's machine code. And it looks only at the file of the function itself, so an edited
callee in another file goes unnoticed. Here a file is named at random and written before
the index that names it. The stamp covers the files of all compiled callees, by content:
a checkout that only touches them compiles nothing.
"""

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numba as nb
from numba.core.caching import FunctionCache, IndexDataCacheFile

__all__ = ["kernel"]

log = logging.getLogger(__name__)


def kernel(
    function: Callable[..., Any] | None = None,
    /,
    *,
    inline: str = "never",
    allocates: bool = True,
) -> Any:
    """Compile a function at its first call: nopython, no lock, IEEE errors, cached.

    Parameters
    ----------
    function : callable
        Over numbers and plain arrays.
    inline : {"never", "always"}
        Numba's own inlining, before types are known.
    allocates : bool
        False: the function makes no arrays (views are fine), so that its arrays are
        not counted as references. Counting is two atomic operations per array and call,
        0.1 us for a tuple of ten arrays.

    Returns
    -------
    dispatcher
        The function itself with ``NUMBA_DISABLE_JIT=1``.
    """
    if function is None:
        return partial(kernel, inline=inline, allocates=allocates)
    options = {} if allocates else {"_nrt": False}
    dispatcher = nb.njit(error_model="numpy", nogil=True, inline=inline, **options)(
        function
    )
    if not nb.config.DISABLE_JIT:
        with suppress(RuntimeError):  # typed at a prompt: compiled, but kept nowhere
            dispatcher._cache = _Cache(function)
    return dispatcher


class _CacheFile(IndexDataCacheFile):  # type: ignore[misc]
    def save(self, key: Any, data: Any) -> None:
        overloads = self._load_index()
        if not overloads:  # of another version of the sources, or none: its files go
            stem = self._index_name.removesuffix(".nbi")
            for path in Path(self._cache_path).glob(f"{stem}.*.nbc"):
                path.unlink(missing_ok=True)
        name = overloads.get(key, self._data_name(secrets.randbits(64)))
        self._save_data(name, data)
        self._save_index({**self._load_index(), key: name})


class _Cache(FunctionCache):  # type: ignore[misc]
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stem = self._impl.filename_base
        self._cache_file: _CacheFile = _CacheFile(self._cache_path, stem, None)

    def _stamp(self) -> None:
        """Stamp with all sources: at first use, when every callee has been imported."""
        if self._cache_file._source_stamp is None:
            functions = _reachable(self._py_func, set())
            self._cache_file._source_stamp = sorted({_version(f) for f in functions})

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        self._stamp()
        found = super().load_overload(sig, target_context)
        if found is None and not self._cache_file._load_index():
            _say_once()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        self._stamp()
        super().save_overload(sig, data)


def _version(function: FunctionType) -> tuple[str, str]:
    """Name and state of a source: of the file, or of a notebook cell's own code."""
    code = function.__code__
    try:
        stat = Path(code.co_filename).stat()
        digest = _digest(code.co_filename, stat.st_mtime_ns, stat.st_size)
    except OSError:
        return code.co_filename, f"{code.co_code.hex()} {code.co_consts}"
    return code.co_filename, digest


@cache
def _digest(file: str, mtime_ns: int, size: int) -> str:
    """Digest of a source; read again in this process only where it was touched."""
    return blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()


@cache
def _say_once() -> None:
    log.info("compiling kernels (first run, or changed sources): 5 to 30 s, not again")


def _reachable(function: FunctionType, seen: set[FunctionType]) -> set[FunctionType]:
    """Add a function and all compiled functions that it calls to `seen`."""
    seen.add(function)
    for value in _reached(function, function.__code__):
        callee = getattr(value, "py_func", None) or getattr(value, "_defn", None)
        if isinstance(callee, FunctionType) and callee not in seen:
            _reachable(callee, seen)
    return seen


def _reached(function: FunctionType, code: CodeType) -> Iterator[Any]:
    """Yield what a function names: globals, attributes of modules, its closure."""
    for name in code.co_names:
        value = function.__globals__.get(name)
        yield value
        if isinstance(value, ModuleType):
            yield from (getattr(value, n, None) for n in code.co_names)
    for cell in function.__closure__ or ():
        yield cell.cell_contents
