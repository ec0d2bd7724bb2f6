"""One HTML page that shows a run and lets the reader judge it; it needs no network."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InputError
from ..io.files import replacing
from ..io.targets import refuse_existing

__all__ = ["write_page"]


def write_page(folder: str | os.PathLike, force: bool = False) -> Path:
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
    """
    folder = Path(folder)
    if not (folder / "system.toml").is_file():
        found = "no system.toml" if folder.is_dir() else "no such folder"
        raise InputError(folder, found, "the output folder of emgmm run")
    path = folder / "report.html"
    refuse_existing(path, force)
    from .content import read_content
    from .page import render

    page = render(read_content(folder))
    with replacing(path, force) as draft:
        draft.write_text(page, encoding="utf-8")
    return path
