"""The argument parser of all commands: a wrong argument is one line, not a screen."""

import argparse
from typing import NoReturn

from neuro.errors import ParameterError

__all__ = ["Parser"]


class Parser(argparse.ArgumentParser):
    """Argument parser whose errors are raised as :class:`ParameterError`."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong and where the options are listed.

        Raises
        ------
        ParameterError
            Always.
        """
        raise ParameterError(f"{message}; '{self.prog} --help' lists what is accepted")
