"""Moves of rigid bodies to places that the data suggest, wherever the bodies are."""

from __future__ import annotations

import numpy as np

from .. import _core
from ..config.settings import SamplingConfig
from ..mixture import Mixture
from ..representation.system import System
from ..scoring.mixture_score import ScoreOptions, make_score
from .minimize import turning_radii


def independence_mover(
    system: System, data: Mixture, free: np.ndarray, sampling: SamplingConfig
) -> _core.Mover | None:
    """One or more free rigid bodies to places that the data suggest for each alone (the first step
    of `emgmm.search`), now and then to any pose near the data; None where no free rigid body has
    Gaussians.

    The proposals depend on the data, the bodies and the seed; not on where any body is.
    """
    bodies = system.bodies
    score = make_score(data, ScoreOptions())
    nothing = np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros(0)
    radii = turning_radii(system, free)
    groups, densities = [], []
    for body in np.flatnonzero(free & bodies.rotatable):
        mixture = system.gaussians.of_body(body)
        if len(mixture) == 0:
            continue
        poses, overlaps = _core.placement_candidates(
            score,
            mixture.means,
            mixture.covariances,
            mixture.weights,
            *nothing,
            seed=sampling.seed,
            threads=sampling.threads,
        )
        groups.append(bodies.group(body))
        densities.append(pose_density(poses, overlaps, radii[body], data))
    return _core.independence_mover("independence", groups, densities) if groups else None


def pose_density(
    poses: np.ndarray, overlaps: np.ndarray, radius: float, data: Mixture, **power: float
) -> _core.PoseDensity:
    """Proposals of a body near some places, the better by their overlaps the more often, and now
    and then in any pose near the data (candidate_density.h).

    Parameters
    ----------
    poses, overlaps
        (n, 7) and (n,) Da²/Å³, best first (`_core.placement_candidates`).
    radius
        Å, of gyration of the body.
    power
        Of the overlap, with which the share of a place goes; the core's where not given.
    """
    return _core.pose_density(
        data.means, data.covariances, data.weights, poses, overlaps, radius, **power
    )
