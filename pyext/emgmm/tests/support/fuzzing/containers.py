"""Accidents inside files that check themselves: Avro containers and checkpoints.

Bytes changed at random seldom pass the outer marks of such a file; here the content is changed
and the marks are made anew.
"""

from __future__ import annotations

import io
import json
import pickle
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from random import Random

import fastavro

from .mutations import mutated

_CHECKPOINT = b"emgmm checkpoint 1\n"
_SYNC = bytes(range(16))
_VALUES = [
    0, 1, -1, 2, 3, 7, 1000, 2**31 - 1, -(2**31), 2**31, 2**62, -(2**63), 0.0, -1.0, 1e30, 1e-30,
    float("nan"), float("inf"), -float("inf"), "", "x", "\x00", "\u2028", "a" * 5000, None, True,
    [], {}, "physics/coordinates", "coordinates", "null", "string", "int", "bytes",
]  # fmt: skip


def mutated_checkpoint(data: bytes, others: list[bytes], random: Random) -> bytes:
    """Another state under a checksum that fits, or another header."""
    head, _, state = data[len(_CHECKPOINT) :].partition(b"\n")
    header = json.loads(head)
    if random.random() < 0.7:
        state = mutated(state, [state], random)
        header |= {"bytes": len(state), "crc32": zlib.crc32(state)}
    else:
        change_inside(header, random)
    return _CHECKPOINT + json.dumps(header).encode() + b"\n" + state


def mutated_container(data: bytes, others: list[bytes], random: Random) -> bytes:
    """An Avro container whose records, schema or blocks are changed, and still a container."""
    schema, records, parsed = decoded(data)
    what = random.random()
    if what < 0.6:
        for _ in range(random.choice((1, 1, 2, 5))):
            # What an earlier change broke cannot be changed further.
            with suppress(TypeError, KeyError, AttributeError):
                _change_record(records, random)
    blocks = []
    for record in records:
        with suppress(Exception):  # a value that no container can hold
            blocks.append([1, encoded(record, parsed)])
    codec = random.choice((b"null", b"null", b"deflate"))
    text = json.dumps(schema).encode()
    if what >= 0.6:
        if random.random() < 0.5 and blocks:
            block = random.choice(blocks)
            if random.random() < 0.5:
                block[0] = random.choice((0, 2, -1, 10**6, 2**31, 2**62, -(2**63)))
            else:
                block[1] = mutated(block[1], [block[1]], random)
        elif random.random() < 0.7:
            change_inside(schema, random, _schema_types(random))
            text = json.dumps(schema).encode()
        else:
            text = mutated(text, [text], random)
    return container(text, codec, blocks)


def decoded(data: bytes) -> tuple[dict, list[dict], dict]:
    """Schema and records of a container, and the schema as fastavro wants it; all new."""
    return pickle.loads(_content(data))


def encoded(record: dict, parsed: dict) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, parsed, record)
    return stream.getvalue()


def change_records(
    data: bytes, change: Callable[[list], None], schema: dict | None = None
) -> bytes:
    """The container with ``change`` made to its list of records; by another schema if given."""
    own, records, parsed = decoded(data)
    change(records)
    if schema is not None:
        own, parsed = schema, fastavro.parse_schema(schema)
    blocks = [[1, encoded(record, parsed)] for record in records]
    return container(json.dumps(own).encode(), b"null", blocks)


@cache
def _content(data: bytes) -> bytes:
    reader = fastavro.reader(io.BytesIO(data))
    schema = json.loads(reader.metadata["avro.schema"])
    records = [_with_branch(record) for record in reader]
    return pickle.dumps((schema, records, fastavro.parse_schema(reader.writer_schema)))


def container(schema: bytes, codec: bytes, blocks: list) -> bytes:
    parts = [b"Obj\x01", _long(2)]
    for key, value in ((b"avro.codec", codec), (b"avro.schema", schema)):
        parts += [_long(len(key)), key, _long(len(value)), value]
    parts += [_long(0), _SYNC]
    for count, content in blocks:
        if codec == b"deflate":
            packer = zlib.compressobj(wbits=-15)
            content = packer.compress(content) + packer.flush()
        parts += [_long(count), _long(len(content)), content, _SYNC]
    return b"".join(parts)


def _long(value: int) -> bytes:
    value = (value << 1) ^ (value >> 63)
    parts = bytearray()
    while value & ~0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _with_branch(record: dict) -> dict:
    name = "FileInfo" if "categories" in record["info"] else "FrameInfo"
    return record | {"info": (name, record["info"])}


def _change_record(records: list, random: Random) -> None:
    """A value, a node, a key or a whole record changed."""
    kind = random.randrange(5)
    at = random.randrange(len(records))
    record = records[at]
    if kind == 0:
        records.insert(random.randrange(len(records) + 1), record)
    elif kind == 1 and len(records) > 1:
        del records[at]
    elif kind == 2 and record["nodes"]:
        node = random.choice(record["nodes"])
        ids = [n["id"] for n in record["nodes"]]
        node["parents"] = random.choices(ids, k=random.choice((0, 1, 2, 3)))
    elif kind == 3 and record["nodes"]:  # each node the parent of the next, or of every other
        for before, node in zip(record["nodes"], record["nodes"][1:], strict=False):
            node["parents"] = [before["id"]] * random.choice((1, 1, 2))
    else:
        change_inside(record, random)


def change_inside(tree, random: Random, values=None) -> None:
    """Change one place of nested dicts and lists."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = random.choice(keys)
        child = tree[key]
        if isinstance(child, tuple):  # a branch of a union, with its name
            child = child[1]
        if isinstance(child, dict | list) and child and random.random() < 0.9:
            tree = child
            continue
        kind = random.randrange(5)
        if kind == 0:
            del tree[key]
        elif kind == 1 and isinstance(tree, list):
            tree.append(child)
        elif kind == 2:
            tree[key] = tree[random.choice(keys)]
        else:
            tree[key] = random.choice(values or _VALUES)
        return


def _schema_types(random: Random) -> list:
    zero = {"type": "fixed", "name": f"Z{random.randrange(9)}", "size": random.choice((0, 1 << 40))}
    return [
        "null", "int", "long", "string", "bytes", "Frame", "Node", "Label", "Vector3", "Missing",
        {"type": "array", "items": "null"}, {"type": "array", "items": "Frame"},
        {"type": "array", "items": zero}, zero, ["null", "Frame"],
        {"type": "map", "values": "null"},
        {"type": "record", "name": "Empty", "fields": []}, [], {}, 3, None, "avro.schema",
    ]  # fmt: skip
