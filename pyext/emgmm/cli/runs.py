"""The commands that make and judge models: ``run``, ``analyze``, ``report``."""

from __future__ import annotations

import math
from pathlib import Path

import click

from .options import (
    BAD_INPUT,
    Bar,
    Stopped,
    bad_values,
    check_files,
    force_option,
    report_option,
    say,
    tell_notes,
    threads_option,
    write_report,
)


@click.command()
@click.argument("settings", metavar="SYSTEM.toml")
@click.option("-o", "--output", required=True, metavar="OUT", help="Folder to write.")
@click.option("--engine", type=click.Choice(("auto", "imp", "native")), default="auto")
@click.option("--replicas", type=click.IntRange(min=1), help="In place of sampling.replicas.")
@click.option("--steps", type=click.IntRange(min=1), help="In place of sampling.steps.")
@click.option("--seed", type=click.IntRange(min=0), help="In place of sampling.seed.")
@threads_option
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped or killed.")
@report_option
@force_option
def run(settings, output, engine, replicas, steps, seed, threads, resume, report, force) -> None:
    """Sample models of the complex that SYSTEM.toml describes."""
    check_files(report, force, [settings])
    from ..runs.run import OtherProcessFailed
    from ..runs.run import run as sample

    def show(progress) -> None:
        note = f"{progress.frames} frames"
        if math.isfinite(progress.best_score):
            note += f", best {progress.best_score:.1f} kT"
        if math.isfinite(progress.acceptance):
            note += f", {progress.acceptance:.0%} accepted"
        bar.stage("sampling")
        bar.advance(progress.done, progress.total, note)

    def show_search(progress) -> None:
        bar.stage(f"search {progress.search} of at most {progress.searches}: {progress.stage}")
        note = "" if progress.best is None else f"best {progress.best:.1f} kT"
        bar.advance(progress.share, 1, note)

    try:
        with Bar("reading") as bar:
            result = sample(
                settings,
                output,
                engine=engine,
                replicas=replicas,
                steps=steps,
                seed=seed,
                threads=threads,
                resume=resume,
                force=force,
                written=[report],
                stage=bar.stage,
                progress=show,
                searching=show_search,
            )
    except OtherProcessFailed:
        raise SystemExit(BAD_INPUT) from None
    except KeyboardInterrupt:
        raise Stopped(f"stopped; go on with: emgmm run {settings} -o {output} --resume") from None
    if not result:  # one of several processes, and not the one that writes
        return
    write_report(report, result, force)
    best = result["best_score"]
    say(
        report,
        f"{output}: {result['frames']} frames, "
        f"best score {'none' if best is None else f'{best:.2f} kT'}, "
        f"{result['steps_per_second']:.0f} steps/s, {result['seconds']:.1f} s "
        f"({result['engine']} engine)",
    )
    tell_notes(result["notes"])


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
    )
    loose = [s["name"] for s in first["subunit_precision"] if not s["held"]]
    if loose:
        text += f", which does not hold {', '.join(loose)}"
    if first.get("rmsd80") is not None:
        text += f", rmsd80 to the reference {first['rmsd80']:.1f} Å ({result['result']}"
        text += f"{_compared(result['compared'])})"
    say(report, text + f"; {result['convergence']['verdict']}")
    tell_notes(result["notes"])


def _compared(found: dict) -> str:
    """How much of the model the reference has."""
    there = sum(chain["residues"] > 0 for chain in found["chains"])
    return (
        f"; compared: {there} of {len(found['chains'])} subunits, "
        f"{found['residues']} of {found['of']} residues"
    )


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
