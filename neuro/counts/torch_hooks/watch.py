"""What a watched layer has seen in the current batch: integers and an input class."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from neuro.counts.layers import LayerSpec
from neuro.counts.tally import Tally
from neuro.counts.torch_hooks.modules import numbers
from neuro.errors import ParameterError, ShapeError

__all__ = ["NeuronWatch", "NormWatch", "Use", "WeightWatch"]

_CLASSES = ("binary", "ternary", "scaled", "multibit", "real")


@dataclass
class Use:
    """A layer with one input shape: how often each unit was not zero."""

    spec: LayerSpec
    seen: Tally
    calls: int = 0


@dataclass
class WeightWatch:
    """A convolution or linear layer.

    Attributes
    ----------
    uses : dict of tuple to Use
        By input shape; emptied with each batch.
    calls : int
        Uses of the layer in the batch, all shapes.
    input_class, first_odd : str, float or None
        Class of all values fed in so far; the first one that is not 0 or 1.
    """

    name: str
    module: nn.Module
    uses: dict[tuple[int, ...], Use] = field(default_factory=dict)
    calls: int = 0
    input_class: str = "binary"
    first_odd: float | None = None
    _amplitude: float | None = None

    @property
    def batch(self) -> int:
        """Samples of the current batch."""
        return int(next(iter(self.uses.values())).seen.bytes.shape[0])

    def see(self, y: NDArray[Any], spec: LayerSpec) -> NDArray[np.bool_]:
        """Count an input (batch, calls, *units); return where it is not zero."""
        shape = tuple(y.shape[2:])
        nonzero: NDArray[np.bool_] = y != 0
        use = self.uses.get(shape)
        if use is None:
            use = self.uses[shape] = Use(spec, Tally((y.shape[0], *shape)))
        elif use.seen.bytes.shape[0] != y.shape[0]:
            raise ShapeError(
                f"record: {self.name}: the batch changed within one inference "
                f"({use.seen.bytes.shape[0]} to {y.shape[0]}); call next_batch() "
                "between"
            )
        for k in range(y.shape[1]):
            use.seen.add(nonzero[:, k])
        use.calls += y.shape[1]
        self.calls += y.shape[1]
        if self.input_class != "real" and y.dtype != np.bool_:
            self._classify(y, nonzero, spec.a_bits)
        return nonzero

    def shaped(self, in_shape: tuple[int, ...], out_shape: tuple[int, ...]) -> Use:
        """Note the output shape of a use, known after its first call."""
        use = self.uses[in_shape]
        if not use.spec.out_shape:
            use.spec = replace(use.spec, out_shape=out_shape)
        return use

    def _classify(
        self, y: NDArray[Any], nonzero: NDArray[np.bool_], a_bits: int
    ) -> None:
        if self.input_class == "binary" and np.array_equal(y == 1, nonzero):
            return
        values = y[nonzero]
        if values.size == 0:
            return
        if not np.isfinite(values).all():
            raise ParameterError(
                f"record: {self.name} is fed with NaN or infinity; repair the model"
            )
        if self.first_odd is None:
            odd = values[values != 1]
            self.first_odd = float(odd[0]) if odd.size else None
        ones = bool((np.abs(values) == 1).all())
        scaled = bool((values == values[0]).all())
        whole = bool(((values > 0) & (values == np.rint(values))).all())
        kind = "real"
        amplitude = float(values[0])
        if ones and self.input_class in ("binary", "ternary"):
            kind = "ternary" if bool((values < 0).any()) else "binary"
        elif scaled and self._amplitude in (None, amplitude):
            kind = "scaled"
            self._amplitude = amplitude
        elif whole and float(values.max()) < 2**a_bits and a_bits > 1:
            kind = "multibit"
        if _CLASSES.index(kind) > _CLASSES.index(self.input_class):
            self.input_class = kind

    def clear(self) -> None:
        """Forget the batch; the input class stays."""
        self.uses.clear()
        self.calls = 0


@dataclass
class NeuronWatch:
    """A spiking layer.

    Attributes
    ----------
    neurons, calls : int
        Neurons of one sample; steps they were advanced by.
    reached : ndarray of int64, shape (batch,), or None
        Neurons that an event reached, summed over steps; None: not followed.
    unfollowed : bool
        Whether a step came without a known feeding layer: all neurons are meant.
    changed : ndarray of int64, shape (batch,), or None
        Membranes that changed (all of them in the first step).
    """

    name: str
    module: nn.Module
    calls: int = 0
    neurons: int = 0
    spikes: Tally | None = None
    reached: NDArray[np.int64] | None = None
    unfollowed: bool = False
    changed: NDArray[np.int64] | None = None
    _before: NDArray[Any] | None = None

    def see(self, steps: NDArray[np.bool_]) -> None:
        """Count spikes (steps, batch, ...)."""
        for step in steps:
            if self.spikes is None:
                self.spikes = Tally(step.shape)
            self.spikes.add(step)
        self.calls += steps.shape[0]
        self.neurons = steps[0, 0].size

    def reach(self, updates: NDArray[np.int64] | None) -> None:
        """Add the neurons reached in this call, or note that it is not known."""
        if updates is None:
            self.unfollowed = True
        elif self.reached is None:
            self.reached = updates
        else:
            self.reached = self.reached + updates

    def membranes(self, state: Any, batch: int) -> None:
        """Count the membranes that differ from the step before."""
        flat = numbers(state).reshape(batch, -1)
        if self._before is None or self._before.shape != flat.shape:
            new = np.full(batch, flat.shape[1], np.int64)
        else:
            new = np.count_nonzero(flat != self._before, axis=1).astype(np.int64)
        self.changed = new if self.changed is None else self.changed + new
        self._before = flat.copy()

    def clear(self) -> None:
        """Forget the batch."""
        self.calls, self.unfollowed = 0, False
        self.spikes = self.reached = self.changed = self._before = None


@dataclass
class NormWatch:
    """A normalisation: one product per output."""

    name: str
    module: nn.Module
    shape: tuple[int, ...] = ()
    values: int = 0

    def clear(self) -> None:
        """Forget the batch."""
        self.values = 0
