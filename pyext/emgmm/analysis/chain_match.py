"""Match of a chain's residues with a sequence: by number, or by alignment."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from ..io.structures import Structure

_BETTER = 0.05  # share of the residues that an alignment must explain better than the numbers do


@dataclass(frozen=True)
class ReferenceChain:
    """Central atoms of the residues of one polymer in a file, in its order.

    Attributes
    ----------
    name
        The author's chain identifier.
    polymer
        ``protein`` or ``nucleic``.
    numbers, letters, xyz
        (n,) int, (n,) str with T for U and X for an unknown residue, (n, 3) Å.
    """

    name: str
    polymer: str
    numbers: np.ndarray
    letters: np.ndarray
    xyz: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def identity(self, sequence: np.ndarray, positions: np.ndarray) -> float:
        """Share of the residues that could be those of the sequence and are, at these positions
        (from 1; 0 for none).

        The shorter of the two counts: a chain may have a tag, a sequence may be of one domain.
        """
        inside = (positions >= 1) & (positions <= len(sequence))
        same = (sequence[positions[inside] - 1] == self.letters[inside]).sum()
        known = np.count_nonzero(self.letters != "X")
        return float(same / max(1, min(known, len(sequence))))

    def by_number(self, sequence: np.ndarray) -> np.ndarray:
        """(n,) positions: the numbers with the offset that makes most residues agree, the smallest
        of equals."""
        residue, position = np.nonzero(self.letters[:, None] == sequence[None])
        if not len(residue):
            return np.zeros(len(self), dtype=int)
        offsets, counts = np.unique(position + 1 - self.numbers[residue], return_counts=True)
        best = min(zip(-counts, abs(offsets), offsets, strict=True))[2]
        return _inside(unrepeated(self.numbers) + best, sequence)

    def by_alignment(self, sequence: np.ndarray) -> np.ndarray:
        """(n,) positions from an alignment of the chain with the sequence."""
        scoring = gemmi.AlignmentScoring()
        # A gap must be worth it: mutations and unknown residues are no reason for one.
        scoring.gapo = scoring.bad_gapo = -8
        scoring.gape = 0
        found = gemmi.align_string_sequences(
            self.letters.tolist(), sequence.tolist(), [], scoring
        ).cigar_str()
        positions = np.zeros(len(self), dtype=int)
        residue = at = 0
        number = ""
        for character in found:
            if character.isdecimal():
                number += character
                continue
            count, number = int(number), ""
            if character == "M":
                positions[residue : residue + count] = np.arange(at, at + count) + 1
            residue += count * (character in "MI")
            at += count * (character in "MD")
        return positions

    def best(self, sequence: np.ndarray) -> tuple[float, np.ndarray, str]:
        """The best identity, the positions that give it, and how they were found."""
        numbered = self.by_number(sequence)
        identity = self.identity(sequence, numbered)
        if identity > 1 - _BETTER:
            return identity, numbered, "number"
        aligned = self.by_alignment(sequence)
        better = self.identity(sequence, aligned)
        if better >= identity + _BETTER:
            return better, aligned, "alignment"
        return identity, numbered, "number"


def unrepeated(numbers: np.ndarray) -> np.ndarray:
    """The numbers, far from all sequences for residues that repeat one (insertion codes)."""
    result = np.full(len(numbers), -(1 << 40))
    _, first = np.unique(numbers, return_index=True)
    result[first] = numbers[first]
    return result


def _inside(positions: np.ndarray, sequence: np.ndarray) -> np.ndarray:
    return np.where((positions >= 1) & (positions <= len(sequence)), positions, 0)


def as_letters(sequence: str, kind: str) -> np.ndarray:
    """(n,) letters of a sequence; of nucleic acids T for U."""
    return np.array(list(sequence.upper() if kind == "protein" else sequence.replace("U", "T")))


def kind_of(polymer: str) -> str:
    """``protein`` or ``nucleic`` for the names of the alphabets."""
    return "protein" if polymer == "protein" else "nucleic"


def chains_of(structure: Structure) -> list[ReferenceChain]:
    """The polymers of a structure: whatever else bears the name of a chain is not in them, and two
    copies under one name are two."""
    atoms = structure.select(structure.central_atoms())
    result = []
    for name in atoms.chains():
        of_name = atoms.select(atoms.chain == name)
        kinds = np.array([kind_of(p) for p in of_name.polymer.tolist()])
        for kind in dict.fromkeys(kinds.tolist()):
            own = of_name.select(kinds == kind)
            for rows in _copies(own):
                piece = own.select(rows)
                letters = as_letters("".join(piece.letter.tolist()), kind)
                result.append(ReferenceChain(name, kind, piece.residue_number, letters, piece.xyz))
    return result


def _copies(atoms: Structure) -> list[np.ndarray]:
    """Rows of each copy: a new one begins where a residue comes again."""
    pieces: list[list[int]] = [[]]
    seen: set[tuple[int, str]] = set()
    labels = zip(atoms.residue_number.tolist(), atoms.insertion_code.tolist(), strict=True)
    for row, label in enumerate(labels):
        if label in seen:
            pieces.append([])
            seen = set()
        seen.add(label)
        pieces[-1].append(row)
    return [np.array(piece) for piece in pieces]
