"""The steps of the global search, in their order (place.py says what they are for)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .. import _core
from ..config import Config, SamplingConfig
from ..mixture import Mixture
from ..moves.independence import pose_density
from ..moves.slope import turning_radii
from ..moves.swaps import principal_axes
from ..poses import to_matrices
from ..representation import System
from ..scoring import ScoreOptions
from ..starts import confinement
from .arrangements import Arrangement, ArrangementScore, recombined
from .densities import Densities
from .tempering import KEPT, minimized_anew, tempered
from .terms import PlacementTerms, placement_clashes, placement_terms

# More bodies than these are not improved one by one before they go on.
_MANY_BODIES = 6
_SEARCHES_OF_MANY = 3
# Residues a bead in their excluded volume; with one a round of tempering RNA polymerase II takes
# 170 s instead of 100.
_BEADS_OF_MANY = 10
_LOOKED_AT = 2  # arrangements of many bodies that are improved body by body at the end
_JUDGED = 20  # arrangements, by the fine mixtures
# Of the excluded volume while bodies find their places. With all of it most ways between
# arrangements are closed; with none, arrangements of the 15 bodies of RNA polymerase II that
# overlap score 13 kT better than the fitted structure, and are where the search ends.
_SOFT = 0.1
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
        seed: int,
        threads: int,
    ) -> Search:
        many = len(placed) > _MANY_BODIES
        fine = Densities.of_system(system, placed, data, options)
        return cls(
            kinds,
            fine,
            fine.coarse() if many else fine,
            placement_terms(system, placed, config) if config else ([], []),
            placement_clashes(system, placed, _BEADS_OF_MANY if many else 1) if config else [],
            np.array(turning_radii(system, system.bodies.movable))[placed],
            [principal_axes(system, body) for body in placed],
            confinement(system, data, config.sampling if config else SamplingConfig()),
            seed,
            threads,
        )

    def found(self, solutions: int, confirmations: int, searches: int) -> list[Placement]:
        """Arrangements of the bodies, best first."""
        many = len(self.kinds) > _MANY_BODIES
        if many:
            found = self.scanned(
                solutions=KEPT,
                searches=min(searches, _SEARCHES_OF_MANY),
                confirmations=confirmations,
                sweeps=0,
            )
        else:
            found = self.scanned(
                solutions=solutions, searches=searches, confirmations=confirmations
            )
        # Bodies of many may pass through each other at first, of few nothing hinders them.
        # Two searches of many bodies may make the same mistake: of RNA polymerase II in its 21 Å
        # map they ended alike with 4 of 12 subunits in place, where replica exchange finds 6 to 11.
        stages = []
        if many or (len(self.kinds) > 1 and found[0].found < confirmations):
            stages.append((_SOFT if many else 0.0, 4 if many else 1))
        if self.clashes:
            stages.append((1.0, 3 if many else 0))
        if not stages:
            return found
        better = [Arrangement(p.score, p.poses) for p in found]
        frames = []
        for clashes, rounds in stages:
            better, cold = tempered(
                self.score(self.coarse, clashes),
                [arrangement.poses for arrangement in better],
                self.axes,
                self.confinement,
                self.into_what_larger_leave,
                seed=self.seed,
                threads=self.threads,
                solutions=solutions,
                rounds=rounds,
            )
            frames.append(cold)
        best = self.judged([better, *frames], solutions, _LOOKED_AT if many else 0)
        return [Placement(arrangement.score, 1, arrangement.poses) for arrangement in best]

    def judged(
        self, lists: list[list[Arrangement]], solutions: int, polished: int
    ) -> list[Arrangement]:
        """The best that comes of these, so many of them polished, by the score with all terms."""
        score = self.score(self.coarse)
        reached = minimized_anew(score, lists)
        if polished:  # what some bodies still do better elsewhere
            better = self.scanned(
                searches=1,
                solutions=solutions,
                starts=[a.poses for a in score.distinct(reached, polished)],
                polished=polished,
                clashes=self.clashes,
            )
            reached += [score.minimized(placement.poses) for placement in better]
        best = recombined(score, reached, _JUDGED)
        if self.coarse is not self.fine:
            score = self.score(self.fine)
            best = minimized_anew(score, [best])
        return score.distinct(best, solutions)

    def scanned(self, **options) -> list[Placement]:
        """What the core's search finds (`place_bodies`)."""
        terms, weights = self.terms
        found = _core.place_bodies(
            self.coarse.score(),
            [(body.means, body.covariances, body.weights) for body in self.coarse.bodies],
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

    def score(self, densities: Densities, clashes: float = 1.0) -> ArrangementScore:
        """With so much of the excluded volume."""
        terms, weights = self.terms
        kept = self.clashes if clashes else []
        return ArrangementScore(
            [densities.term(), *terms, *kept],
            [1.0, *weights, *[clashes] * len(kept)],
            self.radii,
            self.kinds,
        )

    def into_what_larger_leave(self, poses: np.ndarray) -> list[_core.Mover]:
        """A mover of bodies to where what the larger ones, at their poses, leave of the data holds
        them; of those with such places."""
        rotation, translation = to_matrices(poses)
        larger = [Mixture(np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros(0))]
        groups, densities = [], []
        score, bodies = self.coarse.score(), self.coarse.bodies
        for b in sorted(range(len(bodies)), key=lambda b: -bodies[b].mass):
            fixed = Mixture.concatenated(larger)
            places, overlaps = _core.placement_candidates(
                score,
                bodies[b].means,
                bodies[b].covariances,
                bodies[b].weights,
                fixed.means,
                fixed.covariances,
                fixed.weights,
                seed=self.seed,
                threads=self.threads,
                rotations=1000,
            )
            if len(overlaps) and overlaps[0] > 0:
                groups.append(np.array([b]))
                densities.append(
                    pose_density(places, overlaps, self.radii[b], self.coarse.data, power=_POWER)
                )
            larger.append(bodies[b].transformed(rotation[b], translation[b]))
        return [_core.independence_mover("places", groups, densities)] if groups else []
