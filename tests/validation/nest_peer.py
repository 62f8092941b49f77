"""NEST in its own interpreter: found once, run through the exported script."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@cache
def nest_python() -> str | None:
    """Interpreter that can import nest: NEURO_NEST_PYTHON, this one, peers-nest."""
    near = [r / "peers-nest" / "bin" / "python" for r in (ROOT, *ROOT.parents[:2])]
    given = os.environ.get("NEURO_NEST_PYTHON")
    for python in [*([given] if given else []), sys.executable, *map(str, near)]:
        if not Path(python).exists():
            continue
        done = subprocess.run(
            [python, "-c", "import nest"], capture_output=True, check=False
        )
        if done.returncode == 0:
            return python
    return None


def run_nest(script: Path, ms: float, seed: int = 1) -> dict[str, np.ndarray]:
    """Run an exported script; returns its arrays, ``name/times_ms`` and ``/indices``."""
    python = nest_python()
    if python is None:
        pytest.skip(
            "NEST is not installed: set NEURO_NEST_PYTHON to a Python that has it"
        )
    out = script.parent / "spikes.npz"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [python, str(script), "--ms", str(ms), "--out", str(out), "--seed", str(seed)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(out) as data:
        return {k: data[k] for k in data.files}
