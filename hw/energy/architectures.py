"""Published architectures as descriptions, to reproduce bit budgets.

Each function returns what :func:`neuro.counts.architecture.parse_architecture` takes.
Weight layers only: no normalisation, no biases.
"""

from typing import Any

__all__ = ["resnet", "spikformer", "vgg16"]

Layer = dict[str, Any]


def _conv(out: int, kernel: int, stride: int = 1, **more: Any) -> Layer:
    return {
        "type": "conv2d",
        "out": out,
        "kernel": kernel,
        "stride": stride,
        "padding": kernel // 2,
        **more,
    }


def _document(name: str, shape: list[int], layers: list[Layer]) -> dict[str, Any]:
    return {"name": name, "input": {"shape": shape}, "layer": layers}


def resnet(depth: int, *, classes: int = 1000, small: bool = False) -> dict[str, Any]:
    """ResNet-18 or -34; `small`: 32 x 32 input and a 3 x 3 stem.

    Parameters
    ----------
    depth : {18, 34}
        Layers.
    classes : int
        Outputs.
    small : bool
        CIFAR layout.
    """
    blocks = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}[depth]
    size = 32 if small else 224
    layers = [_conv(64, 3 if small else 7, 1 if small else 2, name="stem")]
    last = "stem"
    if not small:
        layers.append(
            {"type": "pool", "name": "pool", "kernel": 3, "stride": 2, "padding": 1}
        )
        last = "pool"
    channels = 64
    for stage, count in enumerate(blocks):
        out = 64 * 2**stage
        for block in range(count):
            stride = 2 if stage and block == 0 else 1
            key = f"s{stage + 1}b{block + 1}"
            layers += [
                _conv(out, 3, stride, name=f"{key}.conv1", **{"from": last}),
                _conv(out, 3, name=f"{key}.conv2"),
            ]
            short = last
            if stride > 1 or channels != out:
                short = f"{key}.down"
                layers.append(_conv(out, 1, stride, name=short, **{"from": last}))
            layers.append(
                {
                    "type": "add",
                    "name": f"{key}.add",
                    "from": f"{key}.conv2",
                    "with": short,
                }
            )
            last, channels = f"{key}.add", out
    edge = size // (8 if small else 32)
    layers += [
        {"type": "avgpool", "name": "avgpool", "kernel": edge},
        {"type": "linear", "name": "fc", "out": classes},
    ]
    return _document(f"resnet{depth}", [3, size, size], layers)


def spikformer(
    blocks: int, width: int, *, classes: int = 1000, small: bool = False
) -> dict[str, Any]:
    """Spikformer-L-C; `small`: 32 x 32 input, pools after the third and fourth conv.

    Products of the attention itself are not in the published figure and are left out.

    Parameters
    ----------
    blocks, width : int
        Encoder blocks L and channels C.
    classes : int
        Outputs.
    small : bool
        32 x 32 input instead of 224 x 224.
    """
    size = 32 if small else 224
    pools = (False, False, True, True) if small else (True,) * 4
    layers: list[Layer] = []
    for k, (share, pool) in enumerate(zip((8, 4, 2, 1), pools, strict=True)):
        layers.append(_conv(width // share, 3, name=f"patch{k + 1}"))
        if pool:
            layers.append({"type": "pool", "kernel": 3, "stride": 2, "padding": 1})
    layers += [_conv(width, 3, name="patch5"), {"type": "tokens", "name": "tokens"}]
    last = "tokens"
    for b in range(blocks):
        key = f"block{b + 1}"
        for part in ("q", "k", "v"):
            layers.append(
                {
                    "type": "linear",
                    "name": f"{key}.{part}",
                    "out": width,
                    "from": last,
                }
            )
        layers += [
            {"type": "linear", "name": f"{key}.proj", "out": width},
            {"type": "linear", "name": f"{key}.mlp1", "out": 4 * width},
            {"type": "linear", "name": f"{key}.mlp2", "out": width},
        ]
        last = f"{key}.mlp2"
    # the head sees the mean of the tokens: one vector
    layers += [
        {"type": "tokenmean", "name": "mean"},
        {"type": "linear", "name": "head", "out": classes},
    ]
    return _document(f"spikformer-{blocks}-{width}", [3, size, size], layers)


def vgg16(*, classes: int = 10) -> dict[str, Any]:
    """VGG-16's convolutions and one linear layer, 32 x 32 input.

    Parameters
    ----------
    classes : int
        Outputs.
    """
    layers: list[Layer] = []
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        layers += [_conv(width, 3) for _ in range(count)]
        layers.append({"type": "pool", "kernel": 2})
    layers.append({"type": "linear", "name": "fc", "out": classes})
    return _document("vgg16", [3, 32, 32], layers)
