"""Show what the package logs, for as long as a command runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["ROOMS", "shown"]

ROOMS = ("neuro", "hw", "sims")


@contextmanager
def shown(*loggers: str) -> Iterator[None]:
    """Print messages of level INFO and above on standard error in this block.

    Parameters
    ----------
    *loggers : str
        Names, for example those of :data:`ROOMS`. One that has handlers of the caller's
        own is left as it is.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    changed = []
    for name in loggers:
        logger = logging.getLogger(name)
        if all(isinstance(h, logging.NullHandler) for h in logger.handlers):
            changed.append((logger, logger.level))
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger, level in changed:
            logger.removeHandler(handler)
            logger.setLevel(level)
