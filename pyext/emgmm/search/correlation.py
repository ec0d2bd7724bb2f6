"""One structure into a map that may hold more: places by local correlation.

The local correlation (Roseman 2000, Acta Cryst. D56, 1332) compares the density of the structure
with that of the map where the structure is. What else the map holds does not count, so that neither
a contour level nor a mass has to be known. Both densities are band-passed first: whether there is
protein at all says little, how it is shaped says much (Chacón & Wriggers 2002, J. Mol. Biol. 317,
375). All places are tried at once by Fourier transforms, for rotations spread evenly; the best go
uphill on a blurred map first, then on the map itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from .. import _core
from ..io.maps import DensityMap
from ..io.structures import Structure
from ..maps.simulate import MOLECULE, simulate
from ..mixture import SIGMA_PER_RESOLUTION
from ..poses import composed, to_matrices, turned
from .place import SearchProgress

ROTATIONS = 2000  # about 15 degrees apart
# Standard deviations of the Gaussians between which the band lies, in units of the resolution.
# With 0 below, subunits of RNA polymerase II at 15 Å stand out more, but so does noise.
_BAND = 0.1, 0.5
_KEPT_A_ROTATION, _KEPT = 4, 500
_FINEST = 5.0  # Å between places, and half the resolution of the map they are tried in
_MOST_PLACES = 40  # along an edge of the map
_FLAT = 0.1  # least variance of density where a structure is, in units of that of the molecule
_ROUGH_ROUNDS, _FINE_ROUNDS = 12, 25
_REFINED, _ROUGH_POINTS, _FINE_POINTS = 100, 1000, 2500


class Place(NamedTuple):
    """A place that a structure may have."""

    score: float  # kT
    cc: float  # local correlation of the densities as they are
    band: float  # and of the band-passed ones, by which places are ranked
    pose: np.ndarray  # (7,): from the structure's own frame; quaternion w x y z, Å


class LocalCorrelation:
    """Local correlation of a structure with a map, as a function of the pose.

    Parameters
    ----------
    density
        Of the map.
    model, shape
        What is compared of the structure alone, and its density, by which a voxel counts: where it
        is above `MOLECULE` of its greatest. On one grid.
    center
        (3,) Å, what the poses turn about.
    points
        At most so many of the model's voxels, drawn at random.
    least
        Of the variance of the map where the structure is, so that flat density is not stretched.
    """

    def __init__(
        self,
        density: DensityMap,
        model: DensityMap,
        shape: DensityMap,
        center: np.ndarray,
        points: int,
        least: float,
    ) -> None:
        indices, _ = shape.above(MOLECULE * float(shape.values.max()))
        if len(indices) > points:
            chosen = np.random.default_rng(0).choice(len(indices), points, replace=False)
            indices = indices[chosen]
        values = model.values[tuple(indices.T[::-1])].astype(np.float64)
        self._points = model.position(indices) - center
        self._values = values - values.mean()
        self._norm = float(self._values @ self._values)
        self._density, self._least = density, least
        self._slopes: list[np.ndarray] | None = None

    def __call__(self, poses: np.ndarray) -> np.ndarray:
        """(n,) for poses (n, 7)."""
        return self._evaluate(poses, slopes=False)[0]

    def with_slope(self, poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,), and (n, 6) how it grows with a turn about x, y, z through the structure's centre
        (1/rad) and with a shift (1/Å)."""
        return self._evaluate(poses, slopes=True)

    def _evaluate(self, poses: np.ndarray, slopes: bool) -> tuple[np.ndarray, np.ndarray]:
        from scipy.ndimage import map_coordinates

        found, slope = np.empty(len(poses)), np.zeros((len(poses), 6))
        at_once = max(1, 200_000 // len(self._points))
        for first in range(0, len(poses), at_once):
            now = slice(first, first + at_once)
            rotation, shift = to_matrices(poses[now])
            arms = np.einsum("nij,pj->npi", rotation, self._points)
            cells = self._density.index(arms + shift[:, None]).reshape(-1, 3).T[::-1]

            def at_points(values: np.ndarray, cells=cells, shape=arms.shape[:2]) -> np.ndarray:
                return map_coordinates(values, cells, order=1, mode="constant").reshape(shape)

            seen = at_points(self._density.values).astype(np.float64)
            seen -= seen.mean(axis=1, keepdims=True)
            least = self._least * len(self._points)
            square = (seen**2).sum(axis=1)
            scale = 1 / np.sqrt(np.maximum(square, least) * self._norm)
            found[now] = seen @ self._values * scale
            if slopes:
                by_density = self._values * scale[:, None]
                bends = np.where(square > least, found[now] / np.maximum(square, least), 0.0)
                by_density -= bends[:, None] * seen
                by_place = np.stack([at_points(g) for g in self._gradient()], -1)
                by_place *= by_density[..., None]
                slope[now, :3] = np.cross(arms, by_place).sum(axis=1)
                slope[now, 3:] = by_place.sum(axis=1)
        return found, slope

    def _gradient(self) -> list[np.ndarray]:
        """Slopes of the map along x, y and z, 1/Å."""
        if self._slopes is None:
            along_zyx = np.gradient(self._density.values, *self._density.voxel[::-1])
            self._slopes = along_zyx[::-1]
        return self._slopes


def place_by_correlation(
    density: DensityMap,
    structure: Structure,
    resolution: float,
    threshold: float,
    *,
    answers: int = 60,
    threads: int = 0,
    progress: Callable[[SearchProgress], None] | None = None,
) -> list[Place]:
    """Best places of a structure in a map, best first, all different.

    Parameters
    ----------
    resolution
        Å, of the map.
    threshold
        Contour level; places are tried in the box around what is above it.
    answers
        Places at most.
    threads
        0: all cores; the answer does not depend on them.

    Raises
    ------
    ValueError
        No atoms, or nothing above the threshold.
    """
    center = structure.xyz.mean(axis=0)
    density = _cropped(density, threshold, resolution)
    edge = float((np.array(density.shape) * density.voxel).max())
    spacing = max(resolution / 2, _FINEST, edge / _MOST_PLACES)
    rough = _Level.of(density, structure, max(resolution, 2 * spacing), resolution, threshold)
    fine = _Level.of(density, structure, resolution, resolution, threshold)

    def told(share: float, stage: str) -> None:
        if progress is not None:
            progress(SearchProgress(stage, 1, 1, share, None))

    poses = _scanned(rough, center, spacing, threads, told)
    size = float(np.sqrt(((structure.xyz - center) ** 2).sum(axis=1).mean()))
    poses = _different(poses, size, spacing, _KEPT)
    told(0.6, "moving uphill")
    climb = rough.correlation(center, _ROUGH_POINTS)
    poses, band = _uphill(climb, poses, size, spacing / 2, _ROUGH_ROUNDS)
    apart = max(2 * spacing, resolution)
    poses = _different(poses[np.argsort(-band, kind="stable")], size, apart, _REFINED)
    told(0.8, "refining")
    climb = fine.correlation(center, _FINE_POINTS)
    poses, band = _uphill(climb, poses, size, resolution / 4, _FINE_ROUNDS)
    poses = _different(poses[np.argsort(-band, kind="stable")], size, apart, 2 * answers)
    poses, band = _uphill(climb, poses, size, resolution / 20, _FINE_ROUNDS)
    order = np.argsort(-band, kind="stable")
    kept = _which_different(poses[order], size, apart, answers)
    poses, band = poses[order][kept], band[order][kept]
    cc = LocalCorrelation(density, fine.shape, fine.shape, center, _FINE_POINTS, 0.0)(poses)
    scores = _score(band, fine.shape, resolution)
    own = np.r_[1.0, 0, 0, 0, -center]
    told(1.0, "refining")
    return [
        Place(float(scores[i]), float(cc[i]), float(band[i]), composed(poses[i], own))
        for i in range(len(poses))
    ]


def _score(band: np.ndarray, shape: DensityMap, resolution: float) -> np.ndarray:
    """(n,) kT of correlations: Gaussian noise of any size, scale and offset integrated out.

    The likelihood goes with (1 - cc²)^(-n/2) for n independent observations. A blur of standard
    deviation s correlates noise over the volume (2 √π s)³.
    """
    inside = shape.above(MOLECULE * float(shape.values.max()))[1]
    volume = len(inside) * float(np.prod(shape.voxel))
    correlated = (2 * np.sqrt(np.pi) * SIGMA_PER_RESOLUTION * resolution) ** 3
    return 0.5 * volume / correlated * np.log1p(-(np.clip(band, 0, 0.999999) ** 2))


class _Level(NamedTuple):
    """Map and structure at one resolution."""

    band: DensityMap  # of the map
    model: DensityMap  # band of the structure
    shape: DensityMap  # density of the structure, on the same grid
    least: float  # variance of the band, see `LocalCorrelation`

    @classmethod
    def of(
        cls,
        density: DensityMap,
        structure: Structure,
        resolution: float,
        own: float,
        threshold: float,
    ) -> _Level:
        """At a resolution (Å), of a map whose own is ``own``."""
        extra = SIGMA_PER_RESOLUTION * np.sqrt(max(resolution**2 - own**2, 0.0))
        voxel = max(resolution / 4, float(density.voxel.min()))
        shape = simulate(structure, resolution, voxel=voxel, padding=resolution).density
        band = _banded(_blurred(density, extra), resolution)
        inside = band.values[density.values > threshold]
        least = _FLAT * float(inside.astype(np.float64).var())
        return cls(band, _banded(shape, resolution), shape, least)

    def correlation(self, center: np.ndarray, points: int) -> LocalCorrelation:
        return LocalCorrelation(self.band, self.model, self.shape, center, points, self.least)


def _banded(density: DensityMap, resolution: float) -> DensityMap:
    narrow, wide = (_blurred(density, share * resolution).values for share in _BAND)
    return DensityMap(narrow - wide, density.voxel, density.origin)


def _cropped(density: DensityMap, threshold: float, margin: float) -> DensityMap:
    """The box around what is above the contour, and a margin (Å)."""
    indices, _ = density.above(threshold)
    if not len(indices):
        raise ValueError(f"the map has nothing above {threshold:g}")
    more = np.ceil(margin / density.voxel).astype(int)
    low = np.maximum(indices.min(axis=0) - more, 0)
    high = np.minimum(indices.max(axis=0) + more + 1, density.shape)
    box = tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1], strict=True))
    values = np.asarray(density.values[box], dtype=np.float32)
    return DensityMap(values, density.voxel, density.position(low))


