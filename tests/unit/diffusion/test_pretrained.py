"""The committed networks: readable digits, exact spikes on the grid, small files."""

from importlib import resources

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from neuro.diffusion import pretrained, pretrained_features, sample
from neuro.diffusion.events import EventDenoiser, compare
from neuro.diffusion.folded import fold_unet
from neuro.diffusion.pretrained import PRETRAINED
from neuro.errors import ParameterError


def test_files_are_small():
    folder = resources.files("neuro.diffusion")
    names = [n.replace("-", "_") + ".npz" for n in (*PRETRAINED, "digits-features")]
    sizes = [len(folder.joinpath(n).read_bytes()) for n in names]
    assert sum(sizes) < 1_000_000


@pytest.mark.parametrize("name", PRETRAINED)
def test_samples_are_digits_to_the_classifier(name):
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(64, 1, 8, 8, generator=generator)
    images = sample(pretrained(name), noise, steps=20).images.numpy()
    features = pretrained_features()
    assert features.test_accuracy >= 0.98
    p = features.probabilities(images)
    assert (p.max(1) > 0.9).mean() > 0.4
    assert np.unique(p.argmax(1)).size >= 8
    noise_p = features.probabilities(noise.numpy())
    assert (p.max(1) > 0.9).mean() > 2 * (noise_p.max(1) > 0.9).mean()


def test_whole_call_of_the_committed_network_is_spike_exact_on_the_grid():
    model = pretrained("digits-spiking")
    x = np.random.default_rng(0).normal(size=(2, 1, 8, 8))
    run = EventDenoiser(model, 8, grid_bits=10)
    reference = fold_unet(model, grid_bits=10, dtype=torch.float32)
    mismatch, result = compare(run, reference, x, np.array([20, 900]))
    assert mismatch.total == 0
    assert mismatch.stream == 0
    assert result.counts.total("ac") > 0


def test_unknown_name():
    with pytest.raises(ParameterError, match="did you mean 'digits-dense'"):
        pretrained("digits-dens")
