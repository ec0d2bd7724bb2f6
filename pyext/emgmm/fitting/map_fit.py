"""Gaussian mixtures of maps and of points."""

from __future__ import annotations

import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from .. import _core
from ..io.maps import DensityMap
from ..maps.dust import without_dust
from ..mixture import Mixture, blur_variance

_SECTIONS = 16  # of the map that the core takes at a time
_GRID_TYPES = (np.float32, np.int16, np.int8)  # that it takes without a conversion
_LARGEST_ELEMENT = 11.0  # Å: a cube of this side holds 1.09 kDa of protein, ten residues


@dataclass(frozen=True)
class Level:
    """How well a mixture of so many components explains the map.

    Correlations of the mixture with the map: ``cc`` about zero and ``cc_mean`` about the means,
    both over the voxels above the threshold; ``cc_box`` about zero over the whole box with the
    map set to zero below the threshold. ``seconds`` since the start of the fit.
    """

    components: int
    cc: float
    cc_mean: float
    cc_box: float
    seconds: float


@dataclass(frozen=True)
class FitResult:
    """A mixture and the account of how it was fitted.

    Attributes
    ----------
    mixture
        Weights in units of the map times Å³: rasterised, it overlays the map.
    levels
        The mixture at every doubling of the number of components; the last is the result.
    level_mixtures
        The mixture of each level where they were to be kept, else the result alone.
    threshold
        Density above which voxels counted.
    threshold_estimated
        Whether the threshold was chosen here (`estimate_threshold`).
    voxels
        Number of voxels above the threshold.
    seconds, peak_rss_mb
        Of the fit, and of the process so far.
    """

    mixture: Mixture
    levels: tuple[Level, ...]
    level_mixtures: tuple[Mixture, ...]
    threshold: float
    threshold_estimated: bool
    voxels: int
    seconds: float
    peak_rss_mb: float

    @property
    def cc(self) -> float:
        """Correlation about zero over the voxels above the threshold."""
        return self.levels[-1].cc

    # The names of scikit-learn's GaussianMixture, so that code written for it goes on working.
    @property
    def means_(self) -> np.ndarray:
        """(n, 3) Å."""
        return self.mixture.means

    @property
    def covariances_(self) -> np.ndarray:
        """(n, 3, 3) Å²."""
        return self.mixture.covariances

    @property
    def weights_(self) -> np.ndarray:
        """(n,) summing to one."""
        return self.mixture.weights / self.mixture.mass


