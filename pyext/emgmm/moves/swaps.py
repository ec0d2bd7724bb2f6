"""Moves out of wrong arrangements: which bodies may change places, and about what they turn."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from .. import _core
from ..representation.system import System


def principal_axes(system: System, body: int) -> np.ndarray:
    """(3, 3) the body's own axes of inertia, a row each, in its local frame."""
    beads = system.finest
    mine = beads.body == body
    local, mass = beads.local[mine], beads.mass[mine]
    away = local - mass @ local / mass.sum()
    return np.ascontiguousarray(np.linalg.eigh((mass[:, None] * away).T @ away)[1].T)


def global_movers(
    system: System, free: np.ndarray, share: float
) -> tuple[list[_core.Mover], list[float]]:
    """Movers that swap two rigid bodies or turn one about its own axes, and how often to try each.

    Parameters
    ----------
    free
        (bodies,) bool, those that may be moved.
    share
        Of all moves; half of it swaps (where there are two bodies), half turns.
    """
    bodies = system.bodies
    rigid = np.flatnonzero(free & bodies.rotatable)
    if share == 0 or len(rigid) == 0:
        return [], []
    groups = {int(b): bodies.group(b) for b in rigid}
    turns = [
        _core.turn_mover(f"turn {bodies.names[b]}", group, principal_axes(system, b))
        for b, group in groups.items()
    ]
    swaps = [
        _core.swap_mover(f"swap {bodies.names[a]}, {bodies.names[b]}", groups[a], groups[b])
        for a, b in combinations(groups, 2)
    ]
    kinds = [kind for kind in (turns, swaps) if kind]
    weights = [share / len(kinds) / len(kind) for kind in kinds for _ in kind]
    return [*turns, *swaps], weights


def aligned_movers(
    system: System, free: np.ndarray, share: float
) -> tuple[list[_core.Mover], list[float]]:
    """Movers by which two rigid bodies change places and each takes the other's principal axes (in
    one of four flips), and how often to try each; none where there are no two bodies.

    Parameters
    ----------
    free
        (bodies,) bool, those that may be moved.
    share
        Of all moves.
    """
    bodies = system.bodies
    rigid = [int(b) for b in np.flatnonzero(free & bodies.rotatable)]
    if share == 0 or len(rigid) < 2:
        return [], []
    beads = system.finest
    frames = {}
    for b in rigid:
        mine = beads.body == b
        frames[b] = _core.principal_frame(beads.local[mine], beads.mass[mine])
    movers = [
        _core.aligned_swap_mover(
            f"align {bodies.names[a]}, {bodies.names[b]}",
            bodies.group(a),
            bodies.group(b),
            frames[a],
            frames[b],
        )
        for a, b in combinations(rigid, 2)
    ]
    return movers, [share / len(movers)] * len(movers)
