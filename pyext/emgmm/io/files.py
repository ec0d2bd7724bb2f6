"""Opening files: plain or gzip by content, written whole or not at all."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError

_GZIP_MAGIC = b"\x1f\x8b"


@contextmanager
def opened(path: str | os.PathLike, expected: str) -> Iterator[BinaryIO]:
    """The file opened for reading bytes, decompressed if its content is gzip.

    Parameters
    ----------
    expected
        What the file should be, for the message: "an MRC map".

    Raises
    ------
    InputError
        The file is missing, is a folder, may not be read, or its gzip stream is broken; the last
        also while the caller reads.
    """
    path = Path(path)
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        raise InputError(path, "no such file", expected) from None
    except IsADirectoryError:
        raise InputError(path, "a folder", expected) from None
    except OSError as error:
        raise InputError(path, error.strerror or str(error), expected) from None
    except ValueError:  # a NUL in the name
        raise InputError(path, "a name that no file can have", expected) from None
    with file:
        packed = is_gzip(file)
        stream = gzip.GzipFile(fileobj=file, mode="rb") if packed else file
        try:
            yield stream
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            if not packed:
                raise
            found = f"a gzip stream that is broken or cut short ({error})"
            raise InputError(path, found, expected) from None


def is_gzip(file: BinaryIO) -> bool:
    """Whether the open file starts as gzip does; it is left at its start."""
    magic = file.read(2)
    file.seek(0)
    return magic == _GZIP_MAGIC


def read_text(path: str | os.PathLike, expected: str) -> str:
    """The whole file as text, decompressed if its content is gzip.

    Raises
    ------
    InputError
        As `opened`; also for bytes that are not UTF-8 text.
    """
    with opened(path, expected) as file:
        data = file.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"a byte that is not text (0x{data[error.start]:02x})"
        raise InputError(path, found, expected, f"line {line}") from None


@contextmanager
def replacing(path: str | os.PathLike, force: bool = False) -> Iterator[Path]:
    """A temporary name to write to, which becomes ``path`` when the block ends without error.

    A failure or an interrupt leaves what stood at ``path`` as it was. Where ``path`` ends in
    ``.gz``, what was written is compressed on the way (without a time stamp: the same content
    gives the same file).

    Raises
    ------
    InputError
        ``path`` exists and ``force`` is false, or its folder is missing.
    """
    path = Path(path)
    refuse_existing(path, force)
    if not path.parent.is_dir():
        raise InputError(path, f"no folder {path.parent}", "a path in an existing folder")
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    packed = draft.with_name(draft.name + ".gz")
    try:
        yield draft
        if path.suffix == ".gz":
            with (
                open(draft, "rb") as plain,
                open(packed, "wb") as raw,
                gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as out,
            ):
                while block := plain.read(1 << 20):
                    out.write(block)
            os.replace(packed, path)
        else:
            os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
        packed.unlink(missing_ok=True)


def refuse_existing(path: str | os.PathLike, force: bool) -> None:
    """Raise `InputError` where ``path`` exists, unless ``force``."""
    path = Path(path)
    if path.is_dir():
        raise InputError(path, "a folder", "a file to write")
    if path.exists() and not force:
        raise InputError(path, "a file that exists", "a new name, or --force to overwrite it")
