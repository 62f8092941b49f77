"""The event-driven denoiser: equal spikes on the grid for every kind of block."""

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from neuro.core import Conv
from neuro.counts import record
from neuro.diffusion import SpikingUNet, UNetConfig, add_temporal_scale, guided
from neuro.diffusion.cost import layer_costs
from neuro.diffusion.events import EventDenoiser, compare
from neuro.diffusion.folded import fold_unet
from neuro.diffusion.ledger import paper_counts
from neuro.errors import ParameterError
from neuro.grad import neuron_factory, record_activity


def _model(seed=0, **changes):
    """A random network with norms that fold into something."""
    torch.manual_seed(seed)
    model = SpikingUNet(UNetConfig.preset("tiny", ch=8, **changes)).eval()
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.2, 1.0)
            torch.nn.init.uniform_(m.weight, 0.7, 1.3)
            torch.nn.init.normal_(m.bias, 0.1, 0.2)
    torch.nn.init.xavier_uniform_(model.head.conv.conv.weight)
    return model


def _images(n=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 1, 8, 8)), np.array([10, 700])[
        :n
    ]


@pytest.mark.parametrize(
    ("shortcut", "encoder"),
    [("real", "spikes"), ("spike", "spikes"), ("real", "residual")],
)
@pytest.mark.parametrize("scaled", [False, True])
def test_zero_differing_spikes_on_the_grid(shortcut, encoder, scaled):
    """Residual blocks with and without shortcut, down, up, encoder, temporal scale."""
    model = _model(shortcut=shortcut, encoder=encoder)
    if scaled:
        add_temporal_scale(model)
        with torch.no_grad():
            for _name, conv in model.convolutions():
                conv.p.uniform_(0.8, 1.2)
    run = EventDenoiser(model, 8, grid_bits=10)
    for dtype in (torch.float64, torch.float32):
        reference = fold_unet(model, grid_bits=10, dtype=dtype)
        mismatch, result = compare(run, reference, *_images())
        assert mismatch.total == 0
        assert mismatch.stream == 0
    rates = [s.mean() for s in result.spikes.values()]
    assert min(rates) > 0.01
    assert max(rates) < 0.9
    assert len(rates) == sum(getattr(m, "spiking", False) for m in model.modules())


def test_guided_threshold_is_taken_over():
    model = _model()
    with guided(model, 0.8):
        run = EventDenoiser(model, 8, grid_bits=10)
        mismatch, low = compare(run, fold_unet(model, grid_bits=10), *_images())
    assert mismatch.total == 0
    _, plain = compare(
        EventDenoiser(model, 8, grid_bits=10),
        fold_unet(model, grid_bits=10),
        *_images(),
    )
    assert low.spikes["encoder.neuron"].sum() > plain.spikes["encoder.neuron"].sum()


def test_subtractive_reset_on_the_grid():
    torch.manual_seed(0)
    model = SpikingUNet(
        UNetConfig.preset("tiny", ch=8),
        neuron=neuron_factory("if", reset="subtract", v_init=0.5),
    ).eval()
    run = EventDenoiser(model, 8, grid_bits=10)
    assert compare(run, fold_unet(model, grid_bits=10), *_images())[0].total == 0


def test_folding_sends_the_spikes_of_the_unfolded_network_in_double():
    model = _model().double()
    x, t = (torch.as_tensor(v) for v in _images())
    folded = fold_unet(model)
    with torch.no_grad(), record_activity(model) as a:
        want = model(x, t)
    with torch.no_grad(), record_activity(folded) as b:
        got = folded(x, t)
    assert all(torch.equal(a.spikes[k], b.spikes[k]) for k in a.spikes)
    torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-9)


def test_off_the_grid_the_mismatch_is_reported_and_small():
    model = _model()
    mismatch, _ = compare(EventDenoiser(model, 8), model, *_images())
    assert mismatch.n > 10_000
    assert 0 <= mismatch.rate < 0.01


