"""Files of the analysis: members of clusters as trajectories, their centres as mmCIF."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np

from ..io.rmf.system import residue_type
from ..io.structures import Structure, read_structure
from ..io.targets import refuse_existing
from ..poses import composed, inverted, to_matrices
from ..representation.system import Fragment, System


class ModelWriter:
    """Writes models of one system as mmCIF.

    The atoms are those of the input structures, each with its body. A bead of several residues, or
    a residue without input structure, is one CA (P in nucleic acids) at the residue in its middle.

    Raises
    ------
    InputError
        An input structure cannot be read.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        files = dict.fromkeys(f.pdb for f in system.fragments if f.pdb is not None)
        structures = {path: read_structure(path) for path in files}
        self._atoms = [
            _own_atoms(structures[f.pdb], f) if f.pdb is not None else None
            for f in system.fragments
        ]

    def write(
        self,
        path: Path,
        poses: np.ndarray,
        title: str,
        force: bool = False,
    ) -> None:
        """One model, by the poses (bodies, 7) of all bodies.

        Raises
        ------
        InputError
            The file exists and ``force`` is false.
        """
        refuse_existing(path, force)
        system, finest = self._system, self._system.finest
        xyz = finest.positions(poses)
        motion = to_matrices(composed(poses, inverted(system.bodies.poses)))  # from the input
        model = gemmi.Model(1)
        for index, molecule in enumerate(system.molecules):
            residues: dict[int, gemmi.Residue] = {}
            for number, fragment in enumerate(system.fragments):
                if fragment.molecule != index:
                    continue
                members = np.flatnonzero(finest.fragment == number)
                if (atoms := self._atoms[number]) is not None:
                    body = int(finest.body[members[0]])
                    residues |= _placed(atoms, fragment, motion[0][body], motion[1][body])
                    continue
                for bead in members.tolist():
                    if not np.isfinite(xyz[bead]).all():
                        continue  # not in the trajectory
                    middle = (int(finest.first[bead]) + int(finest.last[bead])) // 2
                    name = residue_type(molecule.alphabet, molecule.sequence, middle)
                    residues[middle] = _bead(name, middle, molecule.alphabet, xyz[bead])
            chain = gemmi.Chain(molecule.chain)
            for residue in sorted(residues):
                chain.add_residue(residues[residue])
            model.add_chain(chain)
        structure = gemmi.Structure()
        structure.name = title
        structure.add_model(model)
        structure.setup_entities()
        # Not by gemmi, which takes no path with bytes that are no text.
        path.write_text(structure.make_mmcif_document().as_string(), encoding="utf-8")


def _own_atoms(structure: Structure, fragment: Fragment) -> Structure:
    numbers = structure.residue_number + fragment.pdb_offset
    inside = (numbers >= fragment.first) & (numbers <= fragment.last)
    own = np.zeros(len(structure), dtype=bool)
    own[structure.rows_of_chain(fragment.pdb_chain)] = True
    return structure.select(own & inside & (structure.polymer != ""))


def _placed(
    atoms: Structure, fragment: Fragment, turn: np.ndarray, shift: np.ndarray
) -> dict[int, gemmi.Residue]:
    residues: dict[int, gemmi.Residue] = {}
    for number, residue_name, name, altloc, element, xyz, occupancy, b_factor in zip(
        (atoms.residue_number + fragment.pdb_offset).tolist(),
        atoms.residue_name.tolist(),
        atoms.atom_name.tolist(),
        atoms.altloc.tolist(),
        atoms.element.tolist(),
        (atoms.xyz @ turn.T + shift).tolist(),
        atoms.occupancy.tolist(),
        atoms.b_factor.tolist(),
        strict=True,
    ):
        if number not in residues:
            residues[number] = _residue(residue_name, number)
        atom = gemmi.Atom()
        atom.name, atom.element = name, gemmi.Element(element)
        atom.pos = gemmi.Position(*xyz)
        atom.occ, atom.b_iso = occupancy, b_factor
        atom.altloc = altloc or "\0"
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
