"""Files and streams: read plain or gzip by content, written whole or not at all; text."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import itertools
import json
import math
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError
from .streams import UnusableStream, is_piped, is_stream, opened_stream, read_stream
from .targets import target_file

_GZIP_MAGIC = b"\x1f\x8b"
_PART = ".part"  # what a draft's name ends in
_count = itertools.count()
# How files start that other packers wrote.
_OTHER_PACKERS = (
    (b"BZh", "a file packed by bzip2"),
    (b"\xfd7zXZ\x00", "a file packed by xz"),
    (b"\x28\xb5\x2f\xfd", "a file packed by zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"PK\x03\x04", "a zip archive or an Office document"),
)
# Byte order marks; that of UTF-32 starts as that of UTF-16 does, so it comes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@contextmanager
def opened(path: str | os.PathLike, expected: str) -> Iterator[BinaryIO]:
    """The file opened for reading bytes, decompressed if its content is gzip; ``-`` is standard
    input.

    Parameters
    ----------
    expected
        What the file should be, for the message: "an MRC map".

    Raises
    ------
    InputError
        The file is missing, is a folder, may not be read, is packed by another program than gzip,
        or its gzip stream is broken; the last also while the caller reads.
    """
    with _source(path, expected) as file:
        _refuse_other_packers(path, file, expected)
        packed = is_gzip(file)
        stream = gzip.GzipFile(fileobj=file, mode="rb") if packed else file
        try:
            yield stream
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            if not packed:
                raise
            found = f"a gzip stream that is broken or cut short ({error})"
            raise InputError(path, found, expected) from None


def _source(path: str | os.PathLike, expected: str) -> BinaryIO:
    try:
        held = _held.pop(os.fspath(path), None)
        if held is not None:
            return io.BytesIO(held)
        if not is_piped(path):
            return open(path, "rb")
        return io.BytesIO(read_stream(path))
    except FileNotFoundError:
        raise InputError(path, "no such file", expected) from None
    except IsADirectoryError:
        raise InputError(path, "a folder", expected) from None
    except UnusableStream as error:
        raise InputError(path, str(error), expected) from None
    except OSError as error:
        raise InputError(path, error.strerror or str(error), expected) from None
    except ValueError:  # a NUL in the name
        raise InputError(path, "a name that no file can have", expected) from None


_held: dict[str, bytes] = {}  # of streams that were looked at and are still to be read


def first_bytes(path: str | os.PathLike, expected: str, count: int = 512) -> bytes:
    """How a stream starts; `opened` has all of it afterwards."""
    with opened(path, expected) as file:
        content = file.read()
    _held[os.fspath(path)] = content
    return content[:count]


def stored_size(stream: BinaryIO) -> tuple[int, bool]:
    """Bytes of what `opened` gave as they are stored, and whether they are gzip."""
    packed = isinstance(stream, gzip.GzipFile)
    raw = stream.fileobj if packed else stream
    place = raw.tell()
    size = raw.seek(0, os.SEEK_END)
    raw.seek(place)
    return size, packed


def is_gzip(file: BinaryIO) -> bool:
    """Whether the open file starts as gzip does; it is left at its start."""
    magic = file.read(2)
    file.seek(0)
    return magic == _GZIP_MAGIC


def _refuse_other_packers(path: Path, file: BinaryIO, expected: str) -> None:
    start = file.read(8)
    file.seek(0)
    for magic, found in _OTHER_PACKERS:
        if start.startswith(magic):
            raise InputError(path, found, f"{expected}, plain or packed by gzip")


def read_text(path: str | os.PathLike, expected: str) -> str:
    """The whole file as text, decompressed if its content is gzip, with ``\\n`` between lines.

    Text is UTF-8, or whatever a byte order mark says (Excel and Notepad write them for UTF-8 and
    UTF-16). The marks themselves are dropped, also those in the middle that joined files leave.

    Raises
    ------
    InputError
        As `opened`; also for bytes that are not text of that encoding, and for NUL characters.
    """
    with opened(path, expected) as file:
        data = file.read()
    mark, encoding = _mark(data)
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        before = data[len(mark) :][: error.start].decode(encoding, errors="replace")
        found = f"a byte that is not text (0x{error.object[error.start]:02x})"
        raise InputError(path, found, f"{expected} in UTF-8", f"line {_lines(before)}") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    if "\0" in text:
        found = "a NUL character, which is no text"
        if data[1:2] == b"\0" or data[:1] == b"\0":
            found += " (UTF-16 without a byte order mark?)"
        where = f"line {_lines(text[: text.index(chr(0))])}"
        raise InputError(path, found, f"{expected} in UTF-8", where)
    return text


def without_mark(data: bytes) -> bytes:
    """The bytes of a text after its byte order mark, in UTF-8 where the mark says another encoding
    (PowerShell and Notepad write UTF-16)."""
    mark, encoding = _mark(data)
    if encoding == "utf-8":
        return data[len(mark) :]
    return data[len(mark) :].decode(encoding, "replace").encode()


def _mark(data: bytes) -> tuple[bytes, str]:
    """The byte order mark at the start, if any, and the encoding."""
    return next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", "utf-8"))


def _lines(before: str) -> int:
    """The line, from 1, that starts or goes on where ``before`` ends."""
    return before.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1


@contextmanager
def replacing(path: str | os.PathLike, force: bool = False) -> Iterator[Path]:
    """A temporary name to write to, which becomes ``path`` when the block ends without error.

    A failure or an interrupt leaves what stood at ``path`` as it was. A link stays, and the file
    that it leads to is replaced; mode and owner of a replaced file stay too. Standard output
    (``-``), pipes and character devices are written to. Where ``path`` ends in ``.gz``, what was
    written is compressed on the way (without a time stamp: the same content gives the same file).

    Raises
    ------
    InputError
        As `target_file` and `opened_stream`.
    """
    if is_stream(path):
        with tempfile.TemporaryDirectory(prefix="emgmm-") as folder, _named(path):
            draft = Path(folder) / "draft"
            yield draft
            with open(_finished(draft, path), "rb") as written, opened_stream(path) as stream:
                shutil.copyfileobj(written, stream)
        return
    draft = target_file(path, force).with_name(f".emgmm-{os.getpid()}-{next(_count)}{_PART}")
    try:
        with _named(path):
            yield draft
            finished = _finished(draft, path)
            target = target_file(path, force)  # once more: it may have come up in the meantime
            if target.exists():
                _take_over(target, finished)
            os.replace(finished, target)
    finally:
        draft.unlink(missing_ok=True)
        _packed_name(draft).unlink(missing_ok=True)


@contextmanager
def _named(path: str | os.PathLike) -> Iterator[None]:
    """Puts the name of the target into an error of writing, such as a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno is None or (error.filename and not str(error.filename).endswith(_PART)):
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _finished(draft: Path, path: str | os.PathLike) -> Path:
    """The draft, or its compressed copy where the name of the target asks for one."""
    if Path(path).suffix != ".gz":
        return draft
    with (
        open(draft, "rb") as plain,
        open(_packed_name(draft), "wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as out,
    ):
        shutil.copyfileobj(plain, out, 1 << 20)
    return _packed_name(draft)


def _packed_name(draft: Path) -> Path:
    return draft.with_name(draft.name + ".gz")


def _take_over(former: Path, new: Path) -> None:
    """Mode and, where the system lets us, owner of the file that is replaced."""
    found, own = former.stat(), new.stat()
    if (found.st_uid, found.st_gid) != (own.st_uid, own.st_gid):
        with contextlib.suppress(OSError):
            os.chown(new, found.st_uid, found.st_gid)
    shutil.copymode(former, new)


def write_json(path: str | os.PathLike, content: object, force: bool = False) -> None:
    """Writes JSON in UTF-8: numbers that are not finite are null, names of files printable."""
    text = json.dumps(_plain(content), indent=1, allow_nan=False, ensure_ascii=False)
    with replacing(path, force) as draft:
        draft.write_text(text + "\n", encoding="utf-8")


def _plain(value):
    """JSON's types for those of numpy and for paths."""
    if isinstance(value, dict):
        return {_text(str(k)): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str | os.PathLike):
        return _text(os.fspath(value))
    return value


def _text(value: str) -> str:
    """Without what UTF-8 cannot hold: bytes of a file's name that are not text, as ``\\xf6``."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def printable(name: str | os.PathLike) -> str:
    """A file's name on one line of text: bytes and characters that are no text as ``\\xf6``."""
    text = _text(os.fspath(name))
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
