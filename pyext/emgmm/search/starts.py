"""Poses that a run starts from: those of the input, or random ones."""

from __future__ import annotations

import numpy as np

from ..config.settings import SamplingConfig
from ..mixture import Mixture
from ..poses import random_rotations, to_matrices, turned
from ..representation.system import System

CONFINEMENT_MARGIN = 20.0  # Å


def input_poses(system: System) -> np.ndarray:
    """(bodies, 7) poses of the input structures."""
    return system.bodies.poses.copy()


def random_starts(system: System, data: Mixture | None, sampling: SamplingConfig) -> np.ndarray:
    """(replicas, bodies, 7) random poses, another one for each replica.

    Rigid bodies, each with the beads it carries, get any orientation and a place anywhere in a box
    about the centre of the data (edge ``box``, or the extent of the data). A flexible bead starts
    in contact with its neighbour in the sequence, in a random direction: left where the box
    puts it, a chain would spend its time on the way back. Bodies that cannot move stay.
    """
    center, edges = _start_box(system, data, sampling)
    starts = [
        _random_start(system, center, edges, np.random.default_rng([sampling.seed, replica]))
        for replica in range(sampling.replicas)
    ]
    return np.stack(starts)


def _start_box(system: System, data: Mixture | None, sampling: SamplingConfig):
    means = data.means if data is not None else system.bodies.poses[:, 4:]
    low, high = means.min(axis=0), means.max(axis=0)
    edges = np.full(3, sampling.box) if sampling.box is not None else high - low
    return (low + high) / 2, edges


def confinement(system: System, data: Mixture | None, sampling: SamplingConfig) -> list[float]:
    """Centre and radius, Å, of the ball in which the centres of bodies stay; empty without data.

    It holds the box of random starts with `CONFINEMENT_MARGIN` around it: a body that lost the
    density would otherwise wander off for good.
    """
    if data is None:
        return []
    center, edges = _start_box(system, data, sampling)
    return [*center.tolist(), float(np.linalg.norm(edges) / 2 + CONFINEMENT_MARGIN)]


def _random_start(
    system: System, center: np.ndarray, edges: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    bodies = system.bodies
    poses = input_poses(system)
    placed = ~bodies.movable
    for b in np.flatnonzero(bodies.movable & bodies.rotatable):
        turn = turned(random_rotations(rng, 1)[0], poses[b, :4])
        target = center + edges * (rng.random(3) - 0.5)
        placed[carry_along(system, poses, b, turn, target)] = True
    place_beads(system, poses, placed, rng)
    for b in np.flatnonzero(~placed):  # tied to nothing
        poses[b, 4:] = center + edges * (rng.random(3) - 0.5)
    return poses


def carry_along(
    system: System, poses: np.ndarray, body: int, quaternion: np.ndarray, translation: np.ndarray
) -> np.ndarray:
    """Moves a body, with the beads it carries, to a pose; returns the bodies that moved.

    ``poses`` (bodies, 7) is changed in place; quaternion (4,) w first, translation (3,) Å.
    """
    group = system.bodies.with_carried(np.array([body]))
    inverse = poses[body, :4] * np.array([1, -1, -1, -1])
    turn = turned(np.asarray(quaternion), inverse)
    rotation, _ = to_matrices(np.append(turn, np.zeros(3)))
    origin = poses[body, 4:].copy()
    poses[group, :4] = turned(turn, poses[group, :4])
    poses[group, 4:] = (poses[group, 4:] - origin) @ rotation.T + translation
    return group


def place_beads(
    system: System, poses: np.ndarray, placed: np.ndarray, rng: np.random.Generator
) -> None:
    """Moves free beads into contact with their neighbours, from the placed ones outwards.

    Changes ``poses`` (bodies, 7) and ``placed`` (bodies,) bool in place.
    """
    bonds = system.connectivity
    beads = system.particles[bonds.resolution]
    pairs = list(zip(bonds.first.tolist(), bonds.second.tolist(), strict=True))
    while True:
        changed = False
        for known, new in [*pairs, *[(j, i) for i, j in reversed(pairs)]]:
            body = beads.body[new]
            if placed[body] or not placed[beads.body[known]]:
                continue
            rotation, translation = to_matrices(poses[beads.body[known]])
            near = rotation @ beads.local[known] + translation
            direction = rng.standard_normal(3)
            distance = beads.radius[known] + beads.radius[new]
            place = near + distance * direction / np.linalg.norm(direction)
            poses[body, 4:] = place - to_matrices(poses[body])[0] @ beads.local[new]
            placed[body] = changed = True
        if not changed:
            break
