"""``neuro cite``: BibTeX of the systems implemented here."""

import argparse
from collections.abc import Sequence

__all__ = ["main"]


def main(command: str, arguments: Sequence[str]) -> int:
    """Entry of the command."""
    from neuro.cite import bibliography, cite

    parser = argparse.ArgumentParser(prog="neuro cite", description=__doc__)
    parser.add_argument("key", nargs="*", help="keys; all when none is given")
    args = parser.parse_args(arguments)
    print(cite(*(args.key or bibliography())))
    return 0
