"""The file a run goes on from: the state of the sampler, and how far each output was written."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ..errors import InputError

_MAGIC = b"emgmm checkpoint 1\n"


@dataclass(frozen=True)
class Checkpoint:
    """State of a run as `write_checkpoint` stores it.

    Attributes
    ----------
    state
        Bytes of the core's sampler.
    offsets
        Length in bytes of each output file at the moment of the checkpoint: what lies
        beyond is cut off on resuming, since the same frames are going to be made again.
    totals
        Sums over all sittings of the run (seconds, frames, best score).
    """

    state: bytes
    offsets: dict[str, int] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """The line before the state."""

    offsets: dict[str, int]
    totals: dict[str, int | float]
    bytes: int
    crc32: int


def write_checkpoint(path: str | os.PathLike, checkpoint: Checkpoint) -> None:
    """Replace the file in one step: after a crash either the old or the new one is there, whole."""
    path = Path(path)
    header = {
        "offsets": checkpoint.offsets,
        "totals": checkpoint.totals,
        "bytes": len(checkpoint.state),
        "crc32": zlib.crc32(checkpoint.state),
    }
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        file.write(_MAGIC + json.dumps(header).encode() + b"\n" + checkpoint.state)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_checkpoint(path: str | os.PathLike) -> Checkpoint:
    """The stored state.

    Raises
    ------
    InputError
        No such file, or a file that is not a whole checkpoint.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(path, "no such file", "the checkpoint of a run") from None
    except OSError as error:
        raise InputError(path, error.strerror or str(error), "a readable checkpoint") from None
    if not content.startswith(_MAGIC):
        raise InputError(path, "another kind of file", "a checkpoint of this version")
    head, _, state = content[len(_MAGIC) :].partition(b"\n")
    try:
        # Not by msgspec, which does not know the infinite score of a run without a frame.
        header = msgspec.convert(json.loads(head), _Header)
    except (ValueError, RecursionError):
        header = None
    if (
        header is None
        or len(state) != header.bytes
        or zlib.crc32(state) != header.crc32
        or min(header.offsets.values(), default=0) < 0
    ):
        raise InputError(path, f"{len(content)} bytes that do not agree", "a whole checkpoint")
    return Checkpoint(state, header.offsets, header.totals)
