import numpy as np
import pytest

from neuro.counts import CountWarning, OpCounts, record
from neuro.errors import ParameterError, ShapeError

torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")
pytestmark = pytest.mark.torch
nn = torch.nn


class Net(nn.Module):
    """Loops over time itself; input [T, batch, 2, 9, 9]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.lif1 = snn.Leaky(beta=0.9)
        self.fc = nn.Linear(4 * 5 * 5, 6, bias=False)
        self.lif2 = snn.Leaky(beta=0.9)

    def step(self, x, mem1, mem2):
        s1, mem1 = self.lif1(self.conv(x), mem1)
        s2, mem2 = self.lif2(self.fc(s1.flatten(1)), mem2)
        return s1, s2, mem1, mem2

    def forward(self, x):
        mem1, mem2 = torch.zeros(1), torch.zeros(1)
        out = []
        for step in x:
            s1, s2, mem1, mem2 = self.step(step, mem1, mem2)
            out.append((s1, s2))
        return out


class Stepwise(nn.Module):
    """The same, one step per call, hidden state."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net
        self.mem1 = self.mem2 = torch.zeros(1)

    def forward(self, x):
        _, s2, self.mem1, self.mem2 = self.net.step(x, self.mem1, self.mem2)
        return s2


@pytest.fixture
def net():
    torch.manual_seed(0)
    made = Net()
    with torch.no_grad():
        made.conv.weight.mul_(4)
        made.fc.weight[:, ::2] = 0
        made.fc.weight.mul_(6)
    return made


@pytest.fixture
def x(rng):
    return torch.as_tensor((rng.random((5, 3, 2, 9, 9)) < 0.3).astype(np.float32))


def dense_count(net, inputs, layer):
    """Pairs per sample by running the layer with ones."""
    twin = type(layer)(**_options(layer)).double()
    with torch.no_grad():
        twin.weight.fill_(1.0)
        return sum(twin((v != 0).double()).flatten(1).sum(1) for v in inputs).long()


def _options(layer):
    if isinstance(layer, nn.Linear):
        return {
            "in_features": layer.in_features,
            "out_features": layer.out_features,
            "bias": False,
        }
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding")
    return {n: getattr(layer, n) for n in names} | {"bias": False}


def test_counts_equal_ones_through_the_layer(net, x) -> None:
    with torch.no_grad(), record(net) as recorder:
        out = net(x)
    counts = recorder.counts
    assert counts.n_samples == 3
    conv = counts.per_sample("synop", "conv") + counts.per_sample("synop_zero", "conv")
    assert conv.tolist() == dense_count(net, x, net.conv).tolist()
    hidden = [s1.flatten(1) for s1, _ in out]
    fc = counts.per_sample("synop", "fc") + counts.per_sample("synop_zero", "fc")
    assert fc.tolist() == dense_count(net, hidden, net.fc).tolist()
    assert counts.total("synop_zero", "fc") > 0
    assert counts.layers["fc"].nonzero == 300
    sent = sum(s1.flatten(1).sum(1) for s1, _ in out)
    assert counts.per_sample("spike_out", "lif1").tolist() == sent.tolist()
    assert counts.total("neuron_update", "lif1") == 3 * 5 * 100
    assert counts.layers["conv"].steps == 5
    assert counts.total("bias", "conv") == 3 * 5 * 100
    assert counts.total("ac") == counts.total("synop") + counts.total("synop_zero")


def test_skipping_zero_weights(net, x) -> None:
    with torch.no_grad(), record(net, zero_weights="skip") as recorder:
        net(x)
    assert recorder.counts.total("ac") == recorder.counts.total("synop")


def test_batches_add_up(net, x) -> None:
    with torch.no_grad(), record(net) as whole:
        net(x)
    with torch.no_grad(), record(net) as parts:
        for k in range(3):
            net(x[:, k : k + 1])
    assert parts.counts == whole.counts


def test_caller_loops(net, x) -> None:
    with torch.no_grad(), record(net) as whole:
        net(x)
    stepwise = Stepwise(net)
    with torch.no_grad(), record(stepwise, time_axis="caller") as recorder:
        for step in x:
            stepwise(step)
    for op in ("synop", "spike_out", "neuron_update", "bias"):
        assert (recorder.counts.per_sample(op) == whole.counts.per_sample(op)).all()
    with (
        pytest.warns(CountWarning, match="time_axis='caller'"),
        torch.no_grad(),
        record(Stepwise(net)) as wrong,
    ):
        wrong.module(x[0])


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("folded", [False, True])
def test_sequences_inside_layers(rng, axis, folded) -> None:
    class Sequence(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 4, bias=False)

        def forward(self, x):
            return self.fc(x.flatten(0, 1) if folded else x)

    x = torch.as_tensor((rng.random((5, 3, 8)) < 0.5).astype(np.float32))
    expected = 4 * x.sum((0, 2)).long()
    given = x if axis == 0 else x.transpose(0, 1).contiguous()
    with record(Sequence(), time_axis=axis) as recorder:
        recorder.module(given)
    assert recorder.counts.per_sample("synop").tolist() == expected.tolist()
    assert recorder.counts.layers["fc"].steps == 5


def test_tied_layer_counts_each_use() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4, bias=False)
            self.again = nn.Linear(4, 4, bias=False)
            self.again.weight = self.fc.weight

        def forward(self, x):
            for step in x:
                self.fc((self.fc(step) > 0).float())
                self.again(step)

    x = torch.ones(2, 1, 4)
    with record(Tied()) as recorder:
        recorder.module(x)
    counts = recorder.counts
    assert counts.total("spike_in", "again") == 8
    assert counts.total("spike_in", "fc") >= 8
    assert sum(i.weights for i in counts.layers.values()) == 16


