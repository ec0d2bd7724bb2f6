"""The columns of PDB files, also where a program moved them."""

from __future__ import annotations

import os
import re

import gemmi
import numpy as np

from ...errors import InputError
from .raw_atoms import RawAtoms, RawFile, coded, translated
from .residue_names import is_membrane_name, polymer_of

_WIDTH = 80
_EXPECTED = "a number in the columns of the PDB format"
_ATOMS = frozenset((b"ATOM  ", b"HETATM"))
_HEADER = (b"HEADER", b"TITLE ", b"COMPND", b"REMARK", b"AUTHOR", b"KEYWDS", b"JRNL  ", b"SOURCE")
_DIGITS36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def read_pdb(data: bytes, path: str | os.PathLike) -> RawFile:
    """Atoms of the first model of a PDB file.

    Serial numbers are not used. Where one (or a residue number) is too long and has moved the
    columns behind it, they are moved back.

    Raises
    ------
    InputError
        With the line: cut short, or a coordinate, occupancy or residue number that is none.
    """
    scan = _Scan(data)
    lines, at = scan.atoms, np.array(scan.lines, dtype=np.int64)
    table = np.frombuffer(b"".join([x[:_WIDTH].ljust(_WIDTH) for x in lines]), dtype="S1")
    table = table.reshape(len(lines), _WIDTH).copy()
    columns = _Columns(path, lines, at, table)
    columns.realign()
    residue, chain = _names(columns)
    notes = []
    if len(lines) and not (chain != "").any():
        segment_names = columns.text(72, 76)
        names = sorted(set(segment_names.tolist()))
        if len(names) > 1 and all(names) and all(name.isalnum() for name in names):
            chain = segment_names
            notes.append(f"chains have no names: those of segments are taken ({', '.join(names)})")
    if columns.realigned:
        notes.append(
            f"{columns.realigned} lines of atoms, from line {columns.first_realigned} on, have "
            "columns moved by a number that is too long: they were moved back"
        )
    blank, occupancy = columns.occupancies()
    if blank.any():
        notes.append(f"no occupancies for {int(blank.sum())} atoms: taken as 1")
    b_factor, bad = columns.b_factors()
    if bad:
        notes.append(f"B factors of {bad} atoms are no numbers and count as 0")
    padded = columns.fields(12, 16)
    rows, ends = np.arange(len(lines)), np.array(scan.ends, dtype=np.int64)
    atoms = RawAtoms(
        chain=chain,
        segment=np.searchsorted(ends, rows, "right"),
        number=columns.residue_numbers(),
        insertion=columns.insertions(),
        residue_name=residue,
        name=translated(padded, lambda name: name.strip().upper()),
        padded=padded,
        altloc=columns.letter(16),
        element=columns.text(76, 80),
        hetero=(table[:, 0] == b"H") | (table[:, 0] == b"h"),
        in_sequence=np.full(len(lines), -1),
        xyz=columns.coordinates(),
        occupancy=occupancy,
        b_factor=b_factor,
        line=at,
    )
    return RawFile(
        atoms,
        place=lambda line: f"line {line}",
        models=scan.models,
        elsewhere=scan.elsewhere,
        header=scan.header,
        measured=scan.measured,
        notes=notes,
    )


class _Scan:
    """Lines of the atoms of the first model, and where chains end."""

    def __init__(self, data: bytes) -> None:
        self.atoms: list[bytes] = []
        self.lines: list[int] = []
        self.ends: list[int] = []  # number of atoms before each TER
        self.models = 1
        self.elsewhere = 0
        self.measured = False
        header: list[bytes] = []
        frames: list[int] = []  # number of atoms before each END
        opened = 0
        first = True
        for number, line in enumerate(data.splitlines(), start=1):
            record = line[:4]
            if line[:6] in _ATOMS or (record.upper() in (b"ATOM", b"HETA") and _is_atom(line)):
                if first:
                    self.atoms.append(line)
                    self.lines.append(number)
                else:
                    self.elsewhere += 1
            elif record[:3] == b"TER":
                self.ends.append(len(self.atoms))
            elif record == b"MODE":
                opened += 1
                first = not self.atoms
            elif record == b"ENDM":
                first = first and not self.atoms
            elif record[:3] == b"END" and not line[3:].strip():
                self.ends.append(len(self.atoms))
                frames.append(len(self.atoms))
            elif line[:6] in _HEADER and len(header) < 400:
                header.append(line[6:80])
            elif line[:6] == b"EXPDTA":
                text = line.upper()
                self.measured = not (b"THEORETICAL" in text or b"PREDICT" in text)
        self.models = max(1, opened)
        self.header = b"\n".join(header).decode("latin-1").upper()
        if opened <= 1:
            self._drop_frames(frames)

    def _drop_frames(self, frames: list[int]) -> None:
        """Frames of a trajectory that only END parts, as VMD writes them: the same atoms again in
        about the same place. The same atoms in another place are a second copy."""
        count = frames[0] if frames else 0
        if not count or len(self.atoms) % count or len(self.atoms) == count:
            return
        if len(frames) > 1 and frames[1] != 2 * count:
            return
        first, second = self.atoms[:count], self.atoms[count : 2 * count]
        if [x[12:27] for x in first] != [x[12:27] for x in second]:
            return
        try:
            places = [
                np.array([[float(x[i : i + 8]) for i in (30, 38, 46)] for x in part])
                for part in (first, second)
            ]
        except ValueError:
            return
        shift = np.linalg.norm(places[0].mean(axis=0) - places[1].mean(axis=0))
        if not shift < np.sqrt(places[0].var(axis=0).sum()):
            return
        self.models = len(self.atoms) // count
        self.elsewhere = len(self.atoms) - count
        del self.atoms[count:], self.lines[count:]


