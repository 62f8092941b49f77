"""Parts of the liquid experiments: arrays, pairing, folds, settings."""

from types import SimpleNamespace

import numpy as np
import pytest

from neuro.errors import DatasetError
from neuro.lsm import cross_validate
from sims._config import load_config
from sims._liquids import array_weights
from sims._simulated import unrecorded_images
from sims.lsm_noise._arrays import array_options, degrade, imperfect_liquid
from sims.lsm_zero_shot._pairs import (
    Pairs,
    exchanged,
    opposite_stills,
    spoken_partners,
)
from sims.nmnist_lsm_best.run import Cell, Reservoir, _recordings


def _config(name, *settings):
    return load_config(name, preset="smoke", settings=list(settings))[1]


@pytest.fixture
def noise():
    return _config("lsm-noise", "liquid.n=30")


@pytest.fixture
def lines(rng):
    return (rng.random((6, 20, 64)) < 0.1).astype(np.uint8)


def _weights(liquid):
    return [p.rule.block(0.0).w for p in liquid.network.projections]


def test_no_effect_is_the_ideal_array(noise, lines):
    ideal = array_weights(noise, 3, 1, 30, 64)
    for a, w in zip(
        ideal, _weights(imperfect_liquid(noise, 3, 1, lines, {})), strict=True
    ):
        np.testing.assert_array_equal(a.block(0.0).w, w)


@pytest.mark.parametrize("levels", [{"wire_resistance": 5.0}, {"drift": 0.1}])
def test_restored_gain_is_that_of_the_ideal_array(noise, lines, levels):
    ideal = [
        np.abs(w).mean() for w in _weights(imperfect_liquid(noise, 3, 1, lines, {}))
    ]
    worse = _weights(imperfect_liquid(noise, 3, 1, lines, levels))
    restored = _weights(imperfect_liquid(noise, 3, 1, lines, levels, restore_gain=True))
    for before, now, after in zip(ideal, worse, restored, strict=True):
        assert np.abs(after).mean() == pytest.approx(before)
        # one factor for the whole array
        np.testing.assert_allclose(after * np.abs(now).mean(), now * before)


def test_wires_take_from_every_weight(noise, lines):
    ideal = _weights(imperfect_liquid(noise, 3, 1, lines, {}))
    wired = _weights(imperfect_liquid(noise, 3, 1, lines, {"wire_resistance": 5.0}))
    for before, after in zip(ideal, wired, strict=True):
        assert np.abs(after).mean() < np.abs(before).mean()
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.9


def test_all_effects_go_to_the_array_but_those_of_the_input(noise):
    levels = {"read_noise": 0.1, "adc_bits": 8.0, "event_loss": 0.1, "drift": 0.05}
    options = array_options(levels, noise)
    assert options == {
        "read_noise": 0.1,
        "adc_bits": 8,
        "drift_nu": 0.05,
        "drift_nu_sd": 0.025,
        "age": noise.year_s,
        "update_every": noise.year_s,
    }
    assert array_options({"drift": 0.05, "age": 60.0}, noise)["age"] == 60.0


def test_events_are_lost_and_added_in_the_stated_share(rng):
    frames = (rng.random((50, 50, 64)) < 0.1).astype(np.uint8)
    fewer = degrade(frames, {"event_loss": 0.3}, rng)
    more = degrade(frames, {"event_noise": 0.3}, rng)
    n = frames.sum()
    assert ((fewer == 1) <= (frames == 1)).all()
    assert ((frames == 1) <= (more == 1)).all()
    assert fewer.sum() / n == pytest.approx(0.7, abs=0.02)
    # a few of the added ones fall on entries that are 1 already
    assert more.sum() / n == pytest.approx(1 + 0.3 * 0.9, abs=0.02)


def test_several_tests_of_one_training(rng):
    y = np.arange(60) % 3
    x = np.eye(3)[y] + 0.3 * rng.standard_normal((60, 3))
    sets = np.stack([x, -x, x + 0.1])
    options = {"folds": 4, "kind": "ridge"}
    together = cross_validate(
        x, y, np.arange(60), test_features=sets, rng=np.random.default_rng(1), **options
    )
    assert together.shape == (3, 4)
    for one, scores in zip(sets, together, strict=True):
        alone = cross_validate(
            x,
            y,
            np.arange(60),
            test_features=one,
            rng=np.random.default_rng(1),
            **options,
        )
        np.testing.assert_array_equal(scores, alone)


