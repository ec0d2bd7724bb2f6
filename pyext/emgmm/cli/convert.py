"""``emgmm convert``: from one format of mixtures to another."""

from __future__ import annotations

import click

from .options import (
    check_files,
    force_option,
    report_option,
    say,
    tell_notes,
    write_report,
)

ORDER = 100


@click.command()
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
