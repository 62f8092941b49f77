import numpy as np
import pytest

from neuro.core import Rows
from neuro.datasets import load
from neuro.errors import ParameterError, ShapeError
from neuro.events import frame_batch
from neuro.lsm import Liquid, LiquidNeuron, cross_validate
from neuro.lsm.liquid import liquid_step
from neuro.lsm.presets import RECURRENT_STATISTICS, WEIGHT_STATISTICS
from tests.naive import liquid as naive


def _random(rng, n_in=12, n=9, samples=4, steps=15):
    frames = (rng.random((samples, steps, n_in)) < 0.3).astype(np.uint8)
    w_in = rng.integers(-4, 5, (n, n_in)).astype(float)
    w_rec = rng.integers(-4, 5, (n, n)).astype(float)
    return frames, w_in, w_rec


def test_hand_case():
    liquid = Liquid(Rows([[3.0]]), Rows([[-1.0]]), decay=0.5, v_threshold=2.0)
    frames = np.array([[[1], [1], [0], [1]]], np.uint8)
    spikes = liquid.raster(frames[0])
    np.testing.assert_array_equal(spikes.times, [1, 4])
    np.testing.assert_array_equal(liquid.run(frames).counts, [[[2]]])


def test_equals_the_dense_reference_bit_for_bit(rng):
    frames, w_in, w_rec = _random(rng)
    liquid = Liquid(Rows(w_in), Rows(w_rec), decay=0.9, v_threshold=5.0)
    raster = naive.run(frames, w_in, w_rec, 0.9, 5.0)
    np.testing.assert_array_equal(liquid.run(frames).counts[:, 0], raster.sum(1))
    windows = liquid.run(frames, windows=3).counts
    np.testing.assert_array_equal(windows[:, 1], raster[:, 5:10].sum(1))
    assert raster.sum() > 20


def test_counts_every_operation(rng):
    frames, w_in, w_rec = _random(rng)
    activity = Liquid(Rows(w_in), Rows(w_rec)).run(frames)
    raster = naive.run(frames, w_in, w_rec, 0.9, 5.0)
    feed = frames.sum((1, 2)).astype(int) * 9
    recur = raster[:, :-1].sum((1, 2)).astype(int) * 9
    ops = activity.operations
    for layer, visits in (("events -> liquid", feed), ("liquid -> liquid", recur)):
        hit = ops.per_sample("synop", layer) + ops.per_sample("synop_zero", layer)
        np.testing.assert_array_equal(hit, visits)
    np.testing.assert_array_equal(ops.per_sample("neuron_update"), [15 * 9] * 4)
    np.testing.assert_array_equal(
        ops.per_sample("spike_out", "liquid"), raster.sum((1, 2))
    )


def test_no_weights_no_spikes():
    liquid = Liquid(Rows(np.zeros((5, 3))), Rows(np.zeros((5, 5))))
    assert liquid.run(np.ones((2, 10, 3), np.uint8)).counts.sum() == 0


def test_without_recurrence_neurons_are_independent(rng):
    frames, w_in, _ = _random(rng)
    order = rng.permutation(9)
    plain = Liquid(Rows(w_in)).run(frames).counts
    permuted = Liquid(Rows(w_in[order])).run(frames).counts
    np.testing.assert_array_equal(permuted, plain[..., order])


def test_samples_do_not_influence_each_other(rng):
    frames, w_in, w_rec = _random(rng)
    liquid = Liquid(Rows(w_in), Rows(w_rec))
    alone = [liquid.run(frames[k : k + 1]).counts[0] for k in range(len(frames))]
    np.testing.assert_array_equal(liquid.run(frames).counts, np.stack(alone))


def test_results_do_not_depend_on_workers(rng):
    frames, w_in, w_rec = _random(rng)
    liquid = Liquid(Rows(w_in), Rows(w_rec))
    np.testing.assert_array_equal(
        liquid.run(frames, workers=1).counts, liquid.run(frames, workers=2).counts
    )


@pytest.mark.parametrize("per_neuron", [False, True])
def test_step_compiled_equals_interpreted(rng, per_neuron):
    n = 6
    m = n if per_neuron else 1
    params = np.stack([rng.random(m), rng.random(m)])
    state, inputs = rng.random((1, n)), rng.random((1, n))
    outcomes = []
    for step in (liquid_step, liquid_step.py_func):
        s, spiked = state.copy(), np.zeros(n, np.uint8)
        step(params, s, inputs.copy(), spiked, 1.0)
        outcomes.append((s, spiked))
    np.testing.assert_array_equal(outcomes[0][0], outcomes[1][0])
    np.testing.assert_array_equal(outcomes[0][1], outcomes[1][1])


def test_bad_input_is_refused():
    liquid = Liquid(Rows(np.zeros((5, 3))))
    with pytest.raises(ShapeError, match="frames must be"):
        liquid.run(np.zeros((2, 10, 4), np.uint8))
    with pytest.raises(ShapeError, match="recurrent"):
        Liquid(Rows(np.zeros((5, 3))), Rows(np.zeros((4, 4))))
    with pytest.raises(ParameterError, match="decay"):
        LiquidNeuron(decay=1.5)


@pytest.mark.parametrize("block", ["input", "recurrent"])
def test_weights_of_the_array_have_the_published_statistics(block):
    random_weights = pytest.importorskip("hw.crossbar").RandomWeights
    mean, sd = WEIGHT_STATISTICS if block == "input" else RECURRENT_STATISTICS
    const, shape = 0.07, (200, 256 if block == "input" else 200)
    first, again = (
        random_weights(shape, const=const, mean=mean, sd=sd, seed=4).block(0.0).w
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    w = np.asarray(first, np.float64) / const
    assert w.shape == shape
    assert abs(w.mean() - mean) < 3 * sd / np.sqrt(w.size)
    assert abs(w.std() - sd) < 3 * sd / np.sqrt(2 * w.size)


@pytest.mark.data
def test_working_point_and_accuracy_on_real_recordings(data_root):
    """Five liquids fire at 0.073 +- 0.01 and reach 75-80 %; one of them 73-82 %."""
    recordings = load("nmnist", path=data_root)
    frames = frame_batch(
        [recordings[k] for k in range(len(recordings))],
        recordings.sensor_size,
        bin_us=6000,
        n_bins=50,
        crop=16,
        polarity=1,
    ).reshape(len(recordings), 50, 256)
    assert len(frames) == 551
    rates, accuracies = [], []
    for seed in range(5):
        draw = np.random.default_rng(seed).normal
        liquid = Liquid(
            Rows(0.07 * draw(*WEIGHT_STATISTICS, (200, 256))),
            Rows(0.07 * draw(*RECURRENT_STATISTICS, (200, 200))),
            decay=0.9,
            v_threshold=5.0,
        )
        activity = liquid.run(frames)
        rates.append(activity.rate)
        scores = cross_validate(
            activity.features,
            recordings.labels,
            recordings.groups,
            folds=10,
            kind="ridge",
            rng=np.random.default_rng(0),
        )
        accuracies.append(scores.mean())
    assert np.mean(rates) == pytest.approx(0.073, abs=0.01)
    assert 0.73 <= accuracies[0] <= 0.82
    assert 0.75 <= np.mean(accuracies) <= 0.80
