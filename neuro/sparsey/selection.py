r"""Code selection: from local support to the probability of a unit.

The code selection algorithm turns the normalised support ``V`` of the units of a mac
into one winner per competitive module. Its middle part is three functions: familiarity
``G`` (mean over modules of the largest ``V``), expansivity ``eta(G)`` and a sigmoid
``psi(V, eta)``, whose values, normalised within a module, are the probabilities:

.. math::

    G = \frac1Q \sum_q \max_{i \in q} V(i), \qquad
    \eta = 1 + \Big(\frac{\max(0, G - G_-)}{1 - G_-}\Big)^\gamma \chi K, \qquad
    \rho(i) = \psi(i) / \sum_{k \in q} \psi(k)

A familiar input (G near 1) gets a steep sigmoid and its stored code back; a novel one
(G near 0) a flat one and a random code. In between similar inputs get similar codes.

Three parametrisations of the sigmoid are in use: :class:`Logistic` [1]_,
:class:`JavaSigmoid` (the author's program) and :class:`General` [2]_.

References
----------
.. [1] Rinkus, Front. Neuroanat. 4:17 (2010), equations 2 to 7.
.. [2] Rinkus, Front. Comput. Neurosci. 8:160 (2014); only the abstract was available,
   so the placement of the exponent ``s4`` is unverified.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.errors import ParameterError, did_you_mean

__all__ = [
    "PRESETS",
    "RINKUS2010_EXPANSIVITY",
    "General",
    "JavaSigmoid",
    "Logistic",
    "Selection",
    "Sigmoid",
]

# eta'(G) of Rinkus 2010, Eq. 5, for K = 3: tabulated at six G, linear in between
RINKUS2010_EXPANSIVITY = (
    (0.0, 0.0),
    (0.2, 0.0),
    (0.4, 0.2),
    (0.6, 5.0),
    (0.8, 12.0),
    (1.0, 100.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    r"""``psi = (eta - 1) / (1 + exp(-slope (V - inflection))) + 1``.

    Parameters
    ----------
    slope : float
        Steepness; lambda of Rinkus 2010.
    inflection : float
        ``V`` of the steepest point; ``-phi / lambda`` of Rinkus 2010.
    """

    slope: float = 28.0
    inflection: float = 0.75

    def __call__(self, v: ArrayLike, eta: float) -> NDArray[np.float64]:
        """Return psi."""
        x = np.asarray(v, np.float64)
        return (eta - 1) / (1 + np.exp(-self.slope * (x - self.inflection))) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaSigmoid:
    r"""``mu = max(eta / (1 + exp(-slope (V - inflection))), 1)``.

    Parameters
    ----------
    slope, inflection : float
        Of the smooth part.
    saturate : float
        At and above this ``V`` mu is eta; above 1 switches the rule off.
    """

    slope: float = 4.0
    inflection: float = 0.5
    saturate: float = 0.999

    def __call__(self, v: ArrayLike, eta: float) -> NDArray[np.float64]:
        """Return mu."""
        x = np.asarray(v, np.float64)
        smooth = eta / (1 + np.exp(-self.slope * (x - self.inflection)))
        return np.where(x >= self.saturate, eta, np.maximum(smooth, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class General:
    r"""``psi = (eta - 1) / (1 + (s1 exp(-s2 (V - s3)))^s4) + 1``.

    The defaults equal a logistic of slope 32 and inflection 0.424.
    """

    s1: float = 0.1
    s2: float = 4.0
    s3: float = 1.0
    s4: float = 8.0

    def __call__(self, v: ArrayLike, eta: float) -> NDArray[np.float64]:
        """Return psi."""
        x = np.asarray(v, np.float64)
        inner = (self.s1 * np.exp(-self.s2 * (x - self.s3))) ** self.s4
        return (eta - 1) / (1 + inner) + 1


Sigmoid = Logistic | JavaSigmoid | General
_SIGMOIDS: dict[str, type[Any]] = {
    "logistic": Logistic,
    "java": JavaSigmoid,
    "general": General,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Constants of the code selection algorithm.

    Parameters
    ----------
    sigmoid : Logistic, JavaSigmoid or General
        Family and its constants.
    g_minus : float
        Familiarity below which codes are random; 1 makes every code random.
    gamma, chi : float
        Exponent of the expansivity and its maximum in units of K.
    table : tuple of (G, eta - 1), optional
        Tabulated expansivity in place of the power law, linear in between.
    lambda_u0, lambda_u, lambda_h, lambda_d : float
        Exponents of the normalised signals; `lambda_u0` where U is alone.
    normalizer : {"count", "lower_bound"}
        Divide by the number of active afferents, or by the lower bound of the
        activation band where that is smaller (unverified reading of Rinkus 2014).
    min_cutoff, max_cutoff : float
        Normalised signals below and above become `min_cutoff` and 1.
    ratchet_step, ratchet_max, ratchet_floor : float
        Each time the mac's mean ``V`` reaches a new maximum above `ratchet_floor` while
        it learns, the inflection rises by `ratchet_step`, up to `ratchet_max`. 0 = off.

    Notes
    -----
    ``Selection.preset(name)`` gives the named sets: ``separating`` (default; largest
    capacity), ``graded`` (best similarity preservation), ``rinkus2010``, ``java``,
    ``general``, ``sparseypy``, ``random`` (no similarity preservation).
    """

    sigmoid: Sigmoid = Logistic()
    g_minus: float = 0.2
    gamma: float = 2.0
    chi: float = 100.0
    table: tuple[tuple[float, float], ...] = ()
    lambda_u0: float = 1.0
    lambda_u: float = 1.0
    lambda_h: float = 1.0
    lambda_d: float = 1.0
    normalizer: Literal["count", "lower_bound"] = "count"
    min_cutoff: float = 0.0
    max_cutoff: float = 1.0
    ratchet_step: float = 0.0
    ratchet_max: float = 0.9
    ratchet_floor: float = 0.3

    def __post_init__(self) -> None:
        def check(name: str, ok: bool, accepted: str) -> None:
            if not ok:
                raise ParameterError(
                    f"Selection.{name}: expected {accepted}, got {getattr(self, name)}"
                )

        check("g_minus", 0 <= self.g_minus <= 1, "a value in 0..1")
        check("gamma", self.gamma > 0, "> 0")
        check("chi", self.chi >= 0, ">= 0")
        for name in ("lambda_u0", "lambda_u", "lambda_h", "lambda_d"):
            check(name, getattr(self, name) > 0, "> 0")
        check(
            "normalizer",
            self.normalizer in ("count", "lower_bound"),
            "'count' or 'lower_bound'",
        )
        check("min_cutoff", 0 <= self.min_cutoff < 1, "a value in 0..1, below 1")
        check("max_cutoff", self.max_cutoff > self.min_cutoff, "> min_cutoff")
        check("ratchet_step", self.ratchet_step >= 0, ">= 0")
        if any(len(pair) != 2 for pair in self.table):
            raise ParameterError("Selection.table: expected pairs (G, eta - 1)")
        if self.table and list(self.table) != sorted(self.table):
            raise ParameterError("Selection.table: expected pairs sorted by G")

    @classmethod
    def preset(cls, name: str) -> "Selection":
        """Return a named set of constants.

        Raises
        ------
        ParameterError
            If the name is unknown.
        """
        if name not in PRESETS:
            raise ParameterError(
                f"Selection.preset: unknown {name!r}{did_you_mean(name, PRESETS)}; "
                f"accepted: {', '.join(PRESETS)}"
            )
        return PRESETS[name]

    def expansivity(self, familiarity: float, n_units: int) -> float:
        """Return eta for a familiarity in 0..1 and K units per module."""
        if self.table:
            g, eta = zip(*self.table, strict=True)
            return 1.0 + float(np.interp(familiarity, g, eta))
        if self.g_minus >= 1:
            return 1.0
        rise = max(0.0, familiarity - self.g_minus) / (1 - self.g_minus)
        return 1.0 + float(rise**self.gamma) * self.chi * n_units

    def probabilities(self, v: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of every unit.

        Parameters
        ----------
        v : array_like of float, shape (n_cms, n_units)
            Local support in 0..1.

        Returns
        -------
        ndarray of float64, shape (n_cms, n_units)
            Rows sum to 1.
        """
        x = np.atleast_2d(np.asarray(v, np.float64))
        eta = self.expansivity(float(x.max(1).mean()), x.shape[1])
        psi = self.sigmoid(x, eta)
        return np.asarray(psi / psi.sum(1, keepdims=True))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        family = next(k for k, v in _SIGMOIDS.items() if isinstance(self.sigmoid, v))
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["sigmoid"] = {"family": family, **asdict(self.sigmoid)}
        values["table"] = [list(pair) for pair in self.table]
        return values

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Selection":
        """Rebuild from :meth:`to_dict`."""
        values = dict(data)
        sigmoid = dict(values["sigmoid"])
        values["sigmoid"] = _SIGMOIDS[sigmoid.pop("family")](**sigmoid)
        values["table"] = tuple((float(g), float(e)) for g, e in values["table"])
        return cls(**values)


PRESETS: dict[str, Selection] = {
    "separating": Selection(),
    "graded": Selection(
        sigmoid=Logistic(slope=12.0, inflection=0.75), g_minus=0.1, gamma=2.0, chi=10.0
    ),
    "rinkus2010": Selection(
        sigmoid=Logistic(slope=28.0, inflection=5 / 28), table=RINKUS2010_EXPANSIVITY
    ),
    "java": Selection(
        sigmoid=JavaSigmoid(), g_minus=0.1, gamma=2.0, chi=100.0, ratchet_step=0.004
    ),
    "general": Selection(sigmoid=General(), g_minus=0.1, gamma=2.0, chi=100.0),
    "sparseypy": Selection(
        sigmoid=Logistic(slope=8.0, inflection=0.625), g_minus=0.2, gamma=1.0, chi=1.5
    ),
    "random": Selection(g_minus=1.0),
}
