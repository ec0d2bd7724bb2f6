"""A late step of the global search of many bodies: some of them taken out and placed anew.

Tempering may leave bodies that stand in each other's places: in two of five searches of RNA
polymerase II three and four of 15, 30 to 36 kT above the right arrangement. By eq. 13 the right
pair of such a ring costs 70 and 92 kT, and all but one of its bodies alone 16 to 77. By the noise
model that bounds the price of what nothing explains (`Densities.robust`) these pairs gain 11 and 16
kT. So some bodies at a time, those that the density misses least, are taken out together and placed
anew by that score (large neighbourhood search, Shaw 1998): the score of any choice of places is put
together from tables (`placement_choices` in the core), the best choices are minimised.
"""

from __future__ import annotations

import numpy as np

from .. import _core
from .arrangements import PARENTS, Arrangement, ArrangementScore, recombined
from .densities import Densities

TAKEN = (2, 5)  # bodies at a time
LARGE = 2.0  # times the mean mass of all: such bodies stay where they are
MISSED_NOISE = 0.5  # standard deviation of the logarithm of what is missed of a body
NEAR_SHARE, MORE = 0.5, 3  # of the rounds take bodies near each other, of a few more
# Rounds without anything better, and at most. On two arrangements of RNA polymerase II (290 and 298
# kT, the fitted structure 258) something better came after 11 rounds at most (in one whole run
# after more than 14), and 14 and 15 of 15 bodies were in place after 11 to 16. By the run's own
# score, from the best alone, what was left was put right after 1 to 5 rounds in eight trials of
# eight; from eight arrangements, in two runs, not at all.
PATIENCE, PATIENCE_OWN, ROUNDS = 20, 8, 120
BEST_SHARE = 0.5  # of the rounds begin from the best; the others from any of PARENTS
EXCHANGED = 20  # rounds after which the arrangements exchange bodies
GAIN = 0.5  # kT: less is no better arrangement
ROTATIONS, REFINED = 500, 400  # of each body
CHOICES = 1000  # of places, all different
# So many of them are left after so many evaluations each, which move the placed bodies alone.
LIGHTLY = ((200, 10), (60, 20))
# And after so many of all bodies, with less excluded volume and with all of it.
SOFTLY = ((20, 30), (6, 30))
FULLY = ((2, 60), (2, 400))


def placed_anew(
    score: ArrangementScore,
    soft: ArrangementScore,
    densities: Densities,
    guides: tuple[list[_core.Term], list[float]],
    found: list[Arrangement],
    *,
    seed: int,
    threads: int,
    patience: int,
) -> list[Arrangement]:
    """The best arrangements after some bodies at a time were placed anew, all different.

    Parameters
    ----------
    soft
        `score` with less excluded volume: of bodies just placed, which still overlap.
    guides
        Terms that say which places go together, by pairs of bodies, and their weights.
    found
        Arrangements to begin from, by this score.
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
        missed = _core.missed_of_bodies(densities.score(), densities.arrays(), parent.poses)
        taken = _taken(random, masses, missed, parent.poses[:, 4:])
        candidates = _candidates(densities, parents, parent, taken, seed + turn, threads)
        choices = _choices(soft, densities, guides, candidates, parent, taken, seed + turn, threads)
        found = score.distinct([*parents, *_children(score, soft, parent, choices)], PARENTS)
        if turn % EXCHANGED == EXCHANGED - 1:
            found = recombined(score, found, PARENTS)
        failures = 0 if found[0].score < parents[0].score - GAIN else failures + 1
        if failures == patience:
            break
    return found


def _taken(
    random: np.random.Generator, masses: np.ndarray, missed: np.ndarray, places: np.ndarray
) -> list[int]:
    """Bodies to take out, ascending, by what is missed of each, kT a Da.

    It is low of those that stand in others' places: in three arrangements of RNA polymerase II each
    body that did was among the seven lowest of 13.
    """
    small = np.flatnonzero(masses <= LARGE * masses.mean())
    noise = np.exp(MISSED_NOISE * random.standard_normal(len(small)))
    least_missed = small[np.argsort(np.maximum(missed[small], 0) * noise)]
    count = int(random.integers(TAKEN[0], TAKEN[1] + 1))
    first = least_missed[0]
    if random.random() < NEAR_SHARE:
        distances = np.linalg.norm(places[least_missed] - places[first], axis=1)
        near = distances <= np.sort(distances)[: count + MORE][-1]
        least_missed = least_missed[near]
    return sorted(least_missed[:count].tolist())


def _candidates(
    densities: Densities,
    parents: list[Arrangement],
    parent: Arrangement,
    taken: list[int],
    seed: int,
    threads: int,
) -> list[np.ndarray]:
    """(m, 7) poses for each of the taken bodies: in what the others leave of the data, and where
    the parents have it."""
    others = [b for b in range(len(densities.bodies)) if b not in taken]
    options = {"seed": seed, "threads": threads, "rotations": ROTATIONS, "refined": REFINED}
    return [
        np.concatenate(
            [
                [known.poses[b] for known in parents],
                densities.candidates(b, others, parent.poses, **options)[0],
            ]
        )
        for b in taken
    ]


def _choices(
    soft: ArrangementScore,
    densities: Densities,
    guides: tuple[list[_core.Term], list[float]],
    candidates: list[np.ndarray],
    parent: Arrangement,
    taken: list[int],
    seed: int,
    threads: int,
) -> list[np.ndarray]:
    """Poses (bodies, 7) with the taken bodies at what goes together best of their candidates."""
    em = densities.score(), densities.arrays()
    choices = _core.placement_choices(
        *em, parent.poses, taken, candidates, *guides, most=CHOICES, seed=seed, threads=threads
    )
    for count, evaluations in LIGHTLY:
        minimized = _core.minimized_choices(
            *em, choices, taken, soft.terms[1:], soft.weights[1:], evaluations, threads=threads
        )
        choices = [poses for _, poses in minimized[:count]]
    return choices


def _children(
    score: ArrangementScore, soft: ArrangementScore, parent: Arrangement, choices: list[np.ndarray]
) -> list[Arrangement]:
    """The best of them, minimised, that are not the parent again."""
    for own, (count, evaluations) in [(soft, s) for s in SOFTLY] + [(score, f) for f in FULLY]:
        minimized = sorted(own.all_minimized(choices, evaluations), key=lambda a: a.score)
        children = [one for one in minimized if not score.is_same(one, parent)][:count]
        choices = [one.poses for one in children]
    return children
