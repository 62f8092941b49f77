"""``neuro bench grad``: the fused multi-step neuron against a plain snnTorch loop.

The same network with the same weights twice: once with :class:`neuro.grad.Lif`, once
with ``snntorch.Leaky(reset_mechanism="zero")`` called step by step with explicit state.
Both send the same spikes (checked). Rounds are interleaved, CPU time of this process is
measured, the median over rounds is reported.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from neuro.errors import ParameterError, optional_import

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = "fused multi-step neuron against a plain snnTorch loop, CPU time"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--steps", type=int, default=8, help="steps of the network")
    parser.add_argument("--batch", type=int, default=32, help="samples per call")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")


def _median(work: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the median CPU seconds of each piece of work, rounds interleaved."""
    times: dict[str, list[float]] = {k: [] for k in work}
    for f in work.values():
        f()
    for _ in range(rounds):
        for name, f in work.items():
            start = time.process_time()
            f()
            times[name].append(time.process_time() - start)
    return {k: statistics.median(v) for k, v in times.items()}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure neuron, inference and training step."""
    torch = optional_import("torch", "grad")
    snn = optional_import("snntorch", "grad")
    surrogate = optional_import("snntorch.surrogate", "grad")
    from neuro.grad import Lif, neuron_factory
    from neuro.grad.classifiers import conv_classifier

    if min(args.steps, args.batch, args.rounds, args.threads) < 1:
        raise ParameterError("bench grad: all numbers must be >= 1")
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    beta, shape = 0.9, (2, 34, 34)

    def ours() -> Any:
        return Lif(beta, detach_reset=True)

    theirs = neuron_factory("snntorch", beta=beta, spike_grad=surrogate.atan(alpha=2.0))
    models = {
        name: conv_classifier(shape, channels=(16, 32), hidden=128, neuron=factory)
        for name, factory in (("fused", ours), ("snntorch", theirs))
    }
    # the project's layers read the weights of the same names; snnTorch adds buffers
    models["snntorch"].load_state_dict(models["fused"].state_dict(), strict=False)
    x = (torch.rand(args.batch, args.steps, *shape) < 0.1).float()
    y = torch.randint(10, (args.batch,))
    current = torch.randn(args.steps, args.batch, 32, 17, 17)
    neurons = {"fused": ours(), "snntorch": theirs()}
    same = [torch.equal(neurons["fused"](current), neurons["snntorch"](current))]
    grads = {}
    for name, model in models.items():
        model.eval()
        with torch.no_grad():
            grads[name] = model(x)
    same.append(torch.allclose(grads["fused"], grads["snntorch"], atol=1e-5))

    def neuron_pass(neuron: Any) -> Callable[[], None]:
        def work() -> None:
            c = current.clone().requires_grad_()
            neuron(c).sum().backward()

        return work

    def inference(model: Any) -> Callable[[], None]:
        def work() -> None:
            model.eval()
            with torch.no_grad():
                model(x)

        return work

    def training(model: Any) -> Callable[[], None]:
        optimizer = torch.optim.Adam(model.parameters())

        def work() -> None:
            model.train()
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x).mean(0), y)
            loss.backward()
            optimizer.step()

        return work

    record: dict[str, Any] = {
        "steps": args.steps,
        "batch": args.batch,
        "threads": args.threads,
        "neurons_per_layer": int(current[0, 0].numel()),
        "same_spikes": bool(same[0]),
        "same_logits": bool(same[1]),
        "torch": str(torch.__version__),
        "snntorch": str(getattr(snn, "__version__", "unknown")),
    }
    for label, make, subjects in (
        ("neuron", neuron_pass, neurons),
        ("inference", inference, models),
        ("training_step", training, models),
    ):
        seconds = _median({k: make(v) for k, v in subjects.items()}, args.rounds)
        for name, value in seconds.items():
            record[f"{label}_{name}_cpu_s"] = round(value, 6)
        record[f"{label}_ratio"] = round(seconds["snntorch"] / seconds["fused"], 3)
    return record
