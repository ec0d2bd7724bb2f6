"""The blocks of an Avro object container, found without decoding what they hold."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import fastavro
from fastavro.schema import expand_schema

from ..errors import InputError
from .files import opened
from .rmf_schema import frame_schema

_EXPECTED = "an RMF3 file"
_SYNC = 16  # bytes


class Blocks:
    """Where the blocks of an RMF3 file are.

    A last block that is cut short is left out: a run may be writing it.

    Attributes
    ----------
    counts
        Records of each block.
    ends
        Byte after each block.

    Raises
    ------
    InputError
        No such file, no Avro container, another record than `Frame`, or a broken block.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.counts: list[int] = []
        self.ends: list[int] = []
        self._spans: list[tuple[int, int]] = []  # first byte and length of the content
        with opened(path, _EXPECTED) as file:
            self._read_header(file)
            size = file.seek(0, os.SEEK_END)
            file.seek(self._start)
            while self._add_block(file, size):
                pass
        if not self.counts:
            raise InputError(self.path, "a file without a record", _EXPECTED)

    def __len__(self) -> int:
        return len(self.counts)

    def _read_header(self, file: BinaryIO) -> None:
        magic = file.read(4)
        if magic[:3] != b"Obj":
            found = f"a file that starts with {magic!r}" if magic else "an empty file"
            raise InputError(self.path, found, f"{_EXPECTED} (an Avro container)")
        file.seek(0)
        try:
            reader = fastavro.reader(file)
        except Exception as error:  # fastavro raises what its decoder happens to meet
            raise InputError(self.path, f"a broken header ({error})", _EXPECTED) from None
        name = reader.writer_schema.get("name")
        if name != "Frame":
            raise InputError(self.path, f"an Avro container of {name!r}", f"{_EXPECTED} (Frame)")
        if reader.codec not in ("null", "deflate"):
            raise InputError(self.path, f"codec {reader.codec!r}", "null or deflate")
        missing = _missing_field(expand_schema(frame_schema()), expand_schema(reader.writer_schema))
        if missing:
            raise InputError(self.path, f"records without {missing}", _EXPECTED)
        self._deflated = reader.codec == "deflate"
        self._schema = fastavro.parse_schema(reader.writer_schema)
        self._start = file.tell()
        file.seek(self._start - _SYNC)
        self._sync = file.read(_SYNC)

    def _add_block(self, file: BinaryIO, size: int) -> bool:
        try:
            count, length = _long(file), _long(file)
        except EOFError:
            return False
        start = file.tell()
        if count < 0 or length < 0:
            raise InputError(self.path, "a broken block", _EXPECTED, f"byte {start}")
        end = start + length + _SYNC
        if end > size:
            return False
        file.seek(start + length)
        if file.read(_SYNC) != self._sync:
            raise InputError(self.path, "a broken block", _EXPECTED, f"byte {start}")
        self.counts.append(count)
        self.ends.append(end)
        self._spans.append((start, length))
        return True

    def records(self, *blocks: int) -> Iterator[dict]:
        """The records of these blocks, one after the other.

        Raises
        ------
        InputError
            A block cannot be decoded.
        """
        with opened(self.path, _EXPECTED) as file:
            for block in blocks:
                start, length = self._spans[block]
                file.seek(start)
                content = file.read(length)
                try:
                    plain = zlib.decompress(content, -15) if self._deflated else content
                    stream = BytesIO(plain)
                    for _ in range(self.counts[block]):
                        yield fastavro.schemaless_reader(stream, self._schema)
                except (EOFError, ValueError, IndexError, zlib.error, UnicodeDecodeError) as error:
                    found = f"a broken record ({error})"
                    raise InputError(self.path, found, _EXPECTED, f"byte {start}") from None


def _missing_field(expected, found, at: str = "Frame") -> str | None:
    """The first field of our schema that the file's schema lacks (but for tables of values)."""
    if isinstance(expected, list):  # a union
        if not isinstance(found, list) or len(found) < len(expected):
            return at
        pairs = [(e, f, at) for e, f in zip(expected, found, strict=False)]
    elif not isinstance(expected, dict):
        return None if expected == found else at
    elif not isinstance(found, dict) or found.get("type") != expected["type"]:
        return at
    elif expected["type"] == "array":
        pairs = [(expected["items"], found["items"], at)]
    elif expected["type"] == "record":
        theirs = {f["name"]: f["type"] for f in found["fields"]}
        tables = at == "Frame.data"  # only those in use need be there
        pairs = [
            (f["type"], theirs.get(f["name"]), f"{at}.{f['name']}")
            for f in expected["fields"]
            if f["name"] in theirs or not tables
        ]
    else:
        pairs = []
    return next(filter(None, (_missing_field(*pair) for pair in pairs)), None)


def _long(file: BinaryIO) -> int:
    """Avro's variable-length integer: seven bits a byte, low ones first, sign in the lowest."""
    value, shift = 0, 0
    while True:
        byte = file.read(1)
        if not byte or shift > 63:
            raise EOFError
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return (value >> 1) ^ -(value & 1)
        shift += 7
