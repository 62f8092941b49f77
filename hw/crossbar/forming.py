r"""Cells of a random array before programming: formed, or left pristine.

Each distribution of one formed cell is scaled by its theoretical moments, so that the
difference of two cells has the wanted mean and standard deviation. Forming is by
breakdown: a pristine cell breaks down when the programming voltage exceeds its own.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import truncnorm

from neuro.errors import ParameterError
from neuro.random import stream

from .. import _checks

__all__ = ["PRISTINE", "draw_pairs", "formed_probability"]

Floats = NDArray[np.float64]
PRISTINE = 0.1  # unformed cell, about 10 Mohm, microsiemens


def formed_probability(v_prog: float, v_bd_mean: float, v_bd_sd: float) -> float:
    """Share of cells whose breakdown voltage lies below the programming voltage.

    Parameters
    ----------
    v_prog : float
        Programming voltage, volts.
    v_bd_mean, v_bd_sd : float
        Normal breakdown voltage, volts; measured values of your array (the published
        figure gives no numbers).
    """
    sd = _checks.number("v_bd_sd", v_bd_sd, 0.0, unit="V", above=True)
    return float(ndtr((v_prog - v_bd_mean) / sd))


def draw_pairs(
    shape: tuple[int, int],
    *,
    mean: float,
    sd: float,
    distribution: str,
    cell_cv: float,
    p_unformed: float,
    seed: int,
) -> tuple[Floats, Floats]:
    """Draw the two cells of every pair.

    Parameters
    ----------
    shape : tuple of int
        ``(post, pre)``.
    mean, sd : float
        Of the difference of a pair.
    distribution : {"normal", "lognormal", "mixture"}
        Of a formed cell; see :class:`hw.crossbar.RandomWeights`.
    cell_cv : float
        Coefficient of variation of a formed cell.
    p_unformed : float
        Share of pristine cells.
    seed : int
        Formed values and forming have streams of their own.

    Returns
    -------
    plus, minus : ndarray of float64, shape (post, pre)
        In the unit of `mean` and `sd`, >= 0.
    """
    half_sd = sd / np.sqrt(2.0)
    both = (2, *shape)
    rng = stream(seed, "weights")
    k = 1.0 / cell_cv
    if distribution == "lognormal":
        log_sd = np.sqrt(np.log1p(cell_cv**2))
        log_mean = np.log(max(k * half_sd, 1e-300)) - log_sd**2 / 2
        cells = np.exp(log_mean + log_sd * rng.standard_normal(both))
    else:
        # parent normal of mean k s and deviation s, cut at 0
        s = _parent_sd(k, half_sd, p_unformed if distribution == "mixture" else 0.0)
        z = rng.standard_normal(both)
        low = z < -k
        while low.any():
            z[low] = rng.standard_normal(int(low.sum()))
            low = z < -k
        cells = s * (k + z)
    plus, minus = cells[0] + mean / 2, cells[1] - mean / 2
    if p_unformed > 0:
        pristine = stream(seed, "forming").random(both) < p_unformed
        plus[pristine[0]] = PRISTINE
        minus[pristine[1]] = PRISTINE
    return np.maximum(plus, 0.0), np.maximum(minus, 0.0)


def _parent_sd(k: float, cell_sd: float, p_unformed: float) -> float:
    """Standard deviation of the uncut normal that gives a cell the wanted one."""
    m1, v1 = (float(a) for a in truncnorm.stats(-k, np.inf, moments="mv"))
    if p_unformed == 0.0:
        return float(cell_sd / np.sqrt(v1))
    q = 1.0 - p_unformed
    # q v s^2 + q (1-q) ((k + m) s - g0)^2 = cell_sd^2
    a = q * v1 + q * (1 - q) * (k + m1) ** 2
    b = -2 * q * (1 - q) * (k + m1) * PRISTINE
    c = q * (1 - q) * PRISTINE**2 - cell_sd**2
    root = b * b - 4 * a * c
    if root < 0 or c > 0:
        raise ParameterError(
            f"RandomWeights: sd {cell_sd * np.sqrt(2.0):g} is too small for "
            f"p_unformed {p_unformed}"
        )
    return float((-b + np.sqrt(root)) / (2 * a))
