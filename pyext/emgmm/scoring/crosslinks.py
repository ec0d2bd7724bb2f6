"""Cross-linking data: the table of a file, tied to the beads of a system."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import _core
from ..config.settings import CrosslinksConfig
from ..errors import InputError, nearest
from ..io.tables import Row, Table, read_table
from ..representation.system import Particles, Spheres, System

# IMP.pmi's ranges of the unknowns and the largest steps of their moves.
SIGMA_RANGE, SIGMA_STEP = (0.01, 100.0), 0.5  # Å
PSI_RANGE, PSI_STEP = (0.01, 0.49), 0.1

_NO_PROTEIN = "an end without a protein"
_OTHER_PROTEIN = "a protein that is not in the topology table"
_NO_RESIDUE = "a residue that is not modelled"
_SAME = "one and the same residue"
_EMPTY = ("", "-", "na", "n/a", "nan", "none", "null")  # what programs write for nothing
_NUMBER = re.compile(r"([+-]?\d{1,9})(\.0*)?", re.ASCII)


@dataclass(frozen=True)
class CrossLinks:
    """One set of cross-links. A link is one observation; its contributions are the ways to read it.

    Attributes
    ----------
    label
        Name of the set in the output.
    resolution
        The set of particles that ``first`` and ``second`` index.
    names
        One a link: ``Rpb1.0:34-Rpb2.0:49`` of its first contribution.
    link
        (n,) int, the link of each contribution, ascending from 0.
    first, second
        (n,) int, particles.
    length, slope, sigma, psi, weight
        From the settings (`CrosslinksConfig`); sigma and psi are where sampling starts.
    sigma_is_sampled, psi_is_sampled
        False for an unknown that stays where it starts.
    notes
        Rows that were left out, and why.
    rows
        How many the file has.
    dropped
        (reason, number of rows) of those left out, the commonest first.
    remarks
        What was left out or guessed of the whole file, in sentences.
    id_scores
        (links,) what the column ``score`` says of each link, the most of its readings, NaN where
        it says nothing; None without that column. Not part of the likelihood, as in IMP.pmi: it
        stands beside the link's length in the analysis.
    """

    label: str
    resolution: int
    names: tuple[str, ...]
    link: np.ndarray
    first: np.ndarray
    second: np.ndarray
    length: float
    slope: float
    sigma: float
    psi: float
    weight: float
    sigma_is_sampled: bool
    psi_is_sampled: bool
    notes: tuple[str, ...]
    id_scores: np.ndarray | None = None
    rows: int = 0
    dropped: tuple[tuple[str, int], ...] = ()
    remarks: tuple[str, ...] = ()

    def account(self) -> dict:
        """Rows ``read``, ``used`` and ``dropped`` (reason and count), for JSON."""
        dropped = [{"reason": reason, "count": count} for reason, count in self.dropped]
        used = self.rows - sum(count for _, count in self.dropped)
        return {"read": self.rows, "used": used, "dropped": dropped}

    def __len__(self) -> int:
        return len(self.names)

    def distances(self, system: System, poses: np.ndarray) -> np.ndarray:
        """(links,) Å between the beads' centres, of the closest contribution of each link.

        poses: (bodies, 7) of all bodies. A link is satisfied below ``length``
        plus what the data set allows.
        """
        xyz = system.particles[self.resolution].positions(poses)
        every = np.linalg.norm(xyz[self.first] - xyz[self.second], axis=1)
        closest = np.full(len(self), np.inf)
        np.minimum.at(closest, self.link, every)
        return closest


def read_crosslinks(system: System, config: CrosslinksConfig) -> CrossLinks:
    """Reads the CSV file of a set; the settings name its columns.

    Rows with the same value in the column ``id`` are readings of one link; a row without a value
    is a link of its own. A molecule with copies, named without one (``actin``, not ``actin.1``),
    stands for any of them, as in IMP.pmi. Rows of molecules or residues that are not modelled are
    left out with a note.

    Raises
    ------
    InputError
        As `read_table`; a residue or score that is no number, or no row that can be used.
    """
    path = Path(config.file)
    beads = system.nearest(config.resolution)
    pairs, table = read_links(config)
    names: list[str] = []
    numbers: dict[object, int] = {}  # number of a link by its id
    contributions: list[tuple[int, int, int]] = []
    scores: list[float] = []  # of the links
    account = _Account(path, system)
    for row in table.rows:
        # Half a link (a dead end of the linker) is no fault of the file.
        whole = is_whole(row, pairs, account.known)
        two = [_named(account, row, *pair) if whole else None for pair in pairs]
        ends = [_places(system, beads, *named) if named else [] for named in two]
        found = [
            (a, b) for a in ends[0] for b in ends[1] if (a.bead, a.residue) != (b.bead, b.residue)
        ]
        if not found:
            text = "-".join(f"{row.cells[p]}:{row.cells[r]}" for p, r in pairs)
            account.drop(row, text, two, ends)
            continue
        own = "" if not config.id or is_empty(row.cells[config.id]) else row.cells[config.id]
        key = (own,) if own else row.line
        if key not in numbers:
            numbers[key] = len(names)
            names.append(f"{found[0][0].name}-{found[0][1].name}")
            scores.append(np.nan)
        number = numbers[key]
        account.use(two, number, unnamed=bool(config.id and not own))
        if config.score:
            scores[number] = np.fmax(scores[number], _score(path, row, config.score))
        contributions.extend((number, a.bead, b.bead) for a, b in found)
    if not contributions:
        why = f" ({account.reasons()})" if account.dropped else ""
        raise InputError(path, f"no cross-link between modelled residues{why}", "at least one")
    contributions.sort(key=lambda c: c[0])
    link, first, second = np.array(contributions, dtype=np.int64).T
    return CrossLinks(
        config.label or path.stem,
        beads.resolution,
        tuple(names),
        link,
        first,
        second,
        config.length,
        config.slope,
        config.sigma,
        config.psi,
        config.weight,
        config.sigma_is_sampled,
        config.psi_is_sampled,
        tuple(account.notes),
        np.array(scores) if config.score else None,
        rows=len(table.rows),
        dropped=tuple(account.dropped.most_common()),
        remarks=(*table.notes, *account.remarks(len(table.rows), config.id)),
    )


def read_links(config: CrosslinksConfig) -> tuple[tuple[tuple[str, str], ...], Table]:
    """The columns of each end (protein, residue), and the table of a set's file (`read_table`)."""
    pairs = ((config.protein1, config.residue1), (config.protein2, config.residue2))
    optional = [name for name in (config.id, config.score) if name]
    needed = [name for pair in pairs for name in pair]
    return pairs, read_table(config.file, needed, "a CSV file of cross-links", optional)


