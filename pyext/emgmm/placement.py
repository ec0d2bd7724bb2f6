"""Where the bodies of a complex lie in a map, from nothing.

A global search that needs no start: every body's rotations and places are scored by the overlap
with the data GMM in closed form, choices that go together are found by annealing, refined with
forces and torques against the Bayesian score, and repaired body by body. The search is repeated
from new random numbers until its best answer has come out twice. Where it does not, and for many
bodies, replica exchange goes on from what it found (placement_tempering.py), and the best exchange
bodies (arrangements.py); of many bodies some are then taken out and placed anew.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import _core
from .arrangements import ArrangementScore, recombined
from .body_copies import aligned_copies
from .config import Config, SamplingConfig
from .data_moves import pose_density, turning_radii
from .global_moves import principal_axes
from .mixture import Mixture
from .placement_densities import Densities
from .placement_tempering import KEPT, minimized_anew, tempered
from .placement_terms import placement_clashes, placement_terms
from .poses import composed, to_matrices
from .representation import System
from .sampler_setup import carry_along, confinement, input_poses, place_beads
from .scoring import ScoreOptions

# More bodies than these are not improved one by one before they go on.
_MANY_BODIES = 6
_SEARCHES_OF_MANY = 3
_LOOKED_AT = 2  # arrangements of many bodies that are improved body by body at the end
_POWER = 8.0  # of the overlap in shares of suggested places; the core's own was not tried here
_DEFAULT_SCORE = ScoreOptions()


class Placement(NamedTuple):
    """One arrangement of all bodies of a system."""

    score: float  # kT: EM, and where they were asked for, cross-links and priors
    found: int  # independent searches that ended here; 1 after any of the later steps
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
        Settings whose cross-links, and the system's connectivity and excluded volume, count in the
        search too; None for the density alone.
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
    as_given, (system, kinds, own_frames) = system, aligned_copies(system, placed)
    terms, weights, clashes = [], [], []
    if config is not None:
        terms, weights = placement_terms(system, placed, config)
        clashes = placement_clashes(system, placed)
    many = len(placed) > _MANY_BODIES
    fine = Densities.of_system(system, placed, data, options)
    coarse = fine.coarse() if many else fine

    def search(densities: Densities, **changed) -> list[Placement]:
        found = _core.place_bodies(
            densities.score(),
            densities.bodies,
            kinds,
            terms=terms,
            weights=weights,
            seed=seed,
            threads=threads,
            **({"solutions": solutions, "searches": searches} | changed),
        )
        return [
            Placement(value, times, np.concatenate([quaternions, translations], axis=1))
            for value, times, quaternions, translations in found
        ]

    confirmations = min(confirmations, searches)
    if many:
        found = search(
            coarse,
            solutions=KEPT,
            searches=min(searches, _SEARCHES_OF_MANY),
            confirmations=confirmations,
            sweeps=0,
        )
    else:
        found = search(fine, confirmations=confirmations)
    confirmed = found[0].found >= confirmations
    radii = np.array(turning_radii(system, bodies.movable))[placed]

    def suggest(poses: np.ndarray) -> list[_core.Mover]:
        return _into_what_larger_leave(coarse, poses, radii, seed, threads)

    # Bodies first pass through each other: most ways between arrangements are closed otherwise.
    # Two searches of many bodies may make the same mistake: of RNA polymerase II in its 21 Å map
    # they ended alike with 4 of 12 subunits in place, where replica exchange finds 6 to 11.
    stages = []
    if many or (len(placed) > 1 and not confirmed):
        stages.append(([], 4 if many else 1))
    if clashes:
        stages.append((clashes, 3 if many else 0))

    def judged(densities: Densities, also: list[_core.Term]) -> ArrangementScore:
        return ArrangementScore(
            [densities.term(), *terms, *also], [1.0, *weights, *[1.0] * len(also)], radii
        )

    frames = []
    for also, rounds in stages:
        better, cold = tempered(
            judged(coarse, also),
            [placement.poses for placement in found],
            [principal_axes(system, body) for body in placed],
            confinement(system, data, config.sampling if config else SamplingConfig()),
            suggest,
            seed=seed,
            threads=threads,
            solutions=solutions,
            rounds=rounds,
        )
        frames.append(cold)
        found = [Placement(value, 1, poses) for value, poses in better]
    if stages:
        score = judged(fine, clashes)
        reached = minimized_anew(score, [better, *frames])
        if many:  # what some bodies still do better elsewhere
            polished = search(
                coarse,
                searches=1,
                starts=[a.poses for a in score.distinct(reached, _LOOKED_AT)],
                polished=_LOOKED_AT,
                clashes=clashes,
            )
            reached += [score.minimized(placement.poses) for placement in polished]
        better = recombined(score, reached, solutions)
        found = [Placement(value, 1, poses) for value, poses in better]
    return [
        p._replace(poses=_all_poses(as_given, placed, composed(p.poses, own_frames), seed))
        for p in found
    ]


def _into_what_larger_leave(
    densities: Densities,
    poses: np.ndarray,
    radii: np.ndarray,
    seed: int,
    threads: int,
) -> list[_core.Mover]:
    """A mover of bodies to where what the larger ones, at their poses, leave of the data holds
    them; of those with such places."""
    rotation, translation = to_matrices(poses)
    larger = [(np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros(0))]
    groups, poses_of_groups = [], []
    score, bodies = densities.score(), densities.bodies
    for b in sorted(range(len(bodies)), key=lambda b: -bodies[b][2].sum()):
        means, covariances, weights = bodies[b]
        places, overlaps = _core.placement_candidates(
            score,
            means,
            covariances,
            weights,
            *(np.concatenate(rows) for rows in zip(*larger, strict=True)),
            seed=seed,
            threads=threads,
            rotations=1000,
        )
        if len(overlaps) and overlaps[0] > 0:
            groups.append(np.array([b]))
            poses_of_groups.append(
                pose_density(places, overlaps, radii[b], densities.data, power=_POWER)
            )
        turn = rotation[b]
        larger.append((means @ turn.T + translation[b], turn @ covariances @ turn.T, weights))
    return [_core.independence_mover("places", groups, poses_of_groups)] if groups else []


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
