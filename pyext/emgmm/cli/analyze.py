"""``emgmm analyze``: clusters, precision and accuracy of a run."""

from __future__ import annotations

from pathlib import Path

import click

from .options import (
    Bar,
    bad_values,
    check_files,
    force_option,
    report_option,
    say,
    tell_notes,
    tell_verdict,
    with_cc,
    write_report,
)

ORDER = 60


@click.command()
@click.argument("folder", metavar="OUT")
@click.option("--reference", metavar="MODEL", help="Structure to measure accuracy against.")
@report_option
@force_option
def analyze(folder, reference, report, force) -> None:
    """Clusters, precision, convergence and, against a reference, accuracy of the run in OUT."""
    from ..runs.folder import own_files

    check_files(report, force, [reference, *own_files(Path(folder))])
    from ..analysis import analyze as judge

    with Bar(f"analysing {folder}"), bad_values(folder):
        result = judge(folder, reference, force=force).report()
    write_report(report, result, force)
    first, count = result["clusters"][0], len(result["clusters"])
    text = (
        f"{folder}: {count} cluster{'s' if count > 1 else ''}, the first with "
        f"{first['population']:.0%} of the models, precision {first['precision']:.1f} Å"
        f"{with_cc(first['cc'])}"
    )
    if first.get("rmsd80") is not None:
        text += f", rmsd80 to the reference {first['rmsd80']:.1f} Å ({result['result']}"
        text += f"{_compared(result['compared'])})"
    say(report, text)
    tell_verdict(report, result["verdict"])
    tell_notes(result["notes"])


def _compared(found: dict) -> str:
    """How much of the model the reference has."""
    there = sum(chain["residues"] > 0 for chain in found["chains"])
    return (
        f"; compared: {there} of {len(found['chains'])} subunits, "
        f"{found['residues']} of {found['of']} residues"
    )
