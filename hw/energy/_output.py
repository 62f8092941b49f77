"""Where the text of a command goes."""

import sys

from neuro.results import atomic_write

__all__ = ["write"]


def write(text: str, output: str | None) -> None:
    """Write to a file, whole or not at all, or to standard output."""
    whole = text if text.endswith("\n") else text + "\n"
    if output is None:
        sys.stdout.write(whole)
        return
    atomic_write(output, lambda f: f.write(whole.encode()))
