"""The Python of every page runs as it stands, from top to bottom.

What a page takes for granted (a reader's own file or array) is made here, small. Run by
``pytest -m docs``.
"""

import itertools
import os
import re
from pathlib import Path

import numpy as np
import pytest

from neuro.cli.main import main

pytestmark = pytest.mark.docs

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"^```(python|toml)\n(.*?)^```", re.S | re.M)
_RNG = np.random.default_rng(0)


def _pages():
    return sorted(
        p.relative_to(DOCS).as_posix()
        for p in DOCS.rglob("*.md")
        if "```python" in p.read_text("utf-8")
    )


def _description(_names):
    """The description of the page on counting."""
    text = (DOCS / "howto" / "count-and-price.md").read_text("utf-8")
    Path("net.toml").write_text(re.search(r"```toml\n(.*?)```", text, re.S).group(1))


def _torch_net(names):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    names |= {
        "net": torch.nn.Sequential(torch.nn.Linear(4, 3)),
        "x": torch.rand(2, 5, 4),
        "loader": [torch.rand(5, 2, 4)],
    }


def _counting(names):
    _torch_net(names)
    assert main(["energy", "profiles", "new", "mine.toml"]) == 0


def _stamps(names):
    names |= {
        "t_us": np.sort(_RNG.integers(0, 300_000, 500)),
        "channels": _RNG.integers(0, 700, 500),
    }


def _recording(_names):
    from neuro.events import make_events, write_events

    write_events("recording.bin", make_events([0, 10], [1, 2], [3, 4], [0, 1]))


def _demand(_names):
    hours = np.arange(600)
    load = 50 + 20 * np.sin(2 * np.pi * hours / 24)
    stamps = np.datetime64("2024-01-01T00") + hours
    rows = [f"{t},{v:.2f}" for t, v in zip(stamps, load, strict=True)]
    Path("load.csv").write_text("\n".join(["time,load", *rows]) + "\n")


def _analog(names):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    x = torch.rand(512, 8)
    names |= {
        "model": torch.nn.Sequential(torch.nn.Linear(8, 4)),
        "x_train": x,
        "train": lambda model: model.train()(x),
        "accuracy": lambda model: float(model(x).detach().mean()),
    }


def _spikes(names):
    pytest.importorskip("brian2").prefs.codegen.target = "numpy"
    steps = np.sort(_RNG.choice(np.arange(1, 1900), 200, replace=False))
    names |= {"times": steps * 1e-4, "channels": _RNG.integers(0, 20, 200)}


def _graph(names):
    nir = pytest.importorskip("nir")
    ones = np.ones(10, np.float32)
    w = _RNG.normal(0, 0.1, (10, 784)).astype(np.float32)
    nodes = {
        "input": nir.Input({"input": np.array([784])}),
        "fc": nir.Affine(w, 0 * ones),
        "lif": nir.LIF(tau=ones * 2e-3, r=ones, v_leak=0 * ones, v_threshold=ones),
        "output": nir.Output({"output": np.array([10])}),
    }
    order = list(nodes)
    nir.write("model.nir", nir.NIRGraph(nodes, list(itertools.pairwise(order))))
    _stamps(names)
    from neuro.network import LifExp, Network, Population

    names["net"] = Network(Population("cells", 3, LifExp()), dt=1e-4)


def _device(names):
    text = (DOCS / "howto" / "own-device-data.md").read_text("utf-8")
    rows = re.search(r"^    # chip 7.*?\n\n", text, re.S | re.M).group(0)
    Path("chip7.csv").write_text(rows.replace("    ", ""))
    names |= {
        "targets": np.full((4, 3), 10e-6),
        "G": np.full((4, 3), 10e-6),
        "g_plus": np.full((4, 3), 20e-6),
        "g_minus": np.full((4, 3), 10e-6),
    }


def _sweep(_names):
    words = (
        "sweep htm-faults --preset smoke --workers 1 --quiet --out sweeps/size "
        "--set learn_elements=300 --set test_elements=150 --grid seeds=1,2"
    )
    assert main(words.split()) == 0


def _digits(names):
    from sklearn.datasets import load_digits

    images, names["y"] = load_digits(return_X_y=True)
    names["grey_images"] = np.kron(images[:60].reshape(-1, 8, 8) / 16, np.ones((3, 3)))
    names["y"] = names["y"][:60]


def _gestures(_names):
    from neuro.events import make_events, write_events

    for label in ("left", "right"):
        for k in range(2):
            place = Path("gestures") / label
            place.mkdir(parents=True, exist_ok=True)
            t = np.arange(50) * 1000
            events = make_events(t, t // 1000, t // 2000, t // 1000 % 2)
            write_events(place / f"{k}.npz", events)


# page -> what it takes for granted
GIVEN = {
    "explanation/energy-limits.md": _description,
    "howto/count-and-price.md": _counting,
    "howto/event-data.md": _recording,
    "howto/exact-engine.md": _stamps,
    "howto/forecast-a-csv.md": _demand,
    "howto/from-aihwkit.md": _analog,
    "howto/nest-brian2-export.md": _spikes,
    "howto/nir.md": _graph,
    "howto/own-device-data.md": _device,
    "howto/sweep.md": _sweep,
    "systems/bit-budget.md": _description,
    "systems/energy.md": _torch_net,
    "systems/sparsey.md": _digits,
    "tutorials/your-own-recordings.md": _gestures,
}
# modules that a page only shows: a peer, and sets that are downloaded
SHOWN = ("import badcrossbar", 'from_tonic("SHD"')


def test_no_page_is_given_what_it_does_not_have():
    assert set(GIVEN) <= set(_pages())


@pytest.mark.parametrize("page", _pages())
@pytest.mark.filterwarnings("default")
def test_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    text = (DOCS / page).read_text("utf-8")
    GIVEN.get(page, lambda names: None)(names)
    for match in _BLOCK.finditer(text):
        kind, block = match.groups()
        if kind == "toml":
            Path("net.toml").write_text(block)
        elif not any(word in block for word in SHOWN):
            # lines keep their number in the page, for the message
            lines = "\n" * text.count("\n", 0, match.start(2))
            exec(compile(lines + block, os.fspath(DOCS / page), "exec"), names)
