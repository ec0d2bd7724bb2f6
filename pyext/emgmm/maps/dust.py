"""Islands of density too small to be a part of the complex.

A few voxels of noise above the contour level, away from the molecule, get a Gaussian of their own.
No model can explain it: its log ratio of -24 (a map of 3SFD at 15 Å) outweighs all others, and
each subunit is pulled towards it.
"""

from __future__ import annotations

import numpy as np

from .. import _core
from ..io.maps import DensityMap


def without_dust(density: DensityMap, threshold: float, volume: float) -> DensityMap:
    """The map without the islands smaller than a volume.

    Parameters
    ----------
    threshold
        Contour level; an island is what hangs together above it by the faces of voxels.
    volume
        Å³. The largest island stays whatever its size.
    """
    if volume <= 0:
        return density
    sizes = _core.island_sizes(np.ascontiguousarray(density.values > threshold))
    smallest = min(volume / float(np.prod(density.voxel)), float(sizes.max(initial=0)))
    dust = (sizes > 0) & (sizes < smallest)
    if not dust.any():
        return density
    values = np.array(density.values)
    values[dust] = 0
    return DensityMap(values, density.voxel, density.origin)
