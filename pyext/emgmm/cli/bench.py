"""``emgmm bench``: how fast this machine samples."""

from __future__ import annotations

import click

from .options import (
    check_files,
    force_option,
    report_option,
    say,
    threads_option,
    write_report,
)

ORDER = 110


@click.command()
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
