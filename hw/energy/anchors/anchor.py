"""One published figure beside ours."""

from dataclasses import dataclass

__all__ = ["Anchor", "close_to"]


@dataclass(frozen=True)
class Anchor:
    """One figure: what was expected, what was computed, and whether they agree."""

    name: str
    expected: str
    got: str
    source: str

    @property
    def ok(self) -> bool:
        """Whether both are the same to the printed digit."""
        return self.expected == self.got


def close_to(name: str, expected: float, got: float, source: str, rel: float) -> Anchor:
    """Return the anchor of two numbers that agree within a relative difference.

    Parameters
    ----------
    name : str
        What is compared.
    expected, got : float
        Published and recomputed figure.
    source : str
        Where it is published.
    rel : float
        Accepted relative difference.
    """
    text = repr(expected)
    same = abs(got - expected) <= rel * abs(expected)
    return Anchor(name, text, text if same else repr(got), source)
