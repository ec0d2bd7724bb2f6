"""Residues of a file: copies under one number, alternate locations, what belongs to a polymer."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from .account import AtomAccount, counted, listed
from .raw_atoms import RawAtoms, coded
from .residue_names import polymer_of
from .used import UsedAtoms

_SAME_PLACE = 1e-3  # Å
_PEPTIDE = 2.0  # Å, C to N
_CALPHAS = 4.4  # Å
_PHOSPHODIESTER = 2.2  # Å, O3' to P
_PHOSPHATES = 8.0  # Å
_TOLERANCE = 0.01  # of sums of occupancies
# Where a nucleotide without a phosphate is: the next atom of its backbone.
_NUCLEOTIDE_CENTERS = ("P", "O5'", "C5'", "C4'", "C3'", "C1'")


@dataclass(frozen=True)
class Residues:
    """Residues as `Structure` has them: arrays (n,) over the atoms that ``kept`` leaves."""

    kept: np.ndarray
    residue: np.ndarray
    polymer: np.ndarray
    letter: np.ndarray
    occupancy: np.ndarray
    share: np.ndarray


def central_order(polymer: np.ndarray, name: np.ndarray, element: np.ndarray) -> np.ndarray:
    """(n,) int: 0 for the atom at which a residue is, more for those that stand in, -1 for none."""
    order = np.full(len(name), -1)
    order[(polymer == "protein") & (name == "CA") & (element == "C")] = 0
    nucleic = (polymer == "RNA") | (polymer == "DNA")
    for rank, center in enumerate(_NUCLEOTIDE_CENTERS):
        order[nucleic & ((name == center) | (name == center.replace("'", "*")))] = rank
    return order


def residues_of(used: UsedAtoms, account: AtomAccount) -> Residues:
    """Residues of atoms that are in order of their chains."""
    residue, kept = _numbered(used.atoms, account)
    used, residue = used.select(kept), residue[kept]
    occupancy, share = _alternates(used.atoms, residue, account)
    polymer, letter = _polymers(used, residue)
    return Residues(kept, residue, polymer, letter, occupancy, share)


def _numbered(atoms: RawAtoms, account: AtomAccount) -> tuple[np.ndarray, np.ndarray]:
    """(n,) a number for each residue, and (n,) whether an atom is no repetition."""
    count = len(atoms)
    kept = np.ones(count, dtype=bool)
    if not count:
        return np.zeros(0, dtype=np.int64), kept
    _, chain = coded(atoms.chain)
    _, insertion = coded(atoms.insertion)
    _, name = coded(atoms.residue_name)
    # Two residue types at one position are alternatives where they are marked as such.
    marked = atoms.altloc != ""
    change = (np.diff(name) != 0) & ~(marked[1:] & marked[:-1])
    for part in (chain, atoms.number, insertion, atoms.segment):
        change |= np.diff(part) != 0
    starts = np.flatnonzero(np.r_[True, change])
    ends = np.r_[starts[1:], count]
    keys = list(
        zip(
            chain[starts].tolist(),
            atoms.number[starts].tolist(),
            insertion[starts].tolist(),
            strict=True,
        )
    )
    number = np.arange(len(starts))
    if len(set(keys)) < len(keys):
        _join(atoms, keys, starts, ends, number, kept, account)
    return np.repeat(number, ends - starts), kept


def _join(atoms, keys, starts, ends, number, kept, account) -> None:
    """Decides about stretches of atoms under a number that an earlier one has: more atoms of the
    same residue, the same atoms once more, or another copy."""
    seen: dict[tuple, list[tuple[int, dict]]] = {}
    copies: list[str] = []
    counts: dict[tuple, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    repeated = 0
    for block, key in enumerate(keys):
        if counts[key] == 1:
            continue
        rows = range(int(starts[block]), int(ends[block]))
        own = {
            (str(atoms.residue_name[i]), str(atoms.name[i]), str(atoms.altloc[i])): i for i in rows
        }
        for residue, known in seen.setdefault(key, []):
            common = own.keys() & known.keys()
            if common:
                same = [
                    i
                    for atom in common
                    if np.abs(atoms.xyz[i := own[atom]] - atoms.xyz[known[atom]]).max()
                    < _SAME_PLACE
                ]
                if len(same) == len(common):
                    kept[same] = False
                    repeated += len(same)
                    number[block] = residue
                    known.update({a: i for a, i in own.items() if a not in common})
                    break
                continue
            names = {atom[0] for atom in own} | {atom[0] for atom in known}
            if len(names) == 1 or all(atom[2] for atom in own):
                number[block] = residue
                known.update(own)
                break
        else:
            same_name = any({a[0] for a in own} & {a[0] for a in k} for _, k in seen[key])
            if same_name:
                copies.append(str(atoms.chain[starts[block]]))
            seen[key].append((int(number[block]), own))
    if repeated:
        account.leave_out("repeated at the same place", repeated)
        account.say(f"{counted(repeated, 'atom')} repeated at the same place left out")
    if copies:
        names = listed([name or "without a name" for name in dict.fromkeys(copies)])
        account.say(
            f"{counted(len(copies), 'residue')} with a number that an earlier residue of the chain "
            f"has (chain {names}): counted as another copy"
        )


def _alternates(
    atoms: RawAtoms, residue: np.ndarray, account: AtomAccount
) -> tuple[np.ndarray, np.ndarray]:
    """(n,) occupancies, sums over alternate locations at most 1, and (n,) the share of each."""
    occupancy, share = atoms.occupancy, np.ones(len(atoms))
    marked = atoms.altloc != ""
    if not marked.any():
        return occupancy, share
    alternate = np.isin(residue, residue[marked])
    rows = np.flatnonzero(alternate)
    names, name = coded(atoms.name[rows])
    _, group = np.unique(residue[rows] * len(names) + name, return_inverse=True)
    # Atoms of one name none of which is marked are several atoms, not places of one.
    real = np.bincount(group, marked[rows])[group] > 0
    sums = np.bincount(group, occupancy[rows])
    share[rows[real]] = (occupancy[rows] / sums[group])[real]
    excess = np.ones(int(residue.max()) + 1)
    np.maximum.at(excess, residue[rows[real]], sums[group[real]])
    above = excess > 1 + _TOLERANCE
    if above.any():
        scaled = np.flatnonzero(above[residue] & marked)
        occupancy = occupancy.copy()
        occupancy[scaled] /= excess[residue[scaled]]
        account.say(
            f"occupancies of the alternate locations of {counted(int(above.sum()), 'residue')} add "
            "up to more than 1: scaled to 1"
        )
    return occupancy, share


def _polymers(used: UsedAtoms, residue: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) polymer and (n,) one-letter code of each atom's residue."""
    atoms = used.atoms
    names, codes = coded(atoms.residue_name)
    known = [polymer_of(name) for name in names]
    letter = np.array([p.letter or "X" for p in known] or [""])[codes]
    polymer = np.array([p.kind for p in known] or [""], dtype="U8")[codes]
    tabulated = np.array([gemmi.find_tabulated_residue(n).found() for n in names] or [True])[codes]
    # Names that no table has: by their atoms.
    alpha = (atoms.name == "CA") & (used.element == "C")
    open_ = (polymer == "") & ~tabulated
    if open_.any():
        backbone = _having(residue, alpha) & _having(residue, atoms.name == "N")
        backbone &= _having(residue, atoms.name == "C")
        polymer[open_ & (backbone | (_having(residue, alpha) & ~atoms.hetero))] = "protein"
    sugar = _having(residue, np.isin(atoms.name, ("C1'", "C1*", "C4'", "C4*")))
    phosphate = _having(residue, np.isin(atoms.name, ("P", "PA", "O3'", "O3*")))
    polymer[(polymer == "") & open_ & sugar & phosphate] = "nucleic"
    chains = _Links(used, residue, polymer)
    doubtful = (polymer != "") & atoms.hetero & (atoms.residue_name != "MSE")
    doubtful |= (polymer == "nucleic") & open_
    doubtful &= atoms.in_sequence != 1
    for number in np.unique(residue[doubtful]).tolist():
        own = chains.atoms_of(number)
        stated = atoms.in_sequence[own] == 0
        if stated.all() or not chains.linked(number):
            polymer[own] = ""
    return _sugars(atoms, residue, polymer, sugar), letter