def links_account(sets: Sequence[CrossLinks]) -> dict:
    """Rows ``read``, ``used`` and ``dropped`` (reason and count, the commonest first) of all sets
    together, and of each one in ``sets``."""
    dropped: Counter[str] = Counter()
    for links in sets:
        dropped.update(dict(links.dropped))
    own = [links.account() for links in sets]
    return {
        "read": sum(a["read"] for a in own),
        "used": sum(a["used"] for a in own),
        "dropped": [{"reason": reason, "count": n} for reason, n in dropped.most_common()],
        "sets": [{"label": s.label, **a} for s, a in zip(sets, own, strict=True)],
    }


class Contributions(NamedTuple):
    """Ways to read cross-links, as the core's term takes them."""

    link: np.ndarray  # (n,) int64, the link of each, ascending from 0
    first: Spheres
    second: Spheres
    same_sphere: np.ndarray  # (n,) bool


def crosslink_term(system: System, links: CrossLinks) -> _core.Term:
    """Likelihood of a set of cross-links (IMP.isd's CrossLinkMSRestraint): one sigma, one psi."""
    beads = system.particles[links.resolution]
    return _core.crosslink_term(
        len(system.bodies),
        Contributions(
            links.link,
            beads.spheres(links.first),
            beads.spheres(links.second),
            links.first == links.second,
        ),
        links.length,
        links.slope,
        links.sigma,
        links.psi,
        f"crosslinks_{links.label}",
    )


@dataclass(frozen=True)
class _End:
    bead: int
    residue: int
    name: str


class _Named(NamedTuple):
    """One end as the file has it."""

    protein: str
    residue: int


