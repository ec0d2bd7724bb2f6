"""Moves out of wrong arrangements: two rigid bodies change places, or one turns over."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from .. import _core
from ..posterior import Posterior
from ..representation.system import System


def swap_movers(posterior: Posterior, free: np.ndarray) -> list[_core.Mover]:
    """Movers that let two rigid bodies change places, one for each pair.

    Parameters
    ----------
    free
        (bodies,) bool, those that may be moved.
    """
    bodies = posterior.system.bodies
    rigid = np.flatnonzero(free & bodies.rotatable)
    return [
        _core.swap_mover(
            f"swap {bodies.names[a]}, {bodies.names[b]}", bodies.group(a), bodies.group(b)
        )
        for a, b in combinations(rigid, 2)
    ]


def turn_movers(posterior: Posterior, free: np.ndarray) -> list[_core.Mover]:
    """Movers that turn a rigid body about its own axes of inertia, one for each body.

    Parameters
    ----------
    free
        (bodies,) bool, those that may be moved.
    """
    bodies = posterior.system.bodies
    return [
        _core.turn_mover(
            f"turn {bodies.names[b]}", bodies.group(b), principal_axes(posterior.system, b)
        )
        for b in np.flatnonzero(free & bodies.rotatable)
    ]


def principal_axes(system: System, body: int) -> np.ndarray:
    """(3, 3) the body's own axes of inertia, a row each, in its local frame."""
    beads = system.finest
    mine = beads.body == body
    local, mass = beads.local[mine], beads.mass[mine]
    away = local - mass @ local / mass.sum()
    return np.ascontiguousarray(np.linalg.eigh((mass[:, None] * away).T @ away)[1].T)
