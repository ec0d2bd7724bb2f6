"""``emgmm report``: a run as one page."""

from __future__ import annotations

from pathlib import Path

import click

from .options import (
    Bar,
    check_files,
    force_option,
    report_option,
    say,
    tell_notes,
    write_report,
)

ORDER = 70


@click.command("report")
@click.argument("folder", metavar="OUT")
@report_option
@force_option
def report(folder, report, force) -> None:
    """One HTML page that shows the run in OUT and its analysis."""
    from ..runs.folder import own_files
    from ..runs.inputs import changed_inputs, input_notes

    check_files(report, force, own_files(Path(folder)))
    from ..report import write_report as write_html

    with Bar(f"drawing {folder}"):
        path = write_html(folder, force=force)
    notes = input_notes(path.parent)
    changed = changed_inputs(path.parent)
    write_report(report, {"path": str(path), "changed_inputs": changed, "notes": notes}, force)
    say(report, str(path))
    tell_notes(notes)