@dataclass
class _Account:
    """Account of what is left out of a file, or guessed, while its rows are read."""

    path: Path
    system: System
    notes: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    fractions: int = 0  # residue numbers such as 35.0
    known: set[str] = field(init=False)  # names that mean a molecule
    _first: dict[str, str] = field(default_factory=dict)  # of each reason
    _strangers: Counter[str] = field(default_factory=Counter)  # proteins that are not in the table
    _pairs: dict[tuple[_Named, ...], int] = field(default_factory=dict)
    _repeated: int = 0
    _unnamed: int = 0

    def __post_init__(self) -> None:
        self.known = {name for m in self.system.molecules for name in (m.name, m.label)}

    def drop(self, row: Row, text: str, two: list[_Named | None], ends: list[list[_End]]) -> None:
        """A row that says nothing of the model."""
        strangers = {named.protein for named in two if named and named.protein not in self.known}
        self._strangers.update(strangers)
        if None in two:
            reason = _NO_PROTEIN
        elif strangers:
            reason = _OTHER_PROTEIN
        else:
            reason = _SAME if ends[0] and ends[1] else _NO_RESIDUE
        self.dropped[reason] += 1
        self._first.setdefault(reason, f"line {row.line}: {text}")
        why = _SAME if reason == _SAME else "not modelled"
        self.notes.append(f"{self.path.name}, line {row.line}: {text} is {why}")

    def use(self, two: list[_Named], number: int, unnamed: bool) -> None:
        """A row that is a reading of a link."""
        self._unnamed += unnamed
        self._repeated += self._pairs.setdefault(tuple(sorted(two)), number) != number

    def reasons(self) -> str:
        """Why rows were left out, the commonest reason first."""
        text = "; ".join(
            f"{count} for {reason} (the first is {self._first[reason]})"
            for reason, count in self.dropped.most_common()
        )
        known = [m.name for m in self.system.molecules]
        for stranger, _ in self._strangers.most_common(1):
            if near := nearest(stranger, known):
                text += f"; is {stranger!r} meant to be {near!r}?"
        return text

    def remarks(self, rows: int, id: str | None) -> list[str]:
        """Sentences to tell of the whole file."""
        told = []
        if self.fractions:
            told.append(f"residue numbers such as 35.0 ({self.fractions} of them) are read as 35")
        if self.dropped:
            total = sum(self.dropped.values())
            told.append(f"cross-links left out: {total} of {rows}, {self.reasons()}")
        if self._unnamed:
            told.append(f"rows without {id!r} ({self._unnamed} of them) are links of their own")
        if self._repeated:
            told.append(f"rows that repeat a link ({self._repeated} of them) count once more")
        return [f"{self.path.name}: {text}" for text in told]


def is_empty(text: str) -> bool:
    """Whether a cell holds nothing, or a word for it."""
    return text.casefold() in _EMPTY


def is_whole(row: Row, pairs: Sequence[tuple[str, str]], known: Collection[str] = ()) -> bool:
    """Whether both ends name a protein, and not in words that stand for none."""
    names = [row.cells[protein] for protein, _ in pairs]
    return all(name in known or not is_empty(name) for name in names)


def _named(account: _Account, row: Row, protein: str, residue: str) -> _Named:
    """The end that two columns name."""
    number, is_fraction = residue_number(account.path, row, residue)
    account.fractions += is_fraction
    return _Named(row.cells[protein], number)


def residue_number(path: Path, row: Row, column: str) -> tuple[int, bool]:
    """The number in a cell, and whether it is written as 35.0.

    Raises
    ------
    InputError
        It is no whole number.
    """
    text = row.cells[column]
    match = _NUMBER.fullmatch(text)
    if match is None:
        expected = "the number of a residue"
        if near := re.fullmatch(r"[A-Za-z]{1,3}[ -]?(\d{1,9})", text):
            expected += f" ({near[1]}?)"
        found = repr(text) if text else "nothing"
        raise InputError(path, found, expected, f"line {row.line}, column {column}")
    return int(match[1]), match[2] is not None


def _score(path: Path, row: Row, column: str) -> float:
    """NaN where the field is empty."""
    text = row.cells[column]
    try:
        value = np.nan if is_empty(text) else float(text)
    except ValueError:
        value = np.inf
    if np.isinf(value):
        where = f"line {row.line}, column {column}"
        raise InputError(path, repr(text), "the score of a link, a number", where)
    return value


def _places(system: System, beads: Particles, name: str, number: int) -> list[_End]:
    """Beads that a name and a residue number may mean: one for each copy."""
    ends = []
    for m, molecule in enumerate(system.molecules):
        if name not in (molecule.name, molecule.label):
            continue
        inside = (beads.molecule == m) & (beads.first <= number) & (number <= beads.last)
        ends.extend(
            _End(int(bead), number, f"{molecule.label}:{number}") for bead in np.flatnonzero(inside)
        )
    return ends
