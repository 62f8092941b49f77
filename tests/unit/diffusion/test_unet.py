"""The U-Net: published counts, temporal scale, guidance, state isolation."""

import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from neuro.diffusion import (
    Schedule,
    SpikingUNet,
    UNetConfig,
    add_temporal_scale,
    denoising_loss,
    guided,
    layer_costs,
    sample,
    temporal_scales,
    total_products,
)
from neuro.errors import ParameterError, ShapeError
from neuro.grad import Lif, neuron_factory, record_activity


def _paper(**changes):
    with torch.device("meta"):
        return SpikingUNet(UNetConfig.preset("paper", **changes))


def test_parameter_count_of_the_paper():
    model = _paper()
    assert model.n_parameters() == 66_696_413
    assert model.n_parameters() / 2**20 == pytest.approx(63.61, abs=0.005)
    assert len(list(model.convolutions())) == 67
    assert sum(isinstance(m, Lif) for m in model.modules()) == 51


def test_product_counts_of_the_paper():
    costs = layer_costs(_paper(), 32)
    assert sum(c.products for c in costs) == 6_483_821_568
    by = {}
    for c in costs:
        head = c.name.startswith("head")
        key = "head" if head else "first" if c.name == "encoder.conv1" else c.kind
        by[key] = by.get(key, 0) + c.products / 1e9
    assert by["binary"] == pytest.approx(6.2002, abs=5e-5)
    assert by["real"] == pytest.approx(0.2726, abs=5e-5)
    assert by["first"] == pytest.approx(0.0035, abs=5e-5)
    assert by["head"] == pytest.approx(0.0036, abs=5e-5)
    assert by["constant"] == pytest.approx(0.0038, abs=5e-5)
    assert sum(c.products * c.steps for c in costs) / 1e9 == pytest.approx(
        25.91, abs=0.005
    )


@pytest.mark.parametrize(
    ("name", "side", "parameters", "gmac"),
    [
        ("tiny", 8, 162_029, 0.016),
        ("tiny", 28, 162_029, 0.190),
        ("small", 28, 1_054_989, 0.770),
        ("medium", 32, 6_108_365, 5.80),
    ],
)
def test_counts_of_the_presets(name, side, parameters, gmac):
    with torch.device("meta"):
        model = SpikingUNet(UNetConfig.preset(name))
    assert model.n_parameters(table=False) == parameters
    costs = layer_costs(model, side)
    assert sum(c.products * c.steps for c in costs) / 1e9 == pytest.approx(
        gmac, rel=0.03
    )


def test_control_has_the_same_parameters_and_products():
    config = UNetConfig.preset("tiny")
    spiking, dense = SpikingUNet(config), SpikingUNet(config.dense())
    assert spiking.n_parameters() == dense.n_parameters()
    assert total_products(spiking, 8) == total_products(dense, 8)
    spike = SpikingUNet(UNetConfig.preset("tiny", shortcut="spike"))
    assert spike.n_parameters() == spiking.n_parameters()
    kinds = {c.kind for c in layer_costs(spike, 8) if not c.name.startswith("head")}
    assert kinds == {"constant", "binary"}


def _tiny(seed=0, double=False, **changes):
    torch.manual_seed(seed)
    model = SpikingUNet(UNetConfig.preset("tiny", **changes)).eval()
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.3, 1.5)
    torch.nn.init.xavier_uniform_(model.head.conv.conv.weight)
    return model.double() if double else model


def _inputs(n=2, double=False, seed=1):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 1, 8, 8, generator=g)
    return (x.double() if double else x), torch.randint(1000, (n,), generator=g)


def test_temporal_scale_changes_nothing_at_one_and_learns():
    model = _tiny()
    x, t = _inputs()
    before = model(x, t).detach()
    add_temporal_scale(model)
    assert torch.equal(model(x, t), before)
    scales = temporal_scales(model)
    assert len(scales) == len(list(model.convolutions()))
    model.train()
    model(x, t).pow(2).sum().backward()
    gradients = {n: m.p.grad for n, m in model.convolutions()}
    assert all(g is not None for g in gradients.values())
    assert sum(float(g.abs().sum()) > 0 for g in gradients.values()) > 20
    with pytest.raises(ParameterError, match="already has a scale"):
        add_temporal_scale(model)
    with pytest.raises(ParameterError, match="one step"):
        add_temporal_scale(SpikingUNet(UNetConfig.preset("tiny").dense()))


