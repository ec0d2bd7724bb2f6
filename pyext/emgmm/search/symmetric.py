"""Symmetric arrangements of a complex in a map, from nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import _core
from ..mixture import Mixture
from ..poses import composed, inverted
from ..representation.system import System
from ..scoring.mixture_score import ScoreOptions, make_score
from ..symmetry import Symmetry
from .starts import carry_along


def symmetric_search(
    system: System,
    data: Mixture,
    options: ScoreOptions,
    symmetry: Symmetry,
    seed: int = 0,
    threads: int = 0,
    solutions: int = 6,
) -> list[tuple[float, np.ndarray]] | None:
    """Symmetric arrangements from nothing, best EM score first: one copy searches, all follow.

    The heaviest source comes first, each into what those before it, with their images, leave of
    the data. Every candidate is scored with all its images in place.

    Returns
    -------
    list
        EM score (kT) and (bodies, 7) poses each; None where a rigid body takes no part in the
        symmetry.
    """
    core = make_score(data, options)
    g, bodies = system.gaussians, system.bodies
    dense = np.unique(g.body[bodies.rotatable[g.body] & bodies.movable[g.body]])
    sources = [int(b) for b in np.unique(symmetry.source) if b in dense]
    if not sources or not np.isin(dense, np.union1d(symmetry.source, symmetry.image)).all():
        return None
    weight = {b: g.mixture.weights[g.body == b].sum() for b in sources}
    states = [(0.0, symmetry.symmetric(bodies.poses))]
    done: list[int] = []
    for source in sorted(sources, key=lambda b: -weight[b]):
        own = g.of_body(source)
        found = []
        for _, poses in states:
            fixed = g.placed(poses)[np.isin(g.body, done)]
            candidates, _ = _core.placement_candidates(core, own, fixed, seed=seed, threads=threads)
            group = [source, *symmetry.image[symmetry.source == source].tolist()]
            now = np.isin(g.body, [*done, *group])
            for candidate in candidates:
                trial = symmetry.symmetric(_with_source(system, poses, source, candidate))
                part = g.placed(trial)[now]
                # Eq. 13 would swell an incomplete model to cover what the others will.
                complete = len(done) + len(group) >= len(dense)
                value = core.evaluate(part) if complete else -core.cross_correlation(part)
                found.append((value if np.isfinite(value) else np.inf, trial))
        done += group
        found.sort(key=lambda f: f[0])
        states = found[:solutions]
    return states


def symmetric_placements(
    system: System,
    data: Mixture,
    options: ScoreOptions,
    symmetry: Symmetry,
    placements: Sequence[np.ndarray],
) -> list[tuple[float, np.ndarray]]:
    """Symmetric arrangements made of ones that need not be, best EM score (kT) first.

    Each source takes the pose of whichever of its copies, in whichever arrangement, scores best
    with all images in place.

    Parameters
    ----------
    placements
        (bodies, 7) poses each.
    """
    core = make_score(data, options)
    inverse = inverted(symmetry.frame)

    def score(poses: np.ndarray) -> float:
        value = core.evaluate(system.gaussians.placed(poses))
        return value if np.isfinite(value) else np.inf

    sources = [s for s in np.unique(symmetry.source) if system.bodies.rotatable[s]]
    found = []
    for start in placements:
        poses = symmetry.symmetric(start)
        best = score(poses)
        for _ in range(2):
            for source in sources:
                own = np.flatnonzero(symmetry.source == source)
                candidates = [
                    pose
                    for other in placements
                    for pose in [
                        other[source],
                        *composed(other[symmetry.image[own]], inverse[own]),
                    ]
                ]
                for pose in candidates:
                    trial = _with_source(system, poses, source, pose)
                    trial = symmetry.symmetric(trial)
                    if (value := score(trial)) < best:
                        best, poses = value, trial
        found.append((best, len(found), poses))
    return [(value, poses) for value, _, poses in sorted(found, key=lambda f: f[:2])]


def _with_source(system: System, poses: np.ndarray, body: int, pose: np.ndarray) -> np.ndarray:
    result = poses.copy()
    carry_along(system, result, body, pose[:4], pose[4:])
    return result