def _blurred(density: DensityMap, sigma: float) -> DensityMap:
    from scipy.ndimage import gaussian_filter

    if not sigma > 0:
        return density
    values = gaussian_filter(density.values, (sigma / density.voxel)[::-1], mode="constant")
    return DensityMap(values, density.voxel, density.origin)


def _scanned(
    level: _Level,
    center: np.ndarray,
    spacing: float,
    threads: int,
    told: Callable[[float, str], None],
) -> np.ndarray:
    """(n, 7) poses, the best places of each rotation, best first."""
    from scipy import fft
    from scipy.ndimage import map_coordinates

    density, model = level.band, level.model
    shape = np.ceil(np.array(density.shape) * density.voxel / spacing).astype(int)[::-1]
    axes = [np.arange(n) * spacing for n in shape]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)[:, ::-1]
    values = density.density_at(grid + density.origin).reshape(shape).astype(np.float32)
    contour = MOLECULE * float(level.shape.values.max())
    far = model.position(level.shape.above(contour)[0]) - center
    radius = float(np.linalg.norm(far, axis=1).max()) + spacing
    reach = int(np.ceil(radius / spacing))
    # Enough that what runs out at one side comes in at the other where there is nothing.
    padded = [fft.next_fast_len(int(n) + reach, real=True) for n in shape]
    first, second = fft.rfftn(values, padded), fft.rfftn(values**2, padded)
    edge = np.arange(-reach, reach + 1) * spacing
    lattice = np.stack(np.meshgrid(edge, edge, edge, indexing="ij"), -1).reshape(-1, 3)[:, ::-1]
    inside = np.flatnonzero((lattice**2).sum(axis=1) <= radius**2)
    lattice = lattice[inside]
    # Where each point of the lattice lies in the padded box, its middle at the corner.
    wrapped = np.rint(lattice[:, ::-1] / spacing).astype(int) % padded
    where = np.ravel_multi_index(wrapped.T, padded)
    evenly = _core.even_rotations(ROTATIONS)
    quaternions, rotations = evenly[:, :4], to_matrices(evenly)[0]

    def of_rotation(r: int) -> tuple[np.ndarray, np.ndarray]:
        cells = model.index(lattice @ rotations[r] + center).T[::-1]
        own, solid = (
            map_coordinates(values, cells, order=1, mode="constant")
            for values in (model.values, level.shape.values)
        )
        mask = (solid > contour).astype(np.float32)
        n = max(float(mask.sum()), 1.0)
        own = (own - (own * mask).sum() / n) * mask
        boxes = np.zeros((2, *padded), np.float32)
        boxes.reshape(2, -1)[:, where] = own, mask
        by_own, by_mask = np.conj(fft.rfftn(boxes, axes=(1, 2, 3)))
        product = fft.irfftn(first * by_own, padded)
        total, squares = fft.irfftn(first * by_mask, padded), fft.irfftn(second * by_mask, padded)
        variance = np.maximum(squares - total**2 / n, level.least * n)
        cc = product / np.sqrt(variance * float((own**2).sum()))
        cc = cc[tuple(slice(int(n)) for n in shape)].ravel()
        kept = min(_KEPT_A_ROTATION, cc.size)
        best = np.argpartition(cc, -kept)[-kept:]
        return best, cc[best]

    workers = threads or os.cpu_count() or 1
    found = []
    with ThreadPoolExecutor(workers) as pool:
        for r, answer in enumerate(pool.map(of_rotation, range(ROTATIONS))):
            found.append(answer)
            if r % 100 == 0:
                told(0.6 * r / ROTATIONS, "trying everywhere")
    at = np.concatenate([best for best, _ in found])
    cc = np.concatenate([values for _, values in found])
    turns = np.repeat(quaternions, [len(best) for best, _ in found], axis=0)
    poses = np.c_[turns, grid[at] + density.origin]
    return poses[np.argsort(-cc, kind="stable")[: 8 * _KEPT]]


