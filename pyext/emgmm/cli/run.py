"""``emgmm run``: models of a complex."""

from __future__ import annotations

import math

import click

from .options import (
    BAD_INPUT,
    Bar,
    Stopped,
    check_files,
    force_option,
    report_option,
    say,
    tell_notes,
    tell_verdict,
    threads_option,
    with_cc,
    write_report,
)

ORDER = 50


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
        f"best score {'none' if best is None else f'{best:.2f} kT'}{with_cc(result['cc'])}, "
        f"{result['steps_per_second']:.0f} steps/s, {result['seconds']:.1f} s "
        f"({result['engine']} engine)",
    )
    tell_verdict(report, result["verdict"])
    tell_notes(result["notes"])
