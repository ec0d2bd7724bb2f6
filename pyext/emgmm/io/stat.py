"""PMI's stat files of version 2: a line that numbers the keys, then one line a frame.

Both kinds of line are Python dicts. PMI writes every number as a string, except the index of the
RMF frame; so do we, that IMP.pmi.output.ProcessOutput, PMI_analysis and imp-sampcon read the file
of a native run as one of their own.
"""

from __future__ import annotations

import ast
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError
from .files import opened, read_text
from .targets import refuse_existing

_EXPECTED = "a PMI stat file (version 2)"
_HEADER = "STAT2HEADER"
# One entry of a line in the common form; a line with anything else is parsed as Python.
_ENTRY = re.compile(r"(\d{1,9}): (?:'([^'\\]*)'|([-+.\w]+))(?:, |\} *$)")


class StatWriter:
    """Writes one line a frame; what was written before ``flush`` can be read.

    Parameters
    ----------
    path
        Where to write; the header is written at once.
    keys
        Names of the columns, in order.
    versions
        Programs and their versions, for the header.
    force
        Overwrite a file that is there.

    Raises
    ------
    InputError
        The file exists and ``force`` is false.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        keys: Iterable[str],
        versions: Mapping[str, str] | None = None,
        force: bool = False,
    ) -> None:
        refuse_existing(path, force)
        self.keys = tuple(dict.fromkeys(keys))
        self._index = {key: i for i, key in enumerate(self.keys)}
        self._file = open(path, "w", encoding="utf-8", newline="\n")
        header: dict = {
            _HEADER: _HEADER,
            f"{_HEADER}_ENVIRON": "{}",  # PMI puts the whole environment here; it is nobody's
            f"{_HEADER}_IMP_VERSIONS": repr(dict(versions or {})),
        }
        self._line(header | dict(enumerate(self.keys)))

    @classmethod
    def resume(cls, path: str | os.PathLike, size: int) -> StatWriter:
        """Continue a file that ``byte_size`` said was ``size`` bytes long; what follows is cut off.

        Raises
        ------
        InputError
            No such file, a shorter one, or no stat file.
        """
        path = Path(path)
        with opened(path, _EXPECTED), open(path, "rb") as file:
            first = file.readline()
        if path.stat().st_size < size:
            raise InputError(path, f"{path.stat().st_size} bytes", f"at least {size} (checkpoint)")
        _, keys = _parse_header(path, first.decode("utf-8", "replace"))
        os.truncate(path, size)
        writer = cls.__new__(cls)
        writer.keys = tuple(keys.values())
        writer._index = {key: number for number, key in keys.items()}
        writer._file = open(path, "a", encoding="utf-8", newline="\n")
        return writer

    def write(self, values: Mapping[str, object]) -> None:
        """Append a frame. A key that ``values`` lacks becomes PMI's ``None``.

        Raises
        ------
        KeyError
            A key that the header does not have.
        """
        line = {i: values.get(key, "None") for key, i in self._index.items()}
        for key in values:
            if key not in self._index:
                raise KeyError(f"stat key {key!r} is not in the header")
        self._line({i: _text(value) for i, value in line.items()})

    def _line(self, content: dict) -> None:
        self._file.write(f"{content} \n")

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        self._file.flush()

    def byte_size(self) -> int:
        """Size of the file with everything written so far, for `resume`; flushes."""
        self.flush()
        return self._file.tell()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> StatWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _text(value: object) -> object:
    """PMI's form of a value: numbers as strings, but whole numbers as they are."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return str(value)


class Stat:
    """A stat file in memory.

    Attributes
    ----------
    keys
        Names of the columns.
    info
        Entries of the header that are not columns (versions).
    """

    def __init__(
        self, path: Path, keys: tuple[str, ...], info: dict, rows: list[list[str]]
    ) -> None:
        self.path = path
        self.keys = keys
        self.info = info
        self._rows = rows
        self._index = {key: i for i, key in enumerate(keys)}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: str) -> bool:
        return key in self._index

    def text(self, key: str) -> list[str]:
        """A column as it stands in the file, one entry a frame.

        Raises
        ------
        InputError
            No such key.
        """
        if key not in self._index:
            raise InputError(self.path, f"no key {key!r}", "a stat file with that key", "line 1")
        index = self._index[key]
        return [row[index] for row in self._rows]

    def column(self, key: str) -> np.ndarray:
        """A column as float64, one entry a frame; PMI's ``None`` becomes NaN.

        Raises
        ------
        InputError
            No such key, or an entry that is no number.
        """
        text = self.text(key)
        try:
            return np.array([np.nan if t == "None" else float(t) for t in text])
        except ValueError:
            for line, entry in enumerate(text, start=2):
                try:
                    float(entry)
                except ValueError:
                    if entry != "None":
                        where = f"line {line}, {key}"
                        raise InputError(self.path, repr(entry), "a number", where) from None
            raise

    def matching(self, pattern: str) -> list[str]:
        """Keys that match a regular expression from their start."""
        return [key for key in self.keys if re.match(pattern, key)]


def read_stat(path: str | os.PathLike) -> Stat:
    """All frames of a stat file (version 2), written by us or by PMI.

    A last line without its newline is being written by a run that goes on; it is left out.

    Raises
    ------
    InputError
        No such file, no stat file, or a line that is no dict of the keys; names the line.
    """
    path = Path(path)
    lines = read_text(path, _EXPECTED).split("\n")[:-1]
    if not lines:
        raise InputError(path, "an empty file", _EXPECTED)
    info, keys = _parse_header(path, lines[0])
    order = list(keys)
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        entries = _parse_line(path, number, line)
        try:
            rows.append([entries[i] for i in order])
        except KeyError as error:
            where = f"line {number}"
            raise InputError(path, f"no entry {error}", "an entry for each key", where) from None
    return Stat(path, tuple(keys.values()), info, rows)


def _parse_header(path: Path, line: str) -> tuple[dict, dict[int, str]]:
    try:
        header = _dict(line)
        if _HEADER not in header:
            raise ValueError
        keys = {key: str(value) for key, value in header.items() if type(key) is int}
    except ValueError:
        found = f"{line.strip()[:40]!r}"
        raise InputError(path, found, f"{_EXPECTED} with {_HEADER}", "line 1") from None
    twice = next((name for name, n in Counter(keys.values()).items() if n > 1), None)
    if twice is not None:
        raise InputError(path, f"key {twice!r} twice", "each key once", "line 1")
    info = {key: value for key, value in header.items() if key not in keys}
    return info, keys


def _parse_line(path: Path, number: int, line: str) -> dict[int, str]:
    """Entries of a frame's line: thousands of lines a second where they have the usual form."""
    entries, end = {}, 1
    while match := _ENTRY.match(line, end):
        end = match.end()
        entries[int(match[1])] = match[2] if match[2] is not None else match[3]
    if line[:1] == "{" and end == len(line):
        return entries
    try:
        return {key: str(value) for key, value in _dict(line).items()}
    except ValueError:
        found = f"{line.strip()[:40]!r}"
        raise InputError(path, found, "a dict of keys and values", f"line {number}") from None


def _dict(line: str) -> dict:
    """The dict that stands there as Python writes it; ValueError if there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python does not know
            content = ast.literal_eval(line.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ValueError("no dict")
    return content
