"""Targets of results: a file or the file at the end of a link, and never an input."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from ..errors import InputError
from .streams import STANDARD, Name, is_standard_output, is_stream


def target_file(path: Name, force: bool) -> Path:
    """The file that a result replaces: ``path``, or what stands at the end of its link.

    Raises
    ------
    InputError
        It is a folder, a device or a socket, it exists and ``force`` is false, it is protected
        against writing, or its folder is missing.
    """
    try:
        target = Path(os.path.realpath(path, strict=False))
        found = os.stat(path).st_mode
    except FileNotFoundError:
        found = None
    except OSError as error:
        raise InputError(path, error.strerror or str(error), "a file to write") from None
    if found is not None:
        if stat.S_ISDIR(found):
            raise InputError(path, "a folder", "a file to write")
        if not stat.S_ISREG(found):
            kind = "a socket" if stat.S_ISSOCK(found) else "a device"
            raise InputError(path, kind, "a file to write, or a pipe")
        if not force:
            raise InputError(path, "a file that exists", "a new name, or --force to overwrite it")
        if not found & 0o222 or not os.access(target, os.W_OK):
            raise InputError(path, "a file that is protected against writing", "another name")
    if not target.parent.is_dir():
        raise InputError(path, f"no folder {target.parent}", "a path in an existing folder")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        found = f"a folder that is protected against writing ({target.parent})"
        raise InputError(path, found, "another folder")
    return target


def refuse_existing(path: Name, force: bool) -> None:
    """Raise `InputError` where nothing can be written to ``path``, or a file would be overwritten
    without ``force``."""
    if not is_stream(path):
        target_file(path, force)


def refuse_clashes(inputs: Iterable[Name | None], outputs: Iterable[Name | None]) -> None:
    """Refuses outputs that are inputs or each other, under whatever name or link.

    Raises
    ------
    InputError
        Naming the output and what it would overwrite.
    """
    sources: dict[object, Name] = {}
    for source in inputs:
        if source is None:
            continue
        if os.fspath(source) == STANDARD and _identity(source) in sources:
            raise InputError(STANDARD, "standard input twice", "one input from it")
        sources[_identity(source)] = source
    taken: dict[object, Name] = {}
    for output in outputs:
        if output is None:
            continue
        if is_standard_output(output):
            identity: object = STANDARD
        elif is_stream(output):
            continue
        else:
            identity = _identity(output)
        if identity in sources:
            found = f"the input {os.fspath(sources[identity])}"
            raise InputError(output, found, "a name of its own for the output")
        if identity in taken:
            raise InputError(output, "one name for two outputs", "a name for each")
        taken[identity] = output


def _identity(path: Name) -> object:
    """The same for all names of one file, whether it is there or not."""
    try:
        found = os.fstat(0) if os.fspath(path) == STANDARD else os.stat(path)
    except OSError:
        return os.path.realpath(path)
    return found.st_dev, found.st_ino
