"""One HTML page that shows a run and lets the reader judge it; it needs no network."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InputError
from ..io.files import replacing
from ..io.targets import refuse_existing
from ..runs.names import ANALYSIS, PAGE, SEARCH, SETTINGS, SUMMARY

__all__ = ["write_report"]


def write_report(folder: str | os.PathLike, force: bool = False) -> Path:
    """Writes ``report.html`` into the output folder of a run; what it lacks (``analysis.json``) is
    said on the page.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    InputError
        No output folder of a run, a broken file in it, or a page that is there without ``force``.

    Examples
    --------
    >>> import emgmm
    >>> emgmm.write_report("out", force=True).name
    'report.html'
    """
    folder = Path(folder)
    if not (folder / SETTINGS).is_file():
        found = f"no {SETTINGS}" if folder.is_dir() else "no such folder"
        raise InputError(folder, found, "the output folder of emgmm run")
    target = folder / PAGE
    refuse_existing(target, force)
    from .content import read_content
    from .page import render

    content = read_content(folder)
    try:
        page = render(content)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # What comes from our own JSON files is not checked key by key.
        found = f"other content than emgmm writes ({type(error).__name__}: {error})"
        path = f"{folder}: {ANALYSIS}, {SEARCH} or {SUMMARY}"
        raise InputError(path, found, "that of run and analyze") from error
    with replacing(target, force) as draft:
        draft.write_text(page, encoding="utf-8", errors="backslashreplace")  # names of folders
    return target
