"""The one kind of error that a user of emgmm has to read, and the hints in it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable


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
        place = readable(self.path)
        if where:
            place += ", " + readable(where, 200)
        super().__init__(
            f"{place}: found {readable(found, 300)}, expected {readable(expected, 600)}"
        )


def readable(text: str, longest: int | None = None) -> str:
    """The text on one line, cut to a length, nothing in it that a terminal would obey."""
    cut = text if longest is None else text[: longest + 1]
    if not cut.isprintable():
        # Line ends, control characters, parts of file names that are not UTF-8.
        cut = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
    return cut if longest is None or len(cut) <= longest else cut[: longest - 3] + "..."


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` is most likely meant to be, or None where none is near.

    Case, spaces, hyphens and underscores do not count.
    """

    def plain(text: str) -> str:
        return "".join(c for c in text.casefold() if c not in " _-")

    names = {plain(k): k for k in reversed(list(known))}
    near = difflib.get_close_matches(plain(name), names, 1)
    return names[near[0]] if near else None
