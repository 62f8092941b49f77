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


def _tasks(tmp_path, **settings):
    from sims._config import load_config
    from sims._runner import Context
    from sims.bit_budget.tasks import load_tasks

    settings = {"events.stand_in_samples": 20, "data.path": ""} | settings
    _, cfg = load_config(
        "bit-budget",
        preset="demo",
        settings=[f"{k}={v}" for k, v in settings.items()],
    )
    return load_tasks(cfg, Context(tmp_path, seed=0, quiet=True))


def test_unknown_task_is_named(tmp_path) -> None:
    with pytest.raises(ParameterError, match=r"\['still', 'events'.*got \['sound'\]"):
        _tasks(tmp_path, tasks=["sound"])


def test_directions_differ_in_order_alone(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("NEURO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    task = _tasks(tmp_path, tasks=["order"])["order"]
    train, valid, test = task.split(0)
    recordings = [set((part[0] // 2).tolist()) for part in (train, valid, test)]
    assert not recordings[0] & recordings[1]
    assert not recordings[0] & recordings[2]
    samples, labels = train
    assert (np.diff(labels.reshape(-1, 2)) == 1).all()  # both directions, same digit
    forward, backward = task.frames(samples[:2], 16, 8)
    assert not (forward == backward).all()
    assert (forward == backward.flip(0)).all()
    one = task.frames(samples[:2], 1, 8)
    assert (one[0] == one[1]).all()


def test_binary_frames_are_clipped_counts(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("NEURO_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    tasks = _tasks(tmp_path, tasks=["binary", "events"])
    assert list(tasks) == ["events", "binary"]
    x = tasks["events"].split(0)[0][0]
    assert (x == tasks["binary"].split(0)[0][0]).all()
    counted, binary = (tasks[t].frames(x, 1, 16) for t in ("events", "binary"))
    assert counted.max() > 1
    assert (binary == (counted > 0)).all()


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
        "binary.epochs=1",
        "order.epochs=1",
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
    with np.load(tmp_path / "0" / "steps" / "events-1_1_16-0.npz") as held:
        ledger = json.loads(str(held["ledger"]))
    assert ledger["schema"] == "neuro.counts/1"
    assert estimate(tmp_path / "0", model="lemaire22").total > 0
