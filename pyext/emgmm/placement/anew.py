"""A late step of the global search of many bodies: some of them taken out and placed anew.

Tempering may leave bodies that stand in each other's places: in two of five searches of RNA
polymerase II three and four of 15, 30 to 36 kT above the right arrangement, to which one or two of
them put right alone did not lead. Taken out together they find their places at once, since the
score of any choice of places is put together from tables (`placement_choices` in the core); which
ones to take out is left to chance (large neighbourhood search, Shaw 1998): some that lie near each
other.
"""

from __future__ import annotations

import numpy as np

from .. import _core
from .arrangements import PARENTS, Arrangement, ArrangementScore
from .densities import Densities

TAKEN = (3, 7)  # bodies at a time: one and some of those next to it, of a few more
MORE = 3
LARGE = 2.0  # times the mean mass of all: such bodies stay where they are
# Without anything better, and at most. Such rings were put right after 5, 12 and 50 rounds, and one
# not in 115; 40 were too few in two searches of two.
PATIENCE, ROUNDS = 100, 200
BEST_SHARE = 0.5  # of the rounds that begin from the best; the others from any of PARENTS
GAIN = 0.1  # kT: less is no better arrangement
ROTATIONS, REFINED = 500, 400  # of each body
SOFT_EVALUATIONS, SHORT, LONG = 60, 60, 400  # of a minimisation
SHORTLISTED = 8  # of the choices, minimised softly, that full excluded volume judges


def placed_anew(
    score: ArrangementScore,
    soft: ArrangementScore,
    densities: Densities,
    guides: tuple[list[_core.Term], list[float]],
    found: list[Arrangement],
    *,
    seed: int,
    threads: int,
    patience: int = PATIENCE,
) -> list[Arrangement]:
    """The best arrangements after some bodies at a time were placed anew, all different.

    Parameters
    ----------
    soft
        `score` with less excluded volume: of bodies just placed, which still overlap.
    guides
        Terms that say which places go together, by pairs of bodies, and their weights.
    found
        Arrangements to begin from.
    patience
        So many rounds without anything better are the last.
    """
    random = np.random.default_rng(seed)
    masses = np.array([body.mass for body in densities.bodies])
    failures = 0
    for turn in range(ROUNDS):
        parents = score.distinct(found, PARENTS)
        from_best = random.random() < BEST_SHARE
        parent = parents[0 if from_best else random.integers(len(parents))]
        taken = _taken(random, masses, parent.poses[:, 4:])
        child = _child(score, soft, densities, guides, parent, taken, seed + turn, threads)
        found = score.distinct([*parents, *child], PARENTS)
        failures = 0 if found[0].score < parents[0].score - GAIN else failures + 1
        if failures == patience:
            break
    return found


def _taken(random: np.random.Generator, masses: np.ndarray, places: np.ndarray) -> list[int]:
    """Bodies to take out, ascending."""
    small = np.flatnonzero(masses <= LARGE * masses.mean())
    shares = masses[small] ** -0.5  # the smaller ones go astray
    first = random.choice(small, p=shares / shares.sum())
    count = int(random.integers(TAKEN[0], TAKEN[1] + 1))
    by_distance = small[np.argsort(np.linalg.norm(places[small] - places[first], axis=1))]
    near = by_distance[by_distance != first][: count - 1 + MORE]
    others = random.choice(near, min(count - 1, len(near)), replace=False)
    return sorted([int(first), *others.tolist()])


def _child(
    score: ArrangementScore,
    soft: ArrangementScore,
    densities: Densities,
    guides: tuple[list[_core.Term], list[float]],
    parent: Arrangement,
    taken: list[int],
    seed: int,
    threads: int,
) -> list[Arrangement]:
    """The best arrangement in which the taken bodies are placed anew, if there is any."""
    others = [b for b in range(len(densities.bodies)) if b not in taken]
    candidates = [
        densities.candidates(
            b,
            others,
            parent.poses,
            seed=seed,
            threads=threads,
            rotations=ROTATIONS,
            refined=REFINED,
        )[0]
        for b in taken
    ]
    choices = _core.placement_choices(
        densities.score(),
        densities.arrays(),
        parent.poses,
        taken,
        candidates,
        *guides,
        seed=seed,
        threads=threads,
    )
    shortlist = sorted(
        (soft.minimized(poses, SOFT_EVALUATIONS) for poses in choices), key=lambda a: a.score
    )[:SHORTLISTED]
    judged = [score.minimized(a.poses, SHORT) for a in shortlist]
    return [score.minimized(a.poses, LONG) for a in sorted(judged, key=lambda a: a.score)[:1]]
