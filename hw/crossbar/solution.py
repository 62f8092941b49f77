"""What the circuit's solution gives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Solution"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Solution:
    """Everything the circuit's solution gives.

    Attributes
    ----------
    I : ndarray of float64, shape (n,) or (batch, n)
        Output currents, amperes.
    v_word, v_bit : ndarray, shape (m, n) or (batch, m, n)
        Node voltages, volts. Interleaved arrays: the word line of the positive half.
    i_device : ndarray, same shape
        Current through each cell, amperes (interleaved: of the pair, summed).
    power : ndarray, shape () or (batch,)
        Delivered by the sources, watts.
    residual : float
        Largest stated residual.
    iterations : int
        Largest number of iterations; 0 for direct solutions.
    """

    I: Floats  # noqa: E741
    v_word: Floats
    v_bit: Floats
    i_device: Floats
    power: Floats
    residual: float
    iterations: int