def _having(residue: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(n,) bool: whether an atom of the same residue is in the mask."""
    found = np.zeros(int(residue.max()) + 1 if len(residue) else 0, dtype=bool)
    found[residue[mask]] = True
    return found[residue]


def _sugars(atoms, residue, polymer, sugar) -> np.ndarray:
    """Tells RNA from DNA, where the name does not, by the oxygen at C2'."""
    unsure = polymer == "nucleic"
    if not unsure.any():
        return polymer
    oxygen = _having(residue, np.isin(atoms.name, ("O2'", "O2*")))
    polymer[unsure & oxygen] = "RNA"
    polymer[unsure & ~oxygen & sugar] = "DNA"
    for name in set(atoms.chain[polymer == "nucleic"].tolist()):
        own = atoms.chain == name
        dna = np.count_nonzero(polymer[own] == "DNA") > np.count_nonzero(polymer[own] == "RNA")
        polymer[own & (polymer == "nucleic")] = "DNA" if dna else "RNA"
    return polymer


class _Links:
    """Bonds between residues that follow each other in a chain."""

    def __init__(self, used: UsedAtoms, residue: np.ndarray, polymer: np.ndarray) -> None:
        self._atoms = used.atoms
        self._element = used.element
        self._polymer = polymer
        self._order = np.argsort(residue, kind="stable")
        self._sorted = residue[self._order]
        self._numbers = np.unique(residue)
        _, chain = coded(used.atoms.chain)
        first = np.unique(residue, return_index=True)[1]
        labels = zip(chain[first].tolist(), used.atoms.number[first].tolist(), strict=True)
        # Where a file has its HETATM records at the end, neighbours are found by their numbers.
        self._label = dict(zip(self._numbers.tolist(), labels, strict=True))
        self._residue = {self._label[int(residue[i])]: int(residue[i]) for i in first if polymer[i]}

    def atoms_of(self, number: int) -> np.ndarray:
        """Indices of the atoms of a residue."""
        first, last = np.searchsorted(self._sorted, (number, number + 1))
        return self._order[first:last]

    def linked(self, number: int) -> bool:
        """Whether the residue is bonded to a neighbour, or stands between two in the numbering."""
        at = int(np.searchsorted(self._numbers, number))
        own = self.atoms_of(number)
        beside = []
        for i in (at - 1, at + 1):
            other = self.atoms_of(int(self._numbers[i])) if 0 <= i < len(self._numbers) else own[:0]
            fits = len(other) and self._atoms.chain[other[0]] == self._atoms.chain[own[0]]
            beside.append(other if fits and self._polymer[other[0]] else None)
        before, after = beside
        chain, count = self._label[number]
        by_number = (self._residue.get((chain, count + step)) for step in (-1, 1))
        previous, following = (None if r is None else self.atoms_of(r) for r in by_number)
        if any(other is not None and self._bonded(other, own) for other in (before, previous)):
            return True
        if any(other is not None and self._bonded(own, other) for other in (after, following)):
            return True
        if before is None or after is None:
            return False
        rows = (before[0], own[0], after[0])
        numbers, segments = self._atoms.number[list(rows)], self._atoms.segment[list(rows)]
        inside = not self._atoms.hetero[before[0]] and not self._atoms.hetero[after[0]]
        return bool(inside and numbers[0] < numbers[1] < numbers[2] and len(set(segments)) == 1)

    def _bonded(self, one: np.ndarray, other: np.ndarray) -> bool:
        if self._polymer[one[0]] == "protein":
            return self._near(one, "C", other, "N", _PEPTIDE) or (
                not (self._has(one, "C") and self._has(other, "N"))
                and self._near(one, "CA", other, "CA", _CALPHAS)
            )
        return self._near(one, "O3'", other, "P", _PHOSPHODIESTER) or (
            not self._has(one, "O3'") and self._near(one, "P", other, "P", _PHOSPHATES)
        )

    def _rows(self, own: np.ndarray, name: str) -> np.ndarray:
        names = self._atoms.name[own]
        return own[(names == name) | (names == name.replace("'", "*"))]

    def _has(self, own: np.ndarray, name: str) -> bool:
        return len(self._rows(own, name)) > 0

    def _near(self, one, name: str, other, other_name: str, distance: float) -> bool:
        a, b = self._rows(one, name), self._rows(other, other_name)
        gaps = self._atoms.xyz[a][:, None] - self._atoms.xyz[b][None]
        return bool((np.linalg.norm(gaps, axis=-1) < distance).any())
