r"""Anomaly likelihood: is the recent anomaly score unusual for this stream?

The raw score (share of active columns that were not predicted) is averaged over a short
window and compared with its distribution over a long one:

.. math:: L_t = 1 - Q\left(\frac{\bar s_t - \mu_t}{\sigma_t}\right)

with the mean and standard deviation of the short-window averages in the long window and
the Gaussian tail :math:`Q`.

References
----------
.. [1] Lavin & Ahmad, Evaluating real-time anomaly detection algorithms, the Numenta
   Anomaly Benchmark, ICMLA 2015. arXiv:1510.03336
.. [2] Ahmad, Lavin, Purdy & Agha, Unsupervised real-time anomaly detection for
   streaming data, Neurocomputing 262 (2017) 134.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from neuro.errors import ParameterError

__all__ = ["AnomalyLikelihood"]

SIGMA_MIN = 1e-3  # scores that never vary must not turn rounding into an alarm


class AnomalyLikelihood:
    """Running anomaly likelihood of a stream of raw scores.

    Parameters
    ----------
    long_window : int
        Records that the distribution is taken from.
    short_window : int
        Records of the average that is judged.
    learning_period : int
        Records at the beginning that get 0.5: the memory is still learning.
    """

    __references__ = ("lavin2015", "ahmad2017")

    def __init__(
        self,
        *,
        long_window: int = 8000,
        short_window: int = 10,
        learning_period: int = 500,
    ) -> None:
        if not 1 <= short_window < long_window or learning_period < 0:
            raise ParameterError(
                "AnomalyLikelihood: expected 1 <= short_window < long_window and "
                f"learning_period >= 0, got {short_window}, {long_window}, "
                f"{learning_period}"
            )
        self.long_window, self.short_window = int(long_window), int(short_window)
        self.learning_period = int(learning_period)
        self.scores: NDArray[np.float64] = np.zeros(0)
        self.seen = 0

    def update(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return the likelihood of each new score, 0..1; above 0.9999 is an alarm.

        Parameters
        ----------
        scores : array_like, shape (n,)
            Raw anomaly scores, in order; goes on from the last call.
        """
        new = np.atleast_1d(np.asarray(scores, np.float64))
        if not np.isfinite(new).all():
            raise ParameterError("AnomalyLikelihood.update: scores must be finite")
        held = np.concatenate([self.scores, new])
        first = held.size - new.size
        out = np.full(new.size, 0.5)
        sums = np.concatenate([[0.0], np.cumsum(held)])
        at = np.arange(held.size) + 1
        begin = np.maximum(at - self.short_window, 0)
        short = (sums[at] - sums[begin]) / (at - begin)
        one = np.concatenate([[0.0], np.cumsum(short)])
        two = np.concatenate([[0.0], np.cumsum(short**2)])
        begin = np.maximum(at - self.long_window, 0)
        n = at - begin
        mean = (one[at] - one[begin]) / n
        variance = np.maximum((two[at] - two[begin]) / n - mean**2, 0.0)
        sigma = np.maximum(np.sqrt(variance), SIGMA_MIN)
        likelihood = ndtr((short - mean) / sigma)
        learnt = self.seen + np.arange(new.size) >= self.learning_period
        out[learnt] = likelihood[first:][learnt]
        self.seen += new.size
        self.scores = held[-(self.long_window + self.short_window) :]
        return out
