"""``neuro cite``: BibTeX of the systems implemented here."""

from collections.abc import Sequence

from neuro.cli.parser import Parser

__all__ = ["main"]


def main(command: str, arguments: Sequence[str]) -> int:
    """Entry of the command."""
    from neuro.cite import bibliography, cite

    parser = Parser(
        prog="neuro cite",
        description="Print the BibTeX of the systems implemented here.",
    )
    parser.add_argument("key", nargs="*", help="keys; all when none is given")
    args = parser.parse_args(arguments)
    print(cite(*(args.key or bibliography())))
    return 0
