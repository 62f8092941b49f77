"""Figures of Sparsey: every experiment within the tolerances of its expected.json.

Tolerances: reselection curves +-0.03 (100 to 200 trials per point), capacities +-10 %
(spatial) and +-8 % (sequences), operations exact; sources in the experiments' READMEs.
"""

import numpy as np
import pytest

from sims._runner import run_experiment

pytestmark = pytest.mark.slow


def run(name, tmp_path, **options):
    record, drift = run_experiment(
        name, preset="demo", out=tmp_path / "run", quiet=True, check=True, **options
    )
    assert drift == []
    return {k: m["value"] for k, m in record["metrics"].items()}


def test_similar_inputs_get_similar_codes(tmp_path):
    metrics = run("sparsey-sisc", tmp_path)
    for label in ("", "_graded", "_n10", "_graded_n10"):
        curve = [metrics[f"reselected{label}_{o:02d}"] for o in range(13)]
        assert (np.diff(curve) > -0.03).all()  # never decreasing, within noise


def test_likelihood_of_all_stored_items(tmp_path):
    metrics = run("sparsey-likelihood", tmp_path)
    # with the graded preset the middle of the order improves
    assert metrics["rank_correlation_graded"] > metrics["rank_correlation"]


def test_fixed_time(tmp_path):
    metrics = run("sparsey-time", tmp_path)
    assert abs(metrics["time_slope_retrieval"]) < 0.15


def test_capacity(tmp_path):
    metrics = run("sparsey-capacity", tmp_path)
    # similarity preservation costs capacity: random codes hold more
    for size in ("24x8", "24x16", "48x8", "48x16"):
        own = metrics[f"capacity_spatial_{size}"]
        assert metrics[f"capacity_spatial_{size}_random_codes"] > 1.3 * own


def test_recall(tmp_path):
    run("sparsey-recall", tmp_path)


@pytest.mark.data
def test_mnist_200_per_class(tmp_path, data_root):
    run("sparsey-mnist", tmp_path, settings=[f"data.path={data_root}"])


@pytest.mark.data
def test_nmnist(tmp_path, data_root):
    run("sparsey-nmnist", tmp_path, settings=[f"data.path={data_root}"])


@pytest.mark.data
def test_hub_collapse_of_one_mac_over_whole_digits(data_root):
    """2000 images, no freezing: familiar with everything, class near chance."""
    from neuro.datasets import load
    from neuro.sparsey import (
        LabelField,
        Level,
        LevelParameters,
        SaturationWarning,
        line_images,
        whole_field,
    )

    data = load("mnist", path=data_root)
    train, test = data.indices("train")[:2000], data.indices("test")[:1000]
    x, tx = line_images(data.images[train]), line_images(data.images[test])
    level = Level(LevelParameters(n_cms=24, n_units=50), whole_field(400), seed=0)
    with pytest.warns(SaturationWarning, match="hub collapse"):
        codes = level.run(x, learn=True).codes
    asked = level.run(tx)
    assert asked.familiarity.mean() > 0.97
    field = LabelField(10, [(1, 24, 50)])
    field.learn(codes, data.labels[train])
    assert (field.predict(asked.codes) == data.labels[test]).mean() < 0.3
