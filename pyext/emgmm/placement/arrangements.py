"""Arrangements of the bodies of a complex: minimised, compared, parts of them put together."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import NamedTuple

import numpy as np

from .. import _core
from ..environment import cores
from ..moves.slope import NO_IMAGES

# Å that some body is off or, at its radius, turned: arrangements less apart are one.
SAME_PLACE = 5.0
NOT_MINDED = 0.1  # kT: more, and where copies are matters (a chain goes on in one of them)
PARENTS = 8  # the best, whose bodies are exchanged
NEAR_BEST = 20.0  # kT: those farther off give bodies and take none
SHORT, LONG = 20, 400  # evaluations of a minimisation
CHILDREN = 24  # of a generation that are minimised fully
GENERATIONS = 4


class Arrangement(NamedTuple):
    """Poses (bodies, 7) of the bodies alone, and their score in kT."""

    score: float
    poses: np.ndarray


class ArrangementScore(NamedTuple):
    """What judges arrangements."""

    terms: list[_core.Term]
    weights: list[float]
    radii: np.ndarray  # (bodies,) Å, of gyration
    kinds: list[int]  # of each body; those of one kind are copies
    threads: int = 1  # 0: all cores

    def minimized(self, poses: np.ndarray, evaluations: int = LONG) -> Arrangement:
        """Where forces and torques lead from some poses, (bodies, 7)."""
        found = _core.minimize_terms(
            self.terms, self.weights, poses, self.radii.tolist(), evaluations, *NO_IMAGES
        )
        return Arrangement(*found[:2])

    def all_minimized(
        self, starts: Iterable[np.ndarray], evaluations: int = LONG
    ) -> list[Arrangement]:
        """Each of these poses, in their order, on several threads."""
        with ThreadPoolExecutor(self.threads or cores()) as pool:
            return list(pool.map(lambda poses: self.minimized(poses, evaluations), starts))

    def distinct(self, arrangements: list[Arrangement], most: int) -> list[Arrangement]:
        """The best of each that differ, at most so many, best first."""
        kept: list[Arrangement] = []
        for one in sorted(arrangements, key=lambda a: a.score):
            if len(kept) == most:
                break
            if not any(self.is_same(one, other) for other in kept):
                kept.append(one)
        return kept

    def is_same(self, a: Arrangement, b: Arrangement) -> bool:
        """No body is elsewhere, or copies have changed places and the score does not mind."""
        if self.apart(a.poses, b.poses).max() <= SAME_PLACE:
            return True
        if abs(a.score - b.score) > NOT_MINDED or len(set(self.kinds)) == len(self.kinds):
            return False
        return self.are_alike(a, b)

    def are_alike(self, a: Arrangement, b: Arrangement) -> bool:
        """Every body of each is where the other has it, or a copy of it."""
        a, b = a.poses, b.poses
        return not (self.elsewhere(a, b).any() or self.elsewhere(b, a).any())

    def elsewhere(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(bodies,) bool: no copy of this body in b is where it is in a."""
        away = np.ones(len(a), dtype=bool)
        for body, kind in enumerate(self.kinds):
            own = [other for other, its in enumerate(self.kinds) if its == kind]
            score = self._replace(radii=np.full(len(own), self.radii[body]))
            apart = score.apart(np.tile(a[body], (len(own), 1)), b[own])
            away[body] = (apart > SAME_PLACE).all()
        return away

    def apart(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(bodies,) Å that each body moves or, at its radius, turns from a to b."""
        angles = 2 * np.arccos(np.minimum(1.0, np.abs((a[:, :4] * b[:, :4]).sum(axis=1))))
        return np.maximum(np.linalg.norm(a[:, 4:] - b[:, 4:], axis=1), angles * self.radii)


def recombined(
    score: ArrangementScore, found: list[Arrangement], solutions: int
) -> list[Arrangement]:
    """What was found, and what comes of it when a body is put where another arrangement has it:
    best first, all different, at most so many.

    Arrangements of many bodies are alike but for small ones, and each has others of them right;
    where two have to turn together no single move leads from one to the next. Children of the best
    are minimised and join them, until no child is among the best.
    """
    tried: set[bytes] = set()
    for _ in range(GENERATIONS):
        parents = score.distinct(found, PARENTS)
        starts = []
        for one, other in permutations(parents, 2):
            if one.score > parents[0].score + NEAR_BEST:
                continue
            for body in np.flatnonzero(score.apart(one.poses, other.poses) > SAME_PLACE):
                poses = _exchanged(one.poses, other.poses, body, score.radii)
                key = poses.round(1).tobytes()
                if key not in tried:
                    tried.add(key)
                    starts.append(poses)
        children = score.distinct(score.all_minimized(starts, SHORT), CHILDREN)
        children = score.all_minimized(child.poses for child in children)
        found = score.distinct([*found, *children], max(solutions, PARENTS))
        if [a.score for a in found[:PARENTS]] == [a.score for a in parents]:
            break
    return found[:solutions]


def _exchanged(one: np.ndarray, other: np.ndarray, body: int, radii: np.ndarray) -> np.ndarray:
    """Poses of one, but of a body those of the other, and so of all whose places that takes."""
    taken, todo = set(), [body]
    poses = one.copy()
    while todo:
        b = todo.pop()
        taken.add(b)
        poses[b] = other[b]
        near = np.linalg.norm(one[:, 4:] - other[b, 4:], axis=1) < np.maximum(radii, radii[b]) / 2
        todo += [c for c in np.flatnonzero(near) if c not in taken]
    return poses
