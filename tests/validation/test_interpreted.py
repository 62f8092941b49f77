"""Compiled runs equal interpreted ones (``NUMBA_DISABLE_JIT=1``), byte for byte."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LIQUID = """
import hashlib
import numpy as np
from hw.crossbar import RandomWeights
from neuro.datasets import load
from neuro.events import frames
from neuro.lsm import Liquid

data = load("nmnist", synthetic=True, limit=2)
x = np.stack(
    [
        frames(data[k], data.sensor_size, bin_us=6000, n_bins=50, crop=8, polarity=1)
        for k in range(2)
    ]
).reshape(2, 50, 64)
array = {"const": 0.2, "sd": 6.6, "read_noise": 0.05, "adc_bits": 8}
liquid = Liquid(RandomWeights((12, 64), **array), RandomWeights((12, 12), **array, seed=1))
run = liquid.run(x, windows=2)
assert run.counts.sum() > 20
print(hashlib.sha256(x.tobytes() + run.counts.tobytes()).hexdigest())
print(run.operations.total("synop"))
"""

GRID = """
import hashlib
import numpy as np
from neuro.network import (
    Bernoulli, LifExp, Network, Poisson, Population, Projection
)

net = Network(
    Population("e", 40, LifExp(tau_mem=10e-3, tau_syn=2e-3, v_threshold=15e-3, v_reset=0.0, v_leak=0.0, r=1e7)),
    Poisson("e", 8000.0, weight=0.3e-9),
    Projection("e", "e", Bernoulli(0.2), weight=0.1e-9, delay=1e-3),
    dt=1e-4,
)
run = net.build(engine="grid", seed=3).run(0.05)
spikes = run.spikes["e"]
print(hashlib.sha256(spikes.times.tobytes() + spikes.indices.tobytes()).hexdigest())
assert spikes.indices.size > 20
print(spikes.indices.size)
"""


def _run(code, *, interpreted):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    if interpreted:
        env["NUMBA_DISABLE_JIT"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=env,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("code", [LIQUID, GRID], ids=["camera and liquid", "grid"])
def test_compiled_equals_interpreted(code):
    assert _run(code, interpreted=False) == _run(code, interpreted=True)
