"""``emgmm fit`` of a map."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from ... import __version__
from ...errors import InputError
from ...io.gmm import write_gmm, wrote_mixture
from ..options import Bar, bad_values


@dataclass(frozen=True)
class FitRequest:
    """The options of ``emgmm fit``; see its help."""

    map_path: str
    output: str
    components: int | None
    target_cc: float | None
    threshold: float | None = None
    resolution: float | None = None
    half_maps: tuple[str, str] | None = None
    errors: str | None = None
    raster: str | None = None
    plot: str | None = None
    levels: str | None = None
    outside: float = 0.5
    dust: float = 0.0
    seed: int = 0
    threads: int = 0
    force: bool = False


def fit_map(request: FitRequest, bar: Bar) -> dict:
    """A map as a mixture, and the account of the fit."""
    from ...fitting import map_fit
    from ...fitting.fit_error import component_errors, write_component_errors
    from ...fitting.half_maps import check_half_maps
    from ...io.maps import read_map
    from ...maps.dust import without_dust

    _refuse_levels(request)
    density = read_map(request.map_path)
    halves = tuple(read_map(path) for path in request.half_maps or ()) or None
    if halves:
        check_half_maps(density, halves, request.map_path, request.half_maps)
    threshold, components = request.threshold, request.components
    with (
        bad_values(request.map_path, density.notes),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        free = []
        if halves:
            threshold = map_fit.estimate_threshold(density) if threshold is None else threshold
            if components is None and request.target_cc is None:
                bar.stage(f"number of Gaussians from {request.half_maps[0]}")
                free, components = _by_half_maps(halves, threshold, request, _shown(bar))
                bar.stage(f"fitting {request.map_path}")
        fitted = map_fit.fit_map(
            density,
            components=components,
            target_cc=request.target_cc,
            threshold=threshold,
            resolution=request.resolution,
            outside=request.outside,
            dust=request.dust,
            seed=request.seed,
            threads=request.threads,
            keep_levels=request.levels is not None,
            progress=_shown(bar),
        )
        bar.stage("errors of the components")
        errors = component_errors(
            without_dust(density, fitted.threshold, request.dust),
            fitted.mixture,
            fitted.threshold,
            half_maps=halves,
            threads=request.threads,
        )
    comments = [
        f"fitted_by: emgmm {__version__}",
        f"threshold: {fitted.threshold:.7g}"
        + (" (estimated)" if request.threshold is None else ""),
        f"cc: {fitted.cc:.5f} about zero over {fitted.voxels} voxels above the threshold",
        f"sigma_min: {errors.sigma_min:.4g}",
        f"seed: {request.seed}",
    ]
    write_gmm(request.output, fitted.mixture, "imp", request.map_path, comments, request.force)
    if request.errors:
        write_component_errors(request.errors, errors, request.force)
    _write_extras(request, density, fitted, free)
    return {
        "components": len(fitted.mixture),
        "cc": fitted.cc,
        "levels": [asdict(level) for level in fitted.levels],
        "voxels": fitted.voxels,
        "threshold": fitted.threshold,
        "seconds": fitted.seconds,
        "peak_rss_mb": fitted.peak_rss_mb,
        "sigma_min": errors.sigma_min,
        "free": [asdict(level) for level in free],
        "notes": [
            f"{path}: {note}"
            for path, told in [
                (request.map_path, [*density.notes, *(str(w.message) for w in warned)]),
                *((p, h.notes) for p, h in zip(request.half_maps or (), halves or (), strict=True)),
            ]
            for note in told
        ],
    }


def _shown(bar: Bar) -> Callable[[int, dict | None, float | None], None]:
    def show(reached: int, level: dict | None, share: float | None) -> None:
        note = f"{reached} Gaussians" + (f", CC {level['cc']:.3f}" if level else "")
        # Without a total the bar says that nobody knows yet.
        bar.advance(share or 0, 1 if share is not None else None, note)

    return show


def _by_half_maps(halves, threshold: float, request: FitRequest, progress) -> tuple[list, int]:
    from ...fitting.fit_error import components_from_halves, free_correlation
    from ...fitting.map_fit import default_components, voxel_grid

    grid = voxel_grid(halves[0], threshold)
    # Four times finer than one component for each resolution element: past any use.
    volume = grid.voxels * float(halves[0].voxel.prod())
    most = min(4 * default_components(volume, request.resolution), grid.voxels // 4 or 1)
    levels = free_correlation(
        halves,
        threshold,
        max_components=most,
        seed=request.seed,
        threads=request.threads,
        progress=progress,
    )
    return levels, components_from_halves(levels)


def _refuse_levels(request: FitRequest) -> None:
    """Refuses a folder of levels that is in use, or where a level would replace something else."""
    if request.levels is None:
        return
    folder = Path(request.levels)
    if folder.exists() and not folder.is_dir():
        raise InputError(folder, "a file", "a folder for the levels")
    if folder.is_dir() and any(folder.iterdir()) and not request.force:
        raise InputError(folder, "a folder in use", "an empty one, or --force")
    others = (request.map_path, request.output, request.errors, request.raster, request.plot)
    for path in (Path(name) for name in (*others, *(request.half_maps or ())) if name):
        if path.resolve().parent == folder.resolve() and _is_level(path):
            raise InputError(path, "the name of a level", f"another name in {folder}")
    for path in folder.iterdir() if folder.is_dir() else ():
        if _is_level(path) and not wrote_mixture(path):
            raise InputError(path, "a file that emgmm did not write", "a folder without it")


def _is_level(path: Path) -> bool:
    return path.suffix == ".txt" and path.stem.isdecimal()


def _write_extras(request: FitRequest, density, fitted, free) -> None:
    if request.raster:
        from ...io.maps import write_map
        from ...maps.rasterize import rasterize

        raster = rasterize(fitted.mixture, density, request.threads)
        write_map(request.raster, raster, force=request.force)
    if request.plot:
        from ...fitting.plot import plot_levels

        plot_levels(
            request.plot,
            fitted.levels,
            target_cc=request.target_cc,
            free=free,
            force=request.force,
        )
    if request.levels:
        folder = Path(request.levels)
        folder.mkdir(parents=True, exist_ok=True)
        for mixture in fitted.level_mixtures:
            path = folder / f"{len(mixture)}.txt"
            write_gmm(path, mixture, data_fn=request.map_path, force=request.force)
