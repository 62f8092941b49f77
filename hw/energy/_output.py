"""Where the text of a command goes."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from neuro.results import atomic_write

__all__ = ["save", "screen_width", "write"]


def write(text: str, output: str | None) -> None:
    """Write to a file, whole or not at all, or to standard output."""
    whole = text if text.endswith("\n") else text + "\n"
    if output is None:
        sys.stdout.write(whole)
        return
    save(output, lambda f: f.write(whole.encode()))


def save(path: str | Path, fill: Callable[[BinaryIO], Any]) -> None:
    """Write a file atomically; errors name it, not its temporary twin."""
    try:
        atomic_write(path, fill)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def screen_width() -> int | None:
    """Return the columns of the terminal; None where the output is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
