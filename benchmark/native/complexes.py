"""Complexes as runs: from a PDB file to structure, sequences, topology table and settings.

Shared by the benchmarks that put complexes together; not a benchmark itself.
"""

from __future__ import annotations

import os
from pathlib import Path

import gemmi
from emgmm.fitting import fit_points
from emgmm.io.gmm import write_gmm
from emgmm.io.structures import read_structure

SHARED = Path(
    os.environ.get(
        "EMGMM_SHARED_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"
    )
)
COLORS = "blue red gold green purple orange cyan salmon brown gray pink black".split()


def prepare_complex(source: Path, folder: Path) -> list[str]:
    """Writes complex.pdb (residues numbered from 1), sequences.fasta and topology.txt: each protein
    chain of the first model a molecule and a rigid body. Returns the names of the chains."""
    structure = gemmi.read_structure(str(source))
    structure.setup_entities()
    structure.remove_ligands_and_waters()
    structure.remove_hydrogens()
    structure.remove_alternative_conformations()
    folder.mkdir(parents=True, exist_ok=True)
    names, fasta = [], []
    rows = [
        "|molecule_name|color|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|bead_size|"
        "em_residues_per_gaussian|rigid_body|super_rigid_body|chain_of_super_rigid_bodies|"
    ]
    for chain in structure[0]:
        residues = [r for r in chain if r.find_atom("CA", "*") is not None]
        if not residues:
            continue
        sequence = gemmi.one_letter_code([r.name for r in residues]).upper().replace("X", "A")
        kept = {(r.seqid.num, r.seqid.icode) for r in residues}
        for i in reversed(range(len(chain))):
            if (chain[i].seqid.num, chain[i].seqid.icode) not in kept:
                del chain[i]
        for i, residue in enumerate(chain):
            residue.seqid = gemmi.SeqId(i + 1, " ")
        name = f"P{chain.name}"
        color = COLORS[len(names) % len(COLORS)]
        names.append(chain.name)
        fasta.append(f">{name}\n{sequence}\n")
        rows.append(
            f"|{name}|{color}|sequences.fasta|{name}|complex.pdb|{chain.name}|1,END|0|20|0|"
            f"{len(names)}|||"
        )
    structure.write_pdb(str(folder / "complex.pdb"))
    (folder / "sequences.fasta").write_text("".join(fasta))
    (folder / "topology.txt").write_text("\n".join(rows) + "\n")
    return names


def native_mixture(folder: Path, dalton_per_component: float = 1090.0) -> int:
    """data_gmm.txt: EM mixture of the atoms of the whole complex (the paper's setting)."""
    structure = read_structure(folder / "complex.pdb")
    n = max(1, round(structure.mass.sum() / dalton_per_component))
    mixture = fit_points(structure.xyz, structure.mass, n, seed=5)
    write_gmm(folder / "data_gmm.txt", mixture, force=True)
    return n


def settings(folder: Path, em: str, sampling: str, extra: str = "") -> Path:
    """system.toml of the complex."""
    path = folder / "system.toml"
    path.write_text(
        f'[system]\ntopology = "topology.txt"\n\n[em]\n{em}\n\n[sampling]\n{sampling}\n{extra}'
    )
    return path
