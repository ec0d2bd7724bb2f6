"""``emgmm fit``: a map, or a structure, as a Gaussian mixture."""

from __future__ import annotations

import click

from .options import (
    Bar,
    check_files,
    force_option,
    keep_option,
    report_option,
    say,
    tell_notes,
    threads_option,
    write_report,
)

ORDER = 20


@click.command()
@click.argument("map_path", metavar="MAP")
@click.option("-o", "--output", required=True, metavar="GMM.txt", help="Mixture to write.")
@click.option("--components", type=click.IntRange(min=1), help="Number of Gaussians.")
@click.option("--target-cc", type=float, help="The least number that reaches this correlation.")
@click.option("--threshold", type=float, help="Contour level; default: Otsu's, with a warning.")
@click.option("--resolution", type=float, help="Å; least width of a Gaussian, default number.")
@click.option("--half-maps", nargs=2, metavar="A B", help="For the noise, and for the number.")
@click.option("--errors", metavar="FILE.csv", help="Write the error of each component.")
@click.option("--raster", metavar="FILE.mrc", help="Write the mixture in the map's own frame.")
@click.option("--plot", metavar="FILE.png", help="Plot correlation against the number.")
@click.option("--levels", metavar="FOLDER", help="Write the mixture of each level there.")
@click.option(
    "--outside",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Share of the threshold that the mixture may have where the map is below it.",
)
@click.option(
    "--dust",
    type=click.FloatRange(0),
    metavar="VOLUME",
    default=0.0,
    help="Å³; islands of density smaller than this are left out.",
)
@click.option("--unit", type=click.Choice(("atom", "residue", "bead")), help="Of a structure.")
@click.option("--electrons", is_flag=True, help="Of a structure: weigh by scattering factors.")
@click.option("--b-factors", is_flag=True, help="Of a structure: spread atoms by B factors.")
@keep_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@threads_option
@report_option
@force_option
def fit(
    map_path,
    output,
    components,
    target_cc,
    unit,
    electrons,
    b_factors,
    keep,
    threads,
    report,
    force,
    **options,
) -> None:
    """Gaussian mixture of a density map, by divide and conquer.

    With neither --components nor --target-cc: as many as two half maps bear, or one for each
    cube of the resolution's side, at most 11 Å, in the volume above the threshold. Density that is
    not positive is left out.

    MAP may be a structure (PDB, mmCIF): one Gaussian for each atom, residue (default) or bead of
    ten residues, or --components fitted to them; --resolution blurs.
    """
    if components is not None and target_cc is not None:
        raise click.UsageError("give --components or --target-cc, not both")
    errors, raster, plot = (options[name] for name in ("errors", "raster", "plot"))
    inputs = (map_path, *(options["half_maps"] or ()))
    check_files(report, force, inputs, (output, errors, raster, plot))
    from .files.fit_structure import fit_structure
    from .files.structures import is_structure

    if is_structure(map_path):
        _refuse(map_path, "a map", target_cc=target_cc, **options)
        result = fit_structure(
            map_path,
            output,
            components,
            unit or "residue",
            electrons,
            b_factors,
            options["resolution"],
            options["seed"],
            threads or 0,
            force,
            keep,
        )
        write_report(report, result, force)
        say(
            report,
            f"{output}: {result['components']} Gaussians for {result['units']} units, "
            f"{result['mass']:.0f} Da, CC {result['cc']:.3f}",
            output,
        )
        tell_notes(result["notes"])
        return
    only = {"unit": unit, "electrons": electrons, "b_factors": b_factors, "keep": keep}
    _refuse(map_path, "a structure", **only)
    from .files.fit_map import FitRequest, fit_map

    request = FitRequest(
        map_path, output, components, target_cc, threads=threads or 0, force=force, **options
    )
    with Bar(f"fitting {map_path}") as bar:
        result = fit_map(request, bar)
    write_report(report, result, force)
    say(
        report,
        f"{output}: {result['components']} Gaussians, CC {result['cc']:.3f} over "
        f"{result['voxels']} voxels above {result['threshold']:.4g}, {result['seconds']:.1f} s",
        output,
    )
    tell_notes(result["notes"])


def _refuse(path: str, of: str, **options) -> None:
    """Options that were given and say nothing about such a file."""
    for name, value in options.items():
        common = name in ("resolution", "seed") or (name == "outside" and value == 0.5)
        if not common and value not in (None, False, ()):
            raise click.UsageError(f"--{name.replace('_', '-')} is for {of}, not for {path}")
