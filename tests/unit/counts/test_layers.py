import numpy as np
import pytest

from neuro.counts import LayerSpec
from neuro.counts.layers import conv_out, dense_products, fan_out, reached
from neuro.errors import ParameterError
from tests.naive.counting import conv_pairs, conv_reached


def conv(in_shape, c_out, k, *, stride=1, pad=0, dil=1, groups=1, weight=None):
    n = len(in_shape) - 1
    sizes = tuple(conv_out(s, k, stride, pad, pad, dil) for s in in_shape[1:])
    return LayerSpec(
        name="c",
        kind="conv",
        in_shape=in_shape,
        out_shape=(c_out, *sizes),
        kernel=(k,) * n,
        stride=(stride,) * n,
        padding=(pad,) * n,
        dilation=(dil,) * n,
        groups=groups,
        weight=weight,
    )


@pytest.mark.parametrize(
    ("stride", "at", "pairs"),
    [(1, (0, 0), 8), (1, (1, 1), 18), (2, (0, 0), 2), (2, (1, 1), 8)],
)
def test_worked_cases(stride, at, pairs) -> None:
    layer = conv((1, 4, 4), 2, 3, stride=stride, pad=1)
    assert fan_out(layer)[(0, *at)] == pairs


@pytest.mark.parametrize("shape", [(4, 9), (4, 6, 7), (2, 4, 3, 5)])
@pytest.mark.parametrize(
    ("k", "stride", "pad", "dil", "groups"),
    [
        (3, 1, 1, 1, 1),
        (3, 2, 1, 1, 2),
        (2, 2, 0, 1, 1),
        (3, 1, 2, 2, 2),
        (1, 1, 0, 1, 1),
    ],
)
def test_against_loops(rng, shape, k, stride, pad, dil, groups) -> None:
    per_in = shape[0] // groups
    w = rng.integers(-1, 2, (4, per_in, *(k,) * (len(shape) - 1)))
    if min(conv_out(s, k, stride, pad, pad, dil) for s in shape[1:]) < 1:
        pytest.skip("kernel larger than the input")
    layer = conv(shape, 4, k, stride=stride, pad=pad, dil=dil, groups=groups, weight=w)
    x = rng.random(shape) < 0.3
    pairs, dense = conv_pairs(x, layer)
    assert int((fan_out(layer) * x).sum()) == pairs
    full, valid = dense_products(layer)
    assert valid == dense <= full
    met, _ = conv_pairs(x, layer, w)
    assert int((fan_out(layer, nonzero=True) * x).sum()) == met
    assert (reached(layer, x[None])[0] == conv_reached(x, layer)).all()


def test_linear_and_tokens() -> None:
    layer = LayerSpec(name="l", kind="linear", in_shape=(5,), out_shape=(3,))
    assert dense_products(layer) == (15, 15)
    tokens = LayerSpec(
        name="l", kind="linear", in_shape=(7, 5), out_shape=(7, 3), n_weights=15
    )
    assert dense_products(tokens) == (105, 105)
    assert tokens.weights == 15
    x = np.zeros((1, 7, 5), bool)
    x[0, 2, 3] = True
    assert reached(tokens, x).sum(2).tolist() == [[0, 0, 3, 0, 0, 0, 0]]
    assert reached(layer, np.eye(5, dtype=bool)).all()
    assert not reached(layer, np.zeros((1, 5), bool)).any()
    with pytest.raises(ParameterError, match="not known"):
        fan_out(layer, nonzero=True)


def test_transposed_convolution_against_torch(rng) -> None:
    torch = pytest.importorskip("torch")
    w = rng.integers(-1, 2, (4, 3, 3, 3)).astype(np.float64)
    module = torch.nn.ConvTranspose2d(
        4, 6, 3, stride=2, padding=1, groups=2, bias=False
    )
    module = module.double()
    with torch.no_grad():
        module.weight.copy_(torch.as_tensor(w))
        x = torch.as_tensor((rng.random((1, 4, 5, 6)) < 0.4).astype(np.float64))
        out = module(x)
        module.weight.fill_(1.0)
        total = int(module(x).sum())
        fields = (module(x) > 0).numpy()
        module.weight.copy_(torch.as_tensor((w != 0).astype(np.float64)))
        met = int(module(x).sum())
    layer = LayerSpec(
        name="t",
        kind="conv_transpose",
        in_shape=(4, 5, 6),
        out_shape=tuple(out.shape[1:]),
        kernel=(3, 3),
        stride=(2, 2),
        padding=(1, 1),
        dilation=(1, 1),
        groups=2,
        weight=w,
    )
    assert int((fan_out(layer) * x[0].numpy()).sum()) == total
    assert int((fan_out(layer, nonzero=True) * x[0].numpy()).sum()) == met
    assert (reached(layer, x.numpy() != 0) == fields).all()
