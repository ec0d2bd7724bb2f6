"""How far each component of a fitted mixture can be trusted, and how many components a map bears.

Two errors of a component k are told apart, both in units of the log ratio that the score compares:

- misfit: log of (overlap of component k with the map / with the mixture), over the voxels above
  the threshold: what the mixture gets wrong there;
- noise, from two half maps: standard deviation of the overlap of component k with the noise of the
  map / overlap with the mixture.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .. import _core
from ..errors import InputError
from ..io.files import replacing
from ..io.maps import DensityMap
from ..io.tables import read_table
from ..maps.rasterize import rasterize
from ..mixture import Mixture
from .half_maps import check_same_frame
from .map_fit import fit_map, voxel_grid

_TABLE = "a table num,misfit,noise,total (emgmm fit --errors)"
UNBOUNDED = 10.0  # an error of e^10 says as little as an infinite one, and is a number
_LARGEST = 1e100  # of an error that is read: its square is still a number
_MARGIN = 4  # widths of the widest component, around the voxels above the threshold


@dataclass(frozen=True, eq=False)
class ComponentErrors:
    """Errors of the components of a mixture, dimensionless.

    Attributes
    ----------
    misfit
        (n,) log of overlap with the map / overlap with the mixture, within ± `UNBOUNDED`.
    noise
        (n,) relative standard deviation of the overlap by the noise of the map; None without
        half maps.
    """

    misfit: np.ndarray
    noise: np.ndarray | None = None

    @property
    def total(self) -> np.ndarray:
        """(n,) both together: the least σ of each component in the score."""
        noise = 0.0 if self.noise is None else self.noise
        return np.sqrt(self.misfit**2 + np.square(noise))

    @property
    def sigma_min(self) -> float:
        """Root of the mean square of `total`: one least σ for the whole mixture.

        Components out of the map, of `UNBOUNDED` error, are left out: they would decide alone.
        """
        known = self.total[self.total < UNBOUNDED]
        return float(np.sqrt(np.mean(known**2))) if known.size else UNBOUNDED


def component_errors(
    density: DensityMap,
    mixture: Mixture,
    threshold: float,
    *,
    half_maps: tuple[DensityMap, DensityMap] | None = None,
    threads: int = 0,
) -> ComponentErrors:
    """Misfit and, with half maps, noise of each component; the latter by `component_noise`.

    Raises
    ------
    ValueError
        Half maps whose frame is not that of the map, no voxel above the threshold.
    """
    grid = voxel_grid(density, threshold)
    with_map, with_mixture = _core.component_overlaps(grid, mixture, threads=threads).T
    # A component out of the map has no overlap with it.
    with np.errstate(divide="ignore", invalid="ignore"):
        misfit = _bounded(np.log(with_map / with_mixture))
    if half_maps is None:
        return ComponentErrors(misfit)
    for half in half_maps:
        check_same_frame(density, half)
    noise = component_noise(density, half_maps, threshold, mixture.covariances)
    with np.errstate(divide="ignore", invalid="ignore"):
        return ComponentErrors(misfit, _bounded(noise / with_mixture))


def _bounded(error: np.ndarray) -> np.ndarray:
    return np.clip(np.where(np.isnan(error), UNBOUNDED, error), -UNBOUNDED, UNBOUNDED)


def component_noise(
    density: DensityMap,
    half_maps: tuple[DensityMap, DensityMap],
    threshold: float,
    covariances: np.ndarray,
) -> np.ndarray:
    """Standard deviation (n,) of the map's noise under normalised Gaussians, (n, 3, 3) Å².

    The noise map is half the difference of the half maps, so its variance is that of their mean.
    It is smoothed with round Gaussians of several widths. How its deviation falls with the width is
    taken from the box around the molecule, which holds more independent values than the molecule,
    and drawn towards what white noise under a Gaussian would do where few are left. How much of it
    there is comes from the voxels above the threshold, where maps are often noisier: one ratio for
    all widths. An ellipsoid counts as the round Gaussian that would let the same noise through.
    """
    volume_width = np.linalg.det(covariances) ** (1 / 6)
    box = _box_around(density, threshold, _MARGIN * float(volume_width.max()))
    a, b = (half.values[box].astype(np.float32) for half in half_maps)
    inside = density.values[box] > threshold
    transform = np.fft.rfftn(0.5 * (a - b))
    shape, h = a.shape, density.voxel[::-1]
    squares = [np.fft.fftfreq(n, d) ** 2 for n, d in zip(shape[:2], h[:2], strict=True)]
    squares.append(np.fft.rfftfreq(shape[2], h[2]) ** 2)
    wave = squares[0][:, None, None] + squares[1][:, None] + squares[2]

    def deviations(width: float) -> tuple[float, float]:
        damped = transform * np.exp(-2 * (np.pi * width) ** 2 * wave)
        field = np.fft.irfftn(damped, s=shape, axes=(0, 1, 2))
        return np.sqrt(np.mean(field**2)), np.sqrt(np.mean(field[inside] ** 2))

    # Half an octave apart: the logarithm of the deviation is nearly straight between them.
    low, high = np.log2(volume_width.min()), np.log2(volume_width.max())
    knots = 2.0 ** np.linspace(low - 0.5, high + 0.5, 3 + int(np.ceil(2 * (high - low))))
    measured = np.array([deviations(s) for s in (0.0, *knots)])
    if not measured.min() > 0:
        return np.zeros(len(covariances))
    everywhere, within = np.log(measured).T
    own, expected = _white_noise(np.array([0.0, *knots]), everywhere)
    # Independent values in a volume V: V / (4π (s² + s_n²))^(3/2), each ratio good to 1 / √2n.
    independent = (4 * np.pi * (knots**2 + own)) ** -1.5
    ratio = independent @ (within - everywhere)[1:] / independent.sum()
    departure = everywhere[1:] - expected[1:]
    doubt = 0.5 / (independent * inside.size * float(np.prod(h)))
    level = expected[1:] + departure * departure**2 / (departure**2 + doubt)
    # For an ellipsoid the variance goes as det(C + s_n² 1)^(-1/2): the round one of equal noise.
    seen = np.linalg.det(covariances + own * np.eye(3)) ** (1 / 3) - own
    return np.exp(ratio + np.interp(0.5 * np.log(seen), np.log(knots), level))


def _white_noise(widths: np.ndarray, log_deviation: np.ndarray) -> tuple[float, np.ndarray]:
    """s_n² and the log deviations of white noise under a Gaussian of s_n that match best.

    The variance falls as (s² + s_n²)^(-3/2) with the width s of a further Gaussian.
    """
    best = (np.inf, 0.0, log_deviation)
    for own in widths[1] ** 2 * 2.0 ** np.linspace(-10, 10, 201):
        falling = -0.75 * np.log(widths**2 + own)
        weight = (widths**2 + own) ** -1.5
        fitted = falling + weight @ (log_deviation - falling) / weight.sum()
        error = weight @ (log_deviation - fitted) ** 2 / weight.sum()
        if error < best[0]:
            best = (error, own, fitted)
    return best[1:]


def _box_around(density: DensityMap, threshold: float, margin: float) -> tuple[slice, ...]:
    above = density.values > threshold
    box = []
    for axis in range(3):
        found = np.flatnonzero(above.any(axis=tuple(a for a in range(3) if a != axis)))
        if not found.size:
            raise ValueError(f"no voxel is above the threshold of {threshold:g}")
        reach = int(np.ceil(margin / density.voxel[2 - axis]))
        box.append(slice(max(0, found[0] - reach), found[-1] + reach + 1))
    return tuple(box)


@dataclass(frozen=True)
class FreeLevel:
    """Correlations about the mean of a mixture of half map A, with A (work) and with B (free)."""

    components: int
    cc_work: float
    cc_free: float


def free_correlation(
    half_maps: tuple[DensityMap, DensityMap],
    threshold: float,
    *,
    max_components: int,
    seed: int = 0,
    threads: int = 0,
    progress: Callable[[int, dict | None, float | None], None] | None = None,
) -> list[FreeLevel]:
    """Fit half map A with 1, 2, 4 ... ``max_components`` and compare with B.

    Correlations are over the voxels where A is above the threshold. Past the number where the
    free one falls, components describe the noise of A. ``progress`` as in `fit_map`.
    """
    a, b = half_maps
    check_same_frame(a, b)
    fitted = fit_map(
        a, components=max_components, threshold=threshold, seed=seed, threads=threads,
        keep_levels=True, progress=progress,
    )  # fmt: skip
    # Chosen by A alone: a choice by both would make the noise of A and B depend on each other.
    inside = a.values > threshold
    result = []
    for mixture in fitted.level_mixtures:
        model = rasterize(mixture, a, threads).values[inside]
        work, free = (float(np.corrcoef(model, half.values[inside])[0, 1]) for half in half_maps)
        result.append(FreeLevel(len(mixture), work, free))
    return result


def components_from_halves(levels: Sequence[FreeLevel]) -> int:
    """Number of components with the greatest free correlation, the least within 1e-3 of it."""
    best = max(level.cc_free for level in levels)
    return next(v.components for v in levels if v.cc_free >= best - 1e-3)


def write_component_errors(
    path: str | os.PathLike, errors: ComponentErrors, force: bool = False
) -> None:
    """CSV beside the mixture: ``num,misfit,noise,total``, one row a component in its order.

    ``noise`` is empty without half maps.
    """
    rows = ["num,misfit,noise,total"]
    for k, (misfit, total) in enumerate(zip(errors.misfit, errors.total, strict=True)):
        noise = "" if errors.noise is None else f"{errors.noise[k]:.6g}"
        rows.append(f"{k},{misfit:.6g},{noise},{total:.6g}")
    with replacing(path, force) as draft:
        draft.write_text("\n".join(rows) + "\n")


def read_component_errors(path: str | os.PathLike, components: int | None = None) -> np.ndarray:
    """The column ``total`` (n,) of a file of `write_component_errors`, dimensionless.

    Parameters
    ----------
    components
        How many there must be.

    Raises
    ------
    InputError
        No such file, no such column, a value that is not a number of at least 0, another number of
        rows than ``components``.
    """
    totals = []
    for line, cells in read_table(path, ["num", "total"], _TABLE).rows:
        where = f"line {line}"
        if cells["num"] != str(len(totals)):  # sorted by another column, or a part of the rows
            raise InputError(path, f"num {cells['num']}", f"{len(totals)}, the next one", where)
        try:
            total = float(cells["total"])
        except ValueError:
            total = math.nan
        if not 0 <= total <= _LARGEST:
            found = f"total {cells['total']}"
            raise InputError(path, found, f"a number, 0 to {_LARGEST:g}", where)
        totals.append(total)
    if not totals or (components is not None and len(totals) != components):
        expected = f"{components}, one a component of the mixture" if components else _TABLE
        raise InputError(path, f"{len(totals)} errors", expected)
    return np.array(totals)
