"""``emgmm simulate``: the map of a structure."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import InputError
from .options import (
    bad_values,
    check_files,
    force_option,
    keep_option,
    report_option,
    say,
    tell_notes,
    threads_option,
    write_report,
)

ORDER = 90


@click.command()
@click.argument("model")
@click.option("-o", "--output", required=True, metavar="MAP", help="Map to write, .mrc or .mrc.gz.")
@click.option("--resolution", required=True, type=float, help="Å.")
@click.option("--voxel", type=float, default=None, help="Å; default: a quarter of the resolution.")
@click.option("--snr", type=float, default=None, help="Signal-to-noise ratio; default: no noise.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--half-maps", is_flag=True, help="Also write MAP_half1 and MAP_half2 (with --snr).")
@keep_option
@threads_option
@report_option
@force_option
def simulate(
    model, output, resolution, voxel, snr, seed, half_maps, keep, threads, report, force
) -> None:
    """Density map of the structure MODEL at a resolution, with noise."""
    if half_maps and snr is None:
        raise click.UsageError("--half-maps needs --snr: without noise they are the map")
    check_files(report, force, [model], _files(output, half_maps))
    result = _simulate(
        model, output, resolution, voxel, snr, seed, half_maps, threads or 0, force, keep
    )
    write_report(report, result, force)
    shape = " x ".join(str(n) for n in result["shape"])
    say(
        report,
        f"{output}: {shape} voxels of {result['voxel'][0]:g} Å at {resolution:g} Å; contour "
        f"level {result['threshold']:.4g}",
        output,
    )
    tell_notes(result["notes"])


def _simulate(
    model: str,
    output: str,
    resolution: float,
    voxel: float | None,
    snr: float | None,
    seed: int,
    half_maps: bool,
    threads: int,
    force: bool,
    keep: tuple[str, ...] = (),
) -> dict:
    """The map of a structure, and half maps, as files; and the account of them."""
    from ..io.maps import write_map
    from ..io.structures import read_structure
    from ..maps.simulate import simulate as simulated_map
    from .files.structures import structure_account

    paths = _files(output, half_maps)
    structure = read_structure(model, keep=keep)
    with bad_values("emgmm simulate"):
        made = simulated_map(
            structure, resolution, voxel=voxel, snr=snr, seed=seed, threads=threads
        )
    densities = [made.density, *(made.half_maps or ())]
    for path, density in zip(paths, densities, strict=False):
        write_map(path, density, force)
    return {
        "resolution": resolution,
        "shape": list(made.density.shape),
        "voxel": made.density.voxel.tolist(),
        "origin": made.density.origin.tolist(),
        "threshold": made.threshold,
        "noise": made.noise,
        "files": paths,
        "mass": structure.account.mass,
        **structure_account(structure),
    }


def _files(output: str, half_maps: bool) -> list[str]:
    """The maps that ``emgmm simulate`` writes.

    Raises
    ------
    InputError
        Half maps beside a stream, which has no name to take theirs from.
    """
    if not half_maps:
        return [output]
    from ..io.streams import is_stream

    if is_stream(output):
        raise InputError(output, "a stream", "the name of a file, for --half-maps", "-o")
    stem, suffix = _split_suffix(Path(output))
    return [output, *(str(stem.with_name(f"{stem.name}_half{i}{suffix}")) for i in (1, 2))]


def _split_suffix(path: Path) -> tuple[Path, str]:
    """``map.mrc.gz`` as ``map`` and ``.mrc.gz``."""
    suffix = "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix
    return path.with_name(path.name.removesuffix(suffix)), suffix
