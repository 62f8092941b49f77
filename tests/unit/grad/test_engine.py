"""Export to the event-driven engine: equal spikes on the grid."""

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from torch import nn

from neuro.errors import ParameterError, ShapeError, UnsupportedNodeError
from neuro.grad import Lif, PerStep, neuron_factory, record_activity
from neuro.grad.classifiers import (
    FrameClassifier,
    Summed,
    conv_classifier,
    recurrent_classifier,
)
from neuro.grad.engine import to_engine
from neuro.grad.fold import fold_norm, grid_threshold, on_grid, with_folded_norms
from neuro.grad.mismatch import _raster, compare
from neuro.network import Spikes
from tests.naive.engine_export import reference_run

SHAPE = (2, 9, 9)


def _randomise(model):
    torch.manual_seed(0)
    for m in model.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            m.running_mean.normal_(0, 0.2)
            m.running_var.uniform_(0.05, 0.3)
            nn.init.uniform_(m.weight, 0.7, 1.3)
            nn.init.normal_(m.bias, 0.2, 0.2)
    return model.eval()


def _conv(**options):
    return _randomise(
        conv_classifier(SHAPE, channels=(3, 4), hidden=12, kernel=3, **options)
    )


def _frames(rng, n=3, steps=6):
    return (rng.random((n, steps, *SHAPE)) < 0.3).astype(np.uint8)


def _torch_spikes(model, frames):
    with torch.no_grad(), record_activity(model) as activity:
        model_input = torch.from_numpy(frames)
        model.stages(model_input.transpose(0, 1).double())
    return [s.transpose(0, 1).flatten(2).numpy() for s in activity.spikes.values()]


def _same_as_engine(result, theirs):
    """Every spike of the engine, by sample, step and neuron."""
    for k, torchs in enumerate(theirs):
        s = result.spikes[f"layer{k}"]
        ours = np.zeros_like(torchs)
        ours[s.samples, np.rint(s.times).astype(int) - 1, s.indices] = 1
        np.testing.assert_array_equal(ours, torchs)


@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("beta", [1.0, 0.9375])
def test_convolutional_export_is_spike_exact_on_the_grid(rng, reset, beta):
    model = _conv(neuron=neuron_factory("lif", beta=beta, reset=reset))
    frames = _frames(rng)
    net = to_engine(model, grid_bits=10)
    flat = frames.reshape(*frames.shape[:2], -1)
    spikes = reference_run(net, flat)
    result = net.build(engine="grid", precision="double").run_samples(
        {"frames": flat}, 6
    )
    theirs = _torch_spikes(with_folded_norms(model, grid_bits=10), frames)
    assert len(theirs) == 3
    for ours, torchs in zip(list(spikes.values())[:3], theirs, strict=True):
        assert 0 < torchs.mean() < 0.9
        np.testing.assert_array_equal(ours, torchs)
    _same_as_engine(result, theirs)


@pytest.mark.parametrize(
    "options", [{"norm": False}, {}, {"channels": (3,), "kernel": 3, "dropout": 0.5}]
)
def test_recurrent_export_is_spike_exact_on_the_grid(rng, options):
    torch.manual_seed(1)
    model = recurrent_classifier(
        SHAPE, hidden=20, neuron=neuron_factory("lif", beta=0.875), **options
    ).eval()
    nn.init.normal_(model.stages[-2].input.weight, 0, 0.4)
    for m in model.modules():
        if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.2, 1.0)
    frames = _frames(rng)
    net = to_engine(model, grid_bits=10)
    flat = frames.reshape(*frames.shape[:2], -1)
    spikes = reference_run(net, flat)
    result = net.build(engine="grid", precision="double").run_samples(
        {"frames": flat}, 6
    )
    theirs = _torch_spikes(with_folded_norms(model, grid_bits=10), frames)
    for layer, torchs in enumerate(theirs):
        assert 0 < torchs.mean() < 0.9
        np.testing.assert_array_equal(spikes[f"layer{layer}"], torchs)
    _same_as_engine(result, theirs)


