"""Options, reports, notes and progress that commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import click

from ..errors import InputError, readable

FAILED, BAD_INPUT = 1, 2


class Stopped(Exception):
    """Ctrl-C, with what the user can do next."""


def report_option(command: Callable) -> Callable:
    """Adds ``--report``."""
    return click.option(
        "--report",
        metavar="FILE.json",
        help="Write the numbers as JSON; - for standard output.",
    )(command)


def force_option(command: Callable) -> Callable:
    """Adds ``--force``."""
    return click.option("--force", is_flag=True, help="Overwrite what is there.")(command)


def keep_option(command: Callable) -> Callable:
    """Adds ``--keep``."""
    return click.option(
        "--keep",
        type=click.Choice(("waters", "ions", "lipids")),
        multiple=True,
        help="Of a structure: also what is left out as a simulated box; may be repeated.",
    )(command)


def threads_option(command: Callable) -> Callable:
    """Adds ``--threads``."""
    return click.option(
        "--threads",
        type=click.IntRange(min=0),
        default=None,
        help="Threads, 0 for all cores (default). Results do not depend on it.",
    )(command)


def check_files(
    report: str | None,
    force: bool,
    inputs: Iterable[str | None] = (),
    outputs: Iterable[str | None] = (),
) -> None:
    """Refuses, before any work, outputs that cannot be written or that are inputs.

    Parameters
    ----------
    report
        What ``--report`` says; an output too.
    inputs, outputs
        Files of the command; None for one that is not asked for.

    Raises
    ------
    InputError
        A file exists and ``force`` is false, its folder is missing, or two names are of one file.
    """
    if report is None and not any(outputs):
        return
    from ..io.targets import refuse_clashes, refuse_existing

    written = [path for path in (*outputs, report) if path is not None]
    # A structure may be named without its ending .gz.
    refuse_clashes([p for name in inputs if name for p in (name, f"{name}.gz")], written)
    for path in written:
        refuse_existing(path, force)


def write_report(path: str | None, content: dict, force: bool = False) -> None:
    """Writes ``content`` as JSON where ``--report`` says; numbers that are not finite are null."""
    if path is None:
        return
    from ..io.files import write_json

    write_json(path, content, force)


def say(report: str | None, text: str, output: str | None = None) -> None:
    """A line for people: on standard output, unless the report or the output goes there."""
    from ..io.streams import is_standard_output

    click.echo(text, err=is_standard_output(report) or is_standard_output(output))


def tell_verdict(report: str | None, verdict: dict | None) -> None:
    """The answer of a run and its reasons, a line each."""
    if verdict is None:
        return
    colors = {"found": "green", "several answers": "yellow"}
    answer = click.style(verdict["answer"], fg=colors.get(verdict["answer"], "red"), bold=True)
    say(report, "\n".join([f"verdict: {answer}", *(f"  - {r}" for r in verdict["reasons"])]))


def with_cc(cc: float | None) -> str:
    """For a line of a summary; nothing without a map."""
    return "" if cc is None else f", CC {cc:.3f} with the map"


def tell_notes(notes: Iterable[str]) -> None:
    """Says what was left out or guessed: a line each on standard error, in a pipe too."""
    for note in dict.fromkeys(notes):
        click.echo(f"emgmm: note: {readable(' '.join(note.split()), 600)}", err=True)


@contextmanager
def bad_values(name: str, notes: Iterable[str] = ()) -> Iterator[None]:
    """Turns a library's refusal of a value that the user gave into bad input.

    Parameters
    ----------
    name
        The file or option that the values come from.
    notes
        What is odd about the values, and may be why.
    """
    try:
        yield
    except InputError:
        raise
    except ValueError as error:
        found = "; ".join([str(error), *notes])
        raise InputError(name, found, "values that make sense together") from error


class Bar:
    """Progress on a terminal; silent in a pipe."""

    def __init__(self, description: str) -> None:
        self._description = description
        self._bar = None

    def __enter__(self) -> Bar:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                Progress,
                SpinnerColumn,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(self._description, total=None, note="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def stage(self, text: str) -> None:
        """Says what is being done now."""
        if self._bar is not None:
            self._bar.update(self._task, description=text)

    def advance(self, done: float, total: float | None, note: str = "") -> None:
        """Says how far it is; a total of None tells nothing new about the end."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, note=note)
