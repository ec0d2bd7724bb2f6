"""The record `Frame` of RMF3 files: its Avro schema, and keys and their types.

RMF keeps a tree of nodes and a table: (node, key) -> value, once for all frames (static) and once
a frame. A file is a sequence of records. A record with `FileInfo` adds nodes, keys and static
values; a record with `FrameInfo` holds the values of one frame.
"""

from __future__ import annotations

import numpy as np

NODE_TYPES = {
    "root": 0,
    "representation": 1,
    "geometry": 2,
    "feature": 3,
    "alias": 4,
    "custom": 5,
    "bond": 6,
    "organizational": 7,
    "link": 8,
    "provenance": 9,
}
NODE_TYPE_NAMES = {number: name for name, number in NODE_TYPES.items()}
FRAME = 1  # type of a frame that is one of a sequence

# Kind of an alternative representation.
PARTICLE, GAUSSIAN_PARTICLE = 0, 1

# Types of values: symbol of the enum, field of the data record, Avro type of one value.
_INT, _FLOAT, _STRING = "int", "float", "string"
_VECTOR3 = {"type": "record", "name": "Vector3", "fields": [(c, "float") for c in "xyz"]}
_VECTOR4 = {"type": "record", "name": "Vector4", "fields": [(c, "float") for c in "wxyz"]}
# Field order of the data record; the two spellings of the fields that hold ids are RMF's.
_DATA = [
    ("Int", _INT, "key", "id"),
    ("Float", _FLOAT, "key", "id"),
    ("String", _STRING, "key", "id"),
    ("Vector3", _VECTOR3, "key", "id"),
    ("Vector4", _VECTOR4, "key", "id"),
    ("Ints", [_INT], "key", "key"),
    ("Floats", [_FLOAT], "id", "id"),
    ("Strings", [_STRING], "id", "id"),
    ("Vector3s", ["Vector3"], "key", "id"),
    ("Vector4s", ["Vector4"], "key", "id"),
]
SYMBOLS = (
    "INT FLOAT STRING INTS FLOATS STRINGS VECTOR3 VECTOR4 VECTOR3S".split()
)  # no key has type VECTOR4S
# symbol -> (field of the data record, name of the field with the key, ... with the node)
FIELDS = {name.upper(): (f"{name.lower()}_data", key, node) for name, _, key, node in _DATA}

# Keys by "category/name", as RMF's decorators and IMP name them.
KEY_TYPES = {
    "alternatives/types": "INTS",
    "alternatives/roots": "INTS",
    "physics/coordinates": "VECTOR3",
    "physics/radius": "FLOAT",
    "physics/mass": "FLOAT",
    "physics/variances": "VECTOR3",
    "physics/rotation": "VECTOR4",
    "physics/translation": "VECTOR3",
    "shape/rgb color": "VECTOR3",
    "sequence/residue index": "INT",
    "sequence/residue type": "STRING",
    "sequence/residue indexes": "INTS",
    "sequence/first residue index": "INT",
    "sequence/last residue index": "INT",
    "sequence/chain id": "STRING",
    "sequence/sequence": "STRING",
    "sequence/sequence offset": "INT",
    "sequence/uniprot accession": "STRING",
    "sequence/label asym id": "STRING",
    "sequence/chain type": "STRING",
    "sequence/copy index": "INT",
    "sequence/molecule": "INT",
    "sequence/state index": "INT",
    "sequence/explicit resolution": "FLOAT",
    "feature/score": "FLOAT",
    "feature/representation": "INTS",
    "provenance/structure filename": "STRING",
    "provenance/structure chain": "STRING",
    "provenance/structure residue offset": "INT",
    "provenance/software name": "STRING",
    "provenance/software version": "STRING",
    "provenance/software location": "STRING",
    "provenance/sampling method": "STRING",
    "provenance/sampling frames": "INT",
    "provenance/sampling iterations": "INT",
    "provenance/sampling replicas": "INT",
    "IMP/rigid body index": "INT",
}

