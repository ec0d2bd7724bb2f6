"""The one kind of error that a user of emgmm has to read."""

from __future__ import annotations

import os


class InputError(ValueError):
    """Bad input, told in one line: where it is, what was found, what was expected.

    The command line prints it and exits with status 2.

    Parameters
    ----------
    path
        File at fault, or the option or argument of a call.
    found, expected
        What stands there and what should stand there.
    where
        Line, field or key inside the file.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        found: str,
        expected: str,
        where: str | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self.where = where
        self.found = found
        self.expected = expected
        place = f"{self.path}, {where}" if where else self.path
        super().__init__(f"{place}: found {found}, expected {expected}")
