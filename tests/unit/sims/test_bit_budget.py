import json

import numpy as np
import pytest

from neuro.errors import ParameterError

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def test_configurations() -> None:
    from sims.bit_budget.run import parse

    assert parse("1/4/2") == (1, 4, 2)
    for bad in ("1/4", "a/b/c", "0/1/1"):
        with pytest.raises(ParameterError):
            parse(bad)


@pytest.mark.slow
def test_smoke_run_is_repeatable_and_resumes(tmp_path) -> None:
    from hw.energy import estimate
    from sims._runner import run_experiment

    settings = (
        "data.path=",
        "still.train=100",
        "still.valid=50",
        "still.test=50",
        "still.epochs=1",
        "events.recordings=40",
        "events.epochs=1",
    )
    records = [
        run_experiment(
            "bit-budget",
            preset="smoke",
            settings=settings,
            out=tmp_path / str(k),
            quiet=True,
        )[0]
        for k in range(2)
    ]
    assert records[0]["metrics"] == records[1]["metrics"]
    names = records[0]["metrics"]
    assert names["still_1_4_1"]["control"] == "still_control"
    assert names["still_levels_minus_steps"]["paper"] == pytest.approx(0.0109)
    with np.load(tmp_path / "0" / "steps" / "events-1_1_16.npz") as held:
        ledger = json.loads(str(held["ledger"]))
    assert ledger["schema"] == "neuro.counts/1"
    assert estimate(tmp_path / "0", model="lemaire22").total > 0
