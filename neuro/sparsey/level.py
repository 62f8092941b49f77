"""A level: macs with the same sizes, run in parallel on the compiled kernels."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.counts import LayerInfo, OpCounts
from neuro.errors import MemoryLimitError, ParameterError, ShapeError
from neuro.random import seed_words
from neuro.sparsey import _kernels as kernels
from neuro.sparsey._batch import as_codes, as_factors, as_input, empty_output
from neuro.sparsey._ledger import Ledger
from neuro.sparsey._state import (
    build_rule,
    build_shape,
    build_state,
    pack_state,
    unpack_state,
)
from neuro.sparsey._wiring import Wiring, signal_mask, start_mask
from neuro.sparsey.activity import Activity
from neuro.sparsey.fields import Fields, Source
from neuro.sparsey.parameters import LevelParameters
from neuro.sparsey.saturation import SaturationMonitor

__all__ = ["Level"]

_CHUNK = 4096  # frames per call


class Level:
    """Macs of equal size, each with its own receptive fields and weights.

    Parameters
    ----------
    parameters : LevelParameters
        Description of the macs.
    fields : Fields
        U: pixels, or macs of `below`.
    below : Source, optional
        Sizes of the level that U comes from; None for pixels.
    horizontal : Fields or "own", optional
        H: macs of this level, each mac's own first; ``"own"`` = its own only.
    feedback : Fields, optional
        D: macs of `above`.
    above : Source, optional
        Sizes of the level that D comes from.
    seed : int
        Seed of all draws.
    name : str
        Layer name in the ledger; with `seed` it selects the random stream.
    threads : int
        Threads; the result does not depend on it.
    memory_limit_gb : float
        Refuse to allocate more.

    Raises
    ------
    MemoryLimitError
        If the weights need more than `memory_limit_gb`.

    Notes
    -----
    Weights are ``w[mac, afferent, unit]``, one byte each: a step adds one row per
    active afferent, so its cost does not depend on what was stored. Macs that see only
    their own past are run one after the other through all frames of a batch, which
    keeps a mac's weights in cache.

    References
    ----------
    .. [1] Rinkus and Leveille, arXiv:1710.07829 (2017).
    .. [2] Rinkus, Front. Neuroanat. 4:17 (2010).
    """

    __references__ = ("rinkus2017", "rinkus2010")

    def __init__(
        self,
        parameters: LevelParameters,
        fields: Fields,
        *,
        below: Source | None = None,
        horizontal: Fields | str | None = None,
        feedback: Fields | None = None,
        above: Source | None = None,
        seed: int = 0,
        name: str = "mac",
        threads: int = 1,
        memory_limit_gb: float = 8.0,
    ) -> None:
        wiring = Wiring.of(fields, below, horizontal, feedback, above)
        if threads < 1:
            raise ParameterError(f"Level.threads: expected >= 1, got {threads}")
        self.parameters, self.fields, self.name = parameters, fields, name
        self.horizontal, self.feedback = wiring.horizontal, feedback
        self.below, self.above = below, above
        self.threads, self.seed = threads, int(seed)
        need = wiring.weight_bytes(parameters)
        if need > memory_limit_gb * 1e9:
            raise MemoryLimitError(
                f"Level {name!r}: weights need {need / 1e9:.1f} GB, the limit is "
                f"{memory_limit_gb:g} GB; use fewer units or smaller fields, or raise "
                "memory_limit_gb"
            )
        self._shape = build_shape(parameters, wiring)
        self._rule = build_rule(parameters.selection)
        self._state = build_state(parameters, self._shape, self._rule)
        words = np.random.SeedSequence(seed_words(seed, "sparsey", name))
        self._key = words.generate_state(2).astype(np.int64)
        self._own_history = wiring.own_history
        self._step = 0
        self._fresh = True
        self._ledger = Ledger()
        self._monitor = SaturationMonitor()

    @property
    def n_macs(self) -> int:
        """Number of macs."""
        return len(self.fields)

    @property
    def source(self) -> Source:
        """Sizes, for a level that reads this one."""
        return Source(self.n_macs, self.parameters.n_cms, self.parameters.n_units)

    @property
    def nbytes(self) -> int:
        """Bytes of synaptic memory."""
        s = self._state
        return sum(
            getattr(s, n).nbytes for n in s._fields if n[:2] in ("w_", "la", "st")
        )

    @property
    def n_weights(self) -> int:
        """Synapses that exist, no unit hearing its own module."""
        return int(self._shape.n_synapses.sum())

    @property
    def weights(self) -> dict[str, NDArray[np.uint8]]:
        """The matrices U, H, D, uint8, shape (n_macs, n_afferents, Q K): views."""
        return {"U": self._state.w_u, "H": self._state.w_h, "D": self._state.w_d}

    def density(self) -> NDArray[np.float64]:
        """Fraction of set weights of U, H and D per mac, shape (n_macs, 3)."""
        n = np.maximum(self._shape.n_synapses, 1)
        return np.asarray(self._state.n_set / n)

    @property
    def frozen(self) -> NDArray[np.bool_]:
        """Which matrices (U, H, D) have stopped learning, shape (n_macs, 3)."""
        return np.asarray(self._state.frozen, bool)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Leave no trace of retrievals in this block: clock, codes, ledger."""
        state = self._state
        names = ("codes", "previous", "zeta", "previous_zeta", "age", "position")
        held = {n: getattr(state, n).copy() for n in (*names, "familiarity")}
        step, fresh, ledger = self._step, self._fresh, self._ledger
        self._ledger = Ledger()
        try:
            yield
        finally:
            for n, value in held.items():
                getattr(state, n)[:] = value
            self._step, self._fresh, self._ledger = step, fresh, ledger

    def reset(self) -> None:
        """Forget the present codes: the next frame starts a sequence."""
        self._fresh = True

    def run(
        self,
        frames: ArrayLike | None = None,
        *,
        below: NDArray[np.int16] | None = None,
        below_hypotheses: NDArray[np.int16] | None = None,
        above: NDArray[np.int16] | None = None,
        above_hypotheses: NDArray[np.int16] | None = None,
        starts: ArrayLike | bool = True,
        signals: ArrayLike | str = "UHD",
        learn: bool = False,
        soft: bool | None = None,
    ) -> Activity:
        """Advance all macs through frames.

        Parameters
        ----------
        frames : array_like, shape (n_frames, ...)
            Binary input, flattened per frame; for a level on pixels.
        below : ndarray of int16, shape (n_frames, n_macs_below, n_cms_below)
            Codes of the level below; for a level on codes.
        above : ndarray of int16, shape (n_frames, n_macs_above, n_cms_above)
            Codes of the level above, each of the step *before* the frame.
        below_hypotheses, above_hypotheses : ndarray of float, shape (n_frames, macs)
            Signal factors of the source macs; 1 where not given.
        starts : array_like of bool, shape (n_frames,), or bool
            Frames that start a sequence; True = every frame is an item of its own.
        signals : str or array_like of uint8, shape (n_frames,)
            Signals in use: letters of ``"UHD"``, or the sum of U = 1, H = 2, D = 4.
        learn : bool
            Whether weights change.
        soft : bool, optional
            Draw winners from the distribution; default: when learning. Otherwise the
            unit of largest V wins, ties broken at random.

        Returns
        -------
        Activity
            Codes, familiarity, competing hypotheses.
        """
        pixels, below_codes, n = as_input(
            self.name, self.fields.n_sources, self.below, frames, below
        )
        begins, mask = start_mask(starts, n), signal_mask(signals, n)
        if n and self._fresh:
            begins[0] = 1
        out = empty_output(n, self.n_macs, self.parameters.n_cms)
        above_codes = as_codes(above, n)
        given = kernels.Given(
            pixels=pixels,
            below=below_codes,
            below_factor=as_factors(below_hypotheses, below_codes),
            above=above_codes,
            above_factor=as_factors(above_hypotheses, above_codes),
            starts=begins,
            mask=mask,
        )
        if self.above is None and mask.size:
            mask &= 3
        set_before = int(self._state.n_set.sum())
        span = _CHUNK if self._own_history else 1
        for begin in range(0, n, span):
            part = slice(begin, min(n, begin + span))
            self._advance(given, out, part, learn, learn if soft is None else soft)
        self._fresh = self._fresh and n == 0
        self._ledger.book(out, begins)
        if learn:
            self._monitor.watch(
                self.name,
                out.familiarity,
                out.novel,
                grown=int(self._state.n_set.sum()) > set_before,
                frozen=float(self._state.frozen[:, 0].mean()),
                density=float(self.density()[:, 0].mean()),
            )
        return Activity(out.codes, out.familiarity, out.zeta, out.used)

    def _advance(
        self,
        given: kernels.Given,
        out: kernels.Output,
        part: slice,
        learn: bool,
        soft: bool,
    ) -> None:
        state = self._state
        if not self._own_history:
            if given.starts[part.start]:
                state.previous[:] = -1
                state.previous_zeta[:] = 1
            else:
                state.previous[:] = state.codes
                state.previous_zeta[:] = state.zeta
        some = kernels.Given(*(a[part] if len(a) > 1 else a for a in given))
        if len(given.starts) == 1:
            some = given
        into = kernels.Output(*(a[part] for a in out))
        edges = np.linspace(0, self.n_macs, self.threads + 1).astype(int)
        arguments: Any = (
            self._step, self._key, learn, soft, self._own_history, self._shape,
            self._rule, state, some, into,
        )  # fmt: skip
        blocks = [(a, b) for a, b in pairwise(edges.tolist()) if b > a]
        if len(blocks) == 1:
            kernels.run_macs(*blocks[0], *arguments)
        else:
            with ThreadPoolExecutor(len(blocks)) as pool:
                jobs = [
                    pool.submit(kernels.run_macs, a, b, *arguments) for a, b in blocks
                ]
                for job in jobs:
                    job.result()
        self._step += part.stop - part.start

    @property
    def counts(self) -> OpCounts:
        """The ledger: one sample per item or sequence.

        ``ac`` is the byte additions done (rows times Q K), ``synop`` those that met a
        set weight; ``mac`` the products of normalisation and of combining signals;
        ``neuron_update`` units whose support was turned into a choice; ``plastic``
        weights written, whether already set or not.
        """
        p = self.parameters
        info = LayerInfo(
            kind="mac",
            in_shape=(self.fields.n_sources,),
            out_shape=(self.n_macs, p.n_cms, p.n_units),
            weights=self.n_weights,
            neurons=self.n_macs * p.n_cms * p.n_units,
            w_bits=1 if p.decay is None else 8,
            leaky=False,
        )
        return self._ledger.counts(self.name, info, p.n_cms * p.n_units, p.n_cms)

    def clear_counts(self) -> None:
        """Start the ledger anew."""
        self._ledger.clear()

    def get_state(self) -> dict[str, Any]:
        """Return every array that changes, for :meth:`Hierarchy.save` and others."""
        arrays = pack_state(self._state)
        arrays["clock"] = np.array([self._step, self._fresh], np.int64)
        arrays["booked"] = self._ledger.frames
        return arrays | self._monitor.get_state()

    def set_state(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over what :meth:`get_state` returned."""
        self._state = unpack_state(self._state, arrays, self.name)
        step, fresh = (int(x) for x in arrays["clock"])
        self._step, self._fresh = step, bool(fresh)
        self._monitor.set_state(arrays)
        self._ledger.frames = arrays["booked"]

    def __setstate__(self, held: dict[str, Any]) -> None:
        # copied or unpickled; arrays mapped from a file read-only must be written to
        self.__dict__.update(held)
        self._shape = kernels.Shape(*map(_writable, self._shape))
        self._rule = kernels.Rule(*map(_writable, self._rule))
        self._state = kernels.State(*map(_writable, self._state))
        self._key = _writable(self._key)

    def signal_factors(self, hypotheses: NDArray[np.int16]) -> NDArray[np.float64]:
        """Return F(zeta) for zeta as :class:`Activity` holds it."""
        return np.asarray(self._shape.factor[np.maximum(hypotheses, 1)])

    def decode(
        self, codes: ArrayLike, *, theta: float = 0.9, mac: int | None = None
    ) -> NDArray[np.uint8]:
        """Decode codes to afferents by the reverse weights.

        Parameters
        ----------
        codes : array_like of int, shape (n_frames, n_macs, n_cms)
            Codes.
        theta : float
            An afferent is on in a mac if at least ``theta * Q`` of the active units
            learnt it; over macs the strongest decides.
        mac : int, optional
            Decode one mac only.

        Returns
        -------
        ndarray of uint8, shape (n_frames, n_pixels)
            Union over the macs.
        """
        held = np.asarray(codes, np.int64)
        q, k = self.parameters.n_cms, self.parameters.n_units
        if self.below is not None:
            raise ParameterError(
                "Level.decode: only a level on pixels decodes to pixels"
            )
        if held.ndim != 3 or held.shape[1:] != (self.n_macs, q):
            raise ShapeError(
                f"Level.decode: expected (n_frames, {self.n_macs}, {q}), "
                f"got {held.shape}"
            )
        if not 0 < theta <= 1:
            raise ParameterError(f"Level.decode: expected theta in 0..1, got {theta}")
        if held.size and (held.min() < -1 or held.max() >= k):
            raise ParameterError(
                f"Level.decode: units must lie in 0..{k - 1}, or -1 in a silent mac; "
                f"got {held.min()}..{held.max()}"
            )
        out = np.zeros((len(held), self.fields.n_sources), np.uint8)
        macs: Sequence[int] = range(self.n_macs) if mac is None else [mac]
        columns = np.arange(q) * k
        for m in macs:
            sources = self.fields.sources[m]
            w = self._state.w_u[m, : sources.size] > 0
            for f in np.flatnonzero(held[:, m, 0] >= 0):
                votes = w[:, columns + held[f, m]].sum(1)
                out[f, sources[votes >= theta * q]] = 1
        return out

    def __repr__(self) -> str:
        p = self.parameters
        return (
            f"Level({self.name!r}, {self.n_macs} macs, Q={p.n_cms}, K={p.n_units}, "
            f"{self.n_weights} weights)"
        )


def _writable(value: Any) -> Any:
    if isinstance(value, np.ndarray) and not value.flags.writeable:
        return np.array(value)
    return value
