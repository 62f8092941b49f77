"""What counting costs, and what other tools count on the same network.

The overhead is processor time of a counted forward pass over that of the plain one,
interleaved. The side-by-side network is a small snnTorch convolutional net fixed by
seed; NeuroBench and spikingjelly count it too where they are installed.
"""

import argparse
import importlib
import importlib.util
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from neuro.counts import count, record
from neuro.errors import optional_import

DESCRIPTION = "overhead of exact counting; the counts of other tools side by side"
PEERS = ("neurobench", "spikingjelly")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's options."""
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--counts-only", action="store_true", help="only the side-by-side counts"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure."""
    out: dict[str, Any] = {}
    if not args.counts_only:
        out |= _overhead(args.steps, args.batch, args.repeats)
        out |= _description(args.repeats)
    out |= _side_by_side()
    return out


def build(channels: tuple[int, int], *, seed: int = 0, pruned: float = 0.0) -> Any:
    """Return an snnTorch net for 34 x 34 events, one step per call, hidden states."""
    torch: Any = optional_import("torch", "grad")
    snn: Any = optional_import("snntorch", "grad")
    nn = torch.nn
    torch.manual_seed(seed)

    class Net(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(2, channels[0], 5, padding=2)
            self.lif1 = snn.Leaky(beta=0.9, init_hidden=True)
            self.pool = nn.MaxPool2d(2)
            self.conv2 = nn.Conv2d(
                channels[0], channels[1], 3, stride=2, padding=1, bias=False
            )
            self.lif2 = snn.Leaky(beta=0.9, init_hidden=True)
            self.fc = nn.Linear(channels[1] * 81, 10, bias=False)
            self.lif3 = snn.Leaky(beta=0.9, init_hidden=True, output=True)

        def reset(self) -> None:
            for lif in (self.lif1, self.lif2, self.lif3):
                lif.mem = lif.reset_mem()

        def forward(self, x: Any) -> Any:
            s = self.pool(self.lif1(self.conv1(x)))
            s = self.lif2(self.conv2(s))
            return self.lif3(self.fc(s.flatten(1)))

    net = Net()
    with torch.no_grad():
        # strong enough weights for every layer to be active
        for layer, gain in ((net.conv1, 3.0), (net.conv2, 4.0), (net.fc, 4.0)):
            layer.weight.mul_(gain)
        if pruned:
            size = net.conv2.weight.abs()
            net.conv2.weight[size < size.flatten().quantile(pruned)] = 0.0
    return net.eval()


def _input(steps: int, batch: int, seed: int = 1) -> Any:
    import torch

    rng = np.random.default_rng(seed)
    x = (rng.random((steps, batch, 2, 34, 34)) < 0.02).astype(np.float32)
    return torch.as_tensor(x)


def _run(net: Any, x: Any) -> None:
    net.reset()
    for step in x:
        net(step)


def _overhead(steps: int, batch: int, repeats: int) -> dict[str, Any]:
    import torch

    net, x = build((16, 32)), _input(steps, batch)
    plain, counted = [], []
    with torch.no_grad():
        _run(net, x[:2])
        for _ in range(repeats):
            start = time.process_time()
            _run(net, x)
            plain.append(time.process_time() - start)
            start = time.process_time()
            with record(net, time_axis="caller") as recorder:
                _run(net, x)
            counted.append(time.process_time() - start)
    ratios = np.array(counted) / np.array(plain)
    return {
        "steps": steps,
        "batch": batch,
        "repeats": repeats,
        "plain_cpu_s": float(np.median(plain)),
        "counted_cpu_s": float(np.median(counted)),
        "overhead_ratio": float(np.median(ratios)),
        "overhead_ratio_min": float(ratios.min()),
        "overhead_ratio_max": float(ratios.max()),
        "synops_per_sample": recorder.counts.total("synop") / batch,
    }


def _description(repeats: int) -> dict[str, Any]:
    """Time to count a description of more than 1e9 products per step."""
    layer = (
        "[[layer]]\ntype='conv2d'\nout=256\nkernel=3\npadding=1\nneuron='lif'\n"
        "rate=0.1\n"
    )
    text = "timesteps=4\n[input]\nshape=[64,32,32]\nrate=0.1\n" + 4 * layer
    spent = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.toml"
        path.write_text(text, encoding="utf-8")
        for _ in range(repeats):
            start = time.process_time()
            counts = count(path)
            spent.append(time.process_time() - start)
    n = sum(info.synapses for info in counts.layers.values())
    return {"description_products": n, "description_cpu_s": float(np.median(spent))}


def _side_by_side() -> dict[str, Any]:
    import torch

    steps, batch = 10, 4
    net, x = build((8, 16), pruned=0.3), _input(steps, batch)
    out: dict[str, Any] = {}
    with torch.no_grad(), record(net, time_axis="caller", membranes=True) as recorder:
        _run(net, x)
    counts = recorder.counts
    for layer in ("conv1", "conv2", "fc"):
        met = counts.total("synop", layer) / batch
        stored = counts.total("synop_zero", layer) / batch
        out[f"ours_{layer}_synop"] = met
        out[f"ours_{layer}_synop_zero"] = stored
    info = counts.layers.values()
    out["ours_synop"] = counts.total("synop") / batch
    out["ours_synop_with_zeros"] = (
        counts.total("synop") + counts.total("synop_zero")
    ) / batch
    out["ours_dense_valid"] = steps * sum(i.synapses_valid for i in info)
    out["ours_dense_full"] = steps * sum(i.synapses for i in info)
    out["ours_bias"] = counts.total("bias") / batch
    out["ours_neuron_update"] = counts.total("neuron_update") / batch
    changed = counts.measured("membrane_updates") or 0.0
    out["ours_membrane_updates"] = changed / batch
    out["ours_spike_out"] = counts.total("spike_out") / batch
    for name in PEERS:
        if importlib.util.find_spec(name) is None:
            out[f"{name}_version"] = "not installed"
            continue
        out |= _PEER[name](net, x)
    return out


def _neurobench(net: Any, x: Any) -> dict[str, Any]:
    from importlib import metadata

    import torch

    models: Any = importlib.import_module("neurobench.models")
    workload: Any = importlib.import_module("neurobench.metrics.workload")
    model = models.SNNTorchModel(net)
    model.register_hooks()
    metric = workload.SynapticOperations()
    updates = workload.MembraneUpdates()
    with torch.no_grad():
        data = x.transpose(0, 1)
        predictions = model(data)
        found = metric(model, predictions, (data, None))
        out = {
            "neurobench_version": metadata.version("neurobench"),
            **{f"neurobench_{k}": float(v) for k, v in found.items()},
        }
        out["neurobench_MembraneUpdates"] = float(
            updates(model, predictions, (data, None))
        )
    model.cleanup_hooks()
    return out


def _spikingjelly(net: Any, x: Any) -> dict[str, Any]:
    from importlib import metadata

    import torch

    counter: Any = importlib.import_module("spikingjelly.activation_based.op_counter")
    out: dict[str, Any] = {"spikingjelly_version": metadata.version("spikingjelly")}
    kinds = {
        "SynOp": counter.SynOpCounter(),
        "AC": counter.ACCounter(),
        "MAC": counter.MACCounter(),
        "FLOP": counter.FlopCounter(),
    }
    with torch.no_grad(), counter.DispatchCounterMode(list(kinds.values())):
        _run(net, x)
    for name, held in kinds.items():
        out[f"spikingjelly_{name}"] = float(held.get_total()) / x.shape[1]
    return out


_PEER = {"neurobench": _neurobench, "spikingjelly": _spikingjelly}
