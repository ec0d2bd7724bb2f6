"""Whether a sequence can be modelled, and whether a structure is numbered as the sequence is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..io.fasta import FastaRecord
from ..io.structures.residue_names import polymer_of
from .residues import ALPHABETS

# Codes of a protein that have no mass here, and what to write in their place.
_RARE = {
    "U": "selenocysteine; C in its place",
    "O": "pyrrolysine; K in its place",
    "B": "D or N; one of them in its place",
    "Z": "E or Q; one of them in its place",
    "J": "I or L; one of them in its place",
    "-": "a gap of an alignment; the sequence without gaps",
    "*": "a stop codon; the sequence of one chain",
}


def check_codes(path: Path, record: FastaRecord, alphabet: str) -> None:
    """Raises `InputError` for a letter of the sequence that is no residue of ``alphabet``."""
    codes = ALPHABETS[alphabet]
    at = next((i for i, c in enumerate(record.sequence) if c not in codes), None)
    if at is None:
        return
    bad = record.sequence[at]
    meaning, _, remedy = _RARE.get(bad, "").partition("; ")
    common = bad in "-*" or (alphabet == "protein" and meaning)
    found = f"{bad!r} in {record.name!r} (residue {at + 1}{f', {meaning}' if common else ''})"
    expected = f"codes of {alphabet}" + (f" ({remedy})" if common else "")
    raise InputError(path, found, expected, f"line {record.line}")


def looks_nucleic(sequence: str) -> bool:
    """Whether a sequence has no letter but those of nucleotides, and is too long for chance."""
    return len(sequence) >= 10 and set(sequence) <= set("ACGTUN") and len(set(sequence)) > 2


# A model without side chains is often all alanine or glycine: that tells nothing of its numbers.
_FEATURELESS = frozenset("AG")
_MOST_PAIRS = 20_000_000  # of residues of structure and sequence that are compared
_UNKNOWN = frozenset("XBZJ ")


class Comparison(NamedTuple):
    """Residues of a structure beside the sequence that they are to be.

    ``differing``: residues (in the numbering of the sequence) of another type or beyond its end;
    ``compared``: how many have a type that can be compared; ``fits``: whether at most a tenth
    differs, or a single residue, as in mutants; ``fits_partly``: whether at least a quarter fits.
    """

    differing: list[int]
    compared: int
    fits: bool

    @property
    def fits_partly(self) -> bool:
        return len(self.differing) <= 0.75 * self.compared


def compare(types: Mapping[int, str], sequence: str, alphabet: str) -> Comparison:
    """Residue names by residue against the sequence; modified residues count as their parent.

    X on either side fits anything. Where the structure is all alanine or glycine, only what lies
    beyond the sequence tells that its numbers are others.
    """
    codes = _codes(types, alphabet)
    sequence = _letters(sequence, alphabet)
    beyond = [i for i in codes if not 1 <= i <= len(sequence)]
    differing = [i for i, c in codes.items() if i in beyond or sequence[i - 1] not in (c, "X")]
    telling = beyond if _is_featureless(codes, alphabet) else differing
    return Comparison(differing, len(codes), len(telling) <= max(1, 0.1 * len(codes)))


def _is_featureless(codes: Mapping[int, str], alphabet: str) -> bool:
    return alphabet == "protein" and set(codes.values()) <= _FEATURELESS


def fitting_offset(
    types: Mapping[int, str], sequence: str, alphabet: str, offset: int
) -> str | None:
    """Advice in words: the pdb_offset in place of ``offset`` by which most residues fit, or those
    that do not fit now (`part_offset`)."""
    codes = _codes(types, alphabet)
    if not codes or _is_featureless(codes, alphabet):
        return None
    letters = _letters(sequence, alphabet)
    shift, fit = _best_shift(codes, letters)
    if shift and fit >= 0.9 * len(codes):
        return f"pdb_offset {offset + shift} would fit {fit} of {len(codes)}"
    if part := part_offset(types, sequence, alphabet, offset):
        return part
    if shift and 2 * fit > len(codes):
        return f"pdb_offset {offset + shift} would fit {fit} of {len(codes)}"
    return None


def part_offset(types: Mapping[int, str], sequence: str, alphabet: str, offset: int) -> str | None:
    """Advice in words: the pdb_offset that fits the residues which do not fit by ``offset``, where
    the structure's numbers jump."""
    codes = _codes(types, alphabet)
    odd = {i: codes[i] for i in compare(types, sequence, alphabet).differing}
    if not odd or len(odd) == len(codes) or _is_featureless(codes, alphabet):
        return None
    shift, fit = _best_shift(odd, _letters(sequence, alphabet))
    if shift == 0 or fit < 0.9 * len(odd):
        return None
    span = f"residues {min(odd) - offset} to {max(odd) - offset} of the structure"
    fits = f"pdb_offset {offset + shift} would fit {fit} of the {len(odd)}"
    return f"{fits}, which are {span}: a row of their own"


def _best_shift(codes: Mapping[int, str], sequence: str) -> tuple[int, int]:
    """Smallest shift of the numbers with which the most residues fit, and how many do."""
    places: dict[str, list[int]] = {}
    for i, code in enumerate(sequence, start=1):
        places.setdefault(code, []).append(i)
    some = list(codes.items())[:: 1 + len(codes) * len(sequence) // _MOST_PAIRS]
    shifts = [np.array(places.get(code, ()), dtype=np.int64) - i for i, code in some]
    values, counts = np.unique(np.concatenate(shifts), return_counts=True)
    if not len(values):
        return 0, 0
    shift = int(values[np.lexsort((np.abs(values), -counts))[0]])
    return shift, sum(
        sequence[i + shift - 1 : i + shift] == c for i, c in codes.items() if i > -shift
    )


def _codes(types: Mapping[int, str], alphabet: str) -> dict[int, str]:
    """One-letter codes of the residues whose parent is known."""
    letters = {i: polymer_of(name).letter for i, name in sorted(types.items())}
    return {i: _letters(c, alphabet) for i, c in letters.items() if c and c not in _UNKNOWN}


def _letters(sequence: str, alphabet: str) -> str:
    """T and U are one: an RNA's sequence is often written as that of its gene."""
    return sequence if alphabet == "protein" else sequence.replace("U", "T")
