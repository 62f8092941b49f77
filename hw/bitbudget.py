r"""Bit budgets: what a synapse costs in bits, and the equivalent artificial network.

The bit budget of a synapse is :math:`BB = T\,b_w\,b_s`; a configuration is written
``b_w/b_s/T``. The synaptic arithmetic computation effort sums it over all products,

.. math:: \mathrm{S\mbox{-}ACE} = \sum_l n_l\, b_{w,l} \sum_t b_{s,l,t},

and its neuromorphic form counts only events,
:math:`\mathrm{NS\mbox{-}ACE} = \sum_l fr_l\, n_l\, b_{w,l} \sum_t b_{s,l,t}`. Both are
bit-weighted operation counts, not joules; the second assumes that only events cost
anything and does not hold for dense hardware.

Relations: S-ACE of T steps equals the ACE of PokeBNN for the same network run once with
``T * b_s``-bit activations; with uniform widths NS-ACE = b_w b_s SOP.

Not in the budget: bits of the membranes, which :func:`state_bits` gives beside it.

References
----------
.. [1] Shen et al., CVPR 2024, pp. 27538-27547.
.. [2] Zhang, Zhang, Lew, "PokeBNN", CVPR 2022.
.. [3] Yan et al., arXiv:2409.08290.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from neuro.counts import LayerInfo, NetSpec, OpCounts
from neuro.counts.layers import dense_products
from neuro.errors import ParameterError

__all__ = [
    "Budget",
    "BudgetLayer",
    "bit_budget",
    "budget",
    "equivalent_bits",
    "layers_of",
    "ns_ace",
    "s_ace",
    "state_bits",
    "storage_bits",
    "synapse_energy",
]

__references__ = ("shen2024", "zhang2022", "yan2024")
_SKIPPED = ("attention",)


def _positive(what: str, value: int) -> int:
    if isinstance(value, bool) or value != int(value) or value < 1:
        raise ParameterError(f"{what}: expected an integer >= 1, got {value!r}")
    return int(value)


def bit_budget(w_bits: int, s_bits: int, steps: int) -> int:
    """Return ``T * b_w * b_s``.

    Parameters
    ----------
    w_bits, s_bits, steps : int
        Bits of a weight and of a spike, and time steps, each >= 1.

    Examples
    --------
    >>> bit_budget(16, 1, 4)
    64
    """
    w, s = _positive("weight bits", w_bits), _positive("spike bits", s_bits)
    product: int = _positive("steps", steps) * w * s
    return product


def equivalent_bits(
    steps: int, s_bits: int = 1, *, mapping: Literal["ops", "levels"] = "levels"
) -> int:
    """Return activation bits of the equivalent artificial network.

    Parameters
    ----------
    steps, s_bits : int
        Of the spiking network.
    mapping : {"ops", "levels"}
        ``"ops"``: as many operations, ``T * b_s`` bits. ``"levels"``: as many
        distinguishable values, ``ceil(log2(T (2**b_s - 1) + 1))``.

    Examples
    --------
    >>> [equivalent_bits(t) for t in (1, 2, 3, 4, 7, 8, 15, 16)]
    [1, 2, 2, 3, 3, 4, 4, 5]
    """
    steps, s_bits = _positive("steps", steps), _positive("spike bits", s_bits)
    if mapping == "ops":
        return steps * s_bits
    if mapping == "levels":
        # exact ceil(log2(n + 1)) on integers
        return (steps * ((1 << s_bits) - 1)).bit_length()
    raise ParameterError(f"mapping: 'ops' or 'levels', got {mapping!r}")


@dataclass(frozen=True, kw_only=True)
class BudgetLayer:
    """What a bit budget needs of a layer.

    Parameters
    ----------
    name : str
        Name.
    n : int
        Products of one step and sample, padding included.
    weights, neurons : int
        Stored weights; neurons fed.
    steps : int
        Time steps.
    w_bits, v_bits : int
        Widths of weight and membrane.
    s_bits : int or sequence of int
        Bits of one spike, one number or one per step.
    rate : float or None
        Non-zero share of the tensor fed in, per step.
    """

    name: str
    n: int
    weights: int = 0
    neurons: int = 0
    steps: int = 1
    w_bits: int = 32
    s_bits: int | Sequence[int] = 1
    v_bits: int = 32
    rate: float | None = None

    def __post_init__(self) -> None:
        what = f"layer {self.name!r}"
        _positive(f"{what}: steps", self.steps)
        _positive(f"{what}: weight bits", self.w_bits)
        _positive(f"{what}: membrane bits", self.v_bits)
        bits = self.s_bits
        if not isinstance(bits, int):
            if len(bits) != self.steps:
                raise ParameterError(
                    f"{what}: {len(bits)} spike widths for {self.steps} steps"
                )
            for b in bits:
                _positive(f"{what}: spike bits", b)
        else:
            _positive(f"{what}: spike bits", bits)
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ParameterError(f"{what}: rate must lie in [0, 1], got {self.rate}")

    @property
    def spike_bits(self) -> int:
        """Spike bits summed over the steps, ``T * b_s`` where uniform."""
        if isinstance(self.s_bits, int):
            return self.steps * self.s_bits
        return int(sum(self.s_bits))


def s_ace(layers: Iterable[BudgetLayer]) -> int:
    """Return the synaptic arithmetic computation effort, an exact integer.

    Parameters
    ----------
    layers : iterable of BudgetLayer
        Layers of the network, as :func:`layers_of` reads them.
    """
    return sum(la.n * la.w_bits * la.spike_bits for la in layers)


def ns_ace(layers: Iterable[BudgetLayer]) -> float:
    """Return the effort weighted by activity.

    Parameters
    ----------
    layers : iterable of BudgetLayer
        Layers of the network, as :func:`layers_of` reads them.

    Raises
    ------
    ParameterError
        If a layer has no rate.
    """
    total = 0.0
    for la in layers:
        if la.rate is None:
            raise ParameterError(f"ns_ace: layer {la.name!r} has no rate")
        total += la.rate * la.n * la.w_bits * la.spike_bits
    return total


def storage_bits(layers: Iterable[BudgetLayer]) -> int:
    """Return bits of all stored weights.

    Parameters
    ----------
    layers : iterable of BudgetLayer
        Layers of the network, as :func:`layers_of` reads them.
    """
    return sum(la.weights * la.w_bits for la in layers)


def state_bits(layers: Iterable[BudgetLayer]) -> int:
    """Return bits of all membranes (not part of the budget).

    Parameters
    ----------
    layers : iterable of BudgetLayer
        Layers of the network, as :func:`layers_of` reads them.
    """
    return sum(la.neurons * la.v_bits for la in layers)


def synapse_energy(budget_bits: ArrayLike, k_dev: float) -> Any:
    """Return joules of a synapse, ``k_dev * BB``.

    Shen et al. measured that the energy of a synapse on several FPGAs is close to
    linear in the bit budget, with another slope on each: there is no universal slope,
    `k_dev` (J per bit) must be given or fitted.

    Parameters
    ----------
    budget_bits : array_like
        Bit budgets, any shape.
    k_dev : float
        Slope of the device, J per bit, > 0.
    """
    if not k_dev > 0:
        raise ParameterError(f"synapse_energy: k_dev > 0 J per bit, got {k_dev}")
    return k_dev * np.asarray(budget_bits, np.float64)


@dataclass(frozen=True)
class Budget:
    """Bit budget of a network.

    Attributes
    ----------
    bit_budget : int or None
        None where layers or steps differ in width.
    configuration : str
        ``b_w/b_s/T``, or ``mixed``.
    s_ace : int
    ns_ace : float or None
        None where a rate is unknown.
    s_ace_declared : int or None
        With the input's own bits in the first layer, where they differ.
    storage_bits, state_bits : int
    n, weights : int
        Products per step; stored weights.
    ann_bits : dict
        Activation bits of the equivalent network by mapping.
    """

    bit_budget: int | None
    configuration: str
    s_ace: int
    ns_ace: float | None
    s_ace_declared: int | None
    storage_bits: int
    state_bits: int
    n: int
    weights: int
    ann_bits: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return dict(vars(self))


def layers_of(
    source: NetSpec | OpCounts,
    *,
    first_layer: Literal["uniform", "declared"] = "uniform",
) -> list[BudgetLayer]:
    """Return the budget's layers of a description or a ledger.

    Parameters
    ----------
    source : NetSpec or OpCounts
        Attention products are left out, as in the paper's figures.
    first_layer : {"uniform", "declared"}
        Whether the first layer takes the network's spike bits (the paper's figures) or
        the bits of its own input.
    """
    if isinstance(source, OpCounts):
        return _of_counts(source)
    uniform = first_layer == "uniform"
    out = []
    for la in source.layers:
        if la.kind in _SKIPPED or not (la.has_weights or la.neuron):
            continue
        first = "input" in la.sources
        full, _ = dense_products(la)
        out.append(
            BudgetLayer(
                name=la.name,
                n=full,
                weights=la.weights,
                neurons=la.n_out if la.neuron else 0,
                steps=source.steps,
                w_bits=la.w_bits,
                s_bits=source.s_bits if first and uniform else la.a_bits,
                v_bits=la.v_bits,
            )
        )
    return out


def _of_counts(counts: OpCounts) -> list[BudgetLayer]:
    out = []
    n_samples = max(1, counts.n_samples)
    # a first layer fed with real values takes the network's spike bits
    spiking = [
        i.a_bits
        for i in counts.layers.values()
        if i.synapses and i.input_class != "real"
    ]
    for name, info in counts.layers.items():
        if info.kind in _SKIPPED or not (info.synapses or info.neurons):
            continue
        rate = None
        units = int(np.prod(info.in_shape)) if info.in_shape else 0
        if info.synapses and units:
            rate = _rate(counts, name, info, units, n_samples)
        out.append(
            BudgetLayer(
                name=name,
                n=info.synapses,
                weights=info.weights,
                neurons=info.neurons,
                steps=info.steps,
                w_bits=info.w_bits,
                s_bits=max(spiking)
                if spiking and info.input_class == "real"
                else info.a_bits,
                v_bits=info.v_bits,
                rate=rate if info.synapses else 0.0,
            )
        )
    return out


def _rate(
    counts: OpCounts, name: str, info: LayerInfo, units: int, n_samples: int
) -> float | None:
    if counts.booked("spike_in", name):
        events = counts.total("spike_in", name) / n_samples
        return min(1.0, events / (units * info.steps))
    if counts.booked("synop", name):
        pairs = counts.total("synop", name) + counts.total("synop_zero", name)
        return min(1.0, pairs / n_samples / (info.synapses * info.steps))
    return None


def budget(
    layers: Sequence[BudgetLayer], *, declared: Sequence[BudgetLayer] | None = None
) -> Budget:
    """Sum up a network.

    Parameters
    ----------
    layers : sequence of BudgetLayer
        The layers.
    declared : sequence of BudgetLayer, optional
        The same with the first layer's own input bits.

    Raises
    ------
    ParameterError
        If there is no layer with products.
    """
    weighted = [la for la in layers if la.n]
    if not weighted:
        raise ParameterError("budget: the network has no layer with weights")
    kinds = {
        (la.w_bits, la.s_bits if isinstance(la.s_bits, int) else None, la.steps)
        for la in weighted
    }
    w, s, t = next(iter(kinds))
    uniform = len(kinds) == 1 and s is not None
    known = all(la.rate is not None for la in weighted)
    other = s_ace(declared) if declared is not None else None
    effort = s_ace(weighted)
    mean_bits = max(1, round(effort / sum(la.n * la.w_bits for la in weighted)))
    ann = (
        {m: equivalent_bits(t, s or 1, mapping=m) for m in ("ops", "levels")}  # type: ignore[arg-type]
        if uniform
        else {"ops": mean_bits, "levels": max(1, math.ceil(math.log2(mean_bits + 1)))}
    )
    return Budget(
        bit_budget=bit_budget(w, s, t) if uniform and s is not None else None,
        configuration=f"{w}/{s}/{t}" if uniform else "mixed",
        s_ace=effort,
        ns_ace=ns_ace(weighted) if known else None,
        s_ace_declared=other if other != effort else None,
        storage_bits=storage_bits(layers),
        state_bits=state_bits(layers),
        n=sum(la.n for la in weighted),
        weights=sum(la.weights for la in layers),
        ann_bits=ann,
    )
