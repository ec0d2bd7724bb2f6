"""Where the bodies of a complex lie in a map, from nothing.

A global search that needs no start: every body's rotations and places are scored by the overlap
with the data GMM in closed form, choices that go together are found by annealing, refined with
forces and torques against the Bayesian score, and repaired body by body. The search is repeated
from new random numbers until its best answer has come out twice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from emgmm import _core
from emgmm.mixture import Mixture
from emgmm.representation import System
from emgmm.scoring import ScoreOptions, make_score

# Residues of identical copies may differ by this much in the input coordinates, Å.
_SAME_BODY = 0.5


class Placement(NamedTuple):
    """One arrangement of all bodies of a system."""

    score: float  # kT, EM term only
    found: int  # independent searches that ended here
    rotation: np.ndarray  # (bodies, 3, 3), local to global
    translation: np.ndarray  # (bodies, 3) Å


def place_system(
    system: System,
    data: Mixture,
    options: ScoreOptions = ScoreOptions(),
    *,
    seed: int = 0,
    threads: int = 0,
    solutions: int = 6,
) -> list[Placement]:
    """Best arrangements of the rigid bodies in the data, best first, all different.

    Rigid bodies are searched for. A flexible bead goes with the rigid body it belongs to; one that
    belongs to none goes to the nearest bead before or after it in the sequence that was placed, so
    that sampling has only to relax it.

    Parameters
    ----------
    system
        Representation with the model GMM of each body.
    data
        Data GMM, scaled to the mass of the model.
    options
        Of the score that ranks arrangements.
    seed, threads
        The answer depends on the seed, not on the number of threads (0: all cores).
    solutions
        At most so many arrangements.

    Raises
    ------
    ValueError
        No rigid body has Gaussians.
    """
    bodies = system.bodies
    with_density = np.zeros(len(bodies), dtype=bool)
    with_density[system.gaussians.body] = True
    placed = np.flatnonzero(bodies.rotatable & bodies.movable & with_density)
    if len(placed) == 0:
        raise ValueError("no rigid body with Gaussians to place in the map")
    mixture = system.gaussians.mixture
    arrays = []
    for body in placed:
        own = system.gaussians.body == body
        arrays.append((mixture.means[own], mixture.covariances[own], mixture.weights[own]))
    found = _core.place_bodies(
        make_score(data, options),
        arrays,
        _kinds(system, placed),
        seed=seed,
        threads=threads,
        solutions=solutions,
    )
    return [
        Placement(score, times, *_all_poses(system, placed, _matrices(quaternions), translations))
        for score, times, quaternions, translations in found
    ]


def _matrices(quaternions: np.ndarray) -> np.ndarray:
    """(n, 3, 3) rotations of unit quaternions (n, 4), w first."""
    w, x, y, z = quaternions.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def _kinds(system: System, placed: np.ndarray) -> list[int]:
    """A number for each body, the same for identical ones."""
    particles = system.finest
    locals_ = [particles.local[particles.body == body] for body in placed]
    names = [
        sorted(
            (system.molecules[m].sequence, int(first), int(last))
            for m, first, last in zip(
                particles.molecule[own], particles.first[own], particles.last[own], strict=True
            )
        )
        for own in (particles.body == body for body in placed)
    ]
    kinds: list[int] = []
    for i in range(len(placed)):
        same = (
            j
            for j in range(i)
            if names[i] == names[j]
            and np.abs(locals_[i] - locals_[j]).max(initial=0.0) < _SAME_BODY
        )
        kinds.append(kinds[j] if (j := next(same, None)) is not None else i)
    return kinds


def _all_poses(
    system: System, placed: np.ndarray, rotation: np.ndarray, translation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Poses of all bodies when those of the placed ones are known."""
    bodies = system.bodies
    rotations, translations = bodies.rotation.copy(), bodies.translation.copy()
    rotations[placed], translations[placed] = rotation, translation
    known = ~bodies.movable
    known[placed] = True
    for body in np.flatnonzero(~known & (bodies.carrier >= 0)):
        carrier = bodies.carrier[body]
        turn = rotations[carrier] @ bodies.rotation[carrier].T
        offset = bodies.translation[body] - bodies.translation[carrier]
        translations[body] = translations[carrier] + turn @ offset
        known[body] = True
    _follow_neighbours(system, known, rotations, translations)
    return rotations, translations


def _follow_neighbours(
    system: System, known: np.ndarray, rotations: np.ndarray, translations: np.ndarray
) -> None:
    """Puts free beads beside their neighbours in the sequence, one after the other."""
    particles = system.finest
    waiting = True
    while waiting:
        waiting = False
        ready = known.copy()
        for one, other in zip(range(len(particles.body) - 1), range(1, len(particles.body))):
            if particles.molecule[one] != particles.molecule[other]:
                continue
            for here, there in ((one, other), (other, one)):
                source, target = particles.body[here], particles.body[there]
                if ready[source] and not known[target]:
                    gap = particles.radius[here] + particles.radius[there]
                    place = translations[source] + rotations[source] @ particles.local[here]
                    outwards = place - translations[known].mean(axis=0)
                    length = np.linalg.norm(outwards)
                    outwards = outwards / length if length > 0 else np.array([1.0, 0.0, 0.0])
                    translations[target] = place + gap * outwards
                    known[target] = True
                    waiting = True
