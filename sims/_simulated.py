"""Images for simulated recordings: none of those behind the real recordings."""

from typing import Any

import numpy as np

from neuro.datasets import load
from neuro.errors import ParameterError

__all__ = ["unrecorded_images"]


def unrecorded_images(
    real: Any, n: int, *, path: str, rng: np.random.Generator
) -> tuple[Any, Any]:
    """Draw images and labels of MNIST's training split, none of them recorded.

    Parameters
    ----------
    real : Recordings
        Real recordings, which the simulated ones are to be tested on.
    n : int
        Number of images.
    path : str
        Where MNIST is looked for first; empty: the usual places.
    rng : numpy.random.Generator
        Draws the images.

    Returns
    -------
    images : ndarray, shape (n, height, width)
        Images.
    labels : ndarray of int64, shape (n,)
        Their classes.
    """
    images = load("mnist", path=path or None)
    usable = images.splits == "train"
    if not real.synthetic:
        recorded = real.source_index[real.splits == "train"]
        usable[recorded[recorded < usable.size]] = False
    places = np.flatnonzero(usable)
    if places.size < n:
        raise ParameterError(
            f"simulated recordings: only {places.size} images of {images.name} were "
            f"not recorded, asked for {n}"
        )
    chosen = rng.choice(places, n, replace=False)
    return images.images[chosen], images.labels[chosen]
