"""Poses that a run starts from: those of the input, or random ones."""

from __future__ import annotations

import numpy as np

from ..config.settings import SamplingConfig
from ..mixture import Mixture
from ..poses import random_rotations, to_matrices, turned
from ..representation.system import Particles, System

CONFINEMENT_MARGIN = 20.0  # Å
_DIRECTIONS = 64  # of places tried for each flexible bead


def input_poses(system: System) -> np.ndarray:
    """(bodies, 7) poses of the input structures."""
    return system.bodies.poses.copy()


def random_starts(system: System, data: Mixture | None, sampling: SamplingConfig) -> np.ndarray:
    """(replicas, bodies, 7) random poses, another one for each replica.

    Rigid bodies, each with the beads it carries, get any orientation and a place anywhere in a box
    about the centre of the data (edge ``box``, or the extent of the data). A flexible bead starts
    beside its neighbour in the sequence: left where the box puts it, a chain would spend its time
    on the way back. Bodies that cannot move stay.
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


def with_beads_placed(
    system: System, poses: np.ndarray, known: np.ndarray, seed: int
) -> np.ndarray:
    """(bodies, 7) poses with every flexible bead put beside its neighbours (`place_beads`), and
    what is tied to nothing in the middle.

    Parameters
    ----------
    poses
        Of all bodies; where they have the others does not matter.
    known
        (bodies,) bool: those whose poses hold, beside those that cannot move.
    """
    poses = poses.copy()
    known = known | ~system.bodies.movable
    placed = known.copy()
    place_beads(system, poses, placed, np.random.default_rng(seed))
    poses[~placed, 4:] = poses[known, 4:].mean(axis=0)
    return poses


def place_beads(
    system: System, poses: np.ndarray, placed: np.ndarray, rng: np.random.Generator
) -> None:
    """Moves free beads beside their neighbours, from the placed ones outwards.

    Of some random places that the sequence allows a bead takes the one in which it overlaps least
    with what is placed already, and from which the rest of its chain reaches the body on the other
    side.

    Changes ``poses`` (bodies, 7) and ``placed`` (bodies,) bool in place.
    """
    bonds = system.connectivity
    beads = system.particles[bonds.resolution]
    forward = list(zip(bonds.first.tolist(), bonds.second.tolist(), bonds.threshold, strict=True))
    backward = [(second, first, slack) for first, second, slack in reversed(forward)]
    there = placed[beads.body]
    at = np.where(there[:, None], beads.positions(poses), np.inf)
    while True:
        changed = False
        for pairs in (forward, backward):
            following = {known: (new, slack) for known, new, slack in pairs}
            for known, new, slack in pairs:
                body = beads.body[new]
                if placed[body] or not placed[beads.body[known]]:
                    continue
                turns = rng.standard_normal((_DIRECTIONS, 3))
                turns /= np.linalg.norm(turns, axis=1)[:, None]
                gap = slack * rng.random((_DIRECTIONS, 1))
                tried = at[known] + (beads.radius[known] + beads.radius[new] + gap) * turns
                cost = _overlap(tried, beads.radius[new], at[there], beads.radius[there])
                if (end := _far_end(beads, following, new, placed)) is not None:
                    beyond = np.linalg.norm(at[end[0]] - tried, axis=1) - end[1]
                    cost += bonds.force_constant * np.maximum(beyond, 0) ** 2
                poses[body, 4:] = tried[cost.argmin()]
                poses[body, 4:] -= to_matrices(poses[body])[0] @ beads.local[new]
                placed[body] = changed = True
                own = beads.body == body
                there |= own
                at[own] = beads.positions(poses)[own]
        if not changed:
            break


def _overlap(
    centers: np.ndarray, radius: float, others: np.ndarray, radii: np.ndarray
) -> np.ndarray:
    """(n,) Å²: how far a sphere at each of some places lies in others, squared and summed."""
    apart = np.linalg.norm(centers[:, None] - others[None], axis=2)
    return (np.maximum(radius + radii - apart, 0) ** 2).sum(axis=1)


def _far_end(
    beads: Particles, following: dict[int, tuple[int, float]], bead: int, placed: np.ndarray
) -> tuple[int, float] | None:
    """The placed particle at the other end of a bead's chain, and how far away it may be, Å."""
    reach = 0.0
    while bead in following:
        after, slack = following[bead]
        reach += beads.radius[bead] + beads.radius[after] + slack
        if placed[beads.body[after]]:
            return after, reach
        bead = after
    return None
