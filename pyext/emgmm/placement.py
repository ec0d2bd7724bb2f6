"""Where the bodies of a complex lie in a map, from nothing.

A global search that needs no start: every body's rotations and places are scored by the overlap
with the data GMM in closed form, choices that go together are found by annealing, refined with
forces and torques against the Bayesian score, and repaired body by body. The search is repeated
from new random numbers until its best answer has come out twice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import _core
from .config import Config
from .mixture import Mixture
from .placement_terms import placement_terms
from .representation import System
from .sampler_setup import carry_along, input_poses, place_beads
from .scoring import ScoreOptions, make_score

# Residues of identical copies may differ by this much in the input coordinates, Å.
_SAME_BODY = 0.5
_DEFAULT_SCORE = ScoreOptions()


class Placement(NamedTuple):
    """One arrangement of all bodies of a system."""

    score: float  # kT: EM, and where they were asked for, cross-links and connectivity
    found: int  # independent searches that ended here
    poses: np.ndarray  # (bodies, 7): w x y z of the quaternion, translation in Å


def place_system(
    system: System,
    data: Mixture,
    options: ScoreOptions = _DEFAULT_SCORE,
    *,
    config: Config | None = None,
    seed: int = 0,
    threads: int = 0,
    solutions: int = 6,
    confirmations: int = 2,
    searches: int = 4,
) -> list[Placement]:
    """Best arrangements of the rigid bodies in the data, best first, all different.

    Rigid bodies are searched for. A flexible bead goes with the rigid body it belongs to; one that
    belongs to none goes beside its neighbour in the sequence, so that sampling has only to relax
    it.

    Parameters
    ----------
    system
        Representation with the model GMM of each body.
    data
        Data GMM, scaled to the mass of the model.
    options
        Of the score that ranks arrangements.
    config
        Settings whose cross-links, and the system's connectivity, count in the search too; None for
        the density alone.
    seed, threads
        The answer depends on the seed, not on the number of threads (0: all cores).
    solutions
        At most so many arrangements.
    confirmations
        Searches that have to end in the best answer before it is believed.
    searches
        At most so many; one is enough then for as many confirmations.

    Raises
    ------
    InputError
        In a file of cross-links.
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
    terms, weights = ([], []) if config is None else placement_terms(system, placed, config)
    found = _core.place_bodies(
        make_score(data, options),
        arrays,
        _kinds(system, placed),
        terms=terms,
        weights=weights,
        seed=seed,
        threads=threads,
        solutions=solutions,
        confirmations=min(confirmations, searches),
        searches=searches,
    )
    return [
        Placement(score, times, _all_poses(system, placed, quaternions, translations, seed))
        for score, times, quaternions, translations in found
    ]


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
    system: System,
    placed: np.ndarray,
    quaternions: np.ndarray,
    translations: np.ndarray,
    seed: int,
) -> np.ndarray:
    """(bodies, 7) poses of all bodies when those of the placed ones are known."""
    poses = input_poses(system)
    known = ~system.bodies.movable
    for body, quaternion, translation in zip(placed, quaternions, translations, strict=True):
        known[carry_along(system, poses, body, quaternion, translation)] = True
    place_beads(system, poses, known, np.random.default_rng(seed))
    rest = ~known
    poses[rest, 4:] = translations.mean(axis=0)
    return poses
