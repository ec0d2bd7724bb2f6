"""Atoms of PDB and mmCIF files: the one reader of every command."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np

from ...errors import InputError
from ...poses import to_matrices
from ..files import opened, printable, without_mark
from ..streams import is_stream
from .account import AtomAccount, counted
from .atom_site import read_mmcif
from .confidence import looks_like_confidence
from .pdb_columns import read_pdb
from .raw_atoms import RawFile
from .residue_table import central_order, residues_of
from .used import KEPT, chosen, masses

_EXPECTED = "a PDB or mmCIF file"


@dataclass(frozen=True, repr=False)
class Structure:
    """Atoms of one model, one array entry each, chain by chain in the order of the file.

    Attributes
    ----------
    chain, residue_name, atom_name, element, insertion_code, altloc
        (n,) str; chains and residue numbers of mmCIF files are the author's. Elements in upper
        case.
    residue_number
        (n,) int.
    residue
        (n,) int, another one for each residue: two copies of a residue under one number have two.
    polymer, letter
        (n,) str: ``protein``, ``RNA`` or ``DNA`` for residues of a chain, else empty; one-letter
        code of the residue, of its parent where it is modified, X for an unknown one.
    hetero
        (n,) bool, HETATM records.
    mass
        (n,) Da.
    xyz
        (n, 3) Å.
    b_factor, occupancy
        (n,) Å² and 0 to 1. All alternate locations are there, each with its own occupancy.
    share
        (n,) 1; for alternate locations of one atom their parts of 1.
    vdw_radius
        (n,) Å.
    account
        What became of the atoms of the file.
    """

    chain: np.ndarray
    residue_number: np.ndarray
    insertion_code: np.ndarray
    residue_name: np.ndarray
    atom_name: np.ndarray
    altloc: np.ndarray
    element: np.ndarray
    residue: np.ndarray
    polymer: np.ndarray
    letter: np.ndarray
    hetero: np.ndarray
    mass: np.ndarray
    xyz: np.ndarray
    b_factor: np.ndarray
    occupancy: np.ndarray
    share: np.ndarray
    vdw_radius: np.ndarray
    account: AtomAccount = field(default_factory=AtomAccount)

    def __len__(self) -> int:
        return len(self.chain)

    def __repr__(self) -> str:
        mass = self.atom_mass().sum() / 1000
        return f"Structure of {len(self)} atoms in {len(self.chains())} chains, {mass:.1f} kDa"

    def moved(self, pose: np.ndarray) -> Structure:
        """The structure turned and shifted by a pose (7,): quaternion w x y z, translation in Å."""
        rotation, translation = to_matrices(np.asarray(pose, dtype=np.float64))
        return replace(self, xyz=self.xyz @ rotation.T + translation)

    def select(self, mask: np.ndarray) -> Structure:
        """The atoms of a boolean mask or an index array."""
        arrays = {f.name: getattr(self, f.name)[mask] for f in fields(self) if f.name != "account"}
        return replace(self, **arrays)

    def chains(self) -> list[str]:
        """Chain identifiers in the order of the file; "" for one without a name."""
        return list(dict.fromkeys(self.chain.tolist()))

    def names_no_chain(self) -> bool:
        """Whether the only chain, beside ligands, has no name."""
        chains = self.chain[self.polymer != ""]
        return bool((chains == "").all() and (self.chain == "").any())

    def rows_of_chain(self, name: str | None) -> np.ndarray:
        """Indices of the atoms of a chain; any name stands for the only chain of a file that names
        none."""
        rows = np.flatnonzero(self.chain == name)
        if not len(rows) and self.names_no_chain():
            return np.flatnonzero(self.chain == "")
        return rows

    def atom_mass(self) -> np.ndarray:
        """(n,) Da, mass times occupancy."""
        return self.mass * self.occupancy

    def displacement(self) -> np.ndarray:
        """(n,) Å², the variance along an axis that the B factors say; 0 where the column holds the
        confidence of a prediction."""
        if self.account.b_column != "b_factor":
            return np.zeros(len(self))
        return self.b_factor / (8 * np.pi**2)

    def central_atoms(self) -> np.ndarray:
        """Indices of one atom a residue of a polymer, in the order of the file.

        Cα in proteins; P in nucleic acids or, where a first nucleotide has none, the next atom of
        the backbone. Of alternate locations that of the highest occupancy.
        """
        order = central_order(self.polymer, self.atom_name, self.element)
        candidates = np.flatnonzero(order >= 0)
        keys = (candidates, -self.occupancy[candidates], order[candidates])
        candidates = candidates[np.lexsort((*keys, self.residue[candidates]))]
        _, first = np.unique(self.residue[candidates], return_index=True)
        return np.sort(candidates[first])


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


def begins_as_structure(start: bytes) -> bool:
    """Whether the first bytes of a file, unpacked, are those of a structure."""
    # gmconvert writes its Gaussians as HETATM.
    start = without_mark(start)
    return _format(start) != "" and b"REMARK GAUSS" not in start


def read_structure(path: str | os.PathLike, *, keep: Collection[str] = ()) -> Structure:
    """Atoms of the first model of a PDB or mmCIF file, whatever its name; also compressed.

    Left out, and counted in ``account``: waters, ions and lipids of a simulation, dummy atoms,
    atoms of no occupancy. All alternate locations are read, each with its occupancy.

    Parameters
    ----------
    keep
        Of ``waters``, ``ions``, ``lipids``: what to read all the same.

    Raises
    ------
    InputError
        No such file, a file that is neither, no atoms, or, with the line: a number that is none, a
        line cut short, an atom of unknown element.

    Examples
    --------
    >>> import emgmm
    >>> structure = emgmm.read_structure("complex.pdb.gz")
    >>> structure.chains()
    ['A', 'B', 'C', 'D', 'E']
    """
    path = find_file(path, _EXPECTED)
    unknown = sorted(set(keep) - set(KEPT))
    if unknown:
        raise InputError("keep", repr(unknown[0]), f"one of {', '.join(KEPT)}")
    with opened(path, _EXPECTED) as file:
        data = file.read()
    raw = _read(without_mark(data), path)
    if not len(raw.atoms):
        raise InputError(path, "no atoms", "a PDB or mmCIF file with coordinates")
    account = AtomAccount(printable(path.name))
    for note in raw.notes or ():
        account.say(note)
    structure = _structure(raw, account, keep, path)
    if not len(structure):
        reasons = ", ".join(f"{n} {reason}" for reason, n in account.left_out.items())
        raise InputError(
            path, f"no atoms to use ({reasons})", "a PDB or mmCIF file with a molecule"
        )
    return structure


def _read(data: bytes, path: Path) -> RawFile:
    kind = _format(data[: 1 << 16])
    if not kind:
        suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
        kind = "mmcif" if suffix in (".cif", ".mmcif", ".pdbx") else "pdb"
    return read_mmcif(data, path) if kind == "mmcif" else read_pdb(data, path)


def _format(start: bytes) -> str:
    """``mmcif``, ``pdb`` or nothing, by the first lines of the content."""
    lines = [line for line in start.splitlines() if line.strip()]
    words = [line for line in lines if not line.startswith(b"#")]
    if words and (words[0][:5].lower() == b"data_" or words[0].lstrip().startswith(b'{"data_')):
        return "mmcif"
    if any(line[:6].upper() in (b"ATOM  ", b"HETATM") for line in lines):
        return "pdb"
    return ""


def _structure(raw: RawFile, account: AtomAccount, keep: Collection[str], path: Path) -> Structure:
    account.read = len(raw.atoms) + raw.elsewhere
    account.leave_out("of other models", raw.elsewhere)
    used = chosen(raw, account, keep, path)
    residues = residues_of(used, account)
    used = used.select(residues.kept)
    atoms = used.atoms
    mass, radius = masses(used.element)
    account.mass = float(mass @ residues.occupancy)
    if looks_like_confidence(
        raw.header,
        raw.measured,
        raw.confidence,
        atoms.b_factor,
        residues.residue,
        residues.polymer != "",
    ):
        account.b_column = "plddt"
    if raw.models > 1:
        account.say(_other_models(raw, account))
    return Structure(
        chain=atoms.chain,
        residue_number=atoms.number,
        insertion_code=atoms.insertion,
        residue_name=atoms.residue_name,
        atom_name=atoms.name,
        altloc=atoms.altloc,
        element=used.element,
        residue=residues.residue,
        polymer=residues.polymer,
        letter=residues.letter,
        hetero=atoms.hetero,
        mass=mass,
        xyz=atoms.xyz,
        b_factor=atoms.b_factor,
        occupancy=residues.occupancy,
        share=residues.share,
        vdw_radius=radius,
        account=account,
    )


def _other_models(raw: RawFile, account: AtomAccount) -> str:
    first = f"has {raw.models} models, of which the first is used ({account.mass:.0f} Da"
    if raw.elsewhere == (raw.models - 1) * len(raw.atoms):
        return (
            f"{first}; all of them, if they are one assembly: {raw.models * account.mass:.0f} Da)"
        )
    return f"{first}; the others have {counted(raw.elsewhere, 'atom')})"
