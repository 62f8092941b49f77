"""How far back a recurrent spiking network can look, and what its neurons become.

A stream of random bits goes in; at every step the network says the parity of the last
N bits (``task = "parity"``) or whether the bit equals the one N - 1 steps ago
(``"match"``). N is raised once it is solved. *Single head*: one read-out, trained for
one N at a time. *Multi head*: one read-out per N, all N so far trained together. The
networks are recurrent layers of leaky neurons whose factor per step is trained neuron
by neuron.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ParameterError
from neuro.random import stream

from .._config import Config
from .._runner import Context
from . import _figures

__all__ = ["run"]

__references__ = ("khajehabdollahi2024",)

CURRICULA = ("single", "multi")


def run(cfg: Config, ctx: Context) -> None:
    """Run the experiment."""
    import torch

    if cfg.task not in ("parity", "match"):
        raise ParameterError(f"task: 'parity' or 'match', got {cfg.task!r}")
    if not 2 <= cfg.first_n <= cfg.last_n < cfg.length:
        raise ParameterError(
            f"first_n, last_n, length: expected 2 <= {cfg.first_n} <= {cfg.last_n} < "
            f"{cfg.length}"
        )
    torch.set_num_threads(cfg.threads)
    ctx.split(n_train=0, n_test=0, name=f"random bits, {cfg.task}")
    found: dict[str, list[dict[str, Any]]] = {c: [] for c in CURRICULA}
    for k in ctx.progress(range(cfg.seeds), label="seeds"):
        for curriculum in CURRICULA:
            out = ctx.step(
                f"{curriculum}-{k}", lambda c=curriculum, k=k: _climb(cfg, ctx, c, k)
            )
            found[curriculum].append(out)
    for curriculum, rows in found.items():
        other = None if curriculum == "single" else "largest_n_single"
        ctx.metric(
            f"largest_n_{curriculum}", [int(r["largest"]) for r in rows], control=other
        )
        tau = [float(np.median(r["tau"])) for r in rows]
        ctx.metric(f"median_tau_{curriculum}", tau, unit="steps", control="tau_start")
        ctx.metric(
            f"tau_90_{curriculum}",
            [float(np.quantile(r["tau"], 0.9)) for r in rows],
            unit="steps",
        )
        ctx.metric(
            f"accuracy_smallest_n_{curriculum}",
            [float(r["accuracy_by_n"][0]) for r in rows],
            control="chance",
        )
        ctx.metric(f"training_steps_{curriculum}", [int(r["steps"]) for r in rows])
    ctx.metric("tau_start", float(-1 / np.log(cfg.beta)), unit="steps")
    ctx.metric("chance", 0.5)
    _figures.accuracy(ctx, {c: rows[0] for c, rows in found.items()}, cfg)
    _figures.time_constants(ctx, {c: rows[0] for c, rows in found.items()}, cfg)


def targets(bits: Any, n: int, task: str) -> Any:
    """Return the class of every step; the first n - 1 entries have no meaning.

    Parameters
    ----------
    bits : Tensor of long, shape (steps, batch)
        The stream.
    n : int
        Bits looked back, the present one included.
    task : {"parity", "match"}
        What is asked.
    """
    import torch

    if task == "match":
        past = torch.roll(bits, n - 1, 0)
        return (bits == past).long()
    total = bits.cumsum(0)
    before = torch.zeros_like(total)
    before[n:] = total[:-n]
    return (total - before) % 2


def _network(cfg: Config, seed: int) -> Any:
    import torch
    from torch import nn

    from neuro.grad import Lif, Recurrent

    class Net(nn.Module):  # type: ignore[misc]
        """Two input lines (one per bit value), one layer, one read-out per N."""

        def __init__(self) -> None:
            super().__init__()
            beta = torch.full((cfg.hidden,), cfg.beta)
            neuron = Lif(beta, learn_beta=cfg.learn_beta, reset="subtract")
            self.layer = Recurrent(2, cfg.hidden, neuron)
            nn.init.normal_(self.layer.input.weight, 0, 1.0)
            nn.init.orthogonal_(self.layer.feedback.weight, gain=0.8)
            self.heads = nn.ModuleDict()

        def add_head(self, n: int) -> None:
            """Add the read-out of one N."""
            if str(n) not in self.heads:
                self.heads[str(n)] = nn.Linear(cfg.hidden, 2)

        def forward(self, bits: Any) -> Any:
            """Return the spikes (steps, batch, hidden) of bits (steps, batch)."""
            return self.layer(nn.functional.one_hot(bits, 2).float())

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Net()
        for n in range(cfg.first_n, cfg.last_n + 1):
            net.add_head(n)
    return net


def _accuracy(net: Any, bits: Any, n: int, task: str) -> Any:
    """Share of right answers per stream, (batch,)."""
    predicted = net.heads[str(n)](net(bits))[n - 1 :].argmax(-1)
    return (predicted == targets(bits, n, task)[n - 1 :]).float().mean(0)


def _climb(cfg: Config, ctx: Context, curriculum: str, k: int) -> dict[str, Any]:
    """Raise N until it is not solved; measure every N at the end."""
    import torch

    from neuro.grad import fit, step_generator

    seed = int(stream(ctx.seed, cfg.task, curriculum, k).integers(2**31))
    net = _network(cfg, seed)

    def draw(generator: Any) -> Any:
        # batches are (batch, steps), as fit counts samples along the first axis
        return torch.randint(2, (cfg.batch, cfg.length), generator=generator)

    def loss_for(heads: list[int]) -> Any:
        def loss(model: Any, batch: Any, generator: Any) -> Any:
            bits = batch.T
            spikes = model(bits)
            parts = [
                torch.nn.functional.cross_entropy(
                    model.heads[str(n)](spikes[n - 1 :]).flatten(0, 1),
                    targets(bits, n, cfg.task)[n - 1 :].flatten(),
                )
                for n in heads
            ]
            return torch.stack(parts).mean()

        return loss

    def metric_for(n: int) -> Any:
        return lambda model, batch: _accuracy(model, batch.T, n, cfg.task)

    largest, steps = cfg.first_n - 1, 0
    by_stage = []
    for n in range(cfg.first_n, cfg.last_n + 1):
        heads = [n] if curriculum == "single" else list(range(cfg.first_n, n + 1))
        if curriculum == "single" and n > cfg.first_n:
            # one read-out, taken over from the N before
            net.heads[str(n)].load_state_dict(net.heads[str(n - 1)].state_dict())
        history = fit(
            net, draw, draw, loss=loss_for(heads), lr=cfg.lr, seed=seed + n,
            steps=cfg.steps_per_n, metric=metric_for(n), target=cfg.solved,
            valid_every=cfg.valid_every, clip=1.0, batch=cfg.batch,
            progress=ctx.progress,
        )  # fmt: skip
        steps += history.steps
        by_stage.append(history.best)
        if history.best < cfg.solved:
            break
        largest = n
    generator = step_generator(seed, "test")
    bits = torch.randint(2, (cfg.length, 512), generator=generator)
    tried = range(cfg.first_n, cfg.first_n + len(by_stage))
    with torch.no_grad():
        # a single head is asked for the smaller N it was trained on before
        heads_of = {n: n if curriculum == "multi" else max(tried) for n in tried}
        accuracy = [
            float(
                (
                    net.heads[str(heads_of[n])](net(bits))[n - 1 :].argmax(-1)
                    == targets(bits, n, cfg.task)[n - 1 :]
                )
                .float()
                .mean()
            )
            for n in tried
        ]
    tau: NDArray[np.float64] = net.layer.neuron.tau_steps.detach().double().numpy()
    return {
        "largest": largest,
        "steps": steps,
        "stage_accuracy": np.array(by_stage),
        "accuracy_by_n": np.array(accuracy),
        "tau": np.broadcast_to(tau, (cfg.hidden,)).copy(),
    }
