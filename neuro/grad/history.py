"""What a training run did, and everything that is needed to continue it."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuro.errors import ParameterError
from neuro.grad.checkpoint import read_state, write_state

__all__ = ["History", "RunState"]


@dataclass
class History:
    """What a training run did.

    Attributes
    ----------
    loss : list of tuple (step, value)
        Mean training loss since the entry before.
    valid : list of tuple (step, value)
        Validation value: of the metric (higher is better) if one was given, of the loss
        otherwise.
    best_step, best : int, float
        Where the validation was best; -1 and NaN without validation.
    steps : int
        Steps done in all, resumed parts included.
    stopped : str
        Why it ended: "steps", "budget", "patience", "target".
    wall_s : float
        Seconds of training, validation included, all parts together.
    cpu_s : float
        The same in processor time, summed over threads: what does not depend on how
        busy the machine was.
    ema_model : torch.nn.Module or None
        Copy of the model with averaged weights and buffers.
    """

    loss: list[tuple[int, float]] = field(default_factory=list)
    valid: list[tuple[int, float]] = field(default_factory=list)
    best_step: int = -1
    best: float = math.nan
    steps: int = 0
    stopped: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    ema_model: Any = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, without the model."""
        return {k: v for k, v in self.__dict__.items() if k != "ema_model"}


class RunState:
    """Everything that a checkpoint holds."""

    def __init__(self, model: Any, optimizer: Any, history: History, seed: int) -> None:
        self.model, self.optimizer, self.history = model, optimizer, history
        self.seed, self.waited = seed, 0
        self.best: dict[str, Any] | None = None
        self.best_ema: dict[str, Any] | None = None

    def judge(self, value: float, higher: bool) -> None:
        """Note a validation value; keep a copy of the best weights."""
        h = self.history
        h.valid.append((h.steps, value))
        better = h.best_step < 0 or (value > h.best if higher else value < h.best)
        if not better:
            self.waited += 1
            return
        self.waited, h.best, h.best_step = 0, value, h.steps
        self.best = {k: v.clone() for k, v in self.model.state_dict().items()}
        if h.ema_model is not None:
            self.best_ema = {k: v.clone() for k, v in h.ema_model.state_dict().items()}

    def finished(self, last: int, patience: int | None, budget_s: float | None) -> bool:
        """Whether a restored run has nothing left to do."""
        h = self.history
        return (
            h.steps >= last
            or (patience is not None and self.waited >= patience)
            or (budget_s is not None and h.wall_s >= budget_s > 0)
        )

    def save(self, folder: Path) -> None:
        """Write the checkpoint."""
        h = self.history
        state = {
            "schema": "neuro.fit/1",
            "seed": self.seed,
            "history": h.to_dict(),
            "waited": self.waited,
            "model": self.model.state_dict(),
            "ema": h.ema_model.state_dict() if h.ema_model is not None else None,
            "best": self.best,
            "best_ema": self.best_ema,
            "optimizer": self.optimizer.state_dict(),
        }
        write_state(folder, state, number=h.steps)

    def restore(self, folder: Path) -> None:
        """Continue from a checkpoint, if there is one."""
        state = read_state(folder)
        if state is None:
            return
        if state.get("schema") != "neuro.fit/1" or state["seed"] != self.seed:
            raise ParameterError(
                f"fit: the checkpoint in {folder} is of seed {state.get('seed')}, "
                f"not {self.seed}; give another folder"
            )
        for key, value in state["history"].items():
            if key in ("loss", "valid"):
                value = [(int(a), float(b)) for a, b in value]
            elif value is None:
                value = math.nan
            setattr(self.history, key, value)
        self.waited = state["waited"]
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise ParameterError(
                f"fit: the checkpoint in {folder} is of another network "
                f"({str(error).splitlines()[-1].strip()}); give another folder"
            ) from None
        if self.history.ema_model is not None and state["ema"] is not None:
            self.history.ema_model.load_state_dict(state["ema"])
        self.best, self.best_ema = state["best"], state["best_ema"]
        self.optimizer.load_state_dict(state["optimizer"])

    def finish(self) -> None:
        """Put the best weights into the model and its average."""
        if self.best is not None:
            self.model.load_state_dict(self.best)
            if self.history.ema_model is not None and self.best_ema is not None:
                self.history.ema_model.load_state_dict(self.best_ema)
        self.model.eval()
        if self.history.ema_model is not None:
            self.history.ema_model.eval()
