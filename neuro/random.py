"""Seeds and independent random streams by name.

One seed enters at the outermost call. Every purpose gets its own stream, derived from
the seed and a name, so that adding one consumer never changes the draws of another.
Kernels that need random numbers use the counter-based generator of ``neuro.core``.
"""

import hashlib

import numpy as np

__all__ = ["seed_words", "stream"]


def seed_words(seed: int, *names: object) -> list[int]:
    """Return the entropy words of the stream ``names`` under ``seed``.

    Parameters
    ----------
    seed : int
        The user's seed, >= 0.
    *names : object
        Path of the stream, compared by ``str``: ``("liquid", "weights")``.

    Returns
    -------
    list of int
        The seed followed by eight 32-bit words.
    """
    if seed < 0:
        from neuro.errors import ParameterError

        raise ParameterError(f"seed: expected an integer >= 0, got {seed}")
    digest = hashlib.sha256("\x1f".join(map(str, names)).encode()).digest()
    return [int(seed), *np.frombuffer(digest, dtype="<u4").tolist()]


def stream(seed: int, *names: object) -> np.random.Generator:
    """Return an independent generator for one purpose.

    Examples
    --------
    >>> stream(0, "weights").integers(10) == stream(0, "weights").integers(10)
    np.True_
    """
    return np.random.default_rng(np.random.SeedSequence(seed_words(seed, *names)))
