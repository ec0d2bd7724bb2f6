"""Structures made up for tests: chains of Cα atoms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import gemmi
import numpy as np


def random_walk(residues: int, seed: int = 3) -> np.ndarray:
    """(n, 3) Å, compact."""
    return np.cumsum(np.random.default_rng(seed).normal(size=(residues, 3)) * 2.2, axis=0)


def residue_of(name: str, number: int, xyz: np.ndarray, code: str = " ") -> gemmi.Residue:
    """A residue that is one Cα."""
    residue = gemmi.Residue()
    residue.name, residue.seqid = name, gemmi.SeqId(number, code)
    atom = gemmi.Atom()
    atom.name, atom.element, atom.pos = "CA", gemmi.Element("C"), gemmi.Position(*xyz)
    residue.add_atom(atom)
    return residue


def chain_of(
    name: str, sequence: str, xyz: np.ndarray, numbers: Sequence[int] | None = None
) -> gemmi.Chain:
    """A chain with the residues of a sequence, numbered from 1 unless told."""
    chain = gemmi.Chain(name)
    for number, letter, place in zip(
        numbers if numbers is not None else range(1, len(sequence) + 1), sequence, xyz, strict=True
    ):
        kind = gemmi.expand_one_letter(letter, gemmi.ResidueKind.AA)
        chain.add_residue(residue_of(kind, number, place))
    return chain


def write_structure(path: Path, chains: Iterable[gemmi.Chain]) -> None:
    """A PDB file of these chains."""
    structure, model = gemmi.Structure(), gemmi.Model(1)
    for chain in chains:
        model.add_chain(chain)
    structure.add_model(model)
    structure.write_pdb(str(path))


def write_chains(path: Path, chains: Iterable[tuple]) -> None:
    """A PDB file of chains, each given as the arguments of `chain_of`."""
    write_structure(path, [chain_of(*chain) for chain in chains])