def test_classes_of_input() -> None:
    fc = nn.Linear(3, 2, bias=False)

    def run(values, **options):
        with record(fc, **options) as recorder:
            fc(torch.tensor([values]))
        return recorder.counts, recorder.odd_inputs()

    assert run([1.0, 0.0, -1.0])[0].total("ac") == 4
    counts, odd = run([0.5, 0.0, 0.5])
    assert counts.total("mac") == 4
    assert odd == {"linear": 0.5}
    assert run([0.5, 0.0, 0.5], fold_scale=True)[0].total("ac") == 4
    assert run([3.0, 1.0, 0.0], a_bits=2)[0].total("ac") == 8
    assert run([3.0, 1.0, 0.0], a_bits=2, multibit="mac")[0].total("mac") == 4
    assert run([3.5, 1.0, 0.0], a_bits=2)[0].total("mac") == 4
    with pytest.raises(ParameterError, match="NaN"):
        run([float("nan"), 1.0, 0.0])


def test_memory_does_not_grow_with_steps(net, x) -> None:
    recorder = record(net)
    sizes = []
    with torch.no_grad(), recorder:
        mem1 = mem2 = torch.zeros(1)
        for k in range(12):
            _, _, mem1, mem2 = net.step(x[k % 5], mem1, mem2)
            sizes.append(
                sum(
                    u.seen.bytes.size
                    for w in recorder._weights
                    for u in w.uses.values()
                )
            )
        recorder.next_batch()
    assert len(set(sizes)) == 1


def test_more_steps_than_a_byte_holds() -> None:
    fc = nn.Linear(3, 2, bias=False)
    with record(fc, time_axis=0) as recorder:
        fc(torch.ones(600, 2, 3))
    assert recorder.counts.per_sample("spike_in").tolist() == [1800, 1800]


def test_silent_run_and_bad_options(net) -> None:
    with (
        pytest.warns(CountWarning, match="no spikes recorded"),
        torch.no_grad(),
        record(nn.Linear(3, 2)) as recorder,
    ):
        recorder.module(torch.zeros(2, 3))
    assert recorder.counts.total("synop") == 0
    with pytest.raises(ParameterError, match="no convolution"):
        record(nn.ReLU())
    with pytest.raises(ParameterError, match="time_axis"):
        record(net, time_axis=2)
    with pytest.raises(ParameterError, match="w_bits"):
        record(net, w_bits=0)
    recorder = record(net)
    with recorder:
        net.conv(torch.ones(2, 2, 9, 9))
        with pytest.raises(ShapeError, match="batch"):
            net.conv(torch.zeros(3, 2, 9, 9))


def test_project_classifiers_with_multibit_neurons(rng) -> None:
    from neuro.grad.classifiers import conv_classifier
    from neuro.grad.multibit import MultiBit
    from neuro.grad.quantized import (
        QuantizedWeights,
        transformed_conv,
        transformed_linear,
    )

    quantized = QuantizedWeights(2)
    model = conv_classifier(
        (2, 8, 8),
        channels=(3,),
        hidden=5,
        kernel=3,
        neuron=lambda: MultiBit(2),
        linear=transformed_linear(quantized),
        conv=transformed_conv(quantized),
    ).eval()
    frames = torch.as_tensor(rng.integers(0, 4, (3, 4, 2, 8, 8)).astype(np.float32))
    with (
        torch.no_grad(),
        record(model, time_axis=1, inner_axis=0, a_bits=2) as recorder,
    ):
        model(frames)
    counts: OpCounts = recorder.counts
    assert counts.n_samples == 3
    first = next(n for n, i in counts.layers.items() if i.kind == "conv")
    assert (
        counts.per_sample("spike_in", first) == (frames != 0).flatten(1).sum(1).numpy()
    ).all()
    assert counts.layers[first].w_bits == 2
    assert counts.layers[first].input_class == "multibit"
    assert counts.total("ac", first) == 2 * (
        counts.total("synop", first) + counts.total("synop_zero", first)
    )
    updates = {n: counts.total("neuron_update", n) for n in counts.layers}
    assert sum(updates.values()) == 3 * 4 * (3 * 4 * 4 + 5)


def test_rates_instead_of_exact_counts(net, x) -> None:
    with torch.no_grad(), record(net) as exact, record(net, method="rate") as rate:
        net(x)
    # exact for dense connectivity, too high where events lie at the border
    both = [
        r.counts.per_sample("synop", "fc") + r.counts.per_sample("synop_zero", "fc")
        for r in (exact, rate)
    ]
    assert (both[0] == both[1]).all()
    full = rate.counts.layers["conv"].synapses
    share = x.flatten(2).sum((0, 2)).numpy() / (5 * 162)
    expected = np.rint(share * full * 5).astype(int)
    got = rate.counts.per_sample("synop", "conv")
    assert got.tolist() == expected.tolist()
    assert rate.counts.total("synop_zero", "fc") > 0


def test_changed_membranes(net, x) -> None:
    with torch.no_grad(), record(net, membranes=True) as recorder:
        net(x)
    changed = {
        name: recorder.counts.measured("membrane_updates", name)
        for name in ("lif1", "lif2")
    }
    assert changed["lif1"] == 3 * 5 * 100  # a bias moves every membrane
    assert 3 * 6 < changed["lif2"] <= 3 * 5 * 6
    with torch.no_grad(), record(net) as plain:
        net(x)
    assert plain.counts.measured("membrane_updates") is None
