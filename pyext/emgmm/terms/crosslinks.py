"""Cross-linking data: the table of a file, tied to the beads of a system."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import _core
from ..config import CrosslinksConfig
from ..errors import InputError
from ..representation.system import Particles, System

# IMP.pmi's ranges of the unknowns and the largest steps of their moves.
SIGMA_RANGE, SIGMA_STEP = (0.01, 100.0), 0.5  # Å
PSI_RANGE, PSI_STEP = (0.01, 0.49), 0.1


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

    def __len__(self) -> int:
        return len(self.names)

    def distances(
        self, system: System, rotation: np.ndarray, translation: np.ndarray
    ) -> np.ndarray:
        """(links,) Å between the beads' centres, of the closest contribution of each link.

        Poses of all bodies: (bodies, 3, 3) and (bodies, 3) Å. A link is satisfied below ``length``
        plus what the data set allows.
        """
        xyz = system.particles[self.resolution].positions(rotation, translation)
        every = np.linalg.norm(xyz[self.first] - xyz[self.second], axis=1)
        closest = np.full(len(self), np.inf)
        np.minimum.at(closest, self.link, every)
        return closest


def read_crosslinks(system: System, config: CrosslinksConfig) -> CrossLinks:
    """Reads the CSV file of a set; the settings name its columns.

    Rows with the same value in the column ``id`` are readings of one link. A molecule with copies,
    named without one (``actin``, not ``actin.1``), stands for any of them, as in IMP.pmi. Rows of
    molecules or residues that are not modelled are left out with a note.

    Raises
    ------
    InputError
        No such column, a residue or score that is no number, or no row that can be used.
    """
    path = Path(config.file)
    label = config.label or path.stem
    beads = system.nearest(config.resolution)
    names: list[str] = []
    rows: dict[str, int] = {}  # number of a link by its id
    contributions: list[tuple[int, int, int]] = []
    scores: list[float] = []  # of the links
    notes: list[str] = []
    for line, row in _rows(path, config):
        ends = [
            _places(system, beads, path, line, row, protein, residue)
            for protein, residue in (
                (config.protein1, config.residue1),
                (config.protein2, config.residue2),
            )
        ]
        found = [
            (a, b) for a in ends[0] for b in ends[1] if (a.bead, a.residue) != (b.bead, b.residue)
        ]
        text = "-".join(
            f"{row[p]}:{row[r]}"
            for p, r in ((config.protein1, config.residue1), (config.protein2, config.residue2))
        )
        if not found:
            why = "not modelled" if not (ends[0] and ends[1]) else "one and the same residue"
            notes.append(f"{path.name}, line {line}: {text} is {why}")
            continue
        key = row[config.id] if config.id else str(line)
        if key not in rows:
            rows[key] = len(names)
            names.append(f"{found[0][0].name}-{found[0][1].name}")
            scores.append(np.nan)
        if config.score:
            scores[rows[key]] = np.fmax(scores[rows[key]], _score(path, line, row, config.score))
        contributions.extend((rows[key], a.bead, b.bead) for a, b in found)
    if not contributions:
        raise InputError(path, "no cross-link between modelled residues", "at least one")
    contributions.sort(key=lambda c: c[0])
    link, first, second = np.array(contributions, dtype=np.int64).T
    return CrossLinks(
        label,
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
        tuple(notes),
        np.array(scores) if config.score else None,
    )


def crosslink_term(system: System, links: CrossLinks) -> _core.Term:
    """Likelihood of a set of cross-links (IMP.isd's CrossLinkMSRestraint): one sigma, one psi."""
    beads = system.particles[links.resolution]

    def end(index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return (
            np.asarray(beads.body[index], dtype=np.int64),
            np.ascontiguousarray(beads.local[index], dtype=np.float64),
            np.asarray(beads.radius[index], dtype=np.float64),
        )

    return _core.crosslink_term(
        len(system.bodies),
        links.link,
        *end(links.first),
        *end(links.second),
        links.first == links.second,
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


def _rows(path: Path, config: CrosslinksConfig) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(os.fspath(path), f"an unreadable file ({error})", "a CSV file") from error
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = reader.fieldnames or []
    needed = [config.protein1, config.residue1, config.protein2, config.residue2]
    for name in [*needed, *filter(None, (config.id, config.score))]:
        if name not in columns:
            found = "the columns " + ", ".join(c for c in columns if c) if columns else "no header"
            raise InputError(path, found, f"a column {name!r}", "line 1")
    for row in reader:
        if any(row[name] is None for name in needed):
            raise InputError(
                path,
                "a row that ends early",
                f"{len(columns)} columns",
                f"line {reader.line_num}",
            )
        yield reader.line_num, {key: (value or "").strip() for key, value in row.items() if key}


def _score(path: Path, line: int, row: dict[str, str], column: str) -> float:
    """NaN where the field is empty."""
    text = row[column]
    try:
        return float(text) if text else np.nan
    except ValueError:
        raise InputError(
            path, repr(text), "the score of a link, a number", f"line {line}, column {column}"
        ) from None


def _places(
    system: System,
    beads: Particles,
    path: Path,
    line: int,
    row: dict[str, str],
    protein: str,
    residue: str,
) -> list[_End]:
    """Beads that a name and a residue number may mean: one for each copy."""
    try:
        number = int(row[residue])
    except ValueError:
        raise InputError(
            path, repr(row[residue]), "the number of a residue", f"line {line}, column {residue}"
        ) from None
    name = row[protein]
    ends = []
    for m, molecule in enumerate(system.molecules):
        if name not in (molecule.name, molecule.label):
            continue
        inside = (beads.molecule == m) & (beads.first <= number) & (number <= beads.last)
        ends.extend(
            _End(int(bead), number, f"{molecule.label}:{number}") for bead in np.flatnonzero(inside)
        )
    return ends
