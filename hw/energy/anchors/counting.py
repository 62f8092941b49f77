"""Anchors of counts and bits: products, events, bit planes, bit budgets."""

from collections.abc import Iterator

import numpy as np

from neuro.counts import LayerSpec
from neuro.counts.architecture import parse_architecture
from neuro.counts.layers import fan_out
from neuro.quantize import bit_planes, from_bit_planes

from ...bitbudget import bit_budget, budget, equivalent_bits, layers_of
from ..architectures import resnet, spikformer, vgg16
from .anchor import Anchor

__all__ = ["anchors"]

_SHEN = "Shen et al., CVPR 2024 (architecture recomputed)"


def _counting() -> Iterator[Anchor]:
    for stride, at, expected in (
        (1, (0, 0), 8),
        (1, (1, 1), 18),
        (2, (0, 0), 2),
        (2, (1, 1), 8),
    ):
        n = 4 if stride == 1 else 2
        layer = LayerSpec(
            name="conv",
            kind="conv",
            in_shape=(1, 4, 4),
            out_shape=(2, n, n),
            kernel=(3, 3),
            stride=(stride, stride),
            padding=(1, 1),
            dilation=(1, 1),
        )
        got = int(fan_out(layer)[(0, *at)])
        name = f"events of one spike at {at}, stride {stride}"
        yield Anchor(name, str(expected), str(got), "counting by hand")


def _budgets() -> Iterator[Anchor]:
    source = _SHEN
    rows = (
        ("ResNet-34", resnet(34), (16, 1, 4), 3_663_761_408, "234.48", "43.56"),
        ("ResNet-18", resnet(18), (16, 1, 4), 1_814_073_344, "116.10", "23.36"),
        (
            "Spikformer-8-384",
            spikformer(8, 384),
            (16, 1, 4),
            4_660_730_880,
            "298.29",
            "33.48",
        ),
        (
            "Spikformer-8-768",
            spikformer(8, 768),
            (16, 1, 4),
            18_512_099_328,
            "1184.77",
            "132.37",
        ),
        (
            "Spikformer-4-384 CIFAR-10",
            spikformer(4, 384, classes=10, small=True),
            (1, 1, 4),
            921_456_384,
            "3.69",
            "1.16",
        ),
        (
            "Spikformer-4-384 CIFAR-10",
            spikformer(4, 384, classes=10, small=True),
            (1, 4, 1),
            921_456_384,
            "3.69",
            "1.16",
        ),
        (
            "Spikformer-4-384 CIFAR-100",
            spikformer(4, 384, classes=100, small=True),
            (4, 2, 2),
            921_490_944,
            "14.74",
            "4.66",
        ),
        (
            "ResNet-18 32 x 32",
            resnet(18, classes=10, small=True),
            (1, 4, 1),
            555_422_720,
            "2.22",
            "1.40",
        ),
        ("VGG-16 32 x 32", vgg16(), (8, 1, 4), 313_201_664, "10.02", "14.72"),
    )
    for name, document, (w, s, t), n, effort, size in rows:
        spec = parse_architecture(document).with_bits(w_bits=w, s_bits=s, steps=t)
        b = budget(layers_of(spec))
        key = f"{name} {w}/{s}/{t}"
        yield Anchor(f"{key}: products per step", str(n), str(b.n), source)
        yield Anchor(f"{key}: S-ACE, G", effort, f"{b.s_ace / 1e9:.2f}", source)
        got = f"{b.storage_bits / 8e6:.2f}"
        yield Anchor(f"{key}: weights, MB", size, got, source)


def _configurations() -> Iterator[Anchor]:
    source = _SHEN
    for config, expected in (
        ((16, 1, 4), 64),
        ((8, 8, 1), 64),
        ((8, 4, 1), 32),
        ((4, 4, 1), 16),
        ((4, 2, 2), 16),
        ((1, 1, 16), 16),
        ((1, 4, 4), 16),
        ((1, 16, 1), 16),
        ((1, 2, 8), 16),
        ((8, 1, 16), 128),
    ):
        text = "/".join(map(str, config))
        yield Anchor(
            f"bit budget {text}", str(expected), str(bit_budget(*config)), source
        )
    steps = (1, 2, 3, 4, 5, 6, 7, 8, 10, 15, 16, 32)
    yield Anchor(
        "levels mapping, T = 1..32",
        "1,2,2,3,3,3,3,4,4,4,5,6",
        ",".join(str(equivalent_bits(t)) for t in steps),
        "Yan et al., arXiv:2409.08290",
    )


def _bit_planes() -> Iterator[Anchor]:
    source = _SHEN
    rng = np.random.default_rng(0)
    for bits in range(1, 9):
        weights = rng.integers(-1000, 1000, 64)
        a = rng.integers(0, 2**bits, 64)
        planes = bit_planes(a, bits).astype(np.int64)
        total = sum(2**k * int(weights @ planes[k]) for k in range(bits))
        product = str(int(weights @ a))
        yield Anchor(f"bit planes, B = {bits}", product, str(total), source)
        same = np.array_equal(from_bit_planes(planes), a)
        yield Anchor(f"bit planes inverse, B = {bits}", "True", str(same), source)


def anchors() -> Iterator[Anchor]:
    """Recompute them."""
    for part in (_counting, _budgets, _configurations, _bit_planes):
        yield from part()
