"""The density of a mixture on a grid."""

from __future__ import annotations

import numpy as np

from .. import _core
from ..io.maps import DensityMap
from ..mixture import Mixture

CUTOFF = 6.0  # σ: what is left out of a component is below exp(-18) = 1.5e-8 of its peak
_MAX_VOXELS = 1 << 27  # 512³: the largest box that is chosen without being asked for
_MARGIN = 3.0  # σ around the means in a box of our choice


def rasterize(mixture: Mixture, grid: DensityMap, threads: int = 0) -> DensityMap:
    """Density of the mixture at the centres of the voxels of ``grid`` (its values are not used).

    Returns
    -------
    DensityMap
        float32, weight units per Å³: Σ ωₖ φ(x | μₖ, Σₖ), each component out to `CUTOFF` σ
        at least.
    """
    values = _core.rasterize(
        mixture,
        grid.origin.tolist(),
        grid.voxel.tolist(),
        grid.values.shape,
        threads,
    )
    return DensityMap(values, grid.voxel, grid.origin)


def enclosing_grid(mixture: Mixture, voxel: float | None = None) -> DensityMap:
    """An empty map around the mixture, 3 σ wider than the means on every side.

    Parameters
    ----------
    voxel
        Å. Default: the smallest σ among the components but for the 5 % thinnest (a Gaussian
        sampled at its own σ is still resolved), or more where the box would pass 512³ voxels.

    Raises
    ------
    ValueError
        A voxel that is not positive, or so small that the box passes 2³¹ voxels.
    """
    margin = _MARGIN * np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2))
    low = (mixture.means - margin).min(axis=0)
    extent = (mixture.means + margin).max(axis=0) - low
    if voxel is None:
        sigmas = np.sqrt(np.linalg.eigvalsh(mixture.covariances)[:, 0])
        voxel = max(float(np.quantile(sigmas, 0.05)), (extent.prod() / _MAX_VOXELS) ** (1 / 3))
    if not 0 < voxel < np.inf:
        raise ValueError(f"voxel must be positive, got {voxel} Å")
    sides = np.ceil(extent / voxel) + 1
    if sides.prod() > 2**31:
        raise ValueError(
            f"voxel of {voxel:g} Å makes a box of {sides[0]:.0f} x {sides[1]:.0f} x {sides[2]:.0f}"
        )
    # An untouched page of zeros takes no memory.
    empty = np.zeros(sides[::-1].astype(int), np.float32)
    # On whole multiples of the voxel, so that two mixtures of one complex share grid points.
    return DensityMap(empty, np.full(3, voxel), np.floor(low / voxel) * voxel)
