"""Trained parts of the liquid experiments."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from neuro.lsm.retrieval import ClassSplit, retrieval_accuracy
from sims._config import load_config
from sims._paper_readout import paper_readout
from sims.lsm_baselines._models import build
from sims.lsm_baselines.run import candidates
from sims.lsm_zero_shot._pairs import Pairs
from sims.lsm_zero_shot._protocol import FIGURES, chances, one_split, parts_of


def _readout_config(**changes):
    values = {"lr": 1e-2, "batch": 16, "steps": 120, "epoch_steps": 40} | changes
    return SimpleNamespace(folds=3, paper_readout=SimpleNamespace(**values))


def _classes(rng, n=90):
    y = np.arange(n) % 3
    return 2 * np.eye(3)[y] + rng.standard_normal((n, 3)) * 0.3, y


def test_layers_side_by_side_are_layers_trained_alone(rng):
    x, y = _classes(rng)
    other = rng.standard_normal(x.shape)
    cfg = _readout_config()
    alone = paper_readout(cfg, 0, x[None], y, np.arange(len(y)))
    together = paper_readout(cfg, 0, np.stack([x, other]), y, np.arange(len(y)))
    for key in ("last", "best_test"):
        np.testing.assert_allclose(together[key][0], alone[key][0], atol=0.04)
    assert alone["last"].mean() > 0.9
    assert together["last"][1].mean() < 0.6  # noise has no classes
    assert (together["best_test"] >= together["last"]).all()


def test_zero_shot_figures_of_modalities_that_share_a_space(rng):
    """Both modalities are one latent space seen through two matrices."""
    cfg = load_config(
        "lsm-zero-shot", preset="smoke", settings=["epochs=6", "dim=16", "batch=4"]
    )[1]
    y = np.arange(200) % 8
    latent = rng.standard_normal((8, 6))[y]
    a, b = (
        latent @ rng.standard_normal((6, 20)) + 0.5 * rng.standard_normal((200, 20))
        for _ in range(2)
    )
    split = ClassSplit((0, 1, 2, 3), (4, 5), (6, 7))
    found = one_split(cfg, 0, Pairs(a, b, b, y), split, "contrastive")
    figures = dict(zip(FIGURES, found, strict=True))
    assert figures["in_class"] > 0.9
    assert figures["few_shot"] > 0.9
    assert figures["zero_shot_best_test_epoch"] >= figures["zero_shot"]
    assert figures["zero_shot_generalised"] <= figures["zero_shot"]


def test_candidates_and_initial_recurrence():
    cfg = load_config("lsm-baselines", preset="demo", settings=[])[1]
    assert len(candidates("srnn_ann", cfg)) == 4
    assert {c["recurrence"] for c in candidates("rnn", cfg)} == {0.0}
    small, large = (
        build("srnn_ann", cfg, 16, 10, recurrence=r, seed=1).recurrent.feedback.weight
        for r in (0.2, 1.0)
    )
    torch.testing.assert_close(5 * small, large)


def test_chance_is_that_of_the_pools_that_are_used():
    """Random embeddings find their class as often as the pools' chance says."""
    cfg = load_config("lsm-zero-shot", preset="smoke", settings=[])[1]
    y = np.arange(4000) % 10
    split = ClassSplit((0, 1, 2, 3, 4, 5), (6, 7), (8, 9))
    chance = chances(cfg, 0, y, [split])
    parts = parts_of(cfg, 0, y, split)
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, len(y), 8))
    for name, queries, items in (
        ("in_class", parts.in_class, parts.in_class),
        ("in_class_generalised", parts.in_class, parts.everything),
        ("zero_shot", parts.test, parts.test),
        ("zero_shot_generalised", parts.test, parts.everything),
    ):
        found = retrieval_accuracy(a[queries], b[items], y[queries], y[items])
        p = chance[name][0]
        assert abs(found - p) < 3 * np.sqrt(p * (1 - p) / queries.sum()), name
