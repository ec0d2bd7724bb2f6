"""Structures as mmCIF."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import gemmi
import numpy as np

from . import Structure


def write_mmcif(path: Path, structures: Iterable[Structure], title: str) -> list[str]:
    """Writes structures as one model, each chain under its own name as long as it is free.

    Residues keep names, numbers and insertion codes; atoms their alternate locations, occupancies
    and B factors. An earlier file is replaced.

    Returns
    -------
    list
        Names of the chains, in the order written; a taken name has a number behind it.
    """
    model, names = gemmi.Model(1), []
    for structure in structures:
        for name in structure.chains():
            chain = gemmi.Chain(free_name(name or "A", names))
            names.append(chain.name)
            for residue in residues(structure.select(structure.chain == name)):
                chain.add_residue(residue)
            model.add_chain(chain)
    write_model(path, model, title)
    return names


def write_model(path: Path, model: gemmi.Model, title: str) -> None:
    """Writes a model of gemmi; an earlier file is replaced."""
    whole = gemmi.Structure()
    whole.name = title
    whole.add_model(model)
    whole.setup_entities()
    for entity in whole.entities:
        if entity.entity_type == gemmi.EntityType.Polymer:
            _name_polymer(whole[0], entity)
    whole.assign_label_seq_id(True)
    # Not by gemmi, which takes no path with bytes that are no text.
    path.write_text(whole.make_mmcif_document().as_string(), encoding="utf-8")


def _name_polymer(model: gemmi.Model, entity: gemmi.Entity) -> None:
    """Give the labels that some readers of mmCIF need: the chains' own names, and numbers in
    a sequence, for which the residues that are there stand."""
    seen = model.get_subchain(entity.subchains[0])
    entity.full_sequence = [residue.name for residue in seen.first_conformer()]
    labels = {}
    for chain in model:
        for residue in chain:
            if residue.subchain in entity.subchains:
                labels[residue.subchain] = chain.name
                residue.subchain = chain.name
    entity.subchains = list(labels.values())


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name, or where it is taken the first free one with a number behind it."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name}{number}", number + 1
    return free


def residues(atoms: Structure) -> Iterator[gemmi.Residue]:
    """The residues of a structure, in its order."""
    _, starts = np.unique(atoms.residue, return_index=True)
    for own in np.split(np.arange(len(atoms)), np.sort(starts)[1:]):
        if not len(own):
            continue
        first = own[0]
        residue = gemmi.Residue()
        residue.name = str(atoms.residue_name[first])
        code = str(atoms.insertion_code[first]).strip() or " "
        residue.seqid = gemmi.SeqId(int(atoms.residue_number[first]), code)
        residue.het_flag = "H" if atoms.hetero[first] else "A"
        polymer = atoms.polymer[first] != ""
        kinds = gemmi.EntityType
        residue.entity_type = kinds.Polymer if polymer else kinds.NonPolymer
        for i in own.tolist():
            atom = gemmi.Atom()
            atom.name = str(atoms.atom_name[i])
            atom.element = gemmi.Element(str(atoms.element[i]))
            atom.pos = gemmi.Position(*atoms.xyz[i].tolist())
            atom.occ, atom.b_iso = float(atoms.occupancy[i]), float(atoms.b_factor[i])
            atom.altloc = str(atoms.altloc[i]).strip() or "\0"
            residue.add_atom(atom)
        yield residue
