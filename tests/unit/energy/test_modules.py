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


net = Loop()
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
        (("spiking_case:make", "--mode", "event"), 2, "--mode event"),
        (("spiking_case:make", "--no-fold-bn"), 2, "--no-fold-bn"),
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