def _different(poses: np.ndarray, size: float, apart: float, most: int) -> np.ndarray:
    """The poses that `_which_different` names."""
    return poses[_which_different(poses, size, apart, most)]


def _which_different(poses: np.ndarray, size: float, apart: float, most: int) -> list[int]:
    """Indices of the first of poses (n, 7) that lie no nearer than ``apart`` Å to each other, for a
    body of radius of gyration ``size``."""
    kept: list[int] = []
    for i, pose in enumerate(poses):
        if kept:
            shift = np.linalg.norm(poses[kept, 4:] - pose[4:], axis=1)
            angle = 2 * np.arccos(np.minimum(np.abs(poses[kept, :4] @ pose[:4]), 1.0))
            if (np.hypot(shift, angle * size) < apart).any():
                continue
        kept.append(i)
        if len(kept) == most:
            break
    return kept


def _uphill(
    score: LocalCorrelation, poses: np.ndarray, size: float, step: float, rounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Poses after steps along the slope, and their correlations.

    All poses go at once, each with its own length of steps (Å at the rim), which grows with success
    and shrinks with failure; half of the last way is kept, so that narrow ridges are followed.
    """
    poses, units = poses.copy(), np.r_[np.full(3, 1 / size), np.ones(3)]
    best, slope = score.with_slope(poses)
    steps, last = np.full(len(poses), step), np.zeros((len(poses), 6))
    for _ in range(rounds):
        way = slope * units
        way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-30)
        way += 0.5 * last
        way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-30)
        moved = way * steps[:, None] * units
        half = 0.5 * moved[:, :3]
        angle = np.linalg.norm(half, axis=1, keepdims=True)
        turn = np.c_[np.cos(angle), half * np.sinc(angle / np.pi)]
        trial = np.c_[turned(turn, poses[:, :4]), poses[:, 4:] + moved[:, 3:]]
        better = score(trial) > best
        if better.any():
            poses[better] = trial[better]
            best[better], slope[better] = score.with_slope(trial[better])
        last = np.where(better[:, None], way, 0.0)
        steps *= np.where(better, 1.3, 0.4)
    return poses, best
