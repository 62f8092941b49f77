r"""Model ``cim``: analogue in-memory computing on resistive crossbars.

.. math:: E = N_\mathrm{reads} E_\mathrm{array} + n_\mathrm{rows} E_\mathrm{DAC}
              + n_\mathrm{columns} E_\mathrm{ADC} + E_\mathrm{digital}

The array term is :math:`t \sum_{ij} d_i V^2 G_{ij}`, both devices of a differential
pair included. Where the crossbar was solved (``array_j`` measured in the ledger) that
energy is taken instead. Rows driven, reads and conversions are the booked ones; where
a run booked none they follow from the events: one driven row per input event and
column tile; a read in each step with an event at all, at most one per step and
position; every column of the array converted after each read.

Notes
-----
A read with no driven row is skipped and its conversions with it (``mode="event"``);
``mode="clocked"`` reads and converts in every step.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuro.counts import LayerInfo, OpCounts

from .adc import adc_constant
from .constants import Constant, Profile, ProfileError, derived
from .load import LayerLoad, Load
from .report import Report
from .terms import Term, build_report, single_machine

__all__ = ["Cim", "array_energy", "tiles"]

Float = NDArray[np.float64]


def array_energy(
    g_s: float | NDArray[np.float64],
    *,
    v_read: float,
    t_read: float,
    driven: float | NDArray[np.float64] = 1.0,
) -> float:
    r"""Energy of one read, :math:`t \sum_{ij} d_i V^2 G_{ij}`.

    Parameters
    ----------
    g_s : float or ndarray, shape (rows, columns)
        Conductances, siemens, both devices of a pair included.
    v_read, t_read : float
        Volts, seconds.
    driven : float or ndarray, shape (rows,)
        Rows driven, 0 or 1.

    Examples
    --------
    >>> round(array_energy(100e-6, v_read=0.2, t_read=10e-9) * 1e15, 9)
    40.0
    """
    g = np.asarray(g_s, np.float64)
    if not np.isfinite(g).all() or g.min(initial=0.0) < 0:
        raise ProfileError("cim: conductances must be finite and >= 0 siemens")
    d = np.asarray(driven, np.float64)
    rows = d[:, None] * g if d.ndim == 1 and g.ndim == 2 else d * g
    return float(t_read * v_read**2 * rows.sum())


@dataclass(frozen=True)
class Tiling:
    """How a weight matrix lies on arrays."""

    row_tiles: int
    column_tiles: int
    slices: int
    devices: int
    columns: int


def tiles(info: LayerInfo, profile: Profile, w_bits: int | None = None) -> Tiling:
    """Map ``K = C_in k^2`` rows and ``C_out`` outputs on arrays.

    Parameters
    ----------
    info : LayerInfo
        The layer.
    profile : Profile
        ``rows``, ``columns``, ``bits_per_cell``, ``differential``.
    w_bits : int, optional
        Weight bits, ``info.w_bits`` if not given, capped by ``max_w_bits``; a
        differential pair stores one bit (the sign) less.
    """
    rows = int(profile.parameter("rows", 128))
    columns = int(profile.parameter("columns", 128))
    bits_per_cell = int(profile.parameter("bits_per_cell", 4))
    pair = bool(profile.parameter("differential", True))
    bits = min(w_bits or info.w_bits, int(profile.parameter("max_w_bits", 8)))
    slices = max(1, math.ceil((bits - (1 if pair else 0)) / bits_per_cell))
    if info.kind == "conv":
        fan_in = info.in_shape[0] // info.groups * int(np.prod(info.kernel))
        fan_out = info.out_shape[0]
    else:
        fan_in = int(np.prod(info.in_shape)) if info.in_shape else 1
        fan_out = int(np.prod(info.out_shape)) if info.out_shape else 1
    devices = slices * (2 if pair else 1)
    # pairs are subtracted in the array or behind their two converters
    read_out = 1 if pair and profile.parameter("subtract", "array") == "array" else 2
    return Tiling(
        row_tiles=math.ceil(fan_in / rows),
        column_tiles=math.ceil(fan_out * devices / columns),
        slices=slices,
        devices=devices,
        columns=fan_out * slices * (read_out if pair else 1),
    )


@dataclass(frozen=True)
class Cim:
    """Crossbar arrays, drivers, converters and digital neurons.

    Parameters
    ----------
    mode : {"event", "clocked"}
        Whether steps without a driven row are read.
    adc : str
        Converter model, :func:`hw.energy.adc.adc_constant`.
    seed, mc : int
        Bootstrap seed; draws of the constants.
    """

    name = "cim"
    __references__ = ("shafiee2016",)
    mode: str = "event"
    adc: str = "survey"
    seed: int = 0
    mc: int = 0

    def price(self, counts: OpCounts, profile: Profile) -> Report:
        """Price a ledger; J per sample."""
        single_machine(profile, ("cim",), self.name)
        profile.need("row_driver", "g_cell", "v_read", "t_read", model=self.name)
        load = Load(counts)
        extra = _derived(profile, self.adc)
        terms: list[Term] = []
        notes = [
            "silent reads are skipped, and their conversions with them"
            if self.mode == "event"
            else "every step is read and converted"
        ]
        guessed = False
        for layer in load:
            if layer.has_synapses or layer.booked("array_read"):
                guessed |= self._array(layer, profile, terms, extra)
            if layer.has_neurons:
                _neurons(layer, profile, terms, extra)
        if guessed:
            notes.append(
                "rows, reads or conversions that the run did not book follow from "
                "its events, layer sizes and steps"
            )
        unpriced = [
            f"{op} ({text})"
            for op, text in (
                ("plastic", "programming pulses of learning"),
                ("grow", "programming of new synapses"),
            )
            if op in load.booked()
        ]
        if any(layer.info.kind == "norm" for layer in load):
            unpriced.append("normalisation (digital products)")
        missing = [
            f"{text}: profile {profile.name} has no constant"
            for name, text in (("buffer_bit", "buffers"), ("static", "static power"))
            if name not in profile.constants
        ]
        return build_report(
            self.name,
            profile,
            load,
            terms,
            extra=extra,
            not_included=(
                "programming of the arrays",
                "routing between tiles",
                *unpriced,
                *missing,
            ),
            notes=notes,
            cite=self.__references__,
            needs=("neuron_update",),
            seed=self.seed,
            mc=self.mc,
        )

    def _array(
        self,
        layer: LayerLoad,
        profile: Profile,
        terms: list[Term],
        extra: dict[str, Constant],
    ) -> bool:
        tiling = tiles(layer.info, profile, layer.w_bits)
        info = layer.info
        rows, guessed = layer.rows()
        if info.kind == "conv" and info.out_shape and layer.booked("synop"):
            # an event is driven anew at every position whose field holds it
            rows = layer.synops * info.groups / info.out_shape[0]
        if layer.booked("row_drive"):
            driven = layer.ops["row_drive"]
        else:
            driven = rows * tiling.column_tiles
            guessed = True
        positions = (
            int(np.prod(info.out_shape[1:]))
            if info.kind == "conv" and info.out_shape
            else 1
        )
        limit = float(positions * info.steps)
        if layer.booked("array_read"):
            reads = layer.ops["array_read"]
        elif self.mode == "clocked":
            reads, guessed = np.full(rows.shape, limit * tiling.row_tiles), True
        else:
            # at most one read per driven row
            reads, guessed = np.minimum(limit, rows) * tiling.row_tiles, True
        if layer.booked("adc_convert"):
            conversions = layer.ops["adc_convert"]
        else:
            conversions, guessed = reads * tiling.columns, True

        measured = layer.measures.get("array_j")
        total = float(driven.sum())
        if measured is not None and total > 0:
            name = f"array_j per row, {layer.name}"
            j = measured / total
            extra[name] = derived(j, j, j, "solved by the crossbar simulation")
            terms.append(Term(layer.name, "array (solved)", "compute", driven, name))
        elif measured is None:
            terms.append(
                Term(
                    layer.name,
                    "array",
                    "compute",
                    layer.synops * tiling.devices,
                    "cell read",
                )
            )
        terms.append(Term(layer.name, "row drivers", "convert", driven, "row_driver"))
        if self.adc != "none":
            terms.append(Term(layer.name, "ADC", "convert", conversions, "ADC"))
        if tiling.slices * tiling.row_tiles > 1 and "add_bit" in profile.constants:
            width = float(profile.parameter("adc_bits", 8)) + 8
            terms.append(
                Term(layer.name, "shift-add", "compute", conversions, "add_bit", width)
            )
        if "buffer_bit" in profile.constants:
            terms.append(
                Term(
                    layer.name,
                    "buffers",
                    "memory",
                    driven + conversions * float(profile.parameter("adc_bits", 8)),
                    "buffer_bit",
                )
            )
        return guessed


def _derived(profile: Profile, adc: str) -> dict[str, Constant]:
    g, v, t = (profile.constants[k].si for k in ("g_cell", "v_read", "t_read"))
    loss = float(profile.parameter("interconnect_factor", 1.0))
    held = {
        "cell read": derived(
            loss * g[0] * v[0] ** 2 * t[0],
            loss * g[1] * v[1] ** 2 * t[1],
            loss * g[2] * v[2] ** 2 * t[2],
            f"t V^2 G of {profile.name}",
            kind=profile.constants["g_cell"].kind,
        )
    }
    if adc != "none":
        held["ADC"] = adc_constant(
            int(profile.parameter("adc_bits", 8)),
            nm=int(profile.parameter("nm", 32)),
            rate_hz=float(profile.parameter("adc_rate_hz", 100e6)),
            model=adc,
        )
    return held


def _neurons(
    layer: LayerLoad,
    profile: Profile,
    terms: list[Term],
    extra: dict[str, Constant],
) -> None:
    """Digital neurons: leak, add, compare and one read and write of the membrane."""
    updates, bits = layer.get("neuron_update"), layer.info.v_bits
    if "add_bit" in profile.constants:
        adds = (3.0 if layer.info.leaky else 2.0) * bits
        terms.append(
            Term(layer.name, "neuron update", "neuron", updates, "add_bit", adds)
        )
        if layer.booked("reset"):
            terms.append(
                Term(
                    layer.name,
                    "reset",
                    "neuron",
                    layer.get("reset"),
                    "add_bit",
                    float(bits),
                )
            )
    if "sram_bit" in profile.constants:
        terms.append(
            Term(layer.name, "neuron state", "neuron", updates, "sram_bit", 2.0 * bits)
        )
