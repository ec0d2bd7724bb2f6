"""Gaussian mixtures of maps and of points."""

from __future__ import annotations

import numpy as np

from emgmm import _core
from emgmm.mixture import Mixture


def fit_points(
    positions: np.ndarray,
    weights: np.ndarray,
    components: int,
    *,
    seed: int = 0,
    variance_floor: float = 1.0,
    threads: int = 0,
    point_variance: float | np.ndarray = 0.0,
) -> Mixture:
    """Mixture of weighted points by expectation maximisation: the density of a rigid body.

    Parameters
    ----------
    positions
        (n, 3) Å, atoms or residues.
    weights
        (n,) not negative, Da; the weights of the mixture sum to the same.
    components
        Number of Gaussians, 1 to the number of points that carry weight.
    seed
        Of the k-means++ start.
    variance_floor
        Å², least eigenvalue of any covariance.
    threads
        0 for all cores; the result is the same for any number.
    point_variance
        Å², own isotropic extension of all points or (n,) of each: added to the covariances.

    Raises
    ------
    ValueError
        More components than points, a value that is not finite, a negative weight or variance.
    """
    positions = np.ascontiguousarray(positions, dtype=np.float64)
    weights = np.ascontiguousarray(weights, dtype=np.float64)
    spreads = np.broadcast_to(np.asarray(point_variance, dtype=np.float64), weights.shape)
    return Mixture(
        *_core.fit_points(
            positions,
            weights,
            components,
            seed,
            variance_floor,
            threads,
            np.ascontiguousarray(spreads),
        )
    )
