"""Atoms of PDB and mmCIF files, through gemmi."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path

import gemmi
import numpy as np

from ..errors import InputError
from .streams import is_stream

# IMP's element masses (Da), so that masses of beads agree to the last digit; else gemmi's.
_ELEMENT_MASS = {
    "H": 1.007,
    "C": 12.0107,
    "N": 14.0067,
    "O": 15.9994,
    "NA": 22.989,
    "MG": 24.3050,
    "P": 30.973,
    "S": 32.065,
    "CL": 35.453,
    "K": 39.0983,
    "CA": 40.078,
    "FE": 55.845,
    "ZN": 65.409,
    "SE": 78.96,
}


@dataclass(frozen=True)
class Structure:
    """Atoms of one model, one array entry each, in the order of the file.

    Attributes
    ----------
    chain, residue_name, atom_name, element, insertion_code
        (n,) str; chains and residue numbers of mmCIF files are the author's. Elements in upper
        case.
    residue_number
        (n,) int.
    hetero
        (n,) bool, HETATM records.
    mass
        (n,) Da.
    xyz
        (n, 3) Å.
    b_factor, occupancy
        (n,) Å² and 0 to 1.
    vdw_radius
        (n,) Å.
    """

    chain: np.ndarray
    residue_number: np.ndarray
    insertion_code: np.ndarray
    residue_name: np.ndarray
    atom_name: np.ndarray
    element: np.ndarray
    hetero: np.ndarray
    mass: np.ndarray
    xyz: np.ndarray
    b_factor: np.ndarray
    occupancy: np.ndarray
    vdw_radius: np.ndarray

    def __len__(self) -> int:
        return len(self.chain)

    def select(self, mask: np.ndarray) -> Structure:
        """The atoms of a boolean mask or an index array."""
        return Structure(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})

    def chains(self) -> list[str]:
        """Chain identifiers in the order of the file."""
        return list(dict.fromkeys(self.chain.tolist()))

    def central_atoms(self) -> np.ndarray:
        """Indices of one atom a residue, as PMI picks them, in the order of the file.

        P where the selection holds any P (nucleic acids), else CA; of HETATM records only MSE's CA.
        """
        phosphorus = (self.atom_name == "P") & ~self.hetero
        if phosphorus.any():
            return np.flatnonzero(phosphorus)
        alpha = (self.atom_name == "CA") & (self.element == "C")
        return np.flatnonzero(alpha & (~self.hetero | (self.residue_name == "MSE")))


def find_file(path: str | os.PathLike, expected: str, where: str | None = None) -> Path:
    """The path itself, or the same name with ``.gz``.

    Raises
    ------
    InputError
        Neither is there.
    """
    path = Path(path)
    if is_stream(path):
        return path
    for candidate in (path, path.with_name(path.name + ".gz")):
        if candidate.is_file():
            return candidate
    raise InputError(path, "no such file" if not path.exists() else "no file", expected, where)


def read_structure(path: str | os.PathLike, *, waters: bool = False) -> Structure:
    """Atoms of the first model of a PDB or mmCIF file (also ``.gz``).

    Of alternative locations the first one of each atom is kept. Waters are left out unless asked
    for.

    Raises
    ------
    InputError
        No such file, a file gemmi cannot read, no atoms, or a coordinate that is not finite.
    """
    path = find_file(path, "a PDB or mmCIF file")
    try:
        structure = gemmi.read_structure(str(path), format=_format(path))
    except (RuntimeError, ValueError, IndexError, OSError, EOFError) as error:
        message = " ".join(str(error).split())
        raise InputError(path, f"an unreadable file ({message})", "a PDB or mmCIF file") from error
    if len(structure) == 0:
        raise InputError(path, "no atoms", "a PDB or mmCIF file with coordinates")
    try:
        rows = [row for chain in structure[0] for row in _atoms(chain, waters)]
    except UnicodeDecodeError as error:
        found = f"a name that is not text ({error.object[:20]!r})"
        raise InputError(path, found, "a PDB or mmCIF file") from None
    if not rows:
        raise InputError(path, "no atoms", "a PDB or mmCIF file with coordinates")
    columns = list(zip(*rows, strict=True))
    if None in columns[1]:
        where = f"chain {columns[0][columns[1].index(None)]}"
        raise InputError(path, "a residue without number", "residue numbers", where)
    xyz = np.array(columns[8], dtype=np.float64)
    bad = ~np.isfinite(xyz).all(axis=1)
    if bad.any():
        i = int(np.argmax(bad))
        where = f"chain {columns[0][i]} residue {columns[1][i]} atom {columns[4][i]}"
        raise InputError(path, "a coordinate that is not finite", "numbers in Å", where)
    return Structure(
        chain=np.array(columns[0]),
        residue_number=np.array(columns[1], dtype=np.int64),
        insertion_code=np.array(columns[2]),
        residue_name=np.array(columns[3]),
        atom_name=np.array(columns[4]),
        element=np.array(columns[5]),
        hetero=np.array(columns[6], dtype=bool),
        mass=np.array(columns[7], dtype=np.float64),
        xyz=xyz,
        b_factor=np.array(columns[9], dtype=np.float64),
        occupancy=np.array(columns[10], dtype=np.float64),
        vdw_radius=np.array(columns[11], dtype=np.float64),
    )


def _format(path: Path) -> gemmi.CoorFormat:
    """By extension where it says something, else by content."""
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix in (".pdb", ".ent"):
        return gemmi.CoorFormat.Pdb
    if suffix in (".cif", ".mmcif"):
        return gemmi.CoorFormat.Mmcif
    return gemmi.CoorFormat.Detect


def _atoms(chain: gemmi.Chain, waters: bool):
    """Rows of the arrays of ``Structure`` for one chain."""
    seen: set[tuple[int, str, str]] = set()
    names: dict[tuple[int, str], str] = {}
    for residue in chain:
        if residue.is_water() and not waters:
            continue
        number, insertion = residue.seqid.num, residue.seqid.icode.strip()
        # Two residue types at one position: the first one stands for the position.
        if names.setdefault((number, insertion), residue.name) != residue.name:
            continue
        hetero = residue.het_flag == "H"
        for atom in residue:
            key = (number, insertion, atom.name)
            if key in seen:
                continue
            seen.add(key)
            element = atom.element.name.upper()
            yield (
                chain.name,
                number,
                insertion,
                residue.name,
                atom.name,
                element,
                hetero,
                _ELEMENT_MASS.get(element, atom.element.weight),
                atom.pos.tolist(),
                atom.b_iso,
                atom.occ,
                atom.element.vdw_r,
            )
