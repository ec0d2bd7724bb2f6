"""Bodies that are copies of each other, brought into one frame for the global search.

Copies of a subunit come as a crystal has them, each turned otherwise. In one frame they share
their places in the map, and arrangements that differ by an exchange of copies are one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..mixture import Mixture
from ..poses import composed, inverted, superpose, to_poses
from ..representation.system import System

# Å, root mean square: what differs less is one structure.
_SAME_STRUCTURE = 1.0


class AlignedCopies(NamedTuple):
    """A system whose copies lie alike in their local frames.

    Attributes
    ----------
    kinds
        A number for each of the bodies asked for, the same for copies.
    frames
        (bodies asked for, 7) poses: from a body's own frame to that of the aligned system.
    """

    system: System
    kinds: list[int]
    frames: np.ndarray


def aligned_copies(system: System, bodies: np.ndarray) -> AlignedCopies:
    """The system with the local frames of copies turned to that of the first one.

    Input poses change with the frames, so that every particle stays where it is.

    Parameters
    ----------
    bodies
        (n,) rigid bodies that are looked at.
    """
    finest = system.finest
    rows = [np.flatnonzero(finest.body == body) for body in bodies]
    contents = [
        [
            (system.molecules[m].sequence, int(first), int(last))
            for m, first, last in zip(
                finest.molecule[own], finest.first[own], finest.last[own], strict=True
            )
        ]
        for own in rows
    ]
    kinds: list[int] = []
    turns = np.repeat(np.eye(3)[None], len(system.bodies), axis=0)
    shifts = np.zeros((len(system.bodies), 3))
    for i, body in enumerate(bodies):
        kinds.append(i)
        for first in sorted(set(kinds[:i])):
            if contents[first] != contents[i]:
                continue
            own, target = finest.local[rows[i]], finest.local[rows[first]]
            turn, shift = np.eye(3), target.mean(axis=0) - own.mean(axis=0)
            if len(own) > 2:
                turn, shift = superpose(own, target)
            off = own @ turn.T + shift - target
            if np.sqrt((off**2).sum(axis=1).mean()) < _SAME_STRUCTURE:
                kinds[i] = first
                turns[body], shifts[body] = turn, shift
                break
    return AlignedCopies(
        _turned_frames(system, turns, shifts), kinds, to_poses(turns[bodies], shifts[bodies])
    )


def _turned_frames(system: System, turns: np.ndarray, shifts: np.ndarray) -> System:
    """The system with local coordinates turns[body] @ local + shifts[body]."""

    def turned(local: np.ndarray, body: np.ndarray) -> np.ndarray:
        return np.einsum("nij,nj->ni", turns[body], local) + shifts[body]

    g, bodies = system.gaussians, system.bodies
    mixture = Mixture(
        turned(g.mixture.means, g.body),
        turns[g.body] @ g.mixture.covariances @ turns[g.body].transpose(0, 2, 1),
        g.mixture.weights,
    )
    return replace(
        system,
        particles={
            resolution: replace(beads, local=turned(beads.local, beads.body))
            for resolution, beads in system.particles.items()
        },
        gaussians=replace(g, mixture=mixture),
        bodies=replace(bodies, poses=composed(bodies.poses, inverted(to_poses(turns, shifts)))),
    )
