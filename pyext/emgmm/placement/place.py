"""Where the bodies of a complex lie in a map, from nothing.

A global search that needs no start: every body's rotations and places are scored by the overlap
with the data GMM in closed form, choices that go together are found by annealing, refined with
forces and torques against the Bayesian score, and repaired body by body. The search is repeated
from new random numbers until its best answer has come out twice. Where it does not, replica
exchange goes on from what it found (tempering.py), and the best arrangements exchange bodies
(arrangements.py). Of many bodies each of several searches goes on so; what all have found exchanges
bodies, and where they do not agree some bodies at a time are taken out and placed anew (anew.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..config import Config
from ..mixture import Mixture
from ..poses import composed
from ..representation import System
from ..scoring import ScoreOptions
from ..starts import carry_along, input_poses, place_beads
from ..terms.crosslinks import CrossLinks
from .body_copies import aligned_copies
from .search import Placement, Search

_DEFAULT_SCORE = ScoreOptions()


def place_system(
    system: System,
    data: Mixture,
    options: ScoreOptions = _DEFAULT_SCORE,
    *,
    config: Config | None = None,
    links: Sequence[CrossLinks] = (),
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
        Settings of the run, with which the system's connectivity and excluded volume and the
        ``links`` count in the search too; None for the density alone.
    links
        Sets of cross-links of the settings.
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
    ValueError
        No rigid body has Gaussians.
    """
    bodies = system.bodies
    with_density = np.zeros(len(bodies), dtype=bool)
    with_density[system.gaussians.body] = True
    placed = np.flatnonzero(bodies.rotatable & bodies.movable & with_density)
    if len(placed) == 0:
        raise ValueError("no rigid body with Gaussians to place in the map")
    as_given, (system, kinds, own_frames) = system, aligned_copies(system, placed)
    search = Search.of_bodies(system, placed, kinds, data, options, config, links, seed, threads)
    found = search.found(solutions, min(confirmations, searches), searches)
    score = search.score(search.coarse, [])
    return [
        p._replace(
            poses=_all_poses(as_given, placed, composed(p.poses, own_frames), seed),
            elsewhere=tuple(placed[score.elsewhere(p.poses, found[0].poses)].tolist()),
        )
        for p in found
    ]


def _all_poses(
    system: System,
    placed: np.ndarray,
    found: np.ndarray,
    seed: int,
) -> np.ndarray:
    """(bodies, 7) poses of all bodies when those of the placed ones are known."""
    poses = input_poses(system)
    known = ~system.bodies.movable
    for body, pose in zip(placed, found, strict=True):
        known[carry_along(system, poses, body, pose[:4], pose[4:])] = True
    place_beads(system, poses, known, np.random.default_rng(seed))
    rest = ~known
    poses[rest, 4:] = found[:, 4:].mean(axis=0)
    return poses
