"""``neuro warmup``: compile the standard kernels into the cache.

Runs the smoke presets of the experiments that need no optional package; one whose data
are missing and have no stand-in is skipped.
"""

import importlib
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from neuro.cli.parser import Parser
from neuro.errors import DatasetError

__all__ = ["main"]


def main(command: str, arguments: Sequence[str]) -> int:
    """Entry of the command."""
    Parser(
        prog="neuro warmup",
        description="Compile the standard kernels into the cache: run the smoke "
        "presets of the experiments that need no optional package.",
    ).parse_args(arguments)
    runner = importlib.import_module("sims._runner")
    experiments = importlib.import_module("sims._config").experiments()
    for e in experiments:
        if e["extras"] or "smoke" not in e["minutes"]:
            continue
        start = time.perf_counter()
        note = ""
        with tempfile.TemporaryDirectory() as folder:
            try:
                runner.run_experiment(
                    e["name"],
                    preset="smoke",
                    seed=0,
                    settings=[],
                    out=Path(folder) / "run",
                    quiet=True,
                )
            except DatasetError:
                note = f"  skipped: {e['data']} not found"
        wall = time.perf_counter() - start
        print(f"{e['name']:<24} {wall:6.1f} s{note}", file=sys.stderr)
    return 0
