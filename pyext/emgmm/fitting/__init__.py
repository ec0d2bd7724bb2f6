"""From a map, or from points, to a Gaussian mixture."""

from .map_fit import (
    FitResult,
    Level,
    default_components,
    estimate_threshold,
    fit_map,
    fit_points,
    measure,
    peak_rss_mb,
    voxel_grid,
)

__all__ = [
    "FitResult",
    "Level",
    "default_components",
    "estimate_threshold",
    "fit_map",
    "fit_points",
    "measure",
    "peak_rss_mb",
    "voxel_grid",
]
