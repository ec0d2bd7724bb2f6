"""The steps of the global search, in their order (place.py says what they are for)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .. import _core
from ..config import Config, SamplingConfig
from ..mixture import Mixture
from ..moves.independence import pose_density
from ..moves.slope import turning_radii
from ..moves.swaps import principal_axes
from ..representation import System
from ..scoring import ScoreOptions
from ..starts import confinement
from ..terms.crosslinks import CrossLinks
from .anew import PATIENCE, PATIENCE_OWN, placed_anew
from .arrangements import Arrangement, ArrangementScore, recombined
from .densities import Densities
from .tempering import KEPT, MINIMIZED, Tempered, minimized_anew, tempered
from .terms import PlacementTerms, placement_clashes, placement_terms

# More bodies than these are searched for several times, and what comes of that put together.
_MANY_BODIES = 6
_SEARCHES_OF_MANY = 3
_ROUNDS_OF_MANY = 2  # of tempering, each search
_FRAMES_OF_MANY = 40  # different cold frames of each search that are minimised
# Residues a bead in their excluded volume while they find their places, and how much of it counts.
# With residues a round of tempering RNA polymerase II takes 170 s instead of 100. With all of it
# most ways between arrangements are closed; with none, arrangements of the 15 bodies of RNA
# polymerase II that overlap score 13 kT better than the fitted structure, and are where the search
# ends.
_SOFT_BEADS, _SOFT = 10, 0.1
_LOOKED_AT = 2  # arrangements of many bodies that are improved body by body at the end
_JUDGED = 20  # arrangements, by the fine mixtures
_POWER = 8.0  # of the overlap in shares of suggested places; the core's own was not tried here


class Placement(NamedTuple):
    """One arrangement of all bodies of a system."""

    score: float  # kT: EM, and where they were asked for, cross-links and priors
    found: int  # independent searches that ended here; 1 after any of the later steps
    poses: np.ndarray  # (bodies, 7): w x y z of the quaternion, translation in Å
    elsewhere: tuple[int, ...] = ()  # bodies that lie elsewhere than in the best arrangement


@dataclass(frozen=True)
class Search:
    """What all steps of one search share; bodies are those that are placed, in their order."""

    kinds: list[int]  # bodies of one are alike
    fine: Densities
    coarse: Densities  # of many bodies, for all but the last judgement
    terms: PlacementTerms  # beside the density, and their weights
    clashes: list[_core.Term]
    soft_clashes: list[_core.Term]  # while many bodies find their places
    radii: np.ndarray  # (bodies,) Å, of gyration
    axes: list[np.ndarray]  # (3, 3) principal axes of each body, rows
    confinement: list[float]
    seed: int
    threads: int

    @classmethod
    def of_bodies(
        cls,
        system: System,
        placed: np.ndarray,
        kinds: list[int],
        data: Mixture,
        options: ScoreOptions,
        config: Config | None,
        links: Sequence[CrossLinks],
        seed: int,
        threads: int,
    ) -> Search:
        many = len(placed) > _MANY_BODIES
        fine = Densities.of_system(system, placed, data, options)
        return cls(
            kinds,
            fine,
            fine.coarse() if many else fine,
            placement_terms(system, placed, links) if config else ([], []),
            placement_clashes(system, placed, 1) if config else [],
            placement_clashes(system, placed, _SOFT_BEADS) if config and many else [],
            np.array(turning_radii(system, system.bodies.movable))[placed],
            [principal_axes(system, body) for body in placed],
            confinement(system, data, config.sampling if config else SamplingConfig()),
            seed,
            threads,
        )

    def found(self, solutions: int, confirmations: int, searches: int) -> list[Placement]:
        """Arrangements of the bodies, best first."""
        if len(self.kinds) > _MANY_BODIES:
            searches = min(searches, _SEARCHES_OF_MANY) if confirmations > 1 else 1
            return self.found_of_many(solutions, searches)
        found = self.scanned(solutions=solutions, searches=searches, confirmations=confirmations)
        tempering = len(self.kinds) > 1 and found[0].found < confirmations
        if not tempering and not self.clashes:
            return found
        lists = [[Arrangement(p.score, p.poses) for p in found]]
        if tempering:  # with nothing that hinders them
            better, cold = self.tempered(self.score(self.fine, []), lists[0], solutions, 1)
            lists = [better, cold]
        score = self.score(self.fine, self.clashes)
        if self.clashes:
            lists[0] = score.distinct(score.all_minimized(a.poses for a in lists[0]), solutions)
        best = recombined(score, minimized_anew(score, lists, MINIMIZED), _JUDGED)
        return _placements(score.distinct(best, solutions))

    def found_of_many(self, solutions: int, searches: int) -> list[Placement]:
        """Those of several searches, which exchange bodies at the end; two are enough where they
        end alike.

        None of the searches need be right: of RNA polymerase II in its 21 Å map each has other
        small subunits elsewhere, and together they hold all, or all but a few that stand in each
        other's places and are placed anew. What tells right from wrong there is the excluded
        volume of residues: with it the fitted structure was 28 to 36 kT better than what single
        searches had found, with the tenth of ten-residue beads 3 to 9 kT.
        """
        score = self.score(self.coarse, self.clashes)
        reached = []
        for number in range(searches):
            own = replace(self, seed=self.seed + 1000 * number)
            soft = own.score(own.coarse, own.soft_clashes, _SOFT)
            found = own.scanned(solutions=KEPT, searches=1, confirmations=1, sweeps=0)
            starts = [Arrangement(p.score, p.poses) for p in found]
            better, cold = own.tempered(soft, starts, solutions, _ROUNDS_OF_MANY)
            reached.append(minimized_anew(score, [better, cold], _FRAMES_OF_MANY))
            best_of_each = [min(own, key=lambda a: a.score) for own in reached]
            agree = all(score.are_alike(a, best_of_each[0]) for a in best_of_each)
            if agree and number > 0:
                break
        best = recombined(score, [a for own in reached for a in own], _JUDGED)
        if agree and score.are_alike(best_of_each[0], best[0]):
            better = self.scanned(  # what some bodies still do better elsewhere
                searches=1,
                solutions=solutions,
                starts=[a.poses for a in best[:_LOOKED_AT]],
                polished=_LOOKED_AT,
                clashes=self.clashes,
            )
            best += score.all_minimized(placement.poses for placement in better)
        else:
            best = self.placed_anew(best)
        best = recombined(score, best, _JUDGED)
        score = self.score(self.fine, self.clashes)
        best = minimized_anew(score, [best], MINIMIZED)
        return _placements(score.distinct(best, solutions))

    def placed_anew(self, found: list[Arrangement]) -> list[Arrangement]:
        """These and what becomes of them when some bodies at a time are placed anew: by a robust
        score, which undoes rings, and of the best by the run's own, which puts the last ones
        right."""
        score = self.score(self.coarse, self.clashes)
        robust = self._placed_anew(self.coarse.robust(), found, PATIENCE)
        found = [*found, *score.all_minimized(a.poses for a in robust)]
        best = min(found, key=lambda a: a.score)
        return [*found, *self._placed_anew(self.coarse, [best], PATIENCE_OWN)]

    def _placed_anew(
        self, densities: Densities, found: list[Arrangement], patience: int
    ) -> list[Arrangement]:
        """By these densities."""
        score = self.score(densities, self.clashes)
        return placed_anew(
            score,
            self.score(densities, self.clashes, _SOFT),
            densities,
            self.guides(),
            score.all_minimized(a.poses for a in found),
            seed=self.seed,
            threads=self.threads,
            patience=patience,
        )

    def tempered(
        self, score: ArrangementScore, starts: list[Arrangement], solutions: int, rounds: int
    ) -> Tempered:
        """What replica exchange by this score finds from some arrangements."""
        return tempered(
            score,
            [arrangement.poses for arrangement in starts],
            self.axes,
            self.confinement,
            self.into_what_larger_leave,
            seed=self.seed,
            threads=self.threads,
            solutions=solutions,
            rounds=rounds,
        )

    def scanned(self, **options) -> list[Placement]:
        """What the core's search finds (`place_bodies`)."""
        terms, weights = self.terms
        found = _core.place_bodies(
            self.coarse.score(),
            self.coarse.arrays(),
            self.kinds,
            terms=terms,
            weights=weights,
            seed=self.seed,
            threads=self.threads,
            **options,
        )
        return [
            Placement(value, times, np.concatenate([quaternions, translations], axis=1))
            for value, times, quaternions, translations in found
        ]

    def guides(self) -> tuple[list[_core.Term], list[float]]:
        """What says which places of bodies go together, beside the density, and its weights."""
        terms, weights = self.terms
        clashes = self.soft_clashes
        return [*terms, *clashes], [*weights, *[_SOFT] * len(clashes)]

    def score(
        self, densities: Densities, clashes: list[_core.Term], share: float = 1.0
    ) -> ArrangementScore:
        """With such an excluded volume, and so much of it."""
        terms, weights = self.terms
        return ArrangementScore(
            [densities.term(), *terms, *clashes],
            [1.0, *weights, *[share] * len(clashes)],
            self.radii,
            self.kinds,
            self.threads,
        )

    def into_what_larger_leave(self, poses: np.ndarray) -> list[_core.Mover]:
        """A mover of bodies to where what the larger ones, at their poses, leave of the data holds
        them; of those with such places."""
        larger: list[int] = []
        groups, densities = [], []
        bodies = self.coarse.bodies
        for b in sorted(range(len(bodies)), key=lambda b: -bodies[b].mass):
            places, overlaps = self.coarse.candidates(
                b, larger, poses, seed=self.seed, threads=self.threads, rotations=1000
            )
            if len(overlaps) and overlaps[0] > 0:
                groups.append(np.array([b]))
                densities.append(
                    pose_density(places, overlaps, self.radii[b], self.coarse.data, power=_POWER)
                )
            larger.append(b)
        return [_core.independence_mover("places", groups, densities)] if groups else []


def _placements(arrangements: list[Arrangement]) -> list[Placement]:
    return [Placement(arrangement.score, 1, arrangement.poses) for arrangement in arrangements]
