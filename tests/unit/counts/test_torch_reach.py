"""Event-driven updates and normalisation of torch modules that run."""

import numpy as np
import pytest

from neuro.counts import CountWarning, record

torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")
pytestmark = pytest.mark.torch
nn = torch.nn


class Pooled(nn.Module):
    """conv, normalisation, pooling, neurons, read-out without neurons."""

    def __init__(self, neuron) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(2)
        self.pool = nn.MaxPool2d(2)
        self.lif = neuron
        self.fc = nn.Linear(18, 18)

    def current(self, x):
        return self.pool(self.norm(self.conv(x)))

    def forward(self, x):
        mem = torch.zeros(1)
        for step in x:
            spikes, mem = self.lif(self.current(step), mem)
            self.fc(spikes.flatten(1))


class Folded(Pooled):
    """The same with all steps folded into the batch, one call of the neurons."""

    def forward(self, x):
        current = self.current(x.flatten(0, 1))
        self.lif(current.reshape(*x.shape[:2], *current.shape[1:]))


def reached_neurons(net, x):
    """Neurons whose pooled field holds an event, per sample."""
    ones = nn.Conv2d(1, 2, 3, padding=1, bias=False)
    with torch.no_grad():
        ones.weight.fill_(1.0)
        return sum((net.pool(ones(step)) > 0).flatten(1).sum(1) for step in x).tolist()


@pytest.fixture
def sparse(rng):
    return torch.as_tensor((rng.random((4, 3, 1, 6, 6)) < 0.05).astype(np.float32))


@pytest.mark.parametrize("folded", [False, True])
def test_event_mode_updates_reached_neurons(sparse, folded) -> None:
    from neuro.grad.multibit import MultiBit

    if folded:
        net, axis = Folded(MultiBit(1)).eval(), 0
    else:
        net, axis = Pooled(snn.Leaky(beta=0.9)).eval(), None
    with torch.no_grad(), record(net, mode="event", time_axis=axis) as recorder:
        net(sparse)
    updates = recorder.counts.per_sample("neuron_update").tolist()
    assert updates == reached_neurons(net, sparse)
    assert 0 < sum(updates) < 3 * 4 * 18


def test_event_mode_joins_feed_forward_and_feedback(rng) -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 4, bias=False)
            self.back = nn.Linear(4, 4, bias=False)
            self.lif = snn.Leaky(beta=0.5)

        def forward(self, x):
            spikes, mem = torch.zeros(x.shape[1], 4), torch.zeros(1)
            for step in x:
                spikes, mem = self.lif(self.fc(step) + self.back(spikes), mem)

    net = Recurrent()
    with torch.no_grad():
        net.fc.weight.fill_(2.0)
        net.back.weight.zero_()
    x = torch.tensor([[[0.0, 1, 0]], [[0, 0, 0]], [[0, 0, 0]]])
    with torch.no_grad(), record(net, mode="event") as recorder:
        net(x)
    # step 1 by the input, step 2 by the spikes of step 1, nothing in step 3
    assert recorder.counts.total("neuron_update") == 8


def test_event_mode_says_what_it_cannot_follow(sparse) -> None:
    class Functional(Pooled):
        def current(self, x):
            return nn.functional.max_pool2d(self.conv(x), 2)

    net = Functional(snn.Leaky(beta=0.9)).eval()
    with (
        pytest.warns(CountWarning, match="lif: cannot tell which neurons"),
        torch.no_grad(),
        record(net, mode="event") as recorder,
    ):
        net(sparse)
    assert recorder.counts.total("neuron_update") == 3 * 4 * 18


def test_normalisation_folded_or_apart(sparse) -> None:
    net = Pooled(snn.Leaky(beta=0.9)).eval()
    with torch.no_grad(), record(net) as folded, record(net, fold_bn=False) as apart:
        net(sparse)
    assert folded.counts.total("mac") == 0
    assert apart.counts.per_sample("mac", "norm").tolist() == [4 * 72] * 3
    assert apart.counts.layers["norm"].kind == "norm"
    assert apart.counts.layers["norm"].out_shape == (2, 6, 6)
    assert apart.counts.total("ac") == folded.counts.total("ac")
