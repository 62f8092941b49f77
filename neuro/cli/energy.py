"""``neuro energy``: hands over to ``hw.energy.cli``, loaded only here."""

import importlib
from collections.abc import Sequence

__all__ = ["main"]


def main(command: str, arguments: Sequence[str]) -> int:
    """Entry of the command."""
    return int(importlib.import_module("hw.energy.cli").main(list(arguments)))
