"""Where the particles of a system are in a reference structure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np

from ..errors import InputError
from ..io.structures import Structure, read_structure
from ..representation.system import Fragment, System

# A chain is taken for a molecule when at least this share of its residues has the right type.
_IDENTITY = 0.8
# ... and the chain of the table, when no chain is, from this on: numbering may be off for a part.
_RELATED = 0.3


@dataclass(frozen=True)
class _Chain:
    """Central atoms of one chain of the reference."""

    name: str
    numbers: np.ndarray
    letters: np.ndarray
    xyz: np.ndarray

    def identity(self, sequence: np.ndarray, offset: int) -> float:
        """Share of the residues that are those of the sequence, at number + offset."""
        index = self.numbers + offset - 1
        inside = (index >= 0) & (index < len(sequence))
        return float((sequence[index[inside]] == self.letters[inside]).sum() / len(index))

    def best_offset(self, sequence: np.ndarray) -> tuple[float, int]:
        """The best identity, and the offset that gives it, the smallest of equals."""
        low, high = 1 - int(self.numbers.max()), len(sequence) - int(self.numbers.min())
        offsets = sorted(range(low, high + 1), key=abs)
        best = max(offsets, key=lambda offset: self.identity(sequence, offset))
        return self.identity(sequence, best), best


def reference_coordinates(system: System, path: str | Path) -> tuple[np.ndarray, list[str]]:
    """Coordinates (n, 3) Å of the finest particles in a reference; NaN where it has none.

    A residue is at its central atom (CA or P), a bead of several at the mean of those that are
    there, if they are at least half. Chains and offsets are those of the topology table; where a
    chain is not in the reference, is claimed twice or has other residues, the molecule takes a free
    chain of its sequence; where there is none, the chain of the table all the same.

    Returns
    -------
    coordinates, notes
        Notes say which chain stands for a molecule where that is not the table's, one line each.

    Raises
    ------
    InputError
        The file cannot be read, or has no chain of any molecule.
    """
    chains = {c.name: c for c in _chains(read_structure(path))}
    taken: dict[int, tuple[_Chain, int | None]] = {}  # molecule -> chain, offset if not the table's
    notes = []
    sequences = [np.array(list(m.sequence)) for m in system.molecules]
    for index in range(len(system.molecules)):
        own = [f for f in system.fragments if f.molecule == index and f.pdb_chain]
        chain = chains.get(own[0].pdb_chain) if own else None
        if chain is None or any(c is chain for c, _ in taken.values()):
            continue
        if chain.identity(sequences[index], own[0].pdb_offset) >= _IDENTITY:
            taken[index] = chain, None
    for index, molecule in enumerate(system.molecules):
        if index in taken:
            continue
        used = {c.name for c, _ in taken.values()}
        free = [c for c in chains.values() if c.name not in used]
        offers = [(*c.best_offset(sequences[index]), c) for c in free]
        offers = [offer for offer in offers if offer[0] >= _IDENTITY]
        if offers:
            _, offset, chain = max(offers, key=lambda offer: offer[0])
            taken[index] = chain, offset
            notes.append(f"{molecule.label}: chain {chain.name} of {Path(path).name}")
            continue
        own = [f for f in system.fragments if f.molecule == index and f.pdb_chain]
        of_table = [c for c in free if own and c.name == own[0].pdb_chain]
        share = of_table[0].identity(sequences[index], own[0].pdb_offset) if of_table else 0.0
        if share >= _RELATED:
            taken[index] = of_table[0], None
            notes.append(
                f"{molecule.label}: only {share:.0%} of the residues of chain {of_table[0].name} "
                f"of {Path(path).name} are those of the sequence"
            )
        else:
            notes.append(f"{molecule.label}: no chain of its sequence in {Path(path).name}")
    if not taken:
        raise InputError(path, f"chains {', '.join(chains)}", "one of a molecule of the topology")
    return _placed(system, taken), notes


def _chains(structure: Structure) -> list[_Chain]:
    result = []
    for name in structure.chains():
        own = structure.select(structure.chain == name)
        own = own.select(own.central_atoms())
        if not len(own):
            continue
        _, first = np.unique(own.residue_number, return_index=True)
        own = own.select(first)
        letters = [
            gemmi.find_tabulated_residue(n).one_letter_code.upper() for n in own.residue_name
        ]
        result.append(_Chain(name, own.residue_number, np.array(letters), own.xyz))
    return result


def _placed(system: System, taken: dict[int, tuple[_Chain, int | None]]) -> np.ndarray:
    particles = system.finest
    result = np.full((len(particles), 3), np.nan)
    offsets = _table_offsets(system)
    for index in range(len(particles)):
        molecule = int(particles.molecule[index])
        if molecule not in taken:
            continue
        chain, offset = taken[molecule]
        if offset is None:
            offset = offsets[int(particles.fragment[index])]
        first, last = int(particles.first[index]), int(particles.last[index])
        inside = (chain.numbers + offset >= first) & (chain.numbers + offset <= last)
        if 2 * inside.sum() >= last - first + 1:
            result[index] = chain.xyz[inside].mean(axis=0)
    return result


def _table_offsets(system: System) -> list[int]:
    """Offset of each fragment: its own, or that of the nearest one with a structure."""
    offsets = []
    for fragment in system.fragments:
        others = [f for f in system.fragments if f.molecule == fragment.molecule and f.pdb]
        nearest = min(others, key=lambda f: _gap(f, fragment), default=fragment)
        offsets.append(nearest.pdb_offset)
    return offsets


def _gap(one: Fragment, other: Fragment) -> int:
    return max(one.first - other.last, other.first - one.last, 0)
