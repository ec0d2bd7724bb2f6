"""The surface of a density at a level, as triangles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..io.maps import DensityMap

# Corners of a cube by their bits x, y, z, and six tetrahedra around the diagonal from 0 to 7.
_CORNERS = np.array([[i & 1, i >> 1 & 1, i >> 2 & 1] for i in range(8)])
_TETRAHEDRA = np.array(
    [[0, 1, 3, 7], [0, 3, 2, 7], [0, 2, 6, 7], [0, 6, 4, 7], [0, 4, 5, 7], [0, 5, 1, 7]]
)


class Surface(NamedTuple):
    """A triangle mesh."""

    vertices: np.ndarray  # (n, 3) Å
    triangles: np.ndarray  # (m, 3) indices


def isosurface(density: DensityMap, level: float) -> Surface:
    """Surface where the density equals ``level``, by marching tetrahedra; it may be empty.

    Triangles are oriented so that their normals point to lower density.
    """
    values = np.asarray(density.values, dtype=np.float64).transpose(2, 1, 0)  # x, y, z
    shape = np.array(values.shape)
    inside = values > level
    cubes = _cut_cubes(inside)
    flat = values.ravel()
    strides = np.array([shape[1] * shape[2], shape[2], 1])
    corners = (cubes[:, None, :] + _CORNERS) @ strides  # (cubes, 8)
    tetrahedra = corners[:, _TETRAHEDRA].reshape(-1, 4)
    above = flat[tetrahedra] > level
    edges = np.concatenate([_one_side(tetrahedra, above), _two_sides(tetrahedra, above)])
    if not len(edges):
        return Surface(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int64))
    # (triangles, 3 vertices, inside and outside end)
    ends, index = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True)
    first, second = flat[ends[:, 0]], flat[ends[:, 1]]
    share = ((level - first) / (second - first))[:, None]
    points = np.stack(np.unravel_index(ends, values.shape), axis=-1).astype(np.float64)
    vertices = points[:, 0] * (1 - share) + points[:, 1] * share
    triangles = index.reshape(-1, 3)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    outwards = (points[index.reshape(-1, 3), 1] - points[index.reshape(-1, 3), 0]).sum(axis=1)
    flipped = (np.cross(b - a, c - a) * outwards).sum(axis=1) < 0
    triangles[flipped] = triangles[flipped][:, ::-1]
    return Surface(vertices * density.voxel + density.origin, triangles)


def _cut_cubes(inside: np.ndarray) -> np.ndarray:
    """(cubes, 3) first corners of the cubes that the surface cuts."""
    count = sum(
        inside[
            x : inside.shape[0] - 1 + x, y : inside.shape[1] - 1 + y, z : inside.shape[2] - 1 + z
        ].astype(np.int8)
        for x, y, z in _CORNERS
    )
    return np.argwhere((count > 0) & (count < 8))


def _one_side(tetrahedra: np.ndarray, above: np.ndarray) -> np.ndarray:
    """One triangle where one corner differs from the other three."""
    parts = []
    for corner in range(4):
        others = [i for i in range(4) if i != corner]
        for alone in (True, False):
            chosen = (above[:, corner] == alone) & (above[:, others] != alone).all(axis=1)
            one, rest = tetrahedra[chosen][:, corner], tetrahedra[chosen][:, others]
            pair = [np.stack([one, rest[:, i]], axis=-1) for i in range(3)]
            part = np.stack(pair, axis=1)
            parts.append(part if alone else part[..., ::-1])
    return np.concatenate(parts)


def _two_sides(tetrahedra: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Two triangles where two corners are inside and two outside."""
    parts = []
    for i, j, k, l in (
        (0, 1, 2, 3),
        (0, 2, 1, 3),
        (0, 3, 1, 2),
        (1, 2, 0, 3),
        (1, 3, 0, 2),
        (2, 3, 0, 1),
    ):
        chosen = above[:, i] & above[:, j] & ~above[:, k] & ~above[:, l]
        t = tetrahedra[chosen]
        ik, il, jk, jl = (t[:, [a, b]] for a, b in ((i, k), (i, l), (j, k), (j, l)))
        parts.append(np.stack([ik, il, jl], axis=1))
        parts.append(np.stack([ik, jl, jk], axis=1))
    return np.concatenate(parts)


def level_of_mass(density: DensityMap, share: float) -> float:
    """The level above which the voxels hold this share of the density."""
    values = np.sort(np.asarray(density.values, dtype=np.float64).ravel())[::-1]
    values = values[values > 0]
    summed = np.cumsum(values)
    return float(values[min(np.searchsorted(summed, share * summed[-1]), len(values) - 1)])
