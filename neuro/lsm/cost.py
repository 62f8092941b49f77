r"""What a liquid saves: operations per sample, training cost, break-even energy.

Dense multiply-accumulates of a liquid with :math:`n_\mathrm{in}` lines, :math:`n`
neurons and :math:`T` steps, and the cost of training with the liquid trained too, or
fixed and its features stored:

.. math::
    F = T\,(n_\mathrm{in} n + n^2), \qquad
    C_\mathrm{trained} = N E k (F + R), \qquad
    C_\mathrm{liquid} = N (F\,n_\mathrm{enc} + E k R)

with N samples, E epochs, k the cost of forward and backward pass in forward passes (3
by convention), R multiply-accumulates of the read-out and n_enc runs of the liquid per
sample (1: features are stored). Energy of a run on an analogue array:

.. math::
    E = N_\mathrm{an} e_\mathrm{an} + N_\mathrm{dig} e_\mathrm{dig}
        + N_\mathrm{adc} e_\mathrm{adc} + N_\mathrm{neuron} e_\mathrm{neuron}

Notes
-----
The ratios that were published (:data:`PUBLISHED_RATIOS`) do not follow from this model
with any one k, and the constants behind them are not public. They are unverified, and
nothing here reproduces them: every factor is an argument and is printed. There is no
default energy of an analogue operation.

References
----------
.. [1] Lin et al., Nature Computational Science (2025), s43588-024-00751-z.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from neuro.counts import OpCounts
from neuro.errors import ParameterError
from neuro.lsm.presets import LiquidPreset

__all__ = [
    "PUBLISHED_RATIOS",
    "ArrayOperations",
    "PublishedRatio",
    "TrainingCost",
    "array_energy",
    "array_operations",
    "break_even_energy",
    "dense_macs",
    "training_cost",
]


@dataclass(frozen=True, slots=True)
class PublishedRatio:
    """A ratio that was published without the factors behind it.

    Attributes
    ----------
    task : str
        Where it most likely belongs, inferred from the versions of the abstract.
    training, energy : float
        Trained over liquid training cost; digital over array energy.
    status : str
        Always says that the number is unverified.
    """

    task: str
    training: float
    energy: float
    status: str = "unverified: factors not public, not reproduced by this model"


# arXiv:2307.00771: v1 has only the first pair, v3 both; which task each belongs to is
# inferred from that. The code's README says 161 for 160.
PUBLISHED_RATIOS = {
    "atv": PublishedRatio("events and spoken digits", 152.83, 23.34),
    "btv": PublishedRatio("neural recordings and letters", 393.07, 160.0),
}


def dense_macs(*liquids: LiquidPreset) -> int:
    """Return the dense multiply-accumulates of one sample of every modality, summed.

    Examples
    --------
    >>> from neuro.lsm.presets import PRESETS
    >>> dense_macs(PRESETS["nmnist"])
    4560000
    >>> dense_macs(PRESETS["atv-image"], PRESETS["atv-audio"])
    11371200
    """
    return sum(p.steps * (p.n_in * p.n + p.n * p.n) for p in liquids)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCost:
    """Training cost with every factor explicit; see :func:`training_cost`.

    Attributes
    ----------
    n_samples, epochs : int
        N and E.
    factor : float
        k, forward and backward pass in forward passes.
    liquid_macs, readout_macs : int
        F and R, per sample.
    encodings : int
        Runs of the liquid per sample when it is not trained.
    """

    n_samples: int
    epochs: int
    factor: float
    liquid_macs: int
    readout_macs: int
    encodings: int = 1

    def __post_init__(self) -> None:
        for name in (
            "n_samples",
            "epochs",
            "factor",
            "liquid_macs",
            "readout_macs",
            "encodings",
        ):
            if not getattr(self, name) > 0:
                raise ParameterError(
                    f"TrainingCost.{name}: expected > 0, got {getattr(self, name)}"
                )

    @property
    def trained(self) -> float:
        """Multiply-accumulates when the recurrent network is trained."""
        forward = self.liquid_macs + self.readout_macs
        return self.n_samples * self.epochs * self.factor * forward

    @property
    def liquid(self) -> float:
        """Multiply-accumulates when only the read-out is trained."""
        readout = self.epochs * self.factor * self.readout_macs
        return self.n_samples * (self.liquid_macs * self.encodings + readout)

    @property
    def ratio(self) -> float:
        """How many times cheaper the fixed liquid is."""
        return self.trained / self.liquid

    def passes_for(self, ratio: float) -> float:
        """Return the product E k that would give `ratio`; infinite if none does.

        Parameters
        ----------
        ratio : float
            Trained over liquid training cost.
        """
        rest = self.liquid_macs + self.readout_macs - ratio * self.readout_macs
        if rest <= 0:
            return float("inf")
        return ratio * self.liquid_macs * self.encodings / rest

    def __str__(self) -> str:
        return (
            f"N = {self.n_samples}, E = {self.epochs}, k = {self.factor:g}, "
            f"F = {self.liquid_macs}, R = {self.readout_macs}, n_enc = "
            f"{self.encodings}: trained {self.trained:.4g}, liquid {self.liquid:.4g} "
            f"MAC, ratio {self.ratio:.4g}"
        )


def training_cost(
    liquids: Sequence[LiquidPreset],
    readout_units: int,
    *,
    n_samples: int,
    epochs: int,
    factor: float = 3.0,
    encodings: int = 1,
) -> TrainingCost:
    """Return the training cost of a read-out on the given liquids.

    Parameters
    ----------
    liquids : sequence of LiquidPreset
        One per modality.
    readout_units : int
        Classes, or the dimension of the shared space (one projection per modality).
    n_samples, epochs : int
        Training samples (or pairs), epochs.
    factor : float
        Cost of forward and backward pass in forward passes; 3 by convention.
    encodings : int
        Runs of each liquid per sample; 1 where features are stored.

    Examples
    --------
    >>> from neuro.lsm.presets import PRESETS
    >>> pair = [PRESETS["atv-image"], PRESETS["atv-audio"]]
    >>> round(training_cost(pair, 64, n_samples=1568, epochs=100).ratio)
    179
    """
    return TrainingCost(
        n_samples=n_samples,
        epochs=epochs,
        factor=factor,
        liquid_macs=dense_macs(*liquids),
        readout_macs=sum(p.n * readout_units for p in liquids),
        encodings=encodings,
    )


@dataclass(frozen=True, slots=True)
class ArrayOperations:
    """Operations of the mean sample, from a run.

    Attributes
    ----------
    analog : float
        Weights read by an event: events times columns.
    dense : float
        Multiply-accumulates that a dense digital step would do, whatever the input.
    conversions : float
        Columns converted: columns times steps, once per array (twice where the two
        columns of a pair are read apart).
    neuron : float
        Neuron updates.
    digital : float
        Multiply-accumulates of the digital read-out.
    """

    analog: float
    dense: float
    conversions: float
    neuron: float
    digital: float = 0.0

    @property
    def saving(self) -> float:
        """Dense over event-driven operations."""
        return self.dense / self.analog


def array_operations(
    counts: OpCounts,
    preset: LiquidPreset,
    *,
    differential_reads: int = 1,
    readout_units: int = 0,
) -> ArrayOperations:
    """Return the operations of the mean sample of a liquid's ledger.

    Parameters
    ----------
    counts : OpCounts
        ``LiquidActivity.operations``.
    preset : LiquidPreset
        Sizes of that liquid.
    differential_reads : {1, 2}
        Conversions per column pair.
    readout_units : int
        Outputs of the digital read-out, one multiply-accumulate per neuron each.
    """
    visits = counts.per_sample("synop").mean() + counts.per_sample("synop_zero").mean()
    return ArrayOperations(
        analog=float(visits),
        dense=float(dense_macs(preset)),
        conversions=float(2 * preset.n * preset.steps * differential_reads),
        neuron=float(counts.per_sample("neuron_update").mean()),
        digital=float(preset.n * readout_units),
    )


def array_energy(
    operations: ArrayOperations,
    *,
    analog_j: float,
    digital_j: float = 0.0,
    adc_j: float = 0.0,
    neuron_j: float = 0.0,
) -> float:
    """Return the energy of the mean sample on an analogue array, J.

    Parameters
    ----------
    operations : ArrayOperations
        From a run.
    analog_j : float
        Energy of one analogue operation, J. That of the published array is not public,
        so there is no default.
    digital_j, adc_j, neuron_j : float
        Energy of a multiply-accumulate of the read-out, of a conversion and of a neuron
        update, J.

    Examples
    --------
    >>> array_energy(ArrayOperations(4.0, 8.0, 2.0, 1.0), analog_j=0.5, adc_j=3.0)
    8.0
    """
    return (
        operations.analog * analog_j
        + operations.digital * digital_j
        + operations.conversions * adc_j
        + operations.neuron * neuron_j
    )


def break_even_energy(
    operations: ArrayOperations,
    ratio: float,
    *,
    mac_j: float,
    adc_j: float = 0.0,
    neuron_j: float = 0.0,
    digital_j: float = 0.0,
) -> float:
    """Return the energy of one analogue operation at which `ratio` holds, J.

    Parameters
    ----------
    operations : ArrayOperations
        From a run.
    ratio : float
        Digital over array energy.
    mac_j : float
        Energy of one digital multiply-accumulate, J; e.g. 4.6e-12 for 32-bit floats in
        45 nm (Horowitz, ISSCC 2014).
    adc_j, neuron_j, digital_j : float
        Energy of a conversion, of a neuron update and of a multiply-accumulate of the
        digital read-out on the array's side, J.

    Returns
    -------
    float
        Negative where converters, neurons and read-out alone cost more than that: the
        ratio is then out of reach.
    """
    if not ratio > 0 or not mac_j > 0:
        raise ParameterError(
            f"break_even_energy: ratio and mac_j must be > 0, got {ratio} and {mac_j}"
        )
    budget = operations.dense * mac_j / ratio
    fixed = array_energy(
        operations, analog_j=0.0, digital_j=digital_j, adc_j=adc_j, neuron_j=neuron_j
    )
    return (budget - fixed) / operations.analog
