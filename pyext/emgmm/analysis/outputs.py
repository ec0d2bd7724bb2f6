"""What the analysis writes: members of clusters as trajectories, their centres as mmCIF."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np

from ..io.files import refuse_existing
from ..io.rmf_system import residue_type
from ..io.structures import Structure, read_structure
from ..representation.system import Fragment, System


def write_model(
    path: Path,
    system: System,
    rotation: np.ndarray,
    translation: np.ndarray,
    title: str,
    force: bool = False,
) -> None:
    """A model as mmCIF: the atoms of the input structures, each with its body; beads as one atom.

    A bead of several residues, or a residue without input structure, is one CA (P in nucleic
    acids) at the residue in its middle.

    Parameters
    ----------
    rotation, translation
        Poses of all bodies, (bodies, 3, 3) and (bodies, 3) Å.

    Raises
    ------
    InputError
        The file exists and ``force`` is false, or an input structure cannot be read.
    """
    refuse_existing(path, force)
    model = gemmi.Model(1)
    structures: dict[str, Structure] = {}
    finest = system.finest
    for index, molecule in enumerate(system.molecules):
        residues: dict[int, gemmi.Residue] = {}
        for number, fragment in enumerate(system.fragments):
            if fragment.molecule != index:
                continue
            members = np.flatnonzero(finest.fragment == number)
            if fragment.pdb is not None:
                body = int(finest.body[members[0]])
                pose = _from_input(system, body, rotation[body], translation[body])
                if fragment.pdb not in structures:
                    structures[fragment.pdb] = read_structure(fragment.pdb)
                residues |= _atoms(structures[fragment.pdb], fragment, pose)
                continue
            for bead in members.tolist():
                body = int(finest.body[bead])
                middle = (int(finest.first[bead]) + int(finest.last[bead])) // 2
                xyz = rotation[body] @ finest.local[bead] + translation[body]
                name = residue_type(molecule.alphabet, molecule.sequence, middle)
                residues[middle] = _bead(name, middle, molecule.alphabet, xyz)
        chain = gemmi.Chain(molecule.chain)
        for residue in sorted(residues):
            chain.add_residue(residues[residue])
        model.add_chain(chain)
    structure = gemmi.Structure()
    structure.name = title
    structure.add_model(model)
    structure.setup_entities()
    structure.make_mmcif_document().write_file(str(path))


def _from_input(
    system: System, body: int, rotation: np.ndarray, translation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What moves the body from the input structure to the model: rotation and translation, Å."""
    turn = rotation @ system.bodies.rotation[body].T
    return turn, translation - turn @ system.bodies.translation[body]


def _atoms(
    structure: Structure, fragment: Fragment, pose: tuple[np.ndarray, np.ndarray]
) -> dict[int, gemmi.Residue]:
    numbers = structure.residue_number + fragment.pdb_offset
    own = structure.select(
        (structure.chain == fragment.pdb_chain)
        & (numbers >= fragment.first)
        & (numbers <= fragment.last)
    )
    turn, shift = pose
    xyz = own.xyz @ turn.T + shift
    residues: dict[int, gemmi.Residue] = {}
    for i in range(len(own)):
        number = int(own.residue_number[i]) + fragment.pdb_offset
        if number not in residues:
            residues[number] = _residue(str(own.residue_name[i]), number)
        atom = gemmi.Atom()
        atom.name, atom.element = str(own.atom_name[i]), gemmi.Element(str(own.element[i]))
        atom.pos = gemmi.Position(*xyz[i])
        atom.occ, atom.b_iso = float(own.occupancy[i]), float(own.b_factor[i])
        residues[number].add_atom(atom)
    return residues


def _bead(name: str, number: int, alphabet: str, xyz: np.ndarray) -> gemmi.Residue:
    residue = _residue(name, number)
    atom = gemmi.Atom()
    atom.name = "CA" if alphabet == "protein" else "P"
    atom.element = gemmi.Element("C" if alphabet == "protein" else "P")
    atom.pos = gemmi.Position(*xyz)
    residue.add_atom(atom)
    return residue


def _residue(name: str, number: int) -> gemmi.Residue:
    residue = gemmi.Residue()
    residue.name = name
    residue.seqid = gemmi.SeqId(number, " ")
    residue.entity_type = gemmi.EntityType.Polymer
    return residue
