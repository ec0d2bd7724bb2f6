"""IMP.pmi's topology table: which residues, from which file, move with what."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, nearest
from .colors import Color, parse_color
from .files import read_text

COLUMNS = (
    "molecule_name",
    "color",
    "fasta_fn",
    "fasta_id",
    "pdb_fn",
    "chain",
    "residue_range",
    "pdb_offset",
    "bead_size",
    "em_residues_per_gaussian",
    "rigid_body",
    "super_rigid_body",
    "chain_of_super_rigid_bodies",
    "flags",
)
# Names that PMI tables of the last years use for the same columns.
_ALIASES = {
    "component_name": "molecule_name",
    "em_residues": "em_residues_per_gaussian",
    "super_rigid_bodies": "super_rigid_body",
    "rigid_bodies": "rigid_body",
}
_DIRECTORIES = ("pdb_dir", "fasta_dir", "gmm_dir")
_DEFAULT_BEAD_SIZE = 10
_INTEGER = re.compile(r"[+-]?\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class TopologyRow:
    """One row: a domain of one copy of a molecule.

    Attributes
    ----------
    line
        Line of the file, from 1.
    molecule, copy
        Name, and the number of the copy: 0, 1, ... in order of appearance of ``name``, ``name.1``,
        ...
    domain
        Number of the row among those of the same copy, from 0.
    color
        (red, green, blue), 0 to 1.
    fasta_file, fasta_id, fasta_flag
        Sequence of the molecule; of copies, that of the first row. ``RNA`` or ``DNA``, or None for
        a protein.
    pdb
        Path of the structure, or ``BEADS`` or ``IDEAL_HELIX``.
    chain
        Author's chain identifier, or None without a structure.
    residue_range
        None for all, or (first, last) in the numbering of the structure; last may be ``END``.
    pdb_offset
        Added to the residue numbers of the structure to get those of the sequence.
    bead_size
        Residues per flexible bead.
    em_residues_per_gaussian
        0 for none asked for.
    rigid_body
        Number, or None.
    super_rigid_bodies, chains_of_super_rigid_bodies
        Numbers.
    gmm_file
        PMI's path of the model GMM of the row.
    """

    line: int
    molecule: str
    copy: int
    domain: int
    color: Color
    fasta_file: Path
    fasta_id: str
    fasta_flag: str | None
    pdb: Path | str
    chain: str | None
    residue_range: tuple[int, int | str] | None
    pdb_offset: int
    bead_size: int
    em_residues_per_gaussian: int
    rigid_body: int | None
    super_rigid_bodies: tuple[int, ...]
    chains_of_super_rigid_bodies: tuple[int, ...]
    flags: str
    gmm_file: Path

    @property
    def structured(self) -> bool:
        """Whether the row has a structure file."""
        return isinstance(self.pdb, Path)


def read_topology(
    path: str | os.PathLike,
    pdb_dir: str | os.PathLike | None = None,
    fasta_dir: str | os.PathLike | None = None,
    gmm_dir: str | os.PathLike | None = None,
) -> list[TopologyRow]:
    """Rows of a PMI topology table, with paths made absolute.

    Columns are found by their names in the header, in any order; all but ``molecule_name`` may be
    missing. Files are looked up in the folders given, else in those of the table's own
    ``|directories|`` section (relative to the table), else beside the table. Where PMI goes by
    position only, the names must be PMI's own.

    Raises
    ------
    InputError
        With file, line and column: no header, an unknown or repeated column, a row of another
        length, a value that does not parse, a row without FASTA file or chain.
    """
    path = Path(path)
    lines = read_text(path, "a PMI topology table").split("\n")

    base = path.resolve().parent
    folders = {"pdb_dir": base, "fasta_dir": base, "gmm_dir": base}
    table: list[tuple[int, dict[str, str]]] = []
    header: list[str] | None = None
    in_directories = False
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        cells = _split(path, number, line)
        if cells[0] in ("molecule_name", "component_name"):
            header = _header(path, number, cells)
            in_directories = False
        elif header is not None:
            table.append((number, _row(path, number, header, cells)))
        elif cells[0] == "directories":
            in_directories = True
        elif cells[0] == "topology_dictionary":
            continue
        elif in_directories and len(cells) > 1 and cells[0] in _DIRECTORIES:
            folders[cells[0]] = base / cells[1]
        else:
            meant = nearest(cells[0], COLUMNS) == "molecule_name"
            expected = "'molecule_name'" if meant else "the header |molecule_name|color|...|"
            raise InputError(path, f"{cells[0][:30]!r}", expected, f"line {number}")
    if not table:
        found = "no rows" if header else "no header"
        raise InputError(path, found, "a PMI topology table starting with |molecule_name|")
    for name, given in zip(_DIRECTORIES, (pdb_dir, fasta_dir, gmm_dir), strict=True):
        if given is not None:
            folders[name] = Path(given).resolve()
    return _rows(path, table, folders)


def _split(path: Path, number: int, line: str) -> list[str]:
    line = line.strip()
    if not line.startswith("|"):
        raise InputError(path, f"{line[:30]!r}", "a row starting with '|'", f"line {number}")
    # A non-breaking space, as word processors write it, is a space; str.split knows it for one.
    return [" ".join(cell.split()) for cell in line[1:].removesuffix("|").split("|")]


def _header(path: Path, number: int, cells: list[str]) -> list[str]:
    names = [_ALIASES.get(cell, cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    for name, cell in zip(names, cells, strict=False):
        # The oldest tables name each domain; PMI reads and ignores the name.
        if name not in COLUMNS and name != "domain_name":
            near = nearest(cell, [*COLUMNS, *_ALIASES])
            expected = repr(near) if near else "one of " + ", ".join(COLUMNS)
            raise InputError(path, f"column {cell!r}", expected, f"line {number}")
        if names.count(name) > 1:
            places = " and ".join(str(i) for i, n in enumerate(names, 1) if n == name)
            found = f"column {cell!r} twice (columns {places})"
            raise InputError(path, found, "each column once", f"line {number}")
    return names


def _row(path: Path, number: int, header: list[str], cells: list[str]) -> dict[str, str]:
    # PMI reads the flags nowhere, and tables drop that cell often.
    missing = len(header) - len(cells)
    if missing == 1 and header[-1] == "flags":
        cells = [*cells, ""]
    if len(cells) < len(header) or any(cells[len(header) :]):
        raise InputError(path, f"{len(cells)} cells", f"{len(header)} cells", f"line {number}")
    return dict(zip(header, cells, strict=False))


def _rows(
    path: Path, table: list[tuple[int, dict[str, str]]], folders: dict[str, Path]
) -> list[TopologyRow]:
    first_of: dict[str, TopologyRow] = {}
    copies: dict[str, list[str]] = {}
    domains: dict[tuple[str, int], int] = {}
    rows = []
    for number, cells in table:
        cell = _Cells(path, number, cells)
        molecule, _, label = cell.text("molecule_name").partition(".")
        if not molecule or "." in label:
            raise cell.error("molecule_name", "a name, or a name and a copy as in Rpb2.1")
        seen = copies.setdefault(molecule, [])
        if label not in seen:
            seen.append(label)
        copy = seen.index(label)
        domain = domains.get((molecule, copy), 0)
        domains[molecule, copy] = domain + 1

        original = first_of.get(molecule)
        if original is None:
            for column in ("fasta_fn", "fasta_id"):
                if not cell.text(column):
                    raise cell.error(column, "the sequence of the molecule's first row")
            fasta_id, _, flag = cell.text("fasta_id").partition(",")
            flag = flag.strip() or None
            if flag not in (None, "RNA", "DNA"):
                raise cell.error("fasta_id", "a name, or a name and ,RNA or ,DNA")
            sequence = (folders["fasta_dir"] / cell.text("fasta_fn"), fasta_id.strip(), flag)
        else:
            sequence = (original.fasta_file, original.fasta_id, original.fasta_flag)

        pdb: Path | str = cell.text("pdb_fn") or "BEADS"
        chain = None
        if pdb not in ("BEADS", "IDEAL_HELIX"):
            pdb = folders["pdb_dir"] / pdb
            chain = cell.text("chain")
            if not chain:
                raise cell.error("chain", "the chain in the structure")
        row = TopologyRow(
            line=number,
            molecule=molecule,
            copy=copy,
            domain=domain,
            color=cell.color(),
            fasta_file=sequence[0],
            fasta_id=sequence[1],
            fasta_flag=sequence[2],
            pdb=pdb,
            chain=chain,
            residue_range=cell.residue_range(),
            pdb_offset=cell.integer("pdb_offset", 0),
            bead_size=cell.integer("bead_size", 0, minimum=0) or _DEFAULT_BEAD_SIZE,
            em_residues_per_gaussian=cell.integer("em_residues_per_gaussian", 0, minimum=0),
            # PMI takes 0 for none.
            rigid_body=cell.integer("rigid_body", 0) or None,
            super_rigid_bodies=cell.integers("super_rigid_body"),
            chains_of_super_rigid_bodies=cell.integers("chain_of_super_rigid_bodies"),
            flags=cell.text("flags"),
            gmm_file=folders["gmm_dir"] / f"{molecule}.{label}.{domain}.txt",
        )
        first_of.setdefault(molecule, row)
        rows.append(row)
    return rows


class _Cells:
    """Cells of one row, and the errors that point at them."""

    def __init__(self, path: Path, number: int, cells: dict[str, str]) -> None:
        self._path = path
        self._number = number
        self._cells = cells

    def error(self, column: str, expected: str) -> InputError:
        found = repr(self.text(column)) if self.text(column) else "nothing"
        return InputError(self._path, found, expected, f"line {self._number}, column {column}")

    def text(self, column: str) -> str:
        return self._cells.get(column, "")

    def integer(self, column: str, default: int, minimum: int | None = None) -> int:
        text = self.text(column)
        if not text:
            return default
        if not _INTEGER.fullmatch(text) or (minimum is not None and int(text) < minimum):
            raise self.error(column, "an integer" if minimum is None else "a positive integer")
        return int(text)

    def integers(self, column: str) -> tuple[int, ...]:
        cells = [cell.strip() for cell in self.text(column).split(",") if cell.strip()]
        if not all(_INTEGER.fullmatch(cell) for cell in cells):
            raise self.error(column, "integers separated by commas")
        return tuple(dict.fromkeys(int(cell) for cell in cells))

    def residue_range(self) -> tuple[int, int | str] | None:
        text = self.text("residue_range")
        if text in ("", "all"):
            return None
        match = re.fullmatch(r"(-?\d{1,9})\s*,\s*(-?\d{1,9}|END)", text)
        if match is None:
            raise self.error("residue_range", "first,last or first,END or all")
        first = int(match[1])
        last: int | str = "END" if match[2] in ("END", "-1") else int(match[2])
        if last != "END" and last < first:
            raise self.error("residue_range", "a first residue before the last one")
        return first, last

    def color(self) -> Color:
        text = self.text("color")
        if not text:
            return (0.0, 0.0, 1.0)
        try:
            return parse_color(text)
        except ValueError:
            raise self.error("color", "a colour name, #rrggbb or r,g,b") from None
