"""Numbers that a verdict on a run rests on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ..io.stat import read_stat
from ..runs.names import REPLICA_STAT, SUMMARY
from ..runs.names import SEARCH as SEARCH_FILE
from ..sampling.alternatives import SAME, differences, places, structured, to_input
from .challenge import Challenge, challenged
from .convergence import is_late
from .copies import groups_of_copies
from .deviations import NEAR
from .fit import Fit, fit_of
from .subunits import apart

if TYPE_CHECKING:
    from pathlib import Path

    from ..representation.system import System
    from .analyze import Analysis
    from .models import RunModels

LOOSE = 0.2  # of the models in which a subunit that is held may be elsewhere
SEARCH = "the search"  # how an arrangement of it was come by
_TOUCHING = 0.6  # of the sum of two radii: nearer than any two residues of different bodies are
_BLOCK = 512


@dataclass(frozen=True)
class Rival:
    """An arrangement in which a subunit lies elsewhere than in the best model."""

    how: str  # how it was come by
    behind: float  # kT, after minimising both; negative where it scores better
    cc: float | None
    elsewhere: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """Facts about a run's best model.

    Attributes
    ----------
    fit
        With the map, and what is possible; None without one.
    best
        The best model after minimising.
    rivals
        Best score first: of the search, and made of the best model by force (`challenged`).
    tried
        How many changes were made by force.
    start
        Where the replicas started: "placed" by a search, "random" or "asis".
    searches
        Independent searches that ended in the best model; None where none was made.
    arrivals
        Replicas that came to the first cluster from random starts of their own; None otherwise.
    exchange
        Least share of accepted exchanges of two neighbouring temperatures; None for one replica.
    alike
        Share of the analysed models that have every subunit where the best one has it, of the first
        and of the second half of the run; None where a half has no analysed model.
    halves
        `Convergence.verdict`.
    enough
        Whether the halves hold enough different models to compare them.
    loose
        Subunits that are elsewhere in more than `LOOSE` of the models, the most first.
    clashing
        Share of the residues with a structure that lie inside another body.
    links
        Share of the cross-links that the best model satisfies; None without any.
    """

    fit: Fit | None
    best: Challenge
    rivals: tuple[Rival, ...]
    tried: int
    start: str
    searches: int | None
    arrivals: int | None
    exchange: float | None
    alike: tuple[float | None, float | None]
    halves: str
    enough: bool
    loose: tuple[str, ...]
    clashing: float
    links: float | None

    @property
    def ahead(self) -> float | None:
        """kT by which the best model leads; None where nothing else was found."""
        return self.rivals[0].behind if self.rivals else None

    @property
    def ahead_sd(self) -> float | None:
        """The same over the spread of the others' scores."""
        if len(self.rivals) < 4:
            return None
        behind = np.array([r.behind for r in self.rivals])
        middle = np.median(behind)
        return float(behind[0] / max(1.4826 * np.median(np.abs(behind - middle)), 1.0))

    @property
    def rival_cc(self) -> float | None:
        """The highest correlation of another arrangement."""
        return max((r.cc for r in self.rivals if r.cc is not None), default=None)

    def report(self) -> dict:
        """For ``analysis.json``."""
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        del told["best"]
        told |= {"score": self.best.score, "cc": self.best.cc}
        told |= {"ahead_kt": self.ahead, "ahead_sd": self.ahead_sd}
        if self.fit is not None:
            told["fit"] = {
                "found": self.fit.found._asdict(),
                "possible": self.fit.possible._asdict(),
                "lack": self.fit.lack,
                "bodies": self.fit.bodies,
            }
        return told | {"rivals": [asdict(r) for r in self.rivals[:10]]}


