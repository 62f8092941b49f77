import numpy as np
import pytest

from neuro.errors import ParameterError, ShapeError
from neuro.lsm.retrieval import retrieval_accuracy

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from neuro.lsm.contrastive import LOSSES, train_projections


def _modalities(rng, n=90, classes=6):
    y = np.arange(n) % classes
    latent = np.eye(classes)[y]
    a = latent @ rng.standard_normal((classes, 12)) * 3 + rng.standard_normal((n, 12))
    b = latent @ rng.standard_normal((classes, 10)) * 3 + rng.standard_normal((n, 10))
    return a, b, y


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_pairs_are_learnt_and_shuffled_pairs_are_not(loss):
    a, b, y = _modalities(np.random.default_rng(0))
    train, test = slice(0, 60), slice(60, 90)
    options = {
        "loss": loss,
        "dim": 16,
        "epochs": 30,
        "batch": 12,
        "lr": 3e-3,
        "seed": 1,
    }
    p = train_projections(a[train], b[train], y[train], **options)
    good = retrieval_accuracy(p.embed_a(a[test]), p.embed_b(b[test]), y[test], y[test])
    wrong = np.roll(b[train], 1, axis=0)
    q = train_projections(a[train], wrong, np.arange(60), **options)
    bad = retrieval_accuracy(q.embed_a(a[test]), q.embed_b(b[test]), y[test], y[test])
    assert good > 0.7
    assert bad < 0.5


def test_same_seed_same_embedding():
    a, b, y = _modalities(np.random.default_rng(0))
    first, second = (
        train_projections(
            a, b, y, valid=(a[:12], b[:12], y[:12]), epochs=2, seed=3
        ).embed_a(a)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_bad_input():
    with pytest.raises(ParameterError, match="infonce"):
        train_projections(
            np.zeros((2, 3)), np.zeros((2, 3)), [0, 1], loss="nce", seed=0
        )
    with pytest.raises(ShapeError, match="pairs"):
        train_projections(np.zeros((2, 3)), np.zeros((3, 3)), [0, 1], seed=0)


def test_prototype_loss_equals_the_written_one():
    rng = np.random.default_rng(5)
    labels = torch.tensor([0, 2, 0, 2, 0, 2, 2])
    a, b = (torch.from_numpy(rng.standard_normal((7, 4))) for _ in range(2))
    ua, ub = (x / x.norm(dim=1, keepdim=True) for x in (a, b))
    support = {0: [0, 4], 2: [1, 5]}
    means = [torch.cat([ua[k], ub[k]]).mean(0) for k in support.values()]
    total = 0.0
    for x in (ua, ub):
        for query, place in ((2, 0), (3, 1), (6, 1)):
            logits = torch.stack([-((x[query] - m) ** 2).sum() * 3.0 for m in means])
            total -= float(torch.log_softmax(logits, 0)[place]) / 6
    found = LOSSES["prototype"](a, b, labels, torch.tensor(3.0))
    assert float(found) == pytest.approx(total)
