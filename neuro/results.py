"""Run records: JSON and arrays, written whole or not at all.

A file is written under a temporary name in the same folder, flushed to disk and then
renamed, so that an interrupted run leaves either the old file or the new one.
"""

import contextlib
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

__all__ = ["atomic_write", "environment", "to_json", "write_arrays", "write_json"]

_PACKAGES = ("numpy", "scipy", "numba", "scikit-learn", "torch", "snntorch", "nir")


def atomic_write(path: Path | str, write: Callable[[BinaryIO], object]) -> None:
    """Call `write` on a temporary file beside `path`, then rename it.

    Parameters
    ----------
    path : path
        Final name.
    write : callable
        Gets the open binary file.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """Return strict JSON: NumPy types become plain ones, NaN and infinity null."""
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def write_json(path: Path | str, value: Any) -> None:
    """Write JSON atomically."""
    atomic_write(path, lambda f: f.write((to_json(value) + "\n").encode()))


def write_arrays(path: Path | str, arrays: Mapping[str, Any]) -> None:
    """Write a compressed npz atomically; no object arrays."""

    def write(file: BinaryIO) -> None:
        checked = {k: np.asarray(v) for k, v in arrays.items()}
        for k, v in checked.items():
            if v.dtype.hasobject:
                raise TypeError(f"write_arrays: {k!r} has dtype object")
        np.savez_compressed(file, **checked)  # type: ignore[arg-type]

    atomic_write(path, write)


def environment() -> dict[str, Any]:
    """Return git revision (of a checkout) and versions of the packages that matter."""
    versions = {}
    for name in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "git": _revision(),
        "packages": versions,
    }


def _revision() -> str | None:
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
