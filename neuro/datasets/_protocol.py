"""What every data set of recordings offers."""

from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

__all__ = ["Dataset"]


@runtime_checkable
class Dataset(Protocol):
    """A lazy sequence of event recordings.

    Attributes
    ----------
    name : str
        Name of what was loaded; a stand-in never has the name of the real set.
    sensor_size : tuple of int
        (W, H, P).
    synthetic : bool
        True for simulated recordings.
    labels : ndarray of int64, shape (n,)
        Classes; -1 where unknown.
    groups : ndarray of int64, shape (n,)
        What a fold must not split (writer, speaker, source image).
    """

    name: str
    sensor_size: tuple[int, int, int]
    synthetic: bool
    labels: NDArray[Any]
    groups: NDArray[Any]

    def __len__(self) -> int:
        """Return the number of recordings."""
        ...

    def __getitem__(self, i: int, /) -> NDArray[Any]:
        """Return recording i as an event array."""
        ...