def test_recorded_potential_of_the_readout_is_the_sum_of_logits(rng):
    model = _conv()
    frames = _frames(rng)
    net = to_engine(model, grid_bits=10)
    result = net.build(engine="grid", precision="double").run_samples(
        {"frames": frames.reshape(*frames.shape[:2], -1)}, 6
    )
    with torch.no_grad():
        x = torch.from_numpy(frames).transpose(0, 1).double()
        want = with_folded_norms(model, grid_bits=10).stages(x).sum(0)
    last = result.traces["readout.v"].values
    np.testing.assert_allclose(last.reshape(3, -1, 10)[:, -1], want.numpy(), atol=1e-12)
    assert result.counts.total("synop") > 0


def test_report_of_mismatches_on_the_grid_and_off_it(rng, monkeypatch):
    model = _conv(neuron=neuron_factory("lif", beta=0.9375))
    frames = _frames(rng)
    exact = compare(model, frames, grid_bits=10)
    assert exact.total == 0
    sizes = [p.n for p in to_engine(model).populations.values()]
    assert exact.n == 3 * 6 * sum(sizes[:3])
    np.testing.assert_allclose(exact.engine_logits, exact.torch_logits, atol=1e-12)
    loose = compare(model, frames)
    assert 0 <= loose.rate < 1e-3
    np.testing.assert_allclose(loose.engine_logits, loose.torch_logits, atol=0.1)
    # a torch side on a coarser grid: the report must see it
    monkeypatch.setattr(
        "neuro.grad.mismatch.with_folded_norms",
        lambda model, grid_bits: with_folded_norms(model, grid_bits=2),
    )
    wrong = compare(model, frames, grid_bits=10)
    assert wrong.total == sum(wrong.spikes.values()) > 0
    with pytest.raises(ShapeError, match="expected frames"):
        compare(model, frames[:, :, 0])


def test_raster_of_a_batch():
    spikes = Spikes(
        np.array([1.0, 3.0]), np.array([4, 0], np.int32), np.array([1, 0], np.int32)
    )
    raster = _raster(spikes, (2, 3, 5))
    assert raster.sum() == 2
    assert raster[1, 0, 4] == 1
    assert raster[0, 2, 0] == 1


def test_folding_changes_nothing_but_rounding(rng):
    model = _conv()
    frames = torch.from_numpy(_frames(rng))
    folded = with_folded_norms(model)
    with torch.no_grad():
        a = model.double().stages(frames.transpose(0, 1).double())
        b = folded.stages(frames.transpose(0, 1).double())
    torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_fold_norm_at_padded_borders():
    torch.manual_seed(0)
    conv, norm = nn.Conv2d(2, 3, 3, padding=1).double(), nn.BatchNorm2d(3).double()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    norm.eval()
    w, b = fold_norm(conv.weight, conv.bias, norm)
    x = torch.randn(2, 2, 5, 5, dtype=torch.float64)
    with torch.no_grad():
        want = norm(conv(x))
        got = nn.functional.conv2d(x, torch.tensor(w), torch.tensor(b), padding=1)
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)


def test_grid_and_threshold():
    np.testing.assert_array_equal(on_grid([0.3, 0.125, 0.375], 2), [0.25, 0.0, 0.5])
    assert grid_threshold(0.9, 2) == 1.0
    assert grid_threshold(1.0, 2) == 1.0


def test_control_of_equal_size():
    spiking = _conv()
    dense = Summed(_conv(neuron=neuron_factory("relu")))
    assert spiking.n_parameters() == dense.n_parameters()
    frames = torch.ones(2, 6, *SHAPE, dtype=torch.uint8)
    assert dense(frames).shape == (1, 2, 10)
    assert spiking(frames).shape == (6, 2, 10)


def test_what_cannot_be_exported_is_named():
    with pytest.raises(UnsupportedNodeError, match="the engine runs"):
        to_engine(_conv(neuron=neuron_factory("relu")))
    with pytest.raises(ParameterError, match=r"expected 1\.\.40"):
        to_engine(_conv(), grid_bits=60)
    with pytest.raises(UnsupportedNodeError, match="another value than 1"):
        to_engine(_conv(neuron=neuron_factory("if", amplitude=2.0)))
    model = FrameClassifier(
        SHAPE,
        PerStep(nn.Conv2d(2, 3, 3), nn.GroupNorm(1, 3)),
        Lif(),
        PerStep(nn.Flatten()),
    )
    with pytest.raises(UnsupportedNodeError, match="cannot export GroupNorm"):
        to_engine(model)
