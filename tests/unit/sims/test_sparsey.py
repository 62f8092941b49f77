"""The Sparsey experiments at their smallest, and what they share."""

import numpy as np
import pytest

from neuro.cli.main import main
from sims._runner import run_experiment
from sims._sparsey import distort, random_items
from sims.sparsey_capacity.run import BITS_PER_FRAME, last_above, willshaw


def test_items_and_distortions(rng):
    items = random_items(rng, 200, 144, (9, 12))
    size = items.sum(1)
    assert (size.min(), size.max()) == (9, 12)
    moved = distort(rng, items, 2)
    assert (moved.sum(1) == size).all()
    assert ((moved & items).sum(1) == size - 2).all()


def test_load_at_the_criterion():
    n = np.array([10, 20, 30])
    assert last_above(n, np.array([1.0, 0.99, 0.95]), 0.97) == pytest.approx(25)
    assert last_above(n, np.array([1.0, 0.99, 0.98]), 0.97) == 30
    assert last_above(n, np.array([0.9, 0.8, 0.7]), 0.97) == 10


def test_estimates():
    # density at the limit, then the items that make it
    d = (0.03 / 7) ** (1 / 12)
    n = willshaw(8, 144, 12, 0.03)
    assert 1 - (1 - 12 / 144) ** (n / 8) == pytest.approx(d)
    assert pytest.approx(51.2, abs=0.05) == BITS_PER_FRAME


@pytest.mark.parametrize("name", ["sisc", "likelihood", "time", "recall", "capacity"])
def test_smallest_preset_keeps_what_is_expected(name, tmp_path):
    record, drift = run_experiment(
        f"sparsey-{name}", preset="smoke", out=tmp_path / "a", quiet=True, check=True
    )
    assert drift == []
    assert any(f.endswith(".png") for f in record["files"])
    assert main(["energy", "estimate", str(tmp_path / "a"), "--json"]) == 0


def test_the_same_seed_gives_the_same_metrics(tmp_path):
    first, second = (
        run_experiment(
            "sparsey-likelihood", preset="smoke", out=tmp_path / k, quiet=True
        )[0]
        for k in "ab"
    )
    assert first["metrics"] == second["metrics"]
    other, _ = run_experiment(
        "sparsey-likelihood", preset="smoke", seed=1, out=tmp_path / "c", quiet=True
    )
    assert other["metrics"] != first["metrics"]


def test_digits_without_the_real_set(tmp_path, monkeypatch):
    monkeypatch.delenv("NEURO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    record, _ = run_experiment(
        "sparsey-mnist", preset="smoke", out=tmp_path / "a", quiet=True
    )
    assert record["data"]["synthetic"]
    assert record["data"]["name"] != "mnist"
    assert record["metrics"]["accuracy_binary_50"]["value"] > 0.5
    assert main(["energy", "estimate", str(tmp_path / "a"), "--json"]) == 0