def test_counts_by_kind_of_input():
    model = _model()
    x, t = _images()
    result = EventDenoiser(model, 8, grid_bits=10)(x, t)
    counts = result.counts
    for cost in layer_costs(model, 8):
        if cost.kind == "binary":
            assert not counts.booked("mac", cost.name)
            assert (counts.per_sample("ac", cost.name) > 0).all()
        else:
            want = cost.products * cost.steps
            np.testing.assert_array_equal(counts.per_sample("mac", cost.name), want)
    spikes = result.spikes["encoder.neuron"]
    layout = Conv(np.zeros((8, 8, 3, 3)), (8, 8, 8), padding=1)
    events = [(spikes[:, i].reshape(4, -1) * layout.fan_out()).sum() for i in range(2)]
    np.testing.assert_array_equal(counts.per_sample("synop", "encoder.conv2"), events)
    # the ledger's fan-out maps against what the kernels really visited
    assert result.visited
    for name, visited in result.visited.items():
        assert counts.total("synop", name) == visited > 0, name
    total = sum(int(s.sum()) for s in result.spikes.values())
    assert counts.total("spike_out") == total
    assert counts.total("neuron_update") == sum(s.size for s in result.spikes.values())


@pytest.mark.parametrize("shortcut", ["real", "spike"])
def test_counts_are_those_of_the_recorder_on_torch_modules(shortcut):
    """Two ways to one ledger: spikes of the event core, hooks on the torch network."""
    model = _model(shortcut=shortcut).double()
    x, t = _images()
    with record(model, steps=4, inner_axis=0) as recorder, torch.no_grad():
        model(torch.as_tensor(x), torch.as_tensor(t))
    mismatch, result = compare(EventDenoiser(model, 8), model, x, t)
    assert mismatch.total == 0
    kinds = {c.name: c.kind for c in layer_costs(model, 8)}
    for name, kind in kinds.items():
        theirs = f"{name}.conv" if f"{name}.conv" in recorder.counts.layers else name
        if kind == "binary":
            for op in ("ac", "synop", "spike_in"):
                np.testing.assert_array_equal(
                    result.counts.per_sample(op, name),
                    recorder.counts.per_sample(op, theirs),
                )
        else:
            # the recorder leaves out zeros and the padding; dense is the upper bound
            dense = result.counts.total("mac", name)
            assert 0 < recorder.counts.total("mac", theirs) <= dense
    for name in result.spikes:
        for op in ("spike_out", "neuron_update", "reset"):
            np.testing.assert_array_equal(
                result.counts.per_sample(op, name),
                recorder.counts.per_sample(op, name),
            )


def test_rate_formula_equals_events_when_padding_is_included():
    """Events per synapse with taps on padding counted are rate times dense products."""
    model = _model()
    result = EventDenoiser(model, 8, grid_bits=10)(*_images())
    paper = paper_counts(result.counts)
    for name, info in paper.layers.items():
        if info.input_class != "binary" or info.kind != "conv":
            continue
        exact, rate = result.counts.total("ac", name), paper.total("ac", name)
        stride = info.stride[0]
        taps = info.kernel[0] * info.kernel[1] * info.out_shape[0] // stride**2
        spikes = result.counts.total("spike_in", name)
        if stride == 1:
            assert rate == spikes * taps, name
        if info.kernel[0] == 3:
            assert exact < rate
        else:
            assert exact == rate
    assert paper.total("mac") == result.counts.total("mac", "encoder.conv1")


@pytest.mark.parametrize("prediction", ["noise", "velocity"])
def test_predicted_noise_is_that_of_torch_and_calls_are_independent(prediction):
    model = _model(prediction=prediction)
    x, t = _images()
    run = EventDenoiser(model, 8, grid_bits=10)
    both = run(x, t)
    reference = fold_unet(model, grid_bits=10)
    with torch.no_grad():
        want = reference(
            torch.round(torch.as_tensor(x) * 1024) / 1024, torch.as_tensor(t)
        )
    np.testing.assert_allclose(both.noise, want.numpy(), rtol=1e-12, atol=1e-12)
    one = run(x[1:], t[1:])
    np.testing.assert_array_equal(one.stream, both.stream[:, 1:])


def test_what_cannot_run_is_refused():
    with pytest.raises(ParameterError, match="U-Net of"):
        EventDenoiser(SpikingUNet(UNetConfig.preset("tiny").dense()), 8)
    loud = SpikingUNet(
        UNetConfig.preset("tiny"), neuron=neuron_factory("if", amplitude=2.0)
    )
    with pytest.raises(ParameterError, match="another value than 1"):
        EventDenoiser(loud, 8)
    with pytest.raises(ParameterError, match="read-out"):
        EventDenoiser(SpikingUNet(UNetConfig.preset("tiny", readout="mean")), 8)
