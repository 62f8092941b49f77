"""The plain scatter loop in C, compiled when asked for by the system's compiler."""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["compile_scatter"]

_SOURCE = """
#include <stdint.h>
#define CONSTANT(name, type) \\
void name(const int64_t *restrict rows, int64_t n, const uint16_t *restrict targets, \\
          int64_t k, const type *restrict weight, type *restrict out) { \\
    type w = weight[0]; \\
    for (int64_t r = 0; r < n; r++) { \\
        const uint16_t *row = targets + rows[r] * k; \\
        for (int64_t j = 0; j < k; j++) out[row[j]] += w; \\
    } \\
}
CONSTANT(constant_int16, int16_t)
CONSTANT(constant_float32, float)
void weighted_float32(const int64_t *restrict rows, int64_t n,
                      const uint16_t *restrict targets, int64_t k,
                      const float *restrict weight, float *restrict out) {
    for (int64_t r = 0; r < n; r++) {
        const uint16_t *row = targets + rows[r] * k;
        const float *w = weight + rows[r] * k;
        for (int64_t j = 0; j < k; j++) out[row[j]] += w[j];
    }
}
"""


def compile_scatter() -> dict[str, Callable[..., None]] | None:
    """Compile the loops with ``cc -O3 -march=native``.

    Returns
    -------
    dict of callable or None
        By name (constant_int16, constant_float32, weighted_float32): functions of
        (rows, targets, weight, out) that add to `out` (n_targets,) the weights of the
        rows (int64) of `targets` (uint16, 2-D). None without a working compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "scatter.c", Path(folder) / "scatter.so"
        source.write_text(_SOURCE)
        command = [compiler, "-O3", "-march=native", "-shared", "-fPIC"]
        done = subprocess.run(
            [*command, str(source), "-o", str(library)],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            return None
        loaded = ctypes.CDLL(str(library))  # stays mapped when the file is gone
    return {
        name: _wrap(getattr(loaded, name))
        for name in ("constant_int16", "constant_float32", "weighted_float32")
    }


def _wrap(function: Any) -> Callable[..., None]:
    function.restype = None

    def call(
        rows: NDArray[np.int64],
        targets: NDArray[np.uint16],
        weight: NDArray[Any],
        out: NDArray[Any],
    ) -> None:
        where = [ctypes.c_void_p(a.ctypes.data) for a in (rows, targets, weight, out)]
        n, k = ctypes.c_int64(rows.size), ctypes.c_int64(targets.shape[1])
        function(where[0], n, where[1], k, where[2], where[3])

    return call
