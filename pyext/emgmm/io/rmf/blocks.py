"""The blocks of an Avro object container, found without decoding what they hold."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import fastavro

from ...errors import InputError
from ..files import opened
from .layout import SchemaError, check_schema

_EXPECTED = "an RMF3 file"
_SYNC = 16  # bytes
_FRAME_INFO = b"\0"  # how a record of a frame starts: the number of its branch of the union info
_LONGEST_HEADER = 1 << 20  # bytes; that of a real file has some 5,000
_SHORTEST_RECORD = 14  # bytes: all its lists empty, all its names too
_DEFLATE_MAX_RATIO = 1100  # deflate packs no tighter than 1032:1


class Blocks:
    """Places of the blocks of an RMF3 file.

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
        self._frames: list[bool] = []
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
        # From memory: a length in a broken header can promise petabytes.
        header = BytesIO(file.read(_LONGEST_HEADER))
        try:
            reader = fastavro.reader(header)
            schema = fastavro.parse_schema(reader.writer_schema)
        except Exception as error:  # fastavro raises what its decoder happens to meet
            raise InputError(self.path, f"a broken header ({error})", _EXPECTED) from None
        if reader.codec not in ("null", "deflate"):
            raise InputError(self.path, f"codec {reader.codec!r}", "null or deflate")
        try:
            check_schema(schema)
        except SchemaError as error:
            raise InputError(self.path, str(error), f"{_EXPECTED} (records Frame)") from None
        self._deflated = reader.codec == "deflate"
        self._schema = schema
        self._start = header.tell()
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
        branch = file.read(1)
        file.seek(start + length)
        if file.read(_SYNC) != self._sync:
            raise InputError(self.path, "a broken block", _EXPECTED, f"byte {start}")
        most = length * (_DEFLATE_MAX_RATIO if self._deflated else 1) // _SHORTEST_RECORD
        if count > most:
            found = f"a block of {count} records in {length} bytes"
            raise InputError(self.path, found, _EXPECTED, f"byte {start}")
        self.counts.append(count)
        self.ends.append(end)
        self._spans.append((start, length))
        self._frames.append(count == 1 and not self._deflated and branch == _FRAME_INFO)
        return True

    def is_frame(self, block: int) -> bool:
        """Whether the block is known, without decoding it, to hold one record, that of a frame."""
        return self._frames[block]

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
                    if stream.read(1):
                        raise ValueError("more bytes than records")
                except Exception as error:  # as above
                    found = f"a broken record ({error})"
                    raise InputError(self.path, found, _EXPECTED, f"byte {start}") from None


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
