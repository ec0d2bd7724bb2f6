"""Whether half maps are the half maps of a map."""

from __future__ import annotations

import os

import numpy as np

from ..errors import InputError
from ..io.map_values import blocks, is_mask
from ..io.maps import DensityMap

_SAME = 1e-6  # of a correlation to 1: noise that is no half map's
_AGAINST = -0.1


def check_same_frame(density: DensityMap, half: DensityMap) -> None:
    """Raise ValueError where two maps do not lie on the same grid."""
    difference = _difference(density, half)
    if difference:
        raise ValueError("half map has {}, the map has {}".format(*difference))


def _difference(density: DensityMap, half: DensityMap) -> tuple[str, str] | None:
    """First difference of a half map's frame from the map's, and what the map has."""
    if half.shape != density.shape:
        own, other = ("{} x {} x {} voxels".format(*m.shape) for m in (half, density))
    elif not np.allclose(half.voxel, density.voxel, rtol=1e-4):
        own, other = ("voxels of {:g} x {:g} x {:g} Å".format(*m.voxel) for m in (half, density))
    elif not np.allclose(half.origin, density.origin, atol=1e-2 * density.voxel.min()):
        own, other = ("its origin at {:g}, {:g}, {:g} Å".format(*m.origin) for m in (half, density))
    else:
        return None
    return own, other


def check_half_maps(
    density: DensityMap,
    halves: tuple[DensityMap, DensityMap],
    map_path: str | os.PathLike,
    paths: tuple[str | os.PathLike, str | os.PathLike],
) -> None:
    """Refuses files that cannot be the half maps of a map.

    Raises
    ------
    InputError
        A map of another grid, a mask, a constant map, one that runs against the map, the map
        itself, or one map given twice, also times a factor.
    """
    for half, path in zip(halves, paths, strict=True):
        difference = _difference(density, half)
        if difference:
            raise InputError(path, difference[0], f"{difference[1]}, as {map_path} has")
        if is_mask(half.values):
            raise InputError(path, "a mask", f"a half map of {map_path}")
        cc = _correlation(density, half)
        if np.isnan(cc):
            raise InputError(path, "the same density everywhere", f"a half map of {map_path}")
        if cc < _AGAINST:
            found = f"density that runs against {map_path} (correlation {cc:.2f})"
            raise InputError(path, found, "a half map of the same sign")
        if cc > 1 - _SAME:
            raise InputError(path, f"the density of {map_path} itself", "a half map")
    if _correlation(*halves) > 1 - _SAME:
        raise InputError(paths[1], f"the density of {paths[0]} once more", "the other half map")


def _correlation(a: DensityMap, b: DensityMap) -> float:
    """About the means, over all voxels; NaN where one of them is constant."""
    shift = [float(m.values[0, 0, 0]) for m in (a, b)]  # keeps the sums small
    sums = np.zeros(5)
    for (_, x), (_, y) in zip(blocks(a.values), blocks(b.values), strict=True):
        x = x.astype(np.float64).reshape(-1) - shift[0]
        y = y.astype(np.float64).reshape(-1) - shift[1]
        sums += x.sum(), y.sum(), x @ x, y @ y, x @ y
    x, y, xx, yy, xy = sums / a.values.size
    with np.errstate(invalid="ignore", divide="ignore"):
        return float((xy - x * y) / np.sqrt((xx - x * x) * (yy - y * y)))
