"""Arrays of a level: build, estimate, pack, unpack."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro.errors import ShapeError
from neuro.sparsey import _kernels as kernels
from neuro.sparsey._wiring import Wiring
from neuro.sparsey.fields import Fields
from neuro.sparsey.parameters import Decay, LevelParameters
from neuro.sparsey.selection import JavaSigmoid, Logistic, Selection


def build_rule(s: Selection) -> kernels.Rule:
    """Flatten selection constants."""
    g = s.sigmoid
    if isinstance(g, Logistic):
        family, abcd = kernels.LOGISTIC, (g.slope, g.inflection, 0.0, 0.0)
    elif isinstance(g, JavaSigmoid):
        family, abcd = kernels.JAVA, (g.slope, g.inflection, 0.0, 0.0)
    else:
        family, abcd = kernels.GENERAL, (g.s1, g.s2, g.s3, g.s4)
    a, b, c, d = map(float, abcd)
    return kernels.Rule(
        family=family,
        a=a,
        b=b,
        c=c,
        d=d,
        saturate=float(getattr(g, "saturate", 2.0)),
        g_minus=float(s.g_minus),
        gamma=float(s.gamma),
        chi=float(s.chi),
        table_g=np.array([x for x, _ in s.table], np.float64),
        table_eta=np.array([y for _, y in s.table], np.float64),
        lambda_u0=float(s.lambda_u0),
        lambda_u=float(s.lambda_u),
        lambda_h=float(s.lambda_h),
        lambda_d=float(s.lambda_d),
        lower_bound=int(s.normalizer == "lower_bound"),
        min_cutoff=float(s.min_cutoff),
        max_cutoff=float(s.max_cutoff),
        ratchet_step=float(s.ratchet_step),
        ratchet_max=float(s.ratchet_max),
        ratchet_floor=float(s.ratchet_floor),
    )


def _padded(fields: Fields | None, n_macs: int) -> tuple[Any, Any]:
    if fields is None:
        return np.full((n_macs, 0), -1, np.int32), np.zeros(n_macs, np.int32)
    return fields.padded(), fields.sizes


def build_shape(p: LevelParameters, wiring: Wiring) -> kernels.Shape:
    """Sizes and wiring."""
    fields, below, above = wiring.fields, wiring.below, wiring.above
    horizontal, feedback = wiring.horizontal, wiring.feedback
    n, qk = len(fields), p.n_cms * p.n_units
    h_source, h_size = _padded(horizontal, n)
    d_source, d_size = _padded(feedback, n)
    n_synapses = np.zeros((n, 3), np.int64)
    unit = 1 if below is None else below.n_cms * below.n_units
    n_synapses[:, 0] = fields.sizes.astype(np.int64) * unit * qk
    n_synapses[:, 1] = h_size.astype(np.int64) * qk * qk
    if horizontal is not None:
        own = np.array([m in s for m, s in enumerate(horizontal.sources)])
        n_synapses[own, 1] -= qk * p.n_units
    if above is not None:
        n_synapses[:, 2] = d_size.astype(np.int64) * above.n_cms * above.n_units * qk
    factor = np.ones(p.n_units + 1)
    if p.hypotheses is not None:
        table = np.array(p.hypotheses.table)
        last = np.minimum(np.arange(p.n_units), table.size - 1)
        factor[1:] = table[last]
    decay = p.decay or Decay()
    ranks = [
        (sum({"U": 1, "H": 2, "D": 4}[s] for s in set(signals)), rank, threshold)
        for rank, cases in enumerate(p.back_off)
        for signals, threshold in cases
    ]
    return kernels.Shape(
        q=p.n_cms,
        k=p.n_units,
        band=np.array([p.band_counts(int(s)) for s in fields.sizes], np.int64),
        band_units=1 if below is None else below.n_cms,
        code_input=int(below is not None),
        q_below=1 if below is None else below.n_cms,
        k_below=1 if below is None else below.n_units,
        u_source=fields.padded(),
        u_size=fields.sizes,
        h_source=h_source,
        h_size=h_size,
        d_source=d_source,
        d_size=d_size,
        q_above=1 if above is None else above.n_cms,
        k_above=1 if above is None else above.n_units,
        n_synapses=n_synapses,
        freeze=np.array([p.freeze_u, p.freeze_h, p.freeze_d], np.float64),
        persistence=p.persistence,
        start_frame=p.start_frame,
        decay=int(p.decay is not None),
        source_persistence=np.array(
            [
                decay.source_persistence_u,
                decay.source_persistence_h,
                decay.source_persistence_d,
            ],
            np.int64,
        ),
        zeta_threshold=2.0 if p.hypotheses is None else float(p.hypotheses.threshold),
        factor=factor,
        backoff_mask=np.array([r[0] for r in ranks], np.int64),
        backoff_group=np.array([r[1] for r in ranks], np.int64),
        backoff_threshold=np.array([r[2] for r in ranks], np.float64),
    )


def build_state(
    p: LevelParameters, shape: kernels.Shape, rule: kernels.Rule
) -> kernels.State:
    """Empty weights, nothing active."""
    n, qk = shape.u_size.size, p.n_cms * p.n_units
    slots = (
        shape.u_source.shape[1] * (shape.q_below * shape.k_below),
        shape.h_source.shape[1] * qk,
        shape.d_source.shape[1] * shape.q_above * shape.k_above,
    )

    def weights(rows: int) -> NDArray[np.uint8]:
        return np.zeros((n, rows, qk), np.uint8)

    def aged(rows: int, dtype: Any) -> NDArray[Any]:
        return np.zeros((n, rows, qk) if p.decay else (1, 1, 1), dtype)

    return kernels.State(
        w_u=weights(slots[0]),
        w_h=weights(slots[1]),
        w_d=weights(slots[2]),
        last_u=aged(slots[0], np.int32),
        last_h=aged(slots[1], np.int32),
        last_d=aged(slots[2], np.int32),
        stiff_u=aged(slots[0], np.uint8),
        stiff_h=aged(slots[1], np.uint8),
        stiff_d=aged(slots[2], np.uint8),
        n_set=np.zeros((n, 3), np.int64),
        frozen=np.zeros((n, 3), np.uint8),
        codes=np.full((n, p.n_cms), -1, np.int32),
        previous=np.full((n, p.n_cms), -1, np.int32),
        zeta=np.ones(n, np.int32),
        previous_zeta=np.ones(n, np.int32),
        age=np.zeros(n, np.int32),
        position=np.zeros(n, np.int32),
        familiarity=np.zeros(n),
        inflection=np.full(n, rule.b),
        best_mean=np.zeros(n),
        seen=np.zeros((n, 4096), np.uint8),
    )


def pack_state(state: kernels.State) -> dict[str, NDArray[Any]]:
    """Arrays by name; binary weights as bits."""
    arrays = dict(zip(state._fields, state, strict=True))
    for name in ("w_u", "w_h", "w_d"):
        w = arrays[name]
        if w.max(initial=0) <= 1:
            arrays[f"{name}_bits"] = np.packbits(w, axis=2)
            del arrays[name]
    return arrays


def unpack_state(
    state: kernels.State, arrays: dict[str, NDArray[Any]], name: str
) -> kernels.State:
    """Arrays of a saved level in the shapes of `state`.

    Raises
    ------
    ShapeError
        If the saved arrays belong to another description.
    """
    found = {}
    for key, like in zip(state._fields, state, strict=True):
        if f"{key}_bits" in arrays:
            value = np.unpackbits(arrays[f"{key}_bits"], axis=2, count=like.shape[2])
        else:
            value = arrays[key]
        if value.shape != like.shape or value.dtype != like.dtype:
            raise ShapeError(
                f"Level {name!r}: saved {key} is {value.dtype}{value.shape}, expected "
                f"{like.dtype}{like.shape}; the file belongs to another description"
            )
        found[key] = np.ascontiguousarray(value)
    return kernels.State(**found)
