"""Tables of text with a header (CSV): columns by name, whatever program has written them."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError, nearest
from .files import read_text

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_LONGEST = 100_000  # characters of a header; a cell of more the csv module refuses
_EXCEL_HINT = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # Excel's own first line


class Row(NamedTuple):
    """``line`` of the file, from 1, and the cells by column."""

    line: int
    cells: dict[str, str]


class Table(NamedTuple):
    """The rows of a file that hold anything, and what was guessed of it."""

    rows: list[Row]
    notes: list[str]


def read_table(
    path: str | os.PathLike, columns: Sequence[str], expected: str, optional: Sequence[str] = ()
) -> Table:
    """The cells of the columns that are asked for, without spaces around them.

    Commas separate columns, or semicolons or tabs where only those make the columns that are asked
    for; that is noted. Rows of empty cells, as spreadsheets leave them, are skipped.

    Parameters
    ----------
    expected
        What the file should be, for the message.
    optional
        Further columns, whose cells a row may lack at its end.

    Raises
    ------
    InputError
        As `read_text`; a column that is not there or there twice, a row of more cells than the
        header or without one that is asked for, a quote that is left open.
    """
    text = read_text(path, expected)
    asked = list(dict.fromkeys([*columns, *optional]))
    delimiter = _delimiter(text, asked)
    rows = _parsed(path, text, delimiter)
    number, header = next(rows, (1, []))
    where = {name: _place(path, number, header, name) for name in asked}
    last = max(where[name] for name in columns)
    found = []
    for line, cells in rows:
        if len(cells) <= last:
            raise InputError(
                path, "a row that ends early", f"{len(header)} columns", f"line {line}"
            )
        if any(cells[len(header) :]):
            raise InputError(path, f"{len(cells)} cells", f"{len(header)}", f"line {line}")
        cells += [""] * len(header)
        found.append(Row(line, {name: cells[at] for name, at in where.items()}))
    notes = []
    if delimiter != ",":
        notes.append(f"{Path(path).name}: {_DELIMITERS[delimiter]} separate its columns")
    return Table(found, notes)


def _plain(cell: str) -> str:
    """Without spaces around it; inside, all kinds of space are one."""
    return " ".join(cell.split())


def _delimiter(text: str, columns: Sequence[str]) -> str:
    """The character that separates the columns, by the first line that holds anything."""
    lines = (line for line in text.split("\n") if line.strip())
    line = next(lines, "")
    hint = _EXCEL_HINT.fullmatch(line)
    if hint:
        line = next(lines, "")

    def names(delimiter: str) -> list[str]:
        cells = csv.reader([line[:_LONGEST]], delimiter=delimiter, skipinitialspace=True)
        return [_plain(cell) for cell in next(cells, [])]

    candidates = list(_DELIMITERS)
    if hint and hint[1] in candidates:
        candidates.sort(key=lambda d: d != hint[1])
    wanted = {_plain(name) for name in columns}
    return max(candidates, key=lambda d: (len(wanted & set(names(d))), len(names(d))))


def _parsed(path: str | os.PathLike, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each row that is not empty, the header among them."""
    lines = text.split("\n")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    line = 1
    first = True
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InputError(path, f"no CSV ({error})", "rows of cells", f"line {line}") from None
        if cells is None:
            return
        end = reader.line_num
        if end > line and _is_open(lines[line - 1 : end], delimiter):
            raise InputError(path, "a quote that is left open", "two of them", f"line {line}")
        cells = [_plain(cell) for cell in cells]
        if any(cells) and not (first and _EXCEL_HINT.fullmatch(lines[line - 1])):
            yield line, cells
        first = first and not any(cells)
        line = end + 1


def _is_open(lines: list[str], delimiter: str) -> bool:
    """Whether a quote runs through the end of these lines."""
    reader = csv.reader(
        [line + "\n" for line in lines], delimiter=delimiter, skipinitialspace=True, strict=True
    )
    try:
        for _ in reader:
            pass
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _place(path: str | os.PathLike, line: int, header: list[str], name: str) -> int:
    """Index of a column."""
    at = [i for i, cell in enumerate(header) if cell == _plain(name)]
    if len(at) == 1:
        return at[0]
    if at:
        found = f"{len(at)} columns {name!r} ({' and '.join(str(i + 1) for i in at)})"
        expected = "one column of that name"
    else:
        known = [cell for cell in header if cell]
        found = "the columns " + ", ".join(known) if known else "no header"
        near = nearest(name, known)
        expected = f"a column {name!r}" + (f" (is it {near!r}?)" if near else "")
    raise InputError(path, found, expected, f"line {line}")
