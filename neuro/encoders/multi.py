"""Records of several fields: the codes of the fields side by side."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuro import sdr
from neuro.encoders.base import Encoder
from neuro.errors import ParameterError, did_you_mean

__all__ = ["MultiEncoder"]


class MultiEncoder:
    """Concatenated encoders by field name.

    Parameters
    ----------
    encoders : mapping of str to Encoder
        In the order of the bits.

    Examples
    --------
    >>> from neuro.encoders import PeriodicEncoder
    >>> week = PeriodicEncoder(n=7, w=3, minimum=0, maximum=7)
    >>> MultiEncoder({"a": week, "b": week}).encode({"a": 1, "b": 2}).tolist()
    [0, 1, 2, 8, 9, 10]
    """

    def __init__(self, encoders: Mapping[str, Encoder]) -> None:
        if not encoders:
            raise ParameterError("MultiEncoder: expected at least one field")
        self.encoders = dict(encoders)

    @property
    def n(self) -> int:
        """Number of bits."""
        return sum(e.n for e in self.encoders.values())

    def encode(self, value: Mapping[str, Any]) -> NDArray[np.int32]:
        """Return the active bits of a record; fields without an encoder are ignored.

        Raises
        ------
        ParameterError
            If a field is missing or its encoder refuses the value; names the field.
        """
        parts = []
        for name, encoder in self.encoders.items():
            if name not in value:
                raise ParameterError(
                    f"MultiEncoder: field {name!r} is missing"
                    f"{did_you_mean(name, value)}; the record has "
                    f"{', '.join(map(str, value)) or 'none'}"
                )
            try:
                parts.append(encoder.encode(value[name]))
            except ParameterError as error:
                raise ParameterError(f"field {name!r}: {error}") from None
        return sdr.concatenate(parts, [e.n for e in self.encoders.values()])
