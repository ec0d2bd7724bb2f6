"""A few bodies against the density that they make."""

import numpy as np
from emgmm import _core
from emgmm.mixture import Mixture
from emgmm.placement.arrangements import ArrangementScore
from emgmm.poses import random_rotations, to_matrices
from emgmm.scoring import make_score


def toy_complex(rng, means, places):
    """What judges arrangements of bodies, and their native poses (bodies, 7).

    means: (components, 3) of each body, Å; places: of the bodies, Å, in random rotations.
    """
    n, components = len(means), len(means[0])
    native = np.concatenate([random_rotations(rng, n), places], axis=1)
    rotation, translation = to_matrices(native)
    covariances = np.tile(25 * np.eye(3), (components, 1, 1))
    weights = np.full(components, 1000.0)
    placed = [m @ r.T + t for m, r, t in zip(means, rotation, translation, strict=True)]
    data = Mixture.concatenated(
        # Half an ångström off, so that the best score is not -infinity.
        [Mixture(p + rng.normal(0, 0.5, p.shape), covariances, weights) for p in placed]
    )
    term = _core.density_term(
        make_score(data),
        n,
        np.repeat(np.arange(n), components),
        np.concatenate(means),
        np.tile(covariances, (n, 1, 1)),
        np.tile(weights, n),
    )
    radii = np.array([np.sqrt((m**2).sum(axis=1).mean()) for m in means])
    return ArrangementScore([term], [1.0], radii, list(range(n))), native
