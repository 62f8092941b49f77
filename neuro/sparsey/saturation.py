"""Watch a level that learns for hub collapse, and warn once."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SaturationMonitor", "SaturationWarning"]

HUB_FAMILIARITY = 0.95  # mean G of new inputs above which a level has collapsed
HUB_INPUTS = 100  # inputs over which G is averaged, and fewest to judge by


class SaturationWarning(UserWarning):
    """New inputs look familiar while weights still grow: hub collapse."""


class SaturationMonitor:
    """Mean familiarity of inputs that a level learns for the first time.

    Natural inputs overlap: without small receptive fields, a band and freezing a few
    units learn almost every feature, and anything looks familiar. The mean runs over
    the last 100 new inputs per mac or so; no warning where most macs have frozen.
    """

    def __init__(self) -> None:
        self._sums = np.zeros(2)  # of G, and of inputs
        self._new_inputs = 0
        self.warned = False

    def watch(
        self,
        name: str,
        familiarity: NDArray[np.float32],
        novel: NDArray[np.uint8],
        *,
        grown: bool,
        frozen: float,
        density: float,
    ) -> None:
        """Take over one batch of learning.

        Parameters
        ----------
        name : str
            Of the level, for the message.
        familiarity, novel : ndarray, shape (n_frames, n_macs)
            G, and 1 where a mac learnt an input that it had never met.
        grown : bool
            Whether weights were set in this batch.
        frozen : float
            Share of macs whose U matrix has stopped learning.
        density : float
            Mean fraction of set U weights.
        """
        new = novel == 1
        n_new = int(new.sum())
        if self.warned or not grown or n_new == 0:
            return
        self._sums *= 1 - min(1.0, n_new / (HUB_INPUTS * novel.shape[1]))
        self._sums += (float(familiarity[new].sum()), n_new)
        self._new_inputs += n_new
        g = self._sums[0] / self._sums[1]
        if g > HUB_FAMILIARITY and self._new_inputs >= HUB_INPUTS and frozen <= 0.5:
            self.warned = True
            warnings.warn(
                f"Level {name!r}: mean familiarity of inputs never seen before is "
                f"{g:.3f} while weights still grow (U density {density:.2f}): hub "
                "collapse; use smaller fields, a tighter band, a later inflection or "
                "an earlier freeze",
                SaturationWarning,
                stacklevel=4,
            )

    def get_state(self) -> dict[str, NDArray[Any]]:
        """Return what :meth:`set_state` takes."""
        return {
            "monitor": self._sums.copy(),
            "monitor_meta": np.array([self.warned, self._new_inputs], np.int64),
        }

    def set_state(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take over a saved state."""
        self._sums = np.array(arrays["monitor"], np.float64)
        warned, self._new_inputs = (int(x) for x in arrays["monitor_meta"])
        self.warned = bool(warned)
