from pathlib import Path

import numpy as np
import pytest

from hw.energy import selfcheck
from neuro.counts import LayerInfo, OpCounts
from tests.unit.energy.commands import BARE, NET


@pytest.fixture
def lemaire_network() -> OpCounts:
    """The integrate-and-fire network of the published anchor, T = 8, 32 bit."""
    return selfcheck.lemaire_network()


@pytest.fixture
def run_ledger() -> OpCounts:
    """A ledger as the engine writes it: a projection and its population."""
    counts = OpCounts(10)
    spikes = np.arange(10, 110, 10)
    counts.layer(
        "input -> liquid",
        LayerInfo(
            in_shape=(200,), out_shape=(100,), weights=20_000, synapses=20_000, steps=50
        ),
    )
    counts.layer("liquid", LayerInfo(kind="population", neurons=100, steps=50))
    counts.add("input -> liquid", "synop", spikes * 100)
    counts.add("input -> liquid", "ac", spikes * 100)
    counts.add("liquid", "neuron_update", np.full(10, 5000))
    counts.add("liquid", "spike_out", spikes * 3)
    counts.add("liquid", "reset", spikes * 3)
    return counts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a description, and one without rates."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text(NET)
    (tmp_path / "bare.toml").write_text(BARE)
    return tmp_path
