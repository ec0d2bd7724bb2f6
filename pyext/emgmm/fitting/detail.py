"""How many Gaussians a map bears: so many that what they leave unexplained is its noise."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..io.maps import DensityMap
from .map_fit import FitResult, fit_map

# Share of the variance within the contour that may stay unexplained beside the noise. In a map
# without noise three rigid parts of adenylate kinase are 3.1 Å off with 56 components, which leave
# more than half of it; 1.5 with 120; 1.2 with 173, which leave 0.16, and with the 224 of this rule.
UNEXPLAINED = 0.1
_STEP = math.sqrt(2)  # between the numbers that are tried
_MAD = 1.4826  # standard deviations of a Gaussian in its median absolute deviation
_SAMPLE = 1 << 22  # voxels that the noise is taken from


_LEAST_SHARE = 0.1  # of resolution³ that a component stands for
_LEAST_VOXELS = 8  # that it stands for


class Detail(NamedTuple):
    """A mixture, and what decided its number of components."""

    fitted: FitResult
    noise: float  # standard deviation outside the contour, map units
    target_cc: float  # correlation about zero, within the contour, that was to be reached


def most_components(density: DensityMap, threshold: float, resolution: float | None = None) -> int:
    """Number of components that voxels and resolution (Å) allow within a contour, at least 1."""
    voxels = int(np.count_nonzero(density.values > threshold))
    most = voxels / _LEAST_VOXELS
    if resolution is not None:
        volume = voxels * float(np.prod(density.voxel))
        most = min(most, volume / (_LEAST_SHARE * resolution**3))
    return max(1, round(most))


def noise_outside(density: DensityMap, threshold: float) -> float:
    """Standard deviation of the noise, map units, from the voxels below a threshold.

    From the median absolute deviation: it hardly feels what of the molecule lies below the
    contour. 0 for a map that is the same nearly everywhere outside, as one under a mask.
    """
    values = density.values.reshape(-1)
    sample = values[:: max(1, values.size // _SAMPLE)]
    outside = sample[sample <= threshold].astype(np.float64)
    if not outside.size:
        return 0.0
    return float(_MAD * np.median(np.abs(outside - np.median(outside))))


def correlation_to_reach(
    density: DensityMap, threshold: float, noise: float, unexplained: float = UNEXPLAINED
) -> float:
    """Correlation about zero over the voxels above a threshold at which what is left is noise.

    The residual is then that of the noise and of the share ``unexplained`` of the variance of the
    signal.

    Raises
    ------
    ValueError
        No voxel above the threshold.
    """
    inside = density.values[density.values > threshold].astype(np.float64)
    if not inside.size:
        raise ValueError(f"no voxel is above the threshold of {threshold:g}")
    variance = float(inside.var())
    left = min(noise**2, variance)
    left += unexplained * (variance - left)
    return math.sqrt(1.0 - left / (variance + float(inside.mean()) ** 2))


def fit_detail(
    density: DensityMap,
    *,
    threshold: float,
    least: int,
    most: int,
    noise: float | None = None,
    dust: float = 0.0,
    threads: int = 0,
) -> Detail:
    """The mixture of the least of some numbers of components whose residual is noise.

    Parameters
    ----------
    least, most
        Components: tried are ``least``, √2 as many, and so on up to ``most``, which is taken where
        none reaches the correlation; ``least`` where it is more than ``most``.
    noise
        Map units; None for `noise_outside`.
    threshold, dust, threads
        As `emgmm.fitting.fit_map` takes them.

    Raises
    ------
    ValueError
        As `emgmm.fitting.fit_map`.
    """
    noise = noise_outside(density, threshold) if noise is None else noise
    target = correlation_to_reach(density, threshold, noise)
    wanted, most = float(least), max(least, most)
    while True:
        components = min(round(wanted), most)
        fitted = fit_map(
            density,
            components=components,
            threshold=threshold,
            dust=dust,
            threads=threads,
            levels=False,
        )
        if fitted.cc >= target or components >= most:
            return Detail(fitted, noise, target)
        wanted *= _STEP
