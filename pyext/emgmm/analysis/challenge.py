"""The best model against what could be instead: bodies turned over, exchanged, put elsewhere.

Sampling near an answer cannot say whether another one would do as well. Here the answer is changed
by force, each change follows the slope of the run's own score to its minimum, and what does not
come back is an alternative or, far behind, says what a wrong model scores in this map.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import _core
from ..poses import composed, to_poses
from ..sampling.alternatives import differences, map_correlation, places
from ..sampling.minimize import minimized
from ..search.starts import carry_along, place_beads
from .subunits import called

if TYPE_CHECKING:
    from ..posterior import Posterior
    from ..representation.system import System

_EVALUATIONS = 150  # of each change; one that is not at its minimum then is far from the answer
_LEAST, _MOST = 12, 48  # changes
_PAIRS = 2e9  # of components that minimising may cost: about a minute
_PLACES = 4  # of each body, elsewhere
_NEW_PLACE = 10.0  # Å from where it is


class Challenge(NamedTuple):
    """A model after minimising, and how far it is from the one that was challenged."""

    how: str  # what was changed
    score: float  # kT: all terms of the run
    cc: float | None  # with the map; None without one
    apart: np.ndarray  # (subunits,) Å: rmsd(80) of each subunit with a structure, not superposed
    poses: np.ndarray  # (bodies, 7)

    @property
    def farthest(self) -> float:
        """Å: of the subunit that is farthest off."""
        return float(self.apart.max(initial=0.0))


def challenged(
    posterior: Posterior, poses: np.ndarray, only_minimize: bool = False
) -> tuple[Challenge, list[Challenge]]:
    """A model after minimising, and what came of its changes, best score first.

    Parameters
    ----------
    poses
        (bodies, 7); NaN for beads that are nowhere, which go beside their neighbours.
    only_minimize
        Make no changes.
    """
    system, symmetry = posterior.system, posterior.symmetry
    poses = _complete(system, poses)
    if symmetry is not None:
        poses = symmetry.symmetric(poses)
    best = minimized(posterior, poses[None], 2 * _EVALUATIONS)[0]
    changes = [] if only_minimize else list(_changes(posterior, best))
    # Of many bodies not every pair, and of large mixtures not every change: of the whole list as
    # many as time allows, evenly.
    most = _most(posterior)
    step = max(1.0, len(changes) / most)
    changes = [changes[int(i * step)] for i in range(min(len(changes), most))]
    at = places(system, best[None])[0]

    def seen(how: str, found: np.ndarray) -> Challenge:
        score = sum(posterior.weighted_terms(found).values())
        apart = differences(system, places(system, found[None]), at)[0]
        return Challenge(how, score, map_correlation(posterior, found), apart, found)

    ends = []
    for how, changed in changes:
        if symmetry is not None:
            changed = symmetry.symmetric(changed)
        ends.append(seen(how, minimized(posterior, changed[None], _EVALUATIONS)[0]))
    return seen("", best), sorted(ends, key=lambda c: c.score)


def _most(posterior: Posterior) -> int:
    """How many changes may be made."""
    components = 0 if posterior.data is None else len(posterior.data)
    work = components * len(posterior.system.gaussians) * _EVALUATIONS
    return int(np.clip(_PAIRS / max(work, 1), _LEAST, _MOST))


def _complete(system: System, poses: np.ndarray) -> np.ndarray:
    known = np.isfinite(poses).all(axis=1)
    poses = np.where(known[:, None], poses, [1.0, 0, 0, 0, 0, 0, 0])
    place_beads(system, poses, known.copy(), np.random.default_rng(0))
    return np.ascontiguousarray(poses)


def _changes(posterior: Posterior, poses: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    system, symmetry = posterior.system, posterior.symmetry
    gaussians, bodies = system.gaussians, system.bodies
    dense = np.unique(gaussians.body)
    own = [int(b) for b in dense if bodies.rotatable[b] and bodies.movable[b]]
    if symmetry is not None:
        own = [b for b in own if b not in symmetry.image]
    name = {b: called(system, b) for b in own}
    axes = {b: _principal_axes(gaussians.of_body(b).means) for b in own}
    if symmetry is None and bodies.movable.all():
        yield from _whole(system, poses)
    for b in own:
        for turn in _half_turns(axes[b]):
            yield f"{name[b]} turned over", _moved(system, poses, b, turn, poses[b, 4:])
    if posterior.score is not None:
        for b in own:
            for pose in _elsewhere(posterior, poses, b):
                changed = poses.copy()
                carry_along(system, changed, b, pose[:4], pose[4:])
                yield f"{name[b]} elsewhere", changed
    for a, b in combinations(own, 2):
        exchanged = _moved(system, poses, a, np.eye(3), poses[b, 4:])
        yield (
            f"{name[a]} and {name[b]} exchanged",
            _moved(system, exchanged, b, np.eye(3), poses[a, 4:]),
        )


def _moved(
    system: System, poses: np.ndarray, body: int, turn: np.ndarray, to: np.ndarray
) -> np.ndarray:
    """Poses with a body turned in its own frame, and put at a place."""
    changed = poses.copy()
    local = to_poses(turn, np.zeros(3))
    carry_along(system, changed, body, composed(poses[body], local)[:4], to)
    return changed


def _principal_axes(means: np.ndarray) -> np.ndarray:
    return np.linalg.eigh(np.cov(means.T) if len(means) > 1 else np.eye(3))[1]


def _half_turns(axes: np.ndarray) -> list[np.ndarray]:
    """By 180 degrees about each axis (columns)."""
    return [2 * np.outer(axis, axis) - np.eye(3) for axis in axes.T]


def _whole(system: System, poses: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """All bodies as one, turned over about their centre."""
    placed = system.gaussians.placed(poses)
    center = placed.center
    for turn in _half_turns(_principal_axes(placed.means)):
        move = to_poses(turn, center - turn @ center)
        yield "the whole turned over", composed(np.tile(move, (len(poses), 1)), poses)


def _elsewhere(posterior: Posterior, poses: np.ndarray, body: int) -> list[np.ndarray]:
    """Other places of a body in what the others leave of the map."""
    gaussians, symmetry = posterior.system.gaussians, posterior.symmetry
    group = [body]
    if symmetry is not None:
        group += symmetry.image[symmetry.source == body].tolist()
    placed = gaussians.placed(poses)
    mine = gaussians.of_body(body)
    found, _ = _core.placement_candidates(
        posterior.score,
        mine,
        placed[~np.isin(gaussians.body, group)],
        seed=posterior.config.sampling.seed,
        threads=posterior.config.sampling.threads,
        rotations=500,
        refined=100,
        candidates=20,
    )
    radius = float(np.sqrt(np.square(mine.means - mine.center).sum(axis=1).mean()))
    fresh = []
    for pose in found:
        if all(_far(pose, other, radius) for other in [poses[body], *fresh]):
            fresh.append(pose)
    return fresh[:_PLACES]


def _far(a: np.ndarray, b: np.ndarray, radius: float) -> bool:
    turn = 2 * np.sqrt(max(0.0, 1 - min(1.0, abs(float(a[:4] @ b[:4]))) ** 2))  # 2 sin(angle / 2)
    return float(np.hypot(np.linalg.norm(a[4:] - b[4:]), turn * radius)) > _NEW_PLACE
