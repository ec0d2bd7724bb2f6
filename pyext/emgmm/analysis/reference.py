"""Particles of a system in a reference structure, and those that it does not have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..io.files import printable
from ..io.structures import read_structure
from ..representation.system import Fragment, System
from .chain_match import ReferenceChain, as_letters, chains_of, kind_of, unrepeated

# A chain is taken for a molecule when at least this share of its residues has the right type.
_IDENTITY = 0.8
# ... and the chain of the table, when no chain is, from this on: numbering may be off for a part.
_RELATED = 0.3
# The table's chain and numbers are taken unless others fit better by more than this.
_TABLE_FIRST = 0.05
ENOUGH = 0.8  # share of a molecule's residues that the reference must have to judge it


@dataclass(frozen=True)
class ComparedChain:
    """A chain of the reference beside the molecule that it is.

    ``by`` says how its residues were found: by the numbers of the ``table``, by ``number`` with
    another offset, or by ``alignment``; None without a ``chain``. ``of`` are the residues of the
    model that have a structure, or all where none has.
    """

    subunit: str
    chain: str | None
    by: str | None
    residues: int
    of: int

    @property
    def is_enough(self) -> bool:
        """Whether the molecule can be judged by the reference."""
        return self.residues >= ENOUGH * self.of


@dataclass(frozen=True)
class Compared:
    """How much of a system a reference has; ``unused`` are chains that stand for no molecule."""

    chains: list[ComparedChain]
    unused: list[str]

    @property
    def is_complete(self) -> bool:
        """Whether every molecule can be judged."""
        return all(c.is_enough for c in self.chains)

    @property
    def residues(self) -> int:
        """Residues with a structure that are compared."""
        return sum(c.residues for c in self.chains)

    @property
    def of(self) -> int:
        """Residues that could be."""
        return sum(c.of for c in self.chains)

    def report(self) -> dict:
        """The content of ``analysis.json``, key ``compared``."""
        return {
            "complete": self.is_complete,
            "residues": self.residues,
            "of": self.of,
            "chains": [vars(c) | {"enough": c.is_enough} for c in self.chains],
            "missing": [c.subunit for c in self.chains if not c.residues],
            "unused_chains": self.unused,
        }


@dataclass(frozen=True)
class _Offer:
    """A chain that may stand for a molecule."""

    molecule: int
    chain: int
    identity: float
    positions: np.ndarray  # of its residues in the sequence, from 1; 0 for none
    by: str
    of_table: bool

    @property
    def rank(self) -> tuple:
        preferred = self.identity + _TABLE_FIRST * (self.by == "table")
        return -preferred, not self.of_table, self.molecule, self.chain


def reference_coordinates(
    system: System, path: str | Path
) -> tuple[np.ndarray, Compared, list[str]]:
    """Coordinates (n, 3) Å of the finest particles in a reference; NaN where it has none.

    A residue is at its central atom (Cα or P), a bead of several at the mean of those that are
    there, if they are at least half. Chains and numbers are those of the topology table where these
    fit; else the molecule takes the free chain that fits its sequence best, with another offset of
    the numbers or by alignment; where none fits, the chain of the table all the same.

    Returns
    -------
    coordinates, compared, notes
        Notes say what was not found, and which chain stands for a molecule where that is not the
        table's, one line each.

    Raises
    ------
    InputError
        The file cannot be read, or has no chain of any molecule.
    """
    structure = read_structure(path)
    chains = chains_of(structure)
    taken = _taken(system, chains)
    if not taken:
        found = f"chains {', '.join(structure.chains())}"
        raise InputError(path, found, "one of a molecule of the topology")
    xyz = _placed(system, chains, taken)
    compared = _compared(system, chains, taken, xyz)
    notes = [*structure.account.notes, *_notes(system, chains, taken, compared, path)]
    return xyz, compared, notes


def _taken(system: System, chains: list[ReferenceChain]) -> dict[int, _Offer]:
    """The chain of each molecule that has one; the best offers first, each chain once."""
    tables = [
        offer
        for molecule in range(len(system.molecules))
        for chain in range(len(chains))
        if (offer := _by_table(system, chains, molecule, chain)) is not None
    ]
    # Where the table fits there is nothing to search for.
    clear = [o for o in tables if o.identity > 1 - _TABLE_FIRST]
    taken = _first_come(clear, {})
    free = set(range(len(chains))) - {o.chain for o in taken.values()}
    offers = [o for o in tables if o.identity >= _IDENTITY]
    for molecule in set(range(len(system.molecules))) - taken.keys():
        sequence, kind = _sequence(system, molecule)
        for chain in free:
            if kind != chains[chain].polymer:
                continue
            identity, positions, by = chains[chain].best(sequence)
            if identity >= _IDENTITY:
                of_table = chains[chain].name in _table_chains(system, molecule)
                offers.append(_Offer(molecule, chain, identity, positions, by, of_table))
    taken = _first_come(offers, taken)
    return _first_come([o for o in tables if o.identity >= _RELATED], taken)


def _first_come(offers: list[_Offer], taken: dict[int, _Offer]) -> dict[int, _Offer]:
    taken = dict(taken)
    used = {offer.chain for offer in taken.values()}
    for offer in sorted(offers, key=lambda offer: offer.rank):
        if offer.molecule not in taken and offer.chain not in used:
            taken[offer.molecule] = offer
            used.add(offer.chain)
    return taken


def _sequence(system: System, molecule: int) -> tuple[np.ndarray, str]:
    """Letters of a molecule, and their kind."""
    kind = kind_of(system.molecules[molecule].alphabet)
    return as_letters(system.molecules[molecule].sequence, kind), kind


def _table_chains(system: System, molecule: int) -> list[str]:
    fragments = [f for f in system.fragments if f.molecule == molecule and f.pdb_chain]
    return [f.pdb_chain for f in fragments]


def _by_table(
    system: System, chains: list[ReferenceChain], molecule: int, chain: int
) -> _Offer | None:
    """A chain of the table's name at the table's numbers, which each row has for itself."""
    found = chains[chain]
    sequence, kind = _sequence(system, molecule)
    if found.name not in _table_chains(system, molecule)[:1] or kind != found.polymer:
        return None
    positions = np.zeros(len(found), dtype=int)
    numbers = unrepeated(found.numbers)
    offsets = _table_offsets(system)
    own = [i for i, f in enumerate(system.fragments) if f.molecule == molecule]
    for index in own:
        fragment = system.fragments[index]
        at = numbers + offsets[index]
        here = (positions == 0) & (at >= fragment.first) & (at <= fragment.last)
        positions[here] = at[here]
    # Residues that no row has still tell whether the chain is that of the sequence.
    first = next(i for i in own if system.fragments[i].pdb_chain)
    at = numbers + offsets[first]
    rest = (positions == 0) & (at >= 1) & (at <= len(sequence))
    judged = np.where(rest, at, positions)
    return _Offer(molecule, chain, found.identity(sequence, judged), positions, "table", True)


def _placed(system: System, chains: list[ReferenceChain], taken: dict[int, _Offer]) -> np.ndarray:
    particles = system.finest
    result = np.full((len(particles), 3), np.nan)
    for index in range(len(particles)):
        offer = taken.get(int(particles.molecule[index]))
        if offer is None:
            continue
        first, last = int(particles.first[index]), int(particles.last[index])
        inside = (offer.positions >= first) & (offer.positions <= last)
        if 2 * inside.sum() >= last - first + 1:
            result[index] = chains[offer.chain].xyz[inside].mean(axis=0)
    return result


def _compared(
    system: System, chains: list[ReferenceChain], taken: dict[int, _Offer], xyz: np.ndarray
) -> Compared:
    particles = system.finest
    residues = particles.last - particles.first + 1
    structured = np.array([f.structured for f in system.fragments])[particles.fragment]
    known = np.isfinite(xyz).all(axis=1)
    found = []
    for index, name in enumerate(system.subunits()):
        own = particles.molecule == index
        if (own & structured).any():
            own &= structured
        offer = taken.get(index)
        found.append(
            ComparedChain(
                name,
                chains[offer.chain].name if offer is not None else None,
                offer.by if offer is not None else None,
                int(residues[own & known].sum()),
                int(residues[own].sum()),
            )
        )
    used = {offer.chain for offer in taken.values()}
    unused = [chain.name for i, chain in enumerate(chains) if i not in used]
    return Compared(found, list(dict.fromkeys(unused)))


def _notes(
    system: System,
    chains: list[ReferenceChain],
    taken: dict[int, _Offer],
    compared: Compared,
    path: str | Path,
) -> list[str]:
    file, notes = printable(Path(path).name), []
    for index, molecule in enumerate(system.molecules):
        offer, part = taken.get(index), compared.chains[index]
        if offer is None:
            notes.append(f"{molecule.label}: no chain of its sequence in {file}")
            continue
        chain = chains[offer.chain].name or "without a name"
        if offer.identity < _IDENTITY:
            notes.append(
                f"{molecule.label}: only {offer.identity:.0%} of the residues of chain {chain} "
                f"of {file} are those of the sequence"
            )
        elif offer.by == "alignment":
            notes.append(f"{molecule.label}: chain {chain} of {file}, by alignment")
        elif offer.by != "table":
            notes.append(f"{molecule.label}: chain {chain} of {file}")
        if not part.is_enough:
            notes.append(f"{molecule.label}: {file} has {part.residues} of {part.of} residues")
    return notes


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
