"""The command line as tests call it: in this process, or as its own."""

import os
import subprocess
import sys
from pathlib import Path

from hw.energy.cli import main

NET = """
name = "small"
timesteps = 4
weight_bits = 8
[input]
shape = [2, 8, 8]
rate = 0.1
[[layer]]
type = "conv2d"
name = "conv"
out = 4
kernel = 3
padding = 1
neuron = "lif"
rate = 0.2
[[layer]]
type = "linear"
name = "fc"
out = 5
neuron = "lif"
rate = 0.1
"""
BARE = NET.replace("rate = 0.1\n", "").replace("rate = 0.2\n", "")


def console(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[3]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "neuro", "energy", *argv],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
    )


def run(capsys, *argv: str) -> tuple[int, str, str]:
    code = main(list(argv))
    out, err = capsys.readouterr()
    return code, out, err
