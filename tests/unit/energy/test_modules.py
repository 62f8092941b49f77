"""``neuro energy estimate package.module:attribute``."""

import json

import numpy as np
import pytest

from hw.energy.cli import main

torch = pytest.importorskip("torch")
pytest.importorskip("snntorch")
pytestmark = pytest.mark.torch

CODE = """
import snntorch as snn
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(18, 6, bias=False)
        self.lif = snn.Leaky(beta=0.9, init_hidden=True, output=True)

    def forward(self, x):
        return self.lif(self.fc(x.flatten(1)))


class Loop(Net):
    def forward(self, x):
        return [Net.forward(self, step) for step in x]


def make():
    return Net()


class Whole(nn.Module):
    # all steps at once: [T, batch, ...] folded into one axis

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(3)
        self.lif = snn.Leaky(beta=0.9)

    def forward(self, x):
        current = self.norm(self.conv(x.flatten(0, 1)))
        mem, out = self.lif.init_leaky(), []
        for step in current.reshape(*x.shape[:2], *current.shape[1:]):
            spikes, mem = self.lif(step, mem)
            out.append(spikes)
        return torch.stack(out)


net = Loop()
whole = Whole()
number = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spiking_case.py").write_text(CODE)
    x = (np.random.default_rng(0).random((4, 3, 2, 3, 3)) < 0.5).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    return tmp_path


def run(capsys, *argv):
    code = main(["estimate", *argv])
    out, err = capsys.readouterr()
    return code, out, err


def test_loops_outside_and_inside(folder, capsys) -> None:
    argv = ("--input", "x.npy", "--json")
    code, text, err = run(capsys, "spiking_case:make", *argv, "--time-axis", "0")
    assert code == 0, err
    outside = json.loads(text)["reports"][0]
    events = np.load("x.npy").sum((0, 2, 3, 4)).mean()
    assert outside["layers"][0]["synops"] == pytest.approx(events * 6)
    assert outside["n_samples"] == 3
    code, text, err = run(capsys, "spiking_case:net", *argv)
    assert code == 0, err
    inside = json.loads(text)["reports"][0]
    # other random weights, so other spikes behind the first layer
    for key in ("synops", "steps", "rate_in"):
        assert inside["layers"][0][key] == outside["layers"][0][key]
    updates = [r["layers"][1]["neuron_updates"] for r in (inside, outside)]
    assert updates == [24, 24]


def test_random_input_is_seeded(folder, capsys) -> None:
    argv = ("spiking_case:make", "--input-shape", "2,3,3", "--rate", "0.3", "-T", "4")
    argv = (*argv, "--time-axis", "1", "--batch", "2", "--json", "--wbits", "8")
    first, second = (run(capsys, *argv)[1] for _ in range(2))
    assert first == second
    assert json.loads(first)["reports"][0]["profile"] == "horowitz45-int8"


@pytest.mark.parametrize(
    ("argv", "code", "text"),
    [
        (("spiking_case:make",), 5, "needs an input"),
        (("spiking_case:make", "--activity", "x.npy"), 2, "--activity"),
        (("spiking_case:make", "--spikes-per-layer", "1"), 2, "--spikes-per-layer"),
        (("spiking_case:whole", "--input", "x.npy"), 5, "4 x 3 rows at once"),
        (("spiking_case:whole", "--input", "x.npy", "-T", "9"), 5, "T = 9 steps"),
        (("spiking_case:number", "--input", "x.npy"), 3, "neither a torch module"),
        (("spiking_case:nothing", "--input", "x.npy"), 3, "cannot be imported"),
        (("spiking_case:make", "--input", "none.npy"), 3, "cannot be read"),
        (
            ("spiking_case:make", "--input", "x.npy", "--time-axis", "0", "-T", "9"),
            5,
            "expected 9",
        ),
    ],
)
def test_mistakes(folder, capsys, argv, code, text) -> None:
    got, _, err = run(capsys, *argv)
    assert (got, text in err) == (code, True), err


def test_event_updates_rates_and_normalisation(folder, capsys) -> None:
    argv = ("spiking_case:whole", "--input", "x.npy", "-T", "4", "--json")

    def rows(*more):
        code, text, err = run(capsys, *argv, *more)
        assert code == 0, err
        document = json.loads(text)
        report = document["reports"][0]
        return {r["layer"]: r for r in report["layers"]}, document

    plain, document = rows()
    assert document["reports"][0]["n_samples"] == 3
    assert plain["lif"]["neuron_updates"] == 4 * 27
    assert "norm" not in plain
    event, _ = rows("--mode", "event")
    x = np.load("x.npy")
    padded = np.pad(x.any(2), [(0, 0), (0, 0), (1, 1), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    reached = 3 * windows.any((4, 5)).sum() / 3
    assert event["lif"]["neuron_updates"] == pytest.approx(reached)
    rate, document = rows("--count", "rate")
    share = (x != 0).mean()
    assert rate["conv"]["synops"] == pytest.approx(share * 4 * 27 * 18, rel=0.01)
    assert "counts from rates are approximate" in document["warnings"]
    apart, document = rows("--no-fold-bn")
    assert apart["norm"]["macs"] == 4 * 27
    assert apart["norm"]["total"] > 0
    assert apart["conv"]["acs"] == plain["conv"]["acs"]


def test_membrane_updates_under_neurobench_name(folder, capsys) -> None:
    argv = ("spiking_case:make", "--input", "x.npy", "--time-axis", "0", "--json")
    code, text, err = run(capsys, *argv)
    assert code == 0, err
    updates = json.loads(text)["neurobench"]["MembraneUpdates"]
    assert 6 < updates <= 4 * 6
