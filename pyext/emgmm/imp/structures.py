"""Structures written so that PMI, which has a reader of its own, sees what emgmm sees."""

from __future__ import annotations

import gemmi
import numpy as np

from ..io.structures import Structure

_KINDS = {
    "protein": gemmi.ResidueKind.AA,
    "RNA": gemmi.ResidueKind.RNA,
    "DNA": gemmi.ResidueKind.DNA,
}


def reads_alike(structure: Structure) -> bool:
    """Whether PMI takes the same residues, atoms and masses from the file itself.

    PMI reads one conformer, ignores occupancies, takes of HETATM records only MSE, and takes P for
    the centre of every residue of a chain that has any.
    """
    chains = structure.select(structure.polymer != "")
    protein = chains.polymer == "protein"
    phosphorus = chains.atom_name == "P"
    centers = chains.central_atoms()
    names = np.unique(chains.residue_name[chains.residue_name != "MSE"]).tolist()
    return bool(
        not structure.account.notes
        and "" not in structure.chains()
        and (chains.occupancy == 1).all()
        and not (chains.hetero & (chains.residue_name != "MSE")).any()
        and not (protein & phosphorus).any()
        and (phosphorus | protein)[centers].all()
        and all(gemmi.find_tabulated_residue(name).is_standard() for name in names)
    )


def written_for_pmi(structure: Structure, chain: str) -> tuple[str, str]:
    """The residues of the chains of a structure as text, and the ending of its format.

    The best conformer, whole; modified residues under the names of their parents, and the centre of
    each under the name by which PMI knows it. A chain without a name is called ``chain``.
    """
    model = gemmi.Model(1)
    for name in structure.chains():
        rows = np.flatnonzero((structure.chain == name) & (structure.polymer != ""))
        part = structure.select(rows)
        made = gemmi.Chain(name or chain)
        for at in part.central_atoms().tolist():
            made.add_residue(_residue(part, at))
        model.add_chain(made)
    written = gemmi.Structure()
    written.add_model(model)
    written.setup_entities()
    names = [name or chain for name in structure.chains()]
    if max(map(len, names)) > 1 or len(structure) > 99_999:
        return written.make_mmcif_document().as_string(), ".cif"
    return written.make_minimal_pdb(), ".pdb"


def _residue(part: Structure, center: int) -> gemmi.Residue:
    kind = str(part.polymer[center])
    residue = gemmi.Residue()
    residue.name = gemmi.expand_one_letter(str(part.letter[center]), _KINDS[kind]) or "UNK"
    icode = str(part.insertion_code[center]) or " "
    residue.seqid = gemmi.SeqId(int(part.residue_number[center]), icode)
    own = np.flatnonzero(part.residue == part.residue[center])
    own = own[part.residue_name[own] == part.residue_name[center]]
    best: dict[str, int] = {}
    for i in own.tolist():
        name = str(part.atom_name[i])
        if name not in best or part.occupancy[i] > part.occupancy[best[name]]:
            best[name] = i
    for name, i in best.items():
        atom = gemmi.Atom()
        atom.element = gemmi.Element(str(part.element[i]))
        atom.name = name
        if kind == "protein" and name == "P":
            atom.name = "P1"
        elif kind != "protein" and i == center and name != "P":
            atom.name, atom.element = "P", gemmi.Element("P")
        atom.pos = gemmi.Position(*part.xyz[i])
        atom.occ, atom.b_iso = 1.0, float(part.b_factor[i])
        residue.add_atom(atom)
    return residue