def evidence(run: RunModels, analysis: Analysis, coordinates: np.ndarray) -> Evidence:
    """Evidence of an analysed run; coordinates: (m, n, 3) Å of its models, best first."""
    posterior, system, halves = run.posterior, run.system, analysis.convergence
    poses = run.poses(coordinates[0].astype(float))
    # A run that says nothing yet needs no other arrangements to show it.
    best, changes = challenged(posterior, poses, only_minimize=not halves.enough)
    searched = _json(run.folder / SEARCH_FILE).get("arrangements", [])
    found = _found(system, searched, best)
    rivals = [_rival(system, c, best) for c in [*found, *changes] if c.farthest >= NEAR]
    summary = _json(run.folder / SUMMARY)
    exchange = summary.get("exchange") or []
    links = [s.best <= s.links.length for s in analysis.crosslinks]
    sampling = run.config.sampling
    apart = _apart(run, coordinates)
    late = is_late(analysis.frames, len(run.scores))
    alike = (apart < NEAR).all(axis=1)
    away = (apart >= NEAR).mean(axis=0)
    names, columns = system.subunits(), _subunits(system)
    return Evidence(
        fit=fit_of(posterior, best.poses),
        best=best,
        rivals=tuple(sorted(rivals, key=lambda r: r.behind)),
        tried=len(changes),
        start=sampling.start if sampling.start != "placed" or searched else "asis",
        searches=_searches(searched, found) if sampling.start == "placed" and searched else None,
        arrivals=_arrivals(run, analysis) if sampling.start == "random" else None,
        exchange=min(exchange, default=None),
        alike=tuple(float(alike[h].mean()) if h.any() else None for h in (~late, late)),
        halves=halves.verdict,
        enough=halves.enough,
        loose=tuple(names[columns[i]] for i in np.argsort(-away) if away[i] > LOOSE),
        clashing=clashing(system, best.poses),
        links=float(np.concatenate(links).mean()) if links else None,
    )


def _apart(run: RunModels, coordinates: np.ndarray) -> np.ndarray:
    """(m, subunits) Å: rmsd(80) of each subunit with a structure to the best model."""
    particles = run.particles
    own = structured(run.system)[run.present]
    kept = particles.chosen(own)
    copies = groups_of_copies(run.system, kept)
    models = coordinates[:, own]
    step = range(0, len(models), _BLOCK)
    blocks = [apart(models[i : i + _BLOCK], models[0], kept.molecule, copies) for i in step]
    return np.concatenate(blocks)


def _found(system: System, searched: list[dict], best: Challenge) -> list[Challenge]:
    """Arrangements of a search, as far as search.json has their poses."""
    whole = [s for s in searched if "poses" in s and "run_score" in s]
    if not whole:
        return []
    poses = to_input(system, np.array([s["poses"] for s in whole]))
    apart = differences(system, places(system, poses), places(system, best.poses[None])[0])
    return [
        Challenge(SEARCH, s["run_score"], s["cc"], a, p)
        for s, a, p in zip(whole, apart, poses, strict=True)
    ]


def _rival(system: System, other: Challenge, best: Challenge) -> Rival:
    names = system.subunits()
    far = np.flatnonzero(other.apart >= NEAR)
    elsewhere = tuple(names[int(i)] for i in np.array(_subunits(system))[far])
    return Rival(other.how, other.score - best.score, other.cc, elsewhere)


def _subunits(system: System) -> list[int]:
    """Molecules with a structure, as the columns of `differences`."""
    return sorted({f.molecule for f in system.fragments if f.structured})


def _searches(searched: list[dict], found: list[Challenge]) -> int:
    near = [s["searches"] for s, c in zip(searched, found, strict=False) if c.farthest < 2 * SAME]
    return max(near, default=0)


def _arrivals(run: RunModels, analysis: Analysis) -> int | None:
    path = run.folder / REPLICA_STAT
    if not path.is_file():
        return None
    stat = read_stat(path)
    if "Replica" not in stat:
        return None
    frames = analysis.frames[analysis.clusters[0].cluster.members]
    replica = stat.column("Replica")
    return len(np.unique(replica[frames[frames < len(replica)]]))


def clashing(system: System, poses: np.ndarray) -> float:
    """Share of the residues with a structure that lie inside another body."""
    finest = system.finest
    own = structured(system)
    xyz = places(system, poses[None])[0]
    body, radius = finest.body[own], finest.radius[own]
    molecule, first, last = finest.molecule[own], finest.first[own], finest.last[own]
    hit = np.zeros(len(xyz), dtype=bool)
    for start in range(0, len(xyz), _BLOCK):
        at = slice(start, start + _BLOCK)
        away = np.square(xyz[at, None] - xyz[None]).sum(axis=2)
        close = away < np.square(_TOUCHING * (radius[at, None] + radius[None]))
        bound = molecule[at, None] == molecule[None]
        bound &= (first[at, None] - last[None] <= 2) & (first[None] - last[at, None] <= 2)
        hit[at] = (close & ~bound & (body[at, None] != body[None])).any(axis=1)
    return float(hit.mean()) if len(hit) else 0.0


def _json(path: Path) -> dict:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}  # another program's run, or an older version's
    return found if isinstance(found, dict) else {}