class Columns:
    """Labels and splits of a set, and one recording."""

    def __init__(self, labels, splits, events=None):
        self.labels, self.splits = np.asarray(labels), np.asarray(splits)
        self.events, self.sensor_size = events, (34, 34, 2)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.events


def test_stills_are_of_the_digit_and_of_the_other_split(rng):
    data = Columns([0, 1, 1, 0, 1], ["train", "train", "test", "test", "train"])
    images = Columns([0, 1, 0, 1], ["train", "train", "test", "test"])
    chosen = opposite_stills(data, images)
    np.testing.assert_array_equal(images.labels[chosen], data.labels)
    assert (images.splits[chosen] != data.splits).all()
    with pytest.raises(DatasetError, match="digit 0"):
        opposite_stills(data, Columns([1, 1], ["train", "test"]))


def test_spoken_partners_are_of_the_digit_and_of_the_split(rng):
    labels = rng.integers(0, 3, 40)
    spoken = np.repeat(np.arange(3), 20)
    splits = np.tile(["train", "test"], 30)
    train, test = (
        spoken_partners(labels, spoken, splits, s, rng) for s in ("train", "test")
    )
    for chosen, split in ((train, "train"), (test, "test")):
        np.testing.assert_array_equal(spoken[chosen], labels)
        assert (splits[chosen] == split).all()
    with pytest.raises(DatasetError, match="spoken 0"):
        spoken_partners(labels, spoken + 1, splits, "train", rng)


def test_exchanged_classes_keep_the_recordings(rng):
    y = rng.integers(0, 3, 40)
    one_hot = np.eye(3)[y]
    pairs = Pairs(one_hot, one_hot, one_hot + 1, y)
    partner = np.array([2, 0, 1])
    found = exchanged(pairs, partner)
    np.testing.assert_array_equal(found.events, pairs.events)
    np.testing.assert_array_equal(found.other.argmax(1), partner[y])
    np.testing.assert_array_equal(found.other_test, found.other + 1)
    same = exchanged(pairs, np.arange(3))
    np.testing.assert_array_equal(same.other, pairs.other)


def test_no_still_behind_a_recording_is_trained_on(monkeypatch, rng):
    images = SimpleNamespace(
        name="mnist",
        splits=np.array(["train"] * 30 + ["test"] * 10),
        images=np.arange(40),
        labels=np.arange(40) % 10,
    )
    monkeypatch.setattr("sims._simulated.load", lambda *a, **k: images)
    real = SimpleNamespace(
        synthetic=False,
        splits=np.array(["train"] * 5 + ["test"] * 5),
        source_index=np.array([0, 3, 7, 11, 29, 1, 2, 4, 5, 6]),
    )
    chosen, _ = unrecorded_images(real, 25, path="", rng=rng)
    assert sorted(chosen) == sorted(set(range(30)) - {0, 3, 7, 11, 29})


def test_names_and_controls_of_the_cells():
    cell = Cell(Reservoir("crop", 200, 0.5, 0.8), 3, 0.9)
    assert cell.name == "liquid_crop_200_decay_0.8_3win"
    assert cell.control.name == "counts_crop_3win"
    silent = Cell(Reservoir("exact", 200, 0.0, 0.9), 1, 0.9)
    assert silent.name == "liquid_exact_200_no_recurrence_1win"


def test_channels_of_the_events_are_the_lines_of_the_frames(rng):
    from neuro.events import EVENT, frames

    cfg = _config("nmnist-lsm-best")
    events = np.zeros(400, EVENT)
    events["t"] = np.sort(rng.integers(0, 300_000, 400))
    events["x"], events["y"] = rng.integers(0, 34, (2, 400))
    events["p"] = rng.integers(0, 2, 400)
    ((t, channels),) = _recordings(cfg, Columns([0], ["train"], events))
    expected = frames(
        events, (34, 34, 2), bin_us=6000, n_bins=50, crop=16, polarity=1, binary=False
    ).reshape(50, 256)
    found = np.zeros((50, 256), int)
    np.add.at(found, (t // 6000, channels), 1)
    np.testing.assert_array_equal(found, expected)
