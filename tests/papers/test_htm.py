"""Published figures of sequence memory; tolerances are those of the publications."""

import pytest

from sims._runner import run_experiment

pytestmark = pytest.mark.slow


def value(record, name):
    return record["metrics"][name]["value"]


def test_high_order_sequences_and_change(tmp_path):
    """Cui et al. 2016, Fig. 4-6: perfect, down at the change, perfect again."""
    record, _ = run_experiment(
        "htm-sequences", preset="demo", out=tmp_path / "run", quiet=True
    )
    assert value(record, "accuracy_before") == 1.0
    assert value(record, "accuracy_after") == 1.0
    assert value(record, "accuracy_1000_after_change") < 0.6
    assert value(record, "accuracy_before_first_order") < 0.5
    assert value(record, "accuracy_k2") >= 0.95
    assert value(record, "accuracy_k4") >= 0.93


def test_dead_cells(tmp_path):
    """Cui et al. 2016, Fig. 9: no loss up to 30 %, clearly degraded at 50 %."""
    record, _ = run_experiment(
        "htm-faults", preset="demo", out=tmp_path / "run", quiet=True
    )
    for share in ("00", "01", "02", "03"):
        assert value(record, f"accuracy_f{share}") >= 0.99
    assert value(record, "accuracy_f05") < 0.8


@pytest.mark.data
def test_taxi(tmp_path, data_root):
    """Cui et al. 2016, Fig. 10 (error 0.081 recomputed): at most that."""
    record, _ = run_experiment(
        "htm-taxi",
        preset="demo",
        out=tmp_path / "run",
        quiet=True,
        settings=[f"data.path={data_root}"],
    )
    assert value(record, "mape") <= 0.081
    assert value(record, "mape") < value(record, "mape_naive_week")
    assert value(record, "nrmse_global") <= 0.290
    assert value(record, "nll_full") <= 1.45


def test_spiking_set_one(tmp_path):
    """Bouhadjar et al. 2022: lasting zero error within 85 episodes, replay in order."""
    record, _ = run_experiment(
        "htm-spiking", preset="demo", out=tmp_path / "run", quiet=True
    )
    assert value(record, "error_i") == 0.0
    assert 15 <= value(record, "spikes_per_predicted_symbol_i") <= 40
    assert value(record, "replayed_i") == 1.0
    assert value(record, "replay_per_element_i") < 0.04
