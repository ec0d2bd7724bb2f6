"""Moves of rigid bodies to places that the data suggest, wherever the bodies are."""

from __future__ import annotations

import numpy as np

from .. import _core
from ..mixture import Mixture
from ..posterior import Posterior
from ..scoring.mixture_score import ScoreOptions, make_score


def independence_movers(posterior: Posterior, free: np.ndarray) -> list[_core.Mover]:
    """One mover of one or more rigid bodies to places that the data suggest for each alone (the
    first step of `emgmm.search`), now and then to any pose near the data; none where no body that
    may move has Gaussians.

    The proposals depend on the data, the bodies and the seed; not on where any body is.

    Parameters
    ----------
    free
        (bodies,) bool, those that may be moved.
    """
    system, data, sampling = posterior.system, posterior.data, posterior.config.sampling
    bodies = system.bodies
    score = make_score(data, ScoreOptions())
    radii = system.turning_radii(free)
    groups, densities = [], []
    for body in np.flatnonzero(free & bodies.rotatable):
        mixture = system.gaussians.of_body(body)
        if len(mixture) == 0:
            continue
        poses, overlaps = _core.placement_candidates(
            score,
            mixture,
            seed=sampling.seed,
            threads=sampling.threads,
        )
        groups.append(bodies.group(body))
        densities.append(pose_density(poses, overlaps, radii[body], data))
    return [_core.independence_mover("independence", groups, densities)] if groups else []


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
    return _core.pose_density(data, poses, overlaps, radius, **power)
