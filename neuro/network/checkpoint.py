"""Read what a simulation or a result wrote; anything else is refused in a line."""

from pathlib import Path
from typing import Any

from neuro.counts.npz import read_npz
from neuro.errors import ParameterError

__all__ = ["read_saved"]


def read_saved(path: Path | str, who: str) -> dict[str, Any]:
    """Return the arrays of an npz file.

    Parameters
    ----------
    path : str or Path
        The file.
    who : str
        The call, for the message.

    Raises
    ------
    ParameterError
        There is no such file, or it is damaged or of another kind.
    """
    try:
        return read_npz(Path(path))
    except FileNotFoundError:
        raise ParameterError(f"{who}: no file {str(path)!r}") from None
    except (OSError, ValueError) as error:
        raise ParameterError(f"{who}: cannot read {str(path)!r}: {error}") from None
