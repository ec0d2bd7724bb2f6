"""Checks of an RMF3 file's schema: it has what it must, and asks nothing impossible of a reader."""

from __future__ import annotations

from functools import cache

from fastavro.schema import expand_schema

from .schema import frame_schema

_LEAST_BYTES = {
    "null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1,
}  # fmt: skip
_DEEPEST = 50  # types within types; RMF's own are 7 deep
_MOST_PARTS = 10_000  # of one record; RMF's own has some 100


class SchemaError(ValueError):
    """A schema that is not RMF's, or one that no reader can bear; the message says what it is."""


def check_schema(schema: dict) -> None:
    """Make sure that a file's records hold all that RMF's do, and nothing that cannot be read.

    Types that contain themselves or repeat what takes no byte would exhaust stack or memory on
    a few bytes; RMF has none of them.

    Raises
    ------
    SchemaError
    """
    name = schema.get("name") if isinstance(schema, dict) else schema
    if name != "Frame":
        raise SchemaError(f"an Avro container of {name!r}")
    sizes = _Sizes()
    try:
        sizes.of(schema)
        missing = _missing_field(_own_schema(), schema, sizes.named)
    except (KeyError, TypeError, AttributeError) as error:  # fastavro does not check all
        raise SchemaError(f"a broken schema ({error})") from None
    if missing:
        raise SchemaError(f"records without {missing}")


@cache
def _own_schema() -> dict:
    return expand_schema(frame_schema())


class _Sizes:
    """Least bytes and number of parts of each type, in one pass over the schema."""

    def __init__(self) -> None:
        self.named: dict[str, dict] = {}
        self._known: dict[str, tuple[int, int]] = {}
        self._depth = 0

    def of(self, kind) -> tuple[int, int]:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise SchemaError(f"a schema of more than {_DEEPEST} types within each other")
        size, parts = self._of(kind)
        self._depth -= 1
        if parts > _MOST_PARTS:
            raise SchemaError(f"a record of more than {_MOST_PARTS} parts")
        return size, parts

    def _of(self, kind) -> tuple[int, int]:
        if isinstance(kind, list):  # a union: the number of the branch, and the branch
            branches = [self.of(branch) for branch in kind]
            if not branches:
                raise SchemaError("a union of nothing")
            return 1, 1 + sum(parts for _, parts in branches)
        if isinstance(kind, str):
            if kind in _LEAST_BYTES:
                return _LEAST_BYTES[kind], 1
            if kind not in self._known:
                raise SchemaError(f"a type {kind!r} that contains itself")
            return self._known[kind]
        inner = kind["type"]
        if inner in ("record", "error"):
            self.named[kind["name"]] = kind
            fields = [self.of(field["type"]) for field in kind["fields"]]
            whole = sum(size for size, _ in fields), 1 + sum(parts for _, parts in fields)
        elif inner in ("array", "map"):
            # The key of a map takes a byte, so that its entries are never empty.
            size, parts = self.of(kind["items"] if inner == "array" else kind["values"])
            if size == 0 and inner == "array":
                raise SchemaError("a list of what takes no bytes")
            return 1, 1 + parts
        elif inner in ("enum", "fixed"):
            self.named[kind["name"]] = kind
            whole = (1, 1) if inner == "enum" else (max(0, kind["size"]), 1)
        else:
            return self.of(inner)
        self._known[kind["name"]] = whole
        return whole


def _missing_field(expected, found, named: dict[str, dict], at: str = "Frame") -> str | None:
    """The first field of our schema that the file's schema lacks (but for tables of values)."""
    if isinstance(found, str):
        found = named.get(found, found)
    if isinstance(found, dict) and isinstance(expected, str):
        found = found["type"]
    if isinstance(expected, list):  # a union
        if not isinstance(found, list) or len(found) != len(expected):
            return at
        pairs = [(e, f, at) for e, f in zip(expected, found, strict=True)]
    elif not isinstance(expected, dict):
        return None if expected == found else at
    elif not isinstance(found, dict) or found.get("type") != expected["type"]:
        return at
    elif expected["type"] == "array":
        pairs = [(expected["items"], found["items"], at)]
    elif expected["type"] == "enum":
        return None if set(found["symbols"]) <= set(expected["symbols"]) else at
    elif expected["type"] == "record":
        theirs = {f["name"]: f["type"] for f in found["fields"]}
        own = [f["name"] for f in expected["fields"]]
        if expected["name"] in ("Vector3", "Vector4") and list(theirs) != own:
            return f"{'/'.join(own)} in {at}"  # vectors are read by the order of their parts
        tables = at == "Frame.data"  # only those in use need be there
        pairs = [
            (f["type"], theirs.get(f["name"]), f"{at}.{f['name']}")
            for f in expected["fields"]
            if f["name"] in theirs or not tables
        ]
    else:
        pairs = []
    return next(filter(None, (_missing_field(e, f, named, where) for e, f, where in pairs)), None)
