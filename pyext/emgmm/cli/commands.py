"""The command line: ``emgmm COMMAND``. What a command does stands in the library.

Libraries are imported inside the commands: ``emgmm --help`` need not wait for numpy.
"""

from __future__ import annotations

import click

from .. import __version__
from .options import (
    Bar,
    check_files,
    force_option,
    guarded,
    keep_option,
    report_option,
    say,
    tell_notes,
    threads_option,
    write_report,
)
from .runs import analyze, report, run

_NOISE_MODELS = ("lognormal", "lognormal_local", "gaussian", "gaussian_local", "outliers")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="emgmm %(version)s")
def commands() -> None:
    """Models of complexes from cryo-EM density, by Gaussian mixtures and Bayes.

    A map becomes a Gaussian mixture (fit), subunits are sampled in it (run), and the models are
    judged (analyze, report).
    """


@commands.command()
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
    from .structures import simulate_command, simulated_files

    check_files(report, force, [model], simulated_files(output, half_maps))

    result = simulate_command(
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


@commands.command()
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
    from .structures import is_structure, structure_command

    if is_structure(map_path):
        _refuse(map_path, "a map", target_cc=target_cc, **options)
        result = structure_command(
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
    from .maps import FitRequest, fit_command

    request = FitRequest(
        map_path, output, components, target_cc, threads=threads or 0, force=force, **options
    )
    with Bar(f"fitting {map_path}") as bar:
        result = fit_command(request, bar)
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


@commands.command()
@click.argument("gmm")
@click.argument("model")
@click.option(
    "--noise-model", type=click.Choice(_NOISE_MODELS), default="lognormal", show_default=True
)
@click.option("--sigma-min", type=float, default=0.1, show_default=True, help="Log ratio units.")
@click.option("--errors", metavar="FILE.csv", help="Of fit --errors; adds to --sigma-min.")
@click.option(
    "--background",
    type=float,
    default=0.0,
    show_default=True,
    help="Share of each component that no model need explain; lognormal models, fixed scale.",
)
@click.option("--scale", type=click.Choice(("fixed", "profiled")), default="fixed")
@click.option("--dalton-per-component", type=float, default=1090.0, show_default=True)
@keep_option
@threads_option
@report_option
@force_option
def score(
    gmm,
    model,
    noise_model,
    sigma_min,
    errors,
    background,
    scale,
    dalton_per_component,
    keep,
    threads,
    report,
    force,
) -> None:
    """One MODEL (a structure, or a mixture) against the data mixture GMM.

    The report has log ratio and sigma of each component: sigma in log ratio units for the lognormal
    models, in Da²/Å³ for the others.
    """
    check_files(report, force, (gmm, model, errors))
    from .structures import score_command

    result = score_command(
        gmm,
        model,
        noise_model,
        sigma_min,
        scale,
        dalton_per_component,
        threads or 0,
        errors,
        background,
        keep,
    )
    write_report(report, result, force)
    say(
        report,
        f"{model}: score {result['score']:.3f} kT ({noise_model}), CC {result['cc']:.4f}, "
        f"sigma {result['sigma']:.3f}, {len(result['components'])} data components",
    )
    tell_notes(result["notes"])


@commands.command()
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@click.option("--format", type=click.Choice(("imp", "gmconvert", "plumed", "map")))
@click.option("--like", metavar="MAP", help="Grid of the map to write.")
@click.option("--voxel", type=float, help="Å, of the map to write.")
@report_option
@force_option
def convert(source, target, format, like, voxel, report, force) -> None:
    """Between the formats of mixtures, and from a mixture to a map."""
    check_files(report, force, (source, like), [target])
    from ..maps import convert as library

    result = library.convert(source, target, format, like, voxel, force)
    write_report(report, result, force)
    say(report, f"{target}: {result['components']} Gaussians, {result['format']}", target)
    tell_notes(result.get("notes", ()))


@commands.command()
@threads_option
@click.option("--seconds", type=float, default=3.0, show_default=True, help="Time to measure.")
@report_option
@force_option
def bench(threads, seconds, report, force) -> None:
    """Rate of this machine: 6 rigid bodies of 40 Gaussians in a map of 262, one body a move."""
    check_files(report, force)
    from ..sampling.benchmark import benchmark

    result = benchmark(threads or 0, seconds=seconds)._asdict()
    write_report(report, result, force)
    say(
        report,
        f"{result['moves_per_second']:.0f} moves/s, {result['pairs_per_second']:.3g} pairs/s "
        f"({result['threads']} threads, {result['instruction_set']})",
    )


@commands.command()
@report_option
@force_option
def info(report, force) -> None:
    """Versions, instruction set, threads, and what was found of IMP and MPI."""
    check_files(report, force)
    from ..environment import installation as look
    from ..io.streams import is_standard_output

    result = look()
    write_report(report, result, force)
    if not is_standard_output(report):
        for key, value in result.items():
            if (key, value) != ("imp_problem", None):
                click.echo(f"{key:16} {_told(value)}")


for _command in (run, analyze, report):
    commands.add_command(_command)


def _told(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_told(v)}" for k, v in value.items())
    if value is None:
        return "not found"
    return str(value)


main = guarded(commands)