def test_guidance_at_the_trained_threshold_is_bit_identical():
    model = _tiny()
    noise = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    plain = sample(model, noise, steps=3).images
    with guided(model, 1.0):
        assert torch.equal(sample(model, noise, steps=3).images, plain)
    with guided(model, 0.9):
        assert not torch.equal(sample(model, noise, steps=3).images, plain)
    assert torch.equal(sample(model, noise, steps=3).images, plain)


def test_rate_of_the_first_layer_falls_with_the_threshold():
    model = _tiny()
    x, t = _inputs(8)
    rates = []
    for threshold in (0.5, 0.8, 1.0, 1.3, 2.0):
        with (
            guided(model, threshold),
            record_activity(model) as activity,
            torch.no_grad(),
        ):
            model(x, t)
        rates.append(activity.rates()["encoder.neuron"])
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > rates[-1]


def test_no_state_between_calls_and_samples():
    model = _tiny(double=True)
    x, t = _inputs(double=True)
    both = model(x, t)
    assert torch.equal(model(x, t), both)
    for i in range(2):
        torch.testing.assert_close(
            model(x[i : i + 1], t[i : i + 1]), both[i : i + 1], rtol=1e-12, atol=1e-12
        )


def test_neuron_factories_fit_the_same_network():
    x, t = _inputs()
    state = _tiny().state_dict()
    outputs = []
    for neuron in (
        neuron_factory("if"),
        neuron_factory("snntorch"),
        neuron_factory("relu"),
    ):
        model = SpikingUNet(UNetConfig.preset("tiny"), neuron=neuron).eval()
        model.load_state_dict(
            {k: v for k, v in state.items() if k in model.state_dict()}, strict=False
        )
        outputs.append(model(x, t))
    torch.testing.assert_close(outputs[0], outputs[1])
    assert not torch.allclose(outputs[0], outputs[2])


def test_wrong_images_and_configurations():
    with pytest.raises(ShapeError, match="sides divisible by 2"):
        _tiny()(torch.zeros(1, 1, 7, 7), torch.zeros(1, dtype=torch.long))
    with pytest.raises(ParameterError, match="did you mean 'small'"):
        UNetConfig.preset("smal")
    with pytest.raises(ParameterError, match="'real' or 'spike'"):
        UNetConfig(shortcut="none")
    with pytest.raises(ParameterError, match="threshold > 0"), guided(_tiny(), 0.0):
        pass


def test_velocity_stands_for_the_noise_it_implies():
    """With the true velocity as output a call returns the true noise."""
    model = _tiny(prediction="velocity")
    schedule = Schedule()
    x0, t = _inputs(4)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(3))
    noised = schedule.noised(x0, t, noise)
    velocity = schedule.velocity(x0, t, noise)
    torch.testing.assert_close(
        model.noise(velocity, noised, t), noise, rtol=1e-4, atol=1e-5
    )
    out = model.output(noised, t)
    assert not torch.equal(model(noised, t), out)
    # the loss is that of the velocity
    generator = torch.Generator().manual_seed(5)
    value = denoising_loss(schedule)(model, (x0,), generator)
    generator = torch.Generator().manual_seed(5)
    t = torch.randint(1000, (4,), generator=generator)
    noise = torch.randn(x0.shape, generator=generator)
    want = model.output(schedule.noised(x0, t, noise), t) - schedule.velocity(
        x0, t, noise
    )
    assert float(value.detach()) == pytest.approx(float(want.pow(2).mean().detach()))
    with pytest.raises(ParameterError, match="standard schedule of 1000 steps"):
        denoising_loss(Schedule(500))(model, (x0,), torch.Generator())
