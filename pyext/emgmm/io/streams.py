"""Pipes, devices and the standard streams: what can be read or written once, and not replaced."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from typing import BinaryIO

from ..errors import InputError

STANDARD = "-"  # standard input where a file is read, standard output where one is written
_STANDARD_OUTPUT = (STANDARD, "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
_DESCRIPTORS = ("/dev/fd/", "/dev/stderr", "/proc/self/fd/")
_PATIENCE = 5.0  # s that a pipe may stay without another end

Name = str | os.PathLike


class UnusableStream(Exception):
    """A stream that gives nothing to read, and why."""


def is_standard_output(path: Name | None) -> bool:
    """Whether what is written there comes out of the program's standard output."""
    return path is not None and os.fspath(path) in _STANDARD_OUTPUT


def is_stream(path: Name) -> bool:
    """Whether writing there replaces nothing: standard output, an open descriptor, a pipe or a
    character device such as ``/dev/null``."""
    if is_standard_output(path) or os.fspath(path).startswith(_DESCRIPTORS):
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def opened_stream(path: Name) -> BinaryIO:
    """A stream (`is_stream`) to write to, which the caller closes.

    Raises
    ------
    InputError
        Standard output is closed, or nobody reads from the pipe.
    """
    if is_standard_output(path):
        if sys.stdout is None:
            raise InputError(path, "standard output that is closed", "a file")
        sys.stdout.flush()
        return os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    patience = time.monotonic() + _PATIENCE
    while True:
        try:
            # Opened for waiting, a pipe without a reader would hold the program for ever.
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            break
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > patience:
                raise InputError(path, "a pipe that nobody reads", "a reader, or a file") from None
        time.sleep(0.05)
    os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "wb")


def is_piped(path: Name) -> bool:
    """Whether there is no file to read but standard input, a pipe or a device.

    Raises
    ------
    OSError
        Nothing is there.
    """
    return os.fspath(path) == STANDARD or not (
        stat.S_ISREG(mode := os.stat(path).st_mode) or stat.S_ISDIR(mode)
    )


def read_stream(path: Name) -> bytes:
    """All that a pipe or a terminal gives.

    Raises
    ------
    UnusableStream
        It is closed, nobody writes to it, or it is a device, which may have no end.
    """
    if os.fspath(path) != STANDARD:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    elif sys.stdin is None:
        raise UnusableStream("standard input that is closed")
    else:
        descriptor = os.dup(sys.stdin.fileno())
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor).st_mode
        if stat.S_ISBLK(found) or (stat.S_ISCHR(found) and not file.isatty()):
            raise UnusableStream("a device")
        start = b"" if os.fspath(path) == STANDARD else _first_of(descriptor)
        os.set_blocking(descriptor, True)
        return start + file.read()


def _first_of(descriptor: int) -> bytes:
    """Reads the first bytes that are there; none where a writer has yet to write.

    Opened for waiting, a named pipe without a writer would hold the program for ever.
    """
    patience = time.monotonic() + _PATIENCE
    while time.monotonic() < patience:
        try:
            if start := os.read(descriptor, 1 << 16):
                return start
        except BlockingIOError:
            return b""
        time.sleep(0.05)
    raise UnusableStream("a pipe that nobody writes to")