# Those that are read; a file that gives one of them another type cannot be read.
READ_KEYS = {
    key: kind
    for key, kind in KEY_TYPES.items()
    if key.split("/")[0] in ("alternatives", "physics", "sequence")
}


def key_type(key: str, value: object = "") -> str:
    """Type of a key: of the table above, else what suits the value.

    Raises
    ------
    ValueError
        A key that is not ``category/name``.
    """
    if key in KEY_TYPES:
        return KEY_TYPES[key]
    if key.count("/") != 1 or key.startswith("/") or key.endswith("/"):
        raise ValueError(f"an RMF key is 'category/name', got {key!r}")
    if isinstance(value, int | np.integer):
        return "INT"
    if isinstance(value, float | np.floating):
        return "FLOAT"
    return "STRING"


def _record(name: str, fields: list) -> dict:
    described = [{"name": field, "type": kind} for field, kind in fields]
    return {"type": "record", "name": name, "fields": described}


def _array(items) -> dict:
    return {"type": "array", "items": items}


def _value_type(kind):
    if isinstance(kind, list):
        return _array(kind[0])
    if isinstance(kind, dict):
        return _record(kind["name"], kind["fields"])
    return kind


def _table(name: str, kind, key: str, node: str) -> tuple[str, dict]:
    value = _record(f"{name}Value", [(node, "int"), ("value", _value_type(kind))])
    return f"{name.lower()}_data", _array(
        _record(f"{name}NodeData", [(key, "int"), ("values", _array(value))])
    )


def frame_schema() -> dict:
    """The Avro schema of the record `Frame`, the one RMF 1.3 and later reads and writes."""
    ints = _array("int")
    label = _record("Label", [("id", "int"), ("name", "string")])
    frame_info = [("id", "int"), ("name", "string"), ("type", "int"), ("parents", ints)]
    file_info = [
        ("description", "string"),
        ("producer", "string"),
        ("categories", _array(label)),
        ("node_types", _array("Label")),
        ("frame_types", _array("Label")),
        ("node_sets", _array(_record("NodeSet", [("id", "int"), ("nodes", ints)]))),
    ]
    node = [("id", "int"), ("name", "string"), ("type", "int"), ("parents", ints)]
    types = {"type": "enum", "name": "Type", "symbols": SYMBOLS}
    key = [("id", "int"), ("name", "string"), ("category", "int"), ("type", types)]
    return _record(
        "Frame",
        [
            ("info", [_record("FrameInfo", frame_info), _record("FileInfo", file_info)]),
            ("nodes", _array(_record("Node", node))),
            ("keys", _array(_record("KeyInfo", key))),
            ("data", _record("TypeDatas", [_table(*entry) for entry in _DATA])),
        ],
    )


def empty_data() -> dict[str, list]:
    """The data of a record without any value."""
    return {f"{name.lower()}_data": [] for name, *_ in _DATA}


def packed(symbol: str, value: object) -> object:
    """A value as fastavro wants it."""
    if symbol == "VECTOR3":
        x, y, z = (float(c) for c in value)
        return {"x": x, "y": y, "z": z}
    if symbol == "VECTOR4":
        w, x, y, z = (float(c) for c in value)
        return {"w": w, "x": x, "y": y, "z": z}
    if symbol == "VECTOR3S":
        return [packed("VECTOR3", v) for v in value]
    if symbol == "INT":
        return int(value)
    if symbol == "FLOAT":
        return float(value)
    if symbol == "STRING":
        return str(value)
    single = {"INTS": int, "FLOATS": float, "STRINGS": str}[symbol]
    return [single(v) for v in value]


def unpacked(value: object) -> object:
    """A value as it comes from fastavro: vectors as tuples (a quaternion as w, x, y, z)."""
    if isinstance(value, dict):
        return tuple(value.values())
    if isinstance(value, list):
        return [unpacked(v) for v in value]
    return value
