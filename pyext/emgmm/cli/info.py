"""``emgmm info``: what is installed here."""

from __future__ import annotations

import click

from .options import (
    check_files,
    force_option,
    report_option,
    write_report,
)

ORDER = 120


@click.command()
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


def _told(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_told(v)}" for k, v in value.items())
    if value is None:
        return "not found"
    return str(value)
