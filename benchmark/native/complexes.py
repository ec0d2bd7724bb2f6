"""Complexes as runs: from a PDB file to structure, sequences, topology table and settings.

Shared by the benchmarks that put complexes together; not a benchmark itself.
"""

from __future__ import annotations

import os
import string
from itertools import combinations
from pathlib import Path

import gemmi
import numpy as np
from emgmm.fitting import fit_points
from emgmm.io.gmm import write_gmm
from emgmm.io.structures import read_structure

SHARED = Path(
    os.environ.get(
        "EMGMM_SHARED_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"
    )
)
COLORS = "blue red gold green purple orange cyan salmon brown gray pink black".split()
SHORT_NAMES = string.ascii_uppercase + string.ascii_lowercase + string.digits
HEADER = (
    "|molecule_name|color|fasta_fn|fasta_id|pdb_fn|chain|residue_range|pdb_offset|bead_size|"
    "em_residues_per_gaussian|rigid_body|super_rigid_body|chain_of_super_rigid_bodies|"
)
CONTACT, LINKED, NOT_LINKED = 8.0, 25.0, 40.0  # Å between alpha carbons


PEPTIDE = 20  # residues: a shorter chain moves with the one that it touches most


def prepare_complex(source: Path, folder: Path, chains: str | None = None) -> list[str]:
    """Writes complex.pdb (residues numbered from 1), sequences.fasta and topology.txt: each protein
    chain of the first model is a subunit and a rigid body, but peptides go with what holds them.
    Chains of one sequence are copies of one molecule. Returns the names of the chains.

    chains: names of those to take, separated by commas; None for all.
    """
    structure = gemmi.read_structure(str(source))
    structure.setup_entities()
    structure.remove_ligands_and_waters()
    structure.remove_hydrogens()
    structure.remove_alternative_conformations()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = None if chains is None else chains.split(",")
    model = structure[0]
    for name in [c.name for c in model]:
        chain = model[name]
        kept = {(r.seqid.num, r.seqid.icode) for r in chain if r.find_atom("CA", "*") is not None}
        for i in reversed(range(len(chain))):
            if (chain[i].seqid.num, chain[i].seqid.icode) not in kept:
                del chain[i]
        if not kept or (wanted is not None and name not in wanted):
            model.remove_chain(name)
    for chain, short in zip(model, SHORT_NAMES, strict=False):
        chain.name = short  # of one letter, as PDB files have them
        for i, residue in enumerate(chain):
            residue.seqid = gemmi.SeqId(i + 1, " ")
    sequences = {
        c.name: gemmi.one_letter_code([r.name for r in c]).upper().replace("X", "A") for c in model
    }
    bodies = _bodies(model)
    fasta, rows = [], []
    copies: dict[str, list[str]] = {}
    for number, chain in enumerate(model):
        same = copies.setdefault(sequences[chain.name], [])
        same.append(chain.name)
        molecule = f"P{same[0]}"
        label = molecule if len(same) == 1 else f"{molecule}.{len(same) - 1}"
        if len(same) == 1:
            fasta.append(f">{molecule}\n{sequences[chain.name]}\n")
        rows.append(
            f"|{label}|{COLORS[number % len(COLORS)]}|sequences.fasta|{molecule}|complex.pdb|"
            f"{chain.name}|1,END|0|20|0|{bodies[chain.name]}|||"
        )
    structure.write_pdb(str(folder / "complex.pdb"))
    (folder / "sequences.fasta").write_text("".join(fasta))
    (folder / "topology.txt").write_text("\n".join([HEADER, *rows]) + "\n")
    return [c.name for c in model]


def _bodies(model: gemmi.Model) -> dict[str, int]:
    """The number of the rigid body of each chain."""
    numbers = {c.name: i + 1 for i, c in enumerate(model)}
    places = {c.name: _alpha_carbons(c) for c in model}
    for chain in model:
        if len(chain) < PEPTIDE:
            contacts = {
                other: int((_distances(places[chain.name], xyz) < CONTACT).sum())
                for other, xyz in places.items()
                if len(xyz) >= PEPTIDE
            }
            numbers[chain.name] = numbers[max(contacts, key=contacts.__getitem__)]
    return numbers


def _alpha_carbons(chain: gemmi.Chain) -> np.ndarray:
    return np.array([r.find_atom("CA", "*").pos.tolist() for r in chain])


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a[:, None] - b[None], axis=2)


def write_links(folder: Path, a_pair: int, false_share: float, seed: int) -> int:
    """links.csv: `a_pair` links for each pair of touching subunits (CA closer than LINKED), a share
    of them replaced by residues of different subunits farther apart than NOT_LINKED. Returns the
    number of touching pairs."""
    model = gemmi.read_structure(str(folder / "complex.pdb"))[0]
    rows = [r.split("|") for r in (folder / "topology.txt").read_text().splitlines()[1:]]
    molecule = {row[6]: row[1].split(".")[0] for row in rows}
    body = {row[6]: row[11] for row in rows}
    places = {c.name: _alpha_carbons(c) for c in model}
    random = np.random.default_rng(seed)
    links, touching, far = [], 0, []
    for one, other in combinations(places, 2):
        if body[one] == body[other]:
            continue
        apart = _distances(places[one], places[other])
        far.append((one, other))
        if apart.min() >= CONTACT:
            continue
        touching += 1
        near = np.argwhere(apart < LINKED)
        for i, j in near[random.choice(len(near), min(a_pair, len(near)), replace=False)]:
            links.append((molecule[one], i + 1, molecule[other], j + 1))
    for k in random.choice(len(links), round(false_share * len(links)), replace=False):
        while True:
            one, other = far[random.integers(len(far))]
            i, j = random.integers(len(places[one])), random.integers(len(places[other]))
            if np.linalg.norm(places[one][i] - places[other][j]) > NOT_LINKED:
                break
        links[k] = (molecule[one], i + 1, molecule[other], j + 1)
    lines = [",".join(map(str, link)) for link in links]
    (folder / "links.csv").write_text("\n".join(["prot1,res1,prot2,res2", *lines]) + "\n")
    return touching


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
