"""The how-to's own model: runs, caches in its file, and costs no driver of its own."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "howto" / "own-neuron-model.md"
RUN = """
import sys, warnings
warnings.simplefilter("error")
sys.path.insert(0, sys.argv[1])
import my_models
from neuro.network import *
from neuro.network.registry import model_of
net = Network(
    SpikeList("in", 1, [0.001, 0.026, 0.051, 0.076], [0, 0, 0, 0]),
    Population("r", 2, my_models.Resonator(frequency_hz=[40.0, 63.0], theta=1.2)),
    Projection("in", "r", AllToAll(), weight=1.0, delay=1e-3),
    dt=1e-3,
)
result = net.build(engine="grid").run(0.1)
step = model_of(my_models.Resonator()).step
print(result.spike_counts("r").tolist()[0], sum(step.stats.cache_hits.values()))
"""


def test_the_page_works_and_the_second_process_loads_it(tmp_path):
    code = re.search(r"```python\n(# my_models.py\n.*?)```", PAGE.read_text(), re.S)[1]
    (tmp_path / "my_models.py").write_text(code)
    out = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        out.append(done.stdout.split())
    assert out[0][-1] == "0"
    assert out[1][-1] == "1"  # found in the cache
    # inputs every 25 ms are in phase with 40 Hz, not with 63 Hz
    assert int(out[1][0].strip("[,")) > 0
    assert int(out[1][1].strip("],")) == 0
