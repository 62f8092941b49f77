"""A mistake of the command line itself."""

from neuro.errors import NeuroError

__all__ = ["UsageError"]


class UsageError(NeuroError):
    """The command line itself is wrong (exit code 2)."""
