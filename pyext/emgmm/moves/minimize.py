"""Along the slope of the score: Hamiltonian moves, and starts minimised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import _core
from ..config.settings import SamplingConfig
from ..representation.system import System

if TYPE_CHECKING:
    from ..posterior import Posterior
    from ..symmetry import Symmetry

Images = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
NO_IMAGES: Images = (*[np.zeros(0, dtype=np.int64)] * 2, *[np.zeros((0, 7))] * 2)


def turning_radii(system: System, free: np.ndarray) -> list[float]:
    """(bodies,) Å: radius of gyration, 0 for a body that does not turn, -1 for one that stays.

    Parameters
    ----------
    free
        (bodies,) bool, those that may be moved.
    """
    radii = []
    for body, (is_free, turns) in enumerate(zip(free, system.bodies.rotatable, strict=True)):
        local = system.finest.local[system.finest.body == body]
        square = (local**2).sum(axis=1).mean() if turns and len(local) else 0.0
        radii.append(float(np.sqrt(square)) if is_free else -1.0)
    return radii


def _images(symmetry: Symmetry | None) -> Images:
    if symmetry is None:
        return NO_IMAGES
    return symmetry.source, symmetry.image, symmetry.operation, symmetry.frame


def hamiltonian_mover(
    system: System, free: np.ndarray, sampling: SamplingConfig, symmetry: Symmetry | None
) -> _core.Mover:
    """All free bodies and beads together along the slope of the score (Duane et al. 1987)."""
    return _core.hamiltonian_mover(
        "Hamiltonian",
        turning_radii(system, free),
        sampling.hamiltonian_step,
        sampling.hamiltonian_steps,
        *_images(symmetry),
    )


def minimized(posterior: Posterior, starts: np.ndarray) -> np.ndarray:
    """(replicas, bodies, 7) starts after minimising the score, each different one once.

    Flexible beads come first: put beside their neighbours in any direction, they would push the
    rigid bodies out of the density before they get out of their way.
    """
    system, symmetry = posterior.system, posterior.symmetry
    terms, weights = [s.term for s in posterior.terms], [s.weight for s in posterior.terms]
    free = system.bodies.movable.copy()
    if symmetry is not None:
        free[symmetry.image] = False
    beads = free & ~system.bodies.rotatable

    def better(poses: np.ndarray, moving: np.ndarray) -> np.ndarray:
        radii = turning_radii(system, moving)
        evaluations = posterior.config.sampling.minimize
        return _core.minimize_terms(terms, weights, poses, radii, evaluations, *_images(symmetry))[
            1
        ]

    found: dict[bytes, np.ndarray] = {}
    for start in starts:
        key = start.tobytes()
        if key not in found:
            poses = np.ascontiguousarray(start)
            found[key] = better(better(poses, beads) if beads.any() else poses, free)
    return np.stack([found[start.tobytes()] for start in starts])
