"""One table of every system: own recordings in, figures that repeat out."""

import json

import numpy as np
import pytest

from neuro.errors import ParameterError
from neuro.events import make_events, write_events
from sims._runner import run_experiment
from sims.compare_systems._answers import spent

SMALL = (
    "systems=['counts','liquid','htm','sparsey']", "folds=2", "liquid.n=30",
    "frames.crop=0", "events.crop=0", "frames.n_bins=10", "frames.bin_us=1000",
    "events.n_bins=3", "events.bin_us=3000", "htm.columns=64", "htm.active_columns=8",
    "htm.passes=1", "htm.classifier_passes=1", "sparsey.receptive_field=4",
    "sparsey.n_units=8", "data.name=recordings",
)  # fmt: skip


def _recordings(folder):
    """Two classes that any system can tell apart: left or right half."""
    rng = np.random.default_rng(0)
    for label, left in (("left", 0), ("right", 6)):
        (folder / label).mkdir(parents=True)
        for k in range(6):
            t = np.sort(rng.integers(0, 9000, 120))
            x, y = left + rng.integers(0, 6, 120), rng.integers(0, 12, 120)
            events = make_events(t, x, y, rng.integers(0, 2, 120))
            write_events(folder / label / f"{k}.npz", events)


def test_own_recordings_give_one_table(tmp_path):
    _recordings(tmp_path / "data")
    settings = [*SMALL, f"data.path={tmp_path / 'data'}"]
    records = [
        run_experiment(
            "compare-systems", preset="smoke", settings=settings, out=tmp_path / name,
            quiet=True,
        )[0]
        for name in "ab"
    ]  # fmt: skip
    metrics = records[0]["metrics"]
    assert metrics == records[1]["metrics"]
    assert records[0]["data"]["name"] == "data"
    assert metrics["accuracy_counts"]["value"] == 1.0
    assert metrics["chance"]["value"] == 0.5
    for name in ("counts", "liquid", "htm", "sparsey"):
        assert metrics[f"stored_{name}"]["value"] > 0
        assert metrics[f"energy_{name}_op45"]["value"] > 0
    table = (tmp_path / "a" / "systems.csv").read_text().splitlines()
    assert table[0].startswith("system,accuracy,accuracy_sd,stored_bits,synops,op45_j")
    assert len(table) == 5
    report = json.loads((tmp_path / "a" / "metrics.json").read_text())["energy"]
    assert "liquid cim" in report["reports"]


def test_unknown_system(tmp_path):
    with pytest.raises(ParameterError, match="did you mean 'liquid'"):
        run_experiment(
            "compare-systems", preset="smoke", settings=["systems=['liqiud']"],
            out=tmp_path / "a", quiet=True,
        )  # fmt: skip


def test_spent_is_the_difference():
    from neuro.counts import OpCounts

    before, after = OpCounts(1), OpCounts(1)
    before.add("a", "synop", 5)
    after.add("a", "synop", 9)
    after.add("b", "ac", 2)
    done = spent(before, after)
    assert (done.total("synop"), done.total("ac")) == (4, 2)