def _slabs(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for z in range(0, values.shape[0], _SECTIONS):
        slab = values[z : z + _SECTIONS]
        kind = slab.dtype if slab.dtype in _GRID_TYPES else np.float32
        yield z, np.ascontiguousarray(slab, dtype=kind)


def voxel_grid(density: DensityMap, threshold: float) -> _core.VoxelGrid:
    """The voxels of a map above a threshold, as the core works on them.

    Density that is not positive is left out even where the threshold is negative: a mixture of
    positive weights cannot stand for it. Memory grows with the voxels found.

    Raises
    ------
    ValueError
        A voxel that is not finite, no voxel above the threshold.
    """
    grid = _core.VoxelGrid(
        density.values.shape, density.voxel.tolist(), density.origin.tolist(), threshold
    )
    for z, slab in _slabs(density.values):
        grid.add(z, slab)
    grid.finish()
    return grid


def estimate_threshold(density: DensityMap) -> float:
    """A contour level from the histogram of the map alone.

    Otsu's threshold (the one that leaves the least variance within the voxels below and above
    it; IEEE Trans. Syst. Man Cybern. 9 (1979) 62), but at least three standard deviations of the
    solvent's noise above the solvent's peak; the noise is measured on the side below the peak,
    where there is no molecule. The contour recommended with the map is better where it is known.
    """
    step = max(1, density.values.size >> 24)  # at most 16 million voxels
    sample = density.values.reshape(-1)[::step].astype(np.float64)
    low, high = np.quantile(sample, [0.001, 0.999])
    if not high > low:
        raise ValueError(f"the map has the same density, {low:g}, nearly everywhere")
    counts, edges = np.histogram(sample, 2000, (low, high))
    centers = 0.5 * (edges[1:] + edges[:-1])
    below, moment = np.cumsum(counts)[:-1], np.cumsum(counts * centers)[:-1]
    total, mean = counts.sum(), float(counts @ centers) / counts.sum()
    between = (mean * below - moment) ** 2 / np.maximum(below * (total - below), 1)
    otsu = edges[1 + int(np.argmax(between))]
    peak = int(np.argmax(counts))
    solvent = sample[sample < edges[peak]] - centers[peak]
    noise = np.sqrt(np.mean(solvent**2)) if solvent.size else 0.0
    return float(max(otsu, centers[peak] + 3 * noise))


def default_components(volume: float, resolution: float | None = None) -> int:
    """Number of components for a map, when neither it nor a correlation is asked for.

    One for each cube of the resolution's side in the volume above the threshold (Å³), the side
    at most 11 Å: such a cube holds 1.09 kDa of protein, the density of components of the
    model mixtures.
    """
    side = min(resolution or _LARGEST_ELEMENT, _LARGEST_ELEMENT)
    return max(1, round(volume / side**3))


def fit_map(
    density: DensityMap,
    *,
    components: int | None = None,
    target_cc: float | None = None,
    threshold: float | None = None,
    resolution: float | None = None,
    threads: int = 0,
    seed: int = 0,
    variance_floor: float | None = None,
    outside: float = 0.5,
    dust: float = 0.0,
    levels: bool = True,
    keep_levels: bool = False,
    progress: Callable[[int, dict | None, float | None], None] | None = None,
) -> FitResult:
    """Mixture of a density map (eq. 6 and a least-squares polish; see ``map_fit.h``).

    Parameters
    ----------
    components
        Exactly so many. With neither this nor ``target_cc``: `default_components`.
    target_cc
        The least number whose correlation about zero, over the voxels above the threshold,
        reaches this.
    threshold
        Contour level; `estimate_threshold` with a warning when None.
    resolution
        Å, of the map; for the default number and the default of ``variance_floor``.
    threads
        0 for all cores; the result has the same bits for any number.
    seed
        Of the small random part of each split.
    variance_floor
        Å², least eigenvalue of a covariance; default: voxel² / 12, the variance of a voxel, or
        (0.225 resolution)², the variance of a point, where a resolution is given and this is more.
    outside
        Share of the threshold that the mixture may have, without an error, where the map is
        below the threshold: 0 fits the masked map, 1 asks only to stay below the threshold.
    dust
        Å³; islands of density above the threshold smaller than this are left out (`without_dust`).
    levels
        Measure the mixture at every doubling of its size (takes a part of the time).
    keep_levels
        Keep the mixture of each level.
    progress
        Called between iterations with the number of components reached, the last level (None
        before the first) and the share of the work that is done (an estimate; None while there is
        none, at the start of a search); an exception raised in it ends the fit.

    Raises
    ------
    ValueError
        No voxel above the threshold, more components than voxels above it, a target that is not
        reached, a voxel that is not finite.

    Examples
    --------
    >>> import emgmm
    >>> fit = emgmm.fit_map(emgmm.read_map("map.mrc"), components=20, threshold=0.03)
    >>> len(fit.mixture), fit.cc > 0.9
    (20, True)
    """
    if components is not None and target_cc is not None:
        raise ValueError("give components or target_cc, not both")
    if components is not None and components < 1:
        raise ValueError(f"components must be at least 1, got {components}")
    if resolution is not None and not (resolution > 0 and np.isfinite(resolution)):
        raise ValueError(f"resolution must be positive, got {resolution:g}")
    start = time.monotonic()
    estimated = threshold is None
    if threshold is None:
        threshold = estimate_threshold(density)
        warnings.warn(
            f"no threshold given, using {threshold:g} (Otsu's); the contour level recommended "
            "with the map is better",
            stacklevel=2,
        )
    grid = voxel_grid(without_dust(density, float(threshold), dust), float(threshold))
    if components is None and target_cc is None:
        volume = grid.voxels * float(np.prod(density.voxel))
        components = min(default_components(volume, resolution), grid.voxels)
    if not variance_floor and resolution:
        variance_floor = max(blur_variance(resolution), float(density.voxel.max()) ** 2 / 12)
    mixture, measured, kept = _core.fit_map(
        grid,
        components=components or 0,
        target_cc=target_cc or 0.0,
        seed=seed,
        threads=threads,
        variance_floor=variance_floor or 0.0,
        outside=outside,
        levels=levels,
        keep_levels=keep_levels,
        progress=progress,
    )
    return FitResult(
        mixture,
        tuple(Level(**level) for level in measured),
        (*kept, mixture),
        float(threshold),
        estimated,
        grid.voxels,
        time.monotonic() - start,
        peak_rss_mb(),
    )


def measure(density: DensityMap, mixture: Mixture, threshold: float, threads: int = 0) -> Level:
    """The correlations of any mixture with a map; see `Level`. The mixture's scale is free."""
    grid = voxel_grid(density, threshold)
    return Level(**_core.measure(grid, mixture, threads=threads))


def peak_rss_mb() -> float:
    """Greatest memory of this process so far, MB (2^20 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


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
    return _core.fit_points(
        positions,
        weights,
        components,
        seed,
        variance_floor,
        threads,
        np.ascontiguousarray(spreads),
    )
