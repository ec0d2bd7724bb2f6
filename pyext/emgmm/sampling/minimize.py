"""Starts that follow the slope of the score to its nearest minimum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core

if TYPE_CHECKING:
    from ..posterior import Posterior


def minimized(
    posterior: Posterior, starts: np.ndarray, evaluations: int | None = None
) -> np.ndarray:
    """(replicas, bodies, 7) starts after minimising the score, each different one once, with at
    most so many evaluations (of the settings for None).

    Flexible beads come first: put beside their neighbours in any direction, they would push the
    rigid bodies out of the density before they get out of their way.
    """
    system, symmetry = posterior.system, posterior.symmetry
    free = system.bodies.movable.copy()
    if symmetry is not None:
        free[symmetry.image] = False
    beads = free & ~system.bodies.rotatable
    if evaluations is None:
        evaluations = posterior.config.sampling.minimize

    def better(poses: np.ndarray, moving: np.ndarray) -> np.ndarray:
        radii = system.turning_radii(moving)
        return _core.minimize_terms(posterior.terms, poses, radii, evaluations, symmetry)[1]

    found: dict[bytes, np.ndarray] = {}
    for start in starts:
        key = start.tobytes()
        if key not in found:
            poses = np.ascontiguousarray(start)
            found[key] = better(better(poses, beads) if beads.any() else poses, free)
    return np.stack([found[start.tobytes()] for start in starts])