def _is_atom(line: bytes) -> bool:
    record = line[:6].upper()
    return record == b"HETATM" or (record[:4] == b"ATOM" and not record[4:].strip(b" 0123456789"))


class _Columns:
    """The characters of the lines of atoms, (n, 80)."""

    def __init__(self, path, lines: list[bytes], at: np.ndarray, table: np.ndarray) -> None:
        self._path = path
        self._lines = lines
        self._at = at
        self._table = table
        self.realigned = 0
        self.first_realigned = 0

    def error(self, row: int, found: str, expected: str = _EXPECTED) -> InputError:
        return InputError(self._path, found, expected, f"line {self._at[row]}")

    def _cut(self, first: int, last: int) -> np.ndarray:
        part = np.ascontiguousarray(self._table[:, first:last])
        return part.view(f"S{last - first}").ravel()

    def fields(self, first: int, last: int) -> np.ndarray:
        """(n,) str as they stand there."""
        cut = self._cut(first, last)
        try:
            return cut.astype(f"U{last - first}")
        except UnicodeDecodeError:
            row = next(i for i, value in enumerate(cut.tolist()) if not value.isascii())
            found = f"a name that is not text ({bytes(cut[row])!r})"
            raise self.error(row, found, "a PDB or mmCIF file") from None

    def text(self, first: int, last: int) -> np.ndarray:
        """(n,) str without blanks about it."""
        return translated(self.fields(first, last), str.strip)

    def letter(self, column: int) -> np.ndarray:
        """(n,) str, one letter or nothing."""
        letters = self.fields(column, column + 1)
        return np.where(letters == " ", "", letters)

    def realign(self) -> None:
        """Moves back the columns behind a serial or residue number that is too long."""
        table = self._table
        odd = ~np.logical_and.reduce([table[:, i] == b"." for i in (34, 42, 50)])
        # A field that begins before its columns.
        odd |= (table[:, 29] != b" ") & (table[:, 30] != b" ")
        for row in np.flatnonzero(odd).tolist():
            line = self._lines[row]
            straight = _moved_back(line)
            if straight is not None:
                self.realigned += 1
                self.first_realigned = self.first_realigned or int(self._at[row])
                straight = straight[:_WIDTH].ljust(_WIDTH)
                self._lines[row] = straight
                table[row] = np.frombuffer(straight, dtype="S1")
                continue
            if len(line.rstrip()) < 54:
                found = f"a line of {len(line.rstrip())} characters, cut short"
                raise self.error(row, found, "an atom with its coordinates")
            if b"*" in line[30:54]:
                continue  # told as no number
            for edge in (30, 38, 46, 54):
                tight = line[edge - 1 : edge].strip() and line[edge : edge + 1].strip()
                if tight and not (edge < 54 and line[edge : edge + 1] == b"-"):
                    text = line[30:60].decode("latin-1").strip()
                    found = f"numbers wider than their columns ({text!r})"
                    raise self.error(row, found, "coordinates of eight columns each")

    def coordinates(self) -> np.ndarray:
        xyz = np.stack([self._floats(i, i + 8, "a coordinate") for i in (30, 38, 46)], axis=1)
        bad = ~np.isfinite(xyz).all(axis=1)
        if bad.any():
            raise self.error(int(np.argmax(bad)), "a coordinate that is not finite", "numbers in Å")
        return xyz

    def _floats(self, first: int, last: int, what: str, fields: np.ndarray | None = None):
        fields = self._cut(first, last) if fields is None else fields
        try:
            return fields.astype(np.float64)
        except ValueError:
            for row, field in enumerate(fields.tolist()):
                if _number(field) is None:
                    text = field.decode("latin-1").strip()
                    found = f"{what} that is no number ({text!r})"
                    raise self.error(row, found) from None
            raise

    def occupancies(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) bools, true where blank, and (n,) the numbers, 1 for those."""
        fields = self._cut(54, 60)
        blank = np.char.isspace(fields) | (fields == b"")
        fields = np.where(blank, b"1.0", fields)
        numbers = self._floats(54, 60, "an occupancy", fields)
        if not np.isfinite(numbers).all():
            row = int(np.argmin(np.isfinite(numbers)))
            raise self.error(row, "an occupancy that is not finite", "a number from 0 to 1")
        return blank, numbers

    def b_factors(self) -> tuple[np.ndarray, int]:
        """(n,) the numbers, 0 where there is none, and how many are something else."""
        fields = self._cut(60, 66)
        blank = np.char.isspace(fields) | (fields == b"")
        fields = np.where(blank, b"0", fields)
        try:
            numbers = fields.astype(np.float64)
        except ValueError:
            found = [_number(field) for field in fields.tolist()]
            numbers = np.array([np.nan if x is None else x for x in found])
        bad = ~np.isfinite(numbers)
        numbers[bad] = 0.0
        return numbers, int(bad.sum())

    def residue_numbers(self) -> np.ndarray:
        fields = self._cut(22, 26)
        five = self._five_digits()
        if five.any():
            fields = np.where(five, self._cut(22, 27), fields)
        try:
            return fields.astype(np.int64)
        except ValueError:
            pass
        numbers = np.empty(len(fields), dtype=np.int64)
        for row, field in enumerate(fields.tolist()):
            number = _residue_number(field)
            if number is None:
                text = field.decode("latin-1").strip()
                found = f"a residue number that is none ({text!r})" if text else "no residue number"
                raise self.error(row, found)
            numbers[row] = number
        return numbers

    def insertions(self) -> np.ndarray:
        return np.where(self._five_digits(), "", self.letter(26))

    def _five_digits(self) -> np.ndarray:
        """Numbers beyond 9999 that fill the column of the insertion code."""
        part = self._table[:, 22:27].view(np.uint8)
        return ((part >= ord("0")) & (part <= ord("9"))).all(axis=1)


def _moved_back(line: bytes) -> bytes | None:
    """The line in its columns, if a serial of six digits or more, or a residue number of five, is
    what moved them; else None."""
    match = re.match(rb"(?:ATOM  |HETATM)(\d{6,9})(?= )", line, re.IGNORECASE)
    if match:
        line = line[:6] + b"*****" + line[match.end() :]
        if _straight(line):
            return line
    number = re.match(rb"\d{5}(?=[ A-Z])", line[22:])
    if number and line[27:28] == b" ":
        shorter = line[:27] + line[28:]
        if _straight(shorter):
            return shorter
    return None


def _straight(line: bytes) -> bool:
    return all(line[i : i + 1] == b"." for i in (34, 42, 50)) and (
        all(_number(line[i : i + 8]) is not None for i in (30, 38, 46))
    )


def _number(field: bytes) -> float | None:
    try:
        return float(field)
    except ValueError:
        return None


def _residue_number(field: bytes) -> int | None:
    """A decimal number, or hybrid-36 (A000 is 10000)."""
    text = field.decode("latin-1").strip()
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text)
    for letters in (_DIGITS36, _DIGITS36.lower()):
        if len(text) == 4 and not text[0].isdigit() and all(c in letters for c in text):
            value = 0
            for character in text:
                value = 36 * value + letters.index(character)
            beyond = 10**4 if letters.isupper() else 10**4 + 26 * 36**3
            return value - 10 * 36**3 + beyond
    return None


def _names(columns: _Columns) -> tuple[np.ndarray, np.ndarray]:
    """Residue and chain: names of four letters and chains of two share a column."""
    known, codes = coded(columns.fields(17, 22))
    pairs = [_residue_and_chain(text.ljust(5)) for text in known] or [("", "")]
    return (
        np.array([residue for residue, _ in pairs])[codes],
        np.array([chain for _, chain in pairs])[codes],
    )


def _residue_and_chain(text: str) -> tuple[str, str]:
    three, four = text[:3].strip().upper(), text[:4].strip().upper()
    chain, chains = text[4].strip(), text[3:].strip()
    if text[3] == " ":
        return three, chain
    if is_membrane_name(four) or four == "HEME":
        return four, chain
    if polymer_of(four).kind and not polymer_of(three).kind:
        return four, chain  # Amber's NALA
    if gemmi.find_tabulated_residue(three).found() or polymer_of(three).kind:
        # LYSH of GROMACS, which names no chains, or a lysine of chain HA.
        return (three, chains) if chain or not polymer_of(four).kind else (four, "")
    return (three, chains) if text[2] == " " else (four, chain)
