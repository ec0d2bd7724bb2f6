"""Rows of the topology table meet sequences and structures: which residues have coordinates.

Everything that can be wrong between the three is found here.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import InputError, nearest
from ..io.fasta import FastaRecord, meant_header, read_fasta_records
from ..io.structures import Structure
from ..io.topology import TopologyRow
from .inputs import InputStructures
from .sequences import check_codes, compare, fitting_offset, looks_nucleic, part_offset

_GAP = 20  # residues that may be missing in a loop beyond the sequence
_FAR = 100_000  # residues beyond it, which no chain has


@dataclass(frozen=True)
class ResidueAtoms:
    """Coordinates of one residue.

    ``center`` is the Cα (P in nucleic acids), where PMI puts the bead of the residue; ``xyz`` (k,
    3) Å, ``mass`` (k,) Da times occupancy and ``radius`` (k,) Å (van der Waals) are those of all
    its atoms, ``share`` (k,) is 1, or the parts of the alternate locations of one atom.
    """

    center: np.ndarray
    xyz: np.ndarray
    mass: np.ndarray
    radius: np.ndarray
    share: np.ndarray


@dataclass
class Domain:
    """One row of the table, in the numbering of the sequence."""

    row: TopologyRow
    structured: dict[int, ResidueAtoms]  # residue -> atoms, ascending
    missing: list[int]  # residues without coordinates, ascending


@dataclass
class Chain:
    """One copy of a molecule.

    ``sequence`` may be longer than that of the FASTA file: PMI fills up with alanine where a
    structure runs beyond it.
    """

    name: str
    copy: int
    sequence: str
    alphabet: str
    uniprot: str | None
    domains: list[Domain] = field(default_factory=list)

    @property
    def label(self) -> str:
        return f"{self.name}.{self.copy}"

    def nearest_structure(self, residue: int) -> np.ndarray:
        """(3,) Å: centre of the structured residue next in the sequence, else the origin.

        PMI's rule for where beads of missing residues start; of two at the same distance the
        earlier one.
        """
        centers = {i: a.center for domain in self.domains for i, a in domain.structured.items()}
        known = sorted(centers)
        if not known:
            return np.zeros(3)
        at = bisect_left(known, residue)
        if at == 0:
            return centers[known[0]]
        if at == len(known):
            return centers[known[-1]]
        before, after = known[at - 1], known[at]
        return centers[after if after - residue < residue - before else before]


def read_chains(
    topology: Path,
    rows: list[TopologyRow],
    fasta_names: Mapping[str, str],
    check_residues: bool = True,
) -> tuple[list[Chain], list[str], list[dict]]:
    """All copies of all molecules, in PMI's order; notes on what does not agree; what became of the
    atoms of each structure.

    Parameters
    ----------
    check_residues
        Refuse a row where more than a tenth of the structure's residues are not those of the
        sequence.

    Raises
    ------
    InputError
        At the line and column of the table: FASTA name unknown, chain or residue range not in the
        structure, residue in two rows, more than one residue of a number, sequence with unknown
        codes, nucleic acid that the table calls protein.
    """
    reader = _Reader(topology, fasta_names)
    chains: dict[tuple[str, int], Chain] = {}
    for row in rows:
        chain = chains.get((row.molecule, row.copy))
        if chain is None:
            chain = chains[row.molecule, row.copy] = reader.new_chain(row)
        chain.domains.append(reader.domain(chain, row))
    _check_overlaps(topology, list(chains.values()))
    names = list(dict.fromkeys(row.molecule for row in rows))
    ordered = sorted(chains.values(), key=lambda chain: (names.index(chain.name), chain.copy))
    for chain in ordered:
        reader.note_differences(chain, check_residues)
    return ordered, reader.notes + reader.structures.notes(), reader.structures.report()


def _check_overlaps(topology: Path, chains: list[Chain]) -> None:
    for chain in chains:
        owner: dict[int, TopologyRow] = {}
        for domain in chain.domains:
            covered = [*domain.structured, *domain.missing]
            twice = sorted(i for i in covered if i in owner)
            if twice:
                raise InputError(
                    topology,
                    f"{_ranges(twice)} of {chain.label}, which line {owner[twice[0]].line} has",
                    "each residue in one row",
                    f"line {domain.row.line}, column residue_range",
                )
            owner.update(dict.fromkeys(covered, domain.row))


class _Reader:
    """Reads each file once and remembers what to tell."""

    def __init__(self, topology: Path, fasta_names: Mapping[str, str]) -> None:
        self._topology = topology
        self._fasta_names = fasta_names
        self._fasta: dict[Path, dict[str, FastaRecord]] = {}
        self.structures = InputStructures(topology)
        self._types: dict[str, dict[int, str]] = {}
        self.notes: list[str] = []

    def _error(self, row: TopologyRow, column: str, found: str, expected: str) -> InputError:
        return InputError(self._topology, found, expected, f"line {row.line}, column {column}")

    def new_chain(self, row: TopologyRow) -> Chain:
        path = row.fasta_file
        if path not in self._fasta:
            if not path.is_file():
                raise self._error(row, "fasta_fn", f"no file {path}", "a FASTA file")
            records = read_fasta_records(path, self._fasta_names)
            self._fasta[path] = {record.name: record for record in records}
        record = self._fasta[path].get(row.fasta_id)
        if record is None:
            known = self._fasta[path]
            meant = meant_header(row.fasta_id, known.values())
            expected = f"a name in {path.name}: {', '.join(known)}"
            if meant is not None:
                expected = f"the whole name of line {meant.line} of {path.name}: {meant.name!r}"
            elif near := nearest(row.fasta_id, known):
                expected += f" (is it {near!r}?)"
            raise self._error(row, "fasta_id", repr(row.fasta_id), expected)
        alphabet = row.fasta_flag or "protein"
        check_codes(path, record, alphabet)
        if alphabet == "protein" and looks_nucleic(record.sequence):
            self.notes.append(
                f"{row.fasta_id}: the sequence has letters of nucleotides only and is taken for a "
                f"protein; for a nucleic acid the fasta_id is {row.fasta_id},DNA (or RNA)"
            )
        return Chain(row.molecule, row.copy, record.sequence, alphabet, record.uniprot)

    def domain(self, chain: Chain, row: TopologyRow) -> Domain:
        length = len(chain.sequence)
        if row.residue_range is None:
            first, last = 1, length
        else:
            first = row.residue_range[0] + row.pdb_offset
            end = row.residue_range[1]
            last = length if end == "END" else end + row.pdb_offset
        if first > length or (last > length and not row.structured) or last < 1:
            raise self._error(
                row,
                "residue_range",
                f"residues {first} to {last} of the sequence",
                f"some of the {length} residues of {row.fasta_id!r}"
                + (self._advice(chain, row) if row.structured else ""),
            )
        # PMI slices the sequence with a negative index here and then represents only its tail.
        first, last = max(first, 1), min(last, length)
        residues = range(first, last + 1)
        if row.structured:
            structured = self._structured(chain, row)
        elif row.pdb == "IDEAL_HELIX":
            structured = {i: _helix_residue(n) for n, i in enumerate(residues)}
        else:
            structured = {}
        return Domain(row, structured, [i for i in residues if i not in structured])

    def _structured(self, chain: Chain, row: TopologyRow) -> dict[int, ResidueAtoms]:
        atoms, rows = self.structures.chain(row)
        numbers = atoms.residue_number
        if row.residue_range is not None:
            first, end = row.residue_range
            last = int(numbers.max()) if end == "END" else end
            inside = (numbers >= first) & (numbers <= last)
            atoms, rows = atoms.select(inside), rows[inside]
        self.structures.ask(row, rows)
        centers = self._centers(chain, row, atoms)
        if not len(centers):
            text = ",".join(map(str, row.residue_range or ("all",)))
            raise self._error(
                row,
                "residue_range",
                f"{text}, where chain {row.chain} of {row.pdb.name} has no residue with CA or P",
                f"residues between {numbers.min()} and {numbers.max()}",
            )
        residues: dict[int, ResidueAtoms] = {}
        types = self._types.setdefault(chain.label, {})
        mass = atoms.atom_mass()
        order = np.argsort(atoms.residue, kind="stable")
        ids = atoms.residue[order]
        for at in centers:
            number, residue = int(atoms.residue_number[at]), int(atoms.residue[at])
            index = number + row.pdb_offset
            if index < 1:
                raise self._error(
                    row,
                    "pdb_offset",
                    f"{row.pdb_offset}, which makes residue {number} the residue {index}",
                    f"an offset that starts the sequence at 1{self._advice(chain, row)}",
                )
            if index in residues:
                raise self._error(
                    row, "residue_range", f"two residues {number} in {row.pdb.name}", "one"
                )
            own = order[slice(*np.searchsorted(ids, (residue, residue + 1)))]
            residues[index] = ResidueAtoms(
                atoms.xyz[at], atoms.xyz[own], mass[own], atoms.vdw_radius[own], atoms.share[own]
            )
            types[index] = str(atoms.residue_name[at])
            self.structures.use(row, rows[own])
        beyond = max(residues) - len(chain.sequence)
        if beyond > _FAR:
            raise self._jump(row, beyond)
        if beyond > 0:
            self.notes.append(
                f"{chain.label}: {row.pdb.name} chain {row.chain} runs {beyond} residues beyond "
                f"the sequence {row.fasta_id}; alanine fills up, as in PMI"
            )
            chain.sequence += "A" * beyond
        return dict(sorted(residues.items()))

    def _centers(self, chain: Chain, row: TopologyRow, atoms: Structure) -> np.ndarray:
        """Central atoms of the residues that are of the molecule's kind.

        Raises
        ------
        InputError
            Most are of the other kind: the flag of the sequence is missing or wrong.
        """
        centers = atoms.central_atoms()
        kinds = atoms.polymer[centers]
        protein = kinds == "protein"
        own = protein if chain.alphabet == "protein" else ~protein
        others = kinds[~own]
        if 2 * len(others) > len(kinds):
            names, counts = np.unique(others, return_counts=True)
            kind = str(names[counts.argmax()])
            flag = "" if kind == "protein" else f",{kind}"
            raise self._error(
                row,
                "fasta_id",
                f"{row.fasta_id!r} as {chain.alphabet}, where chain {row.chain} of {row.pdb.name} "
                f"is {kind}",
                f"{row.fasta_id}{flag}",
            )
        if chain.alphabet != "protein" and 2 * np.sum(kinds[own] == chain.alphabet) < own.sum():
            self.notes.append(
                f"{chain.label}: chain {row.chain} of {row.pdb.name} looks like "
                f"{'DNA' if chain.alphabet == 'RNA' else 'RNA'}; modelled as {chain.alphabet}"
            )
        return centers[own]

    def _jump(self, row: TopologyRow, beyond: int) -> InputError:
        """Residues far beyond the sequence, which alanine would fill up to."""
        return self._error(
            row,
            "residue_range",
            f"a residue of {row.pdb.name} chain {row.chain} that is {beyond} beyond the end of the "
            f"sequence {row.fasta_id!r}",
            "a range without the residues whose numbers jump",
        )

    def note_differences(self, chain: Chain, check_residues: bool) -> None:
        """Residue types that differ from the sequence, which is used, as in PMI.

        Raises
        ------
        InputError
            More than a tenth of a row's residues differ, and this is to be checked: the numbers
            are others. Where they jump inside the row, and a good part fits, a note says so: tables
            that PMI takes have such rows.
        """
        types = self._types.get(chain.label, {})
        differing: list[int] = []
        for domain in chain.domains:
            row, own = domain.row, {i: types[i] for i in domain.structured if i in types}
            # Without what fills up where a structure runs beyond the sequence.
            sequence = self._sequence(chain)
            found = compare(own, sequence, chain.alphabet)
            jump = part_offset(own, sequence, chain.alphabet, row.pdb_offset)
            if not found.fits and jump and found.fits_partly:
                self.notes.append(
                    f"{chain.label}: the residue numbers of {row.pdb.name} jump: {jump}"
                )
            elif check_residues and not found.fits:
                advice = (
                    fitting_offset(own, sequence, chain.alphabet, row.pdb_offset)
                    or self._other_name(chain, row, own)
                    or "no pdb_offset fits most of them; system.check_residues = false takes them"
                )
                raise self._error(
                    row,
                    "pdb_offset",
                    f"{row.pdb_offset}, by which {len(found.differing)} of {found.compared} "
                    f"residues of {row.pdb.name} chain {row.chain} are not those of the sequence "
                    f"{row.fasta_id!r}",
                    f"its residues ({advice})",
                )
            there = sum(i > len(sequence) for i in domain.structured)
            beyond = max(domain.structured, default=0) - len(sequence)
            if row.structured and beyond > 2 * there + _GAP:
                raise self._jump(row, beyond)
            differing += [i for i in found.differing if i <= len(sequence)]
        if differing:
            self.notes.append(
                f"{chain.label}: {len(differing)} of {len(types)} residues are not those of the "
                f"sequence ({_ranges(sorted(differing))}); is pdb_offset right?"
            )

    def _other_name(self, chain: Chain, row: TopologyRow, own: dict[int, str]) -> str | None:
        """Words on another sequence of the file that the structure may have."""
        for record in self._fasta[row.fasta_file].values():
            if record.name != row.fasta_id and compare(own, record.sequence, chain.alphabet).fits:
                return f"the sequence {record.name!r} would fit"
        return None

    def _sequence(self, chain: Chain) -> str:
        """The sequence as the FASTA file has it."""
        row = chain.domains[0].row
        return self._fasta[row.fasta_file][row.fasta_id].sequence

    def _advice(self, chain: Chain, row: TopologyRow) -> str:
        """The offset that fits a structure whose numbers leave the sequence, if there is one."""
        atoms, _ = self.structures.chain(row)
        types = {
            int(atoms.residue_number[i]): str(atoms.residue_name[i]) for i in atoms.central_atoms()
        }
        if isinstance(row.residue_range, tuple):
            first, end = row.residue_range
            last = math.inf if end == "END" else end
            types = {i: name for i, name in types.items() if first <= i <= last}
        advice = fitting_offset(types, chain.sequence, chain.alphabet, 0) if types else None
        return f"; {advice}" if advice else ""


def _helix_residue(n: int) -> ResidueAtoms:
    """Residue ``n`` of PMI's ideal helix: Cα only, 110 Da."""
    angle = n * 2 * math.pi / 3.6
    center = np.array([2.3 * math.cos(angle), 2.3 * math.sin(angle), 6.2 / 3.6 / 2 * angle])
    one = np.ones(1)
    return ResidueAtoms(center, center[None], 110.0 * one, one, one)


def _ranges(numbers: list[int]) -> str:
    """``residues 1-3, 7``; no more than four ranges."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    text = ", ".join(f"{a}-{b}" if a != b else f"{a}" for a, b in parts[:4])
    word = "residue" if len(numbers) == 1 else "residues"
    return f"{word} {text}" + (", ..." if parts[4:] else "")
